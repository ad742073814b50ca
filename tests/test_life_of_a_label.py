"""A label is given, taken back, learnt, promoted, rolled back, erased, in any order; what must hold always holds.

`LIFE_EXAMPLES` and `LIFE_STEPS` of the environment are how many lives and how long they are.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path

import pytest
from homes import LENIENT, copy_home, make_home
from hypothesis import HealthCheck, Phase
from hypothesis import settings as life_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from postgresql import administer, named
from sqlalchemy import select

from helpdesk.decisions import CHOSEN, NO_QUESTION
from helpdesk.errors import ConflictError, HelpdeskError
from helpdesk.learning.night.plan import Plan
from helpdesk.learning.night.run import run_night
from helpdesk.matching.bundle import verify
from helpdesk.progress import Quiet
from helpdesk.records import labels, staff, undo, versions
from helpdesk.records.database import open_database
from helpdesk.records.erasure import MESSAGE, SENDER, ErasureScope, erase, pending
from helpdesk.records.roles import Role
from helpdesk.records.tables import AskedText, DecisionRow, Message, Table
from helpdesk.serving.chat_service import ChatService
from helpdesk.serving.live import LiveMatcher
from helpdesk.serving.promotion import put_in_service
from helpdesk.settings import Settings, load_settings
from helpdesk.text import normalise, text_key

pytestmark = pytest.mark.slow
EXAMPLES, STEPS = int(os.environ.get("LIFE_EXAMPLES", "2")), int(os.environ.get("LIFE_STEPS", "16"))
MARKERS = ("zyxalpha", "zyxbeta", "zyxgamma")
TEXTS = tuple(f"the {marker} thing of my neighbour hums" for marker in MARKERS)
SENDERS, SLUGS = ("eve", "bob"), ("vpn", "wifi", "printer")
MEANINGS = (*(("intent", slug) for slug in SLUGS), ("out_of_scope", None), ("not_a_question", None), ("skip", None))
MOST_SAID = 3  # of one text by one sender; more are no demand


@dataclass
class Said:
    """Messages of one text, by id, with their senders; its labels that count or did, the newest last."""

    senders: dict[int, str] = field(default_factory=dict)
    stack: list[tuple[int, int]] = field(default_factory=list)  # label and staff


class LifeOfALabel(RuleBasedStateMachine):
    """One home with the serving side of one process over it, and what should be in it."""

    def __init__(self, new_home: Callable[[], Settings]) -> None:
        super().__init__()
        self.settings = new_home()
        self.database = open_database(self.settings)
        self.live = LiveMatcher(self.database, self.settings)
        self.live.refresh()
        self.desk = ChatService(self.database, self.live, self.settings)
        self.said = {text: Said() for text in TEXTS}
        self.given: list[tuple[str, int, int]] = []  # every label: its text, its number, who gave it
        self.erased: set[str] = set()
        with self.database.write() as session:
            staff.add_staff(session, "bea", password="correct horse battery", role=Role.LABELLER)

    def teardown(self) -> None:
        self.database.close()

    @rule(text=st.sampled_from(TEXTS), sender=st.sampled_from(SENDERS))
    def say(self, text: str, sender: str) -> None:
        """Somebody asks."""
        senders = self.said[text].senders
        if Counter(senders.values())[sender] < MOST_SAID:
            senders[self.desk.reply(text, channel="rest", sender=sender).message_id] = sender
            self.erased.discard(text)

    @precondition(lambda self: any(said.senders for said in self.said.values()))
    @rule(data=st.data(), meaning=st.sampled_from(MEANINGS), who=st.sampled_from((1, 2)))
    def label(self, data: st.DataObject, meaning: tuple[str, str | None], who: int) -> None:
        """Somebody says what it meant; putting off what has an answer changes nothing."""
        text = data.draw(st.sampled_from([text for text in TEXTS if self.said[text].senders]))
        number, said = next(iter(self.said[text].senders)), self.said[text]
        given = {"kind": meaning[0], "intent": meaning[1], "staff_id": who, "holdout_share": 0.3}
        with self.database.write() as session:
            before = labels.counting_label(session, number)
            label = labels.label_message(session, number, **given)  # type: ignore[arg-type]
            idle = meaning[0] == "skip" and before is not None and before.kind != "skip"
            self.given.append((text, label.id, who))
            if not idle:
                said.stack.append((label.id, who))

    @precondition(lambda self: self.given)
    @rule(data=st.data())
    def take_back(self, data: st.DataObject) -> None:
        """A label that counts goes; one that does not is refused, or nothing changes."""
        text, number, who = data.draw(st.sampled_from(self.given))
        stack = self.said[text].stack
        counts = bool(stack) and stack[-1][0] == number
        try:
            with self.database.write() as session:
                undo.undo(session, number, staff_id=who)
        except undo.LabelledSinceError:
            assert not counts
        if counts:
            stack.pop()

    @rule()
    def retrain(self) -> None:
        """A night without fine-tuning; the gate may refuse what it built."""
        run_night(
            self.settings, self.database, plan=Plan(minutes=1, finetune=False, check_data=False), progress=Quiet()
        )

    @rule(data=st.data())
    def promote(self, data: st.DataObject) -> None:
        """Any version, by hand: it serves, or is refused because its bundle is gone."""
        with self.database.read() as session:
            known = {version.id: version.directory for version in versions.list_versions(session)}
        self._put_in_service(data.draw(st.sampled_from(sorted(known))), "promoted by hand")

    @rule()
    def roll_back(self) -> None:
        """What served before serves again, if anything did."""
        with self.database.read() as session:
            try:
                target = versions.rollback_target(session)
            except ConflictError:
                return
        self._put_in_service(target, versions.ROLLBACK)

    def _put_in_service(self, number: int, reason: str) -> None:
        with self.database.read() as session:
            bundle = self.settings.bundles / versions.find_version(session, number).directory
        there = bundle.is_dir()
        try:
            put_in_service(self.settings, self.database, number, reason=reason)
        except HelpdeskError:
            assert not there

    @precondition(lambda self: any(said.senders for said in self.said.values()))
    @rule(data=st.data(), all_of_sender=st.booleans())
    def erase(self, data: st.DataObject, all_of_sender: bool) -> None:
        """One message, or all of its sender."""
        number, who = data.draw(st.sampled_from([pair for said in self.said.values() for pair in said.senders.items()]))
        wanted = ErasureScope(SENDER, sender=who) if all_of_sender else ErasureScope(MESSAGE, number=number)
        with self.database.write() as session:
            erase(session, wanted, author="ann", home=self.settings.home)
        for text, said in self.said.items():
            left = {one: by for one, by in said.senders.items() if not (by == who if all_of_sender else one == number)}
            if said.senders and not left:
                self.given = [given for given in self.given if given[0] != text]
                said.stack.clear()
                self.erased.add(text)
            said.senders = left

    @invariant()
    def what_serves_is_the_newest_promotion(self) -> None:
        """And its bundle is intact."""
        self.live.refresh()
        with self.database.read() as session:
            current = versions.current(session)
            newest = versions.list_promotions(session)[0]
        assert current is not None
        assert (current.promotion_id, current.version_id) == (newest.id, newest.version_id)
        status = self.live.status()
        assert (status.version_id, status.problem) == (current.version_id, None)
        verify(self.settings.bundles / current.directory)

    @invariant()
    def the_labels_that_count_are_the_newest_not_taken_back(self) -> None:
        """One a text, as the history has it."""
        with self.database.read() as session:
            counting = {(label.normalised, label.id) for label in labels.active_labels(session)}
        assert counting == {(normalise(text), said.stack[-1][0]) for text, said in self.said.items() if said.stack}

    @invariant()
    def the_queue_is_a_recount(self) -> None:
        """Each text has its number of messages, its first and its newest, and what was decided last."""
        asks = (DecisionRow.kind.not_in(NO_QUESTION), DecisionRow.reason.not_in(CHOSEN))
        with self.database.read() as session:
            stored = {row.text_key: row for row in session.scalars(select(AskedText))}
            found = select(Message.text_key, DecisionRow).join(DecisionRow, DecisionRow.message_id == Message.id)
            rows = session.execute(found.where(*asks).order_by(Message.id)).tuples().all()
            counting = {label.text_key: label.kind for label in labels.active_labels(session)}
        for key in {key for key, _ in rows} | set(stored):
            asked, row = [decision for text, decision in rows if text == key], stored[key]
            assert (row.count, row.first_id, row.newest_id) == (len(asked), asked[0].message_id, asked[-1].message_id)
            assert (row.kind, row.reason, row.confidence) == (asked[-1].kind, asked[-1].reason, asked[-1].confidence)
            assert row.open == (counting.get(key) in (None, "skip") and row.answered_at is None)
            assert row.later == (counting.get(key) == "skip")

    @invariant()
    def what_is_erased_is_nowhere(self) -> None:
        """In no row at once; in no file when the last bundle that knew it is gone and freed pages are overwritten."""
        gone = [word for text, word in zip(TEXTS, MARKERS, strict=True) if text in self.erased]
        with self.database.read() as session:
            tables = Table.metadata.sorted_tables
            rows = str([tuple(row) for table in tables for row in session.execute(select(table))]) if gone else ""
            done = not pending(session)
        assert [word for word in gone if word in rows] == []
        if gone and done:
            keys = [text_key(normalise(text)) for text in self.erased]
            needles = [form for word in (*gone, *keys) for form in (word.encode(), word.encode("utf-32-le"))]
            files = {path: path.read_bytes() for path in self.settings.home.rglob("*") if path.is_file()}
            assert [path for path, data in files.items() if any(needle in data for needle in needles)] == []


@pytest.fixture(params=["sqlite", "postgresql"])
def new_home(
    request: pytest.FixtureRequest, tiny_home: Path, tiny_base: Path, tmp_path: Path
) -> Iterator[Callable[[], Settings]]:
    """Makes the settings of a fresh copy of a tiny home, over either database."""
    numbers, base = count(), str(tiny_base)
    if request.param == "sqlite":
        yield lambda: copy_home(tiny_home, tmp_path / str(next(numbers)), base_model=base)
        return
    server, first = request.getfixturevalue("postgresql_url"), tmp_path / "first"
    administer(server, "CREATE DATABASE life TEMPLATE template_helpdesk")
    make_home(load_settings(home=first, base_model=base, database_url=named(server, "life"), **LENIENT))
    made: list[str] = []

    def copy() -> Settings:
        name = f"life_{next(numbers)}"
        administer(server, f"CREATE DATABASE {name} TEMPLATE life STRATEGY FILE_COPY")
        made.append(name)
        return copy_home(first, tmp_path / name, base_model=base, database_url=named(server, name))

    yield copy
    for name in [*made, "life"]:
        administer(server, f"DROP DATABASE {name} WITH (FORCE)")


def test_a_label_lives_in_any_order(new_home: Callable[[], Settings]) -> None:
    """No step fails, and nothing that must hold is broken after one."""
    profile = life_settings(
        max_examples=EXAMPLES,
        stateful_step_count=STEPS,
        derandomize=True,
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(partial(LifeOfALabel, new_home), settings=profile)  # type: ignore[arg-type]  # any factory will do
