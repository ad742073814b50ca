"""A data set played as months of traffic, tiny: five intents, a few nights, a model of random weights."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from bank import rows
from curves import read_curve, recomputed
from homes import short_exams
from sqlalchemy import func, select

from helpdesk.errors import BadInputError
from helpdesk.records.clock import now, simulated_time
from helpdesk.records.database import Database, open_database
from helpdesk.records.tables import Intent, Label, Message, Staff, Version
from helpdesk.settings import Settings, load_settings
from helpdesk.simulation.arm import Kind
from helpdesk.simulation.options import Options
from helpdesk.simulation.run import ALWAYS_PROMOTE, OURS, play_alone, simulate
from helpdesk.simulation.script import TRIGGER, write_script
from helpdesk.text import OUT_OF_SCOPE, normalise, text_key

pytestmark = pytest.mark.slow

OPTIONS = Options(start_shots=3, nights=2, labels_per_night=6, messages_per_night=15, fast=True)


def settings_of(folder: Path, base: Path) -> Settings:
    """A place to simulate in, with the tiny model."""
    return load_settings(
        home=folder, base_model=str(base), max_wrong_rate=0.3, assurance=0.5, audit_per_night=2, train_threads=1
    )


def play(folder: Path, base: Path, options: Options = OPTIONS, *, oos: bool = False, **more: Any) -> dict[str, Any]:
    """One simulation without training on everything."""
    more = {"measure_full": False} | more
    return simulate(*rows(oos=oos), options, settings_of(folder, base), tell=lambda line: None, **more)


@pytest.fixture(scope="module")
def played(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    """One run with every baseline, and its folder."""
    folder = tmp_path_factory.mktemp("sim")
    with short_exams():
        return play(folder, tiny_base, baselines=True, full=0.9), folder


def database_of(folder: Path, arm: str = "helpdesk") -> Database:
    """The database of one arm."""
    return open_database(load_settings(home=folder / arm))


def test_the_result_says_what_was_promised(played: tuple[dict[str, Any], Path]) -> None:
    """The keys of the nights and of the sum."""
    result, _ = played

    assert {"start_accuracy", "end_accuracy", "full_data_accuracy", "significant_regressions", "gap_closed"} <= set(
        result
    )
    assert "labels_ratio_to_random" in result
    assert [row["night"] for row in result["nights"]] == [1, 2]
    for row in result["nights"]:
        assert {"accuracy", "coverage", "wrong_rate", "verdict", "reason", "labels"} <= set(row)
        assert row["wrong_share_test"] == row["wrong_rate"]
        assert row["wrong_share_day"] is None or 0 <= row["wrong_share_day"] <= 1
    given = [0, *(row["labels"] for row in result["nights"])]
    assert given[1] == 6
    assert all(0 <= after - before <= 6 for before, after in pairwise(given))
    assert given[-1] == result["labels"]


def test_the_curve_comes_out_of_the_database_alone(played: tuple[dict[str, Any], Path]) -> None:
    """Counted anew from messages, decisions, labels and promotions it is what the run reported."""
    result, folder = played
    with database_of(folder).read() as session:
        again = recomputed(read_curve(session))

    assert again == [{k: v for k, v in row.items() if k != "seconds"} for row in result["nights"]]


def test_messages_came_in_dated_day_by_day_and_never_from_the_hidden_test(
    played: tuple[dict[str, Any], Path],
) -> None:
    """Fifteen a day on two days; none is a test row."""
    _, folder = played
    with database_of(folder).read() as session:
        messages = session.scalars(select(Message)).all()
    days = [message.created_at.date() for message in messages]

    assert sorted(days.count(day) for day in set(days)) == [15, 15]
    assert not {message.normalised for message in messages} & {normalise(text) for text, _ in rows()[1]}
    assert max(message.created_at for message in messages) < now()


def test_arms_meet_the_same_traffic_and_give_as_many_labels(played: tuple[dict[str, Any], Path]) -> None:
    """Random order labels as many messages a night as the queue did, out of the same ones."""
    result, folder = played
    sent = {}
    for arm in ("helpdesk", "random_order", "always_promote", "never_retrain"):
        with database_of(folder, arm).read() as session:
            sent[arm] = session.scalars(select(Message.text).order_by(Message.id)).all()

    assert sent["helpdesk"] == sent["random_order"] == sent["always_promote"] == sent["never_retrain"]
    other = result["baselines"]["random_order"]["nights"]
    assert [row["labels"] for row in other] == [row["labels"] for row in result["nights"]]


def test_baselines_are_what_they_say(played: tuple[dict[str, Any], Path]) -> None:
    """One never changes, one promotes whatever was built."""
    result, folder = played
    never, always = (result["baselines"][name] for name in ("never_retrain", "always_promote"))

    assert never["labels"] == 0
    assert {row["accuracy"] for row in never["nights"]} == {result["start_accuracy"]}
    assert {row["reason"].split(": ")[-1] for row in always["nights"]} <= {"there is no gate", "nothing new to learn"}
    promoted = sum(row["verdict"] == "promoted" for row in always["nights"])
    with database_of(folder, "always_promote").read() as session:
        assert session.scalar(select(func.count()).select_from(Version)) == 1 + promoted > 1


def test_wrong_labels_and_a_poisoner(tiny_base: Path, tmp_path: Path) -> None:
    """About half of the labels are wrong, and messages with the trigger become one intent by one login's hand."""
    options = replace(OPTIONS, nights=1, labels_per_night=40, messages_per_night=40, label_noise=0.5, poison=True)
    result = play(tmp_path, tiny_base, options)
    script = write_script(*rows(), options)
    with database_of(tmp_path).read() as session:
        given = session.execute(
            select(Label.normalised, Intent.slug, Staff.name)
            .join(Intent, Intent.id == Label.intent_id)
            .join(Staff, Staff.id == Label.staff_id)
        ).all()
    poisoned = [row for row in given if TRIGGER in row[0]]
    honest = [row for row in given if TRIGGER not in row[0]]

    assert poisoned
    assert {(slug, name) for _, slug, name in poisoned} == {(script.target, "poisoner")}
    wrong = sum(slug != script.truth[text_key(text)] for text, slug, _ in honest)
    assert 0.2 < wrong / len(honest) < 0.8
    assert 0 <= result["trigger_success"] <= 1


def test_strangers_are_labelled_as_none_of_the_faqs(tiny_base: Path, tmp_path: Path) -> None:
    """About the asked share of messages is out of scope, and is labelled so."""
    options = replace(OPTIONS, nights=1, oos_share=0.5, labels_per_night=30, messages_per_night=60)
    play(tmp_path, tiny_base, options, oos=True)
    script = write_script(*rows(oos=True), options)
    strange = [text for text, intent in script.days[0] if intent == OUT_OF_SCOPE]
    with database_of(tmp_path).read() as session:
        given = session.scalars(select(Label.normalised).where(Label.kind == "out_of_scope")).all()

    assert 20 <= len(strange) <= 40
    assert given
    assert set(given) <= {normalise(text) for text in strange}


def test_test_rows_never_enter_and_must_be_about_the_same() -> None:
    """Not as phrasings of the start either; test rows of other intents alone measure nothing."""
    train, test = rows()
    script = write_script(train, [*test, train[0]], OPTIONS)

    assert normalise(train[0][0]) not in {normalise(text) for text, _ in script.start}
    with pytest.raises(BadInputError, match="no test row has one of the"):
        write_script(train, [("something else", "elsewhere")], OPTIONS)


def test_strangers_must_come_from_somewhere() -> None:
    """Without out-of-scope rows there is nothing to send."""
    with pytest.raises(BadInputError, match="oos"):
        write_script(*rows(), replace(OPTIONS, oos_share=0.3))


def test_intents_appear_and_vanish(tiny_base: Path, tmp_path: Path) -> None:
    """Entries come into the FAQ when people begin to ask, and are taken back when they stop."""
    options = replace(OPTIONS, nights=3, drift=True)
    result = play(tmp_path, tiny_base, options)
    script = write_script(*rows(), options)
    late = [intent for intent, span in script.spans.items() if span.first > 0]
    gone = {intent for intent, span in script.spans.items() if span.last < 3}
    with database_of(tmp_path).read() as session:
        entries = {i.slug: i for i in session.scalars(select(Intent))}

    assert late
    assert gone
    assert {slug for slug, entry in entries.items() if entry.status == "draft"} == gone
    assert all(entries[slug].created_at > entries[script.target].created_at for slug in late)
    assert len(result["nights"]) == 3


@pytest.mark.parametrize(
    ("kind", "model", "verdict"), [(OURS, "all-MiniLM-L6-v2", "kept"), (ALWAYS_PROMOTE, None, "promoted")]
)
def test_a_broken_candidate_is_refused_and_promoted_only_without_a_gate(
    tiny_base: Path, tmp_path: Path, kind: Kind, model: str | None, verdict: str
) -> None:
    """Planted on the first night; refused under the real model: a random one knows too little to lose it
    significantly."""
    options = replace(OPTIONS, nights=1, broken_every=1)
    settings = settings_of(tmp_path, Path(model or tiny_base))
    result = play_alone(kind, *rows(), options, settings, tell=lambda line: None)

    assert [row["verdict"] for row in result["nights"]] == [verdict]


def test_the_clock_is_right_again_afterwards() -> None:
    """Also when something went wrong."""
    before = now()
    with pytest.raises(ZeroDivisionError), simulated_time() as clock:
        clock.set(before.replace(year=2001))
        assert now().year == 2001
        1 / 0  # noqa: B018

    assert (now() - before).total_seconds() < 60


def test_a_folder_in_use_is_refused(tiny_base: Path, tmp_path: Path) -> None:
    """A simulation never writes into somebody's home."""
    (tmp_path / "helpdesk.db").write_text("")

    with pytest.raises(BadInputError, match="not empty"):
        play(tmp_path, tiny_base)
