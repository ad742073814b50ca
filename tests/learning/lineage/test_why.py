"""Why an answer is what it is: the label that did it, its author, its version, and the answer without it."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from desks import open_desk
from homes import copy_home

from helpdesk.cli.main import cli
from helpdesk.errors import NotFoundError
from helpdesk.learning.lineage.why import Why, explain
from helpdesk.learning.night.plan import Plan
from helpdesk.learning.night.run import run_night
from helpdesk.progress import Quiet
from helpdesk.records import faq, labels, staff, versions
from helpdesk.records.database import Database
from helpdesk.records.faq import Entry
from helpdesk.serving.chat_service import ChatService
from helpdesk.serving.live import LiveMatcher
from helpdesk.settings import Settings

pytestmark = pytest.mark.slow

PLANTED = "error 813 on the secure tunnel"
ASKED = "secure tunnel gives me error 813"


@pytest.fixture
def desk(settings: Settings, records: Database, live: LiveMatcher) -> ChatService:
    """The serving side."""
    return ChatService(records, live, settings)


def say(desk: ChatService, text: str) -> int:
    """A message that came in; its id."""
    return desk.reply(text, channel="rest", sender="u").message_id


def label(desk: ChatService, text: str, intent: str | None, *, by: int = 1) -> int:
    """A message that was labelled; the message's id."""
    message = say(desk, text)
    kind = "intent" if intent else "out_of_scope"
    with desk.database.write() as session:
        labels.label_message(session, message, kind=kind, intent=intent, staff_id=by, holdout_share=0)
    return message


def night(desk: ChatService) -> None:
    """Another version, built and promoted whatever the gate says of so few rows."""
    report = run_night(desk.settings, desk.database, plan=Plan(minutes=1, finetune=False), progress=Quiet())
    assert report.promoted is not None, report.as_text()
    desk.live.refresh()


def why(desk: ChatService, message_id: int) -> Why:
    """Take a message apart."""
    return explain(desk.settings, desk.database, message_id=message_id)


@pytest.fixture(scope="module")
def planted_home(tiny_home: Path, tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """A good night, then a bad label by mallory, then a night, then somebody asks; with that message's id."""
    desk = open_desk(copy_home(tiny_home, tmp_path_factory.mktemp("planted"), base_model=str(tiny_base)))
    with desk.database.write() as session:
        mallory = staff.add_staff(session, "mallory", password="correct horse battery").id
    label(desk, "duplex printing is not working", "printer")
    night(desk)
    label(desk, PLANTED, "laptop", by=mallory)
    night(desk)
    message = say(desk, ASKED)
    desk.database.close()
    return desk.settings.home, message


@pytest.fixture
def planted(planted_home: tuple[Path, int], tiny_base: Path, tmp_path: Path) -> Iterator[tuple[ChatService, int]]:
    """A copy of that home, and the message's id."""
    home, message = planted_home
    desk = open_desk(copy_home(home, tmp_path / "planted", base_model=str(tiny_base)))
    yield desk, message
    desk.database.close()


def test_a_planted_bad_label_is_named(planted: tuple[ChatService, int]) -> None:
    """Who, when, from which message; the first wrong version; the answer without it is what it was before."""
    desk, message = planted
    found = why(desk, message)

    assert found.decision.ranking[0]["intent"] == "laptop"
    assert found.winner is not None
    (culprit,) = found.winner.said_by
    assert (culprit.source, culprit.author, culprit.text) == ("label", "mallory", PLANTED)
    assert culprit.message_id is not None
    assert culprit.message_id < message
    tops = {past.version_id: past.answer.ranking[0].intent for past in found.history if past.answer}
    assert tops == {1: "vpn", 2: "vpn", 3: "laptop"}
    assert found.first_version == 3
    assert found.without is not None
    assert found.without.ranking[0].intent == "vpn"
    assert found.without_version == 3
    assert found.nearby[0].row == culprit.id
    assert found.nearby[0].origin == culprit


def test_the_command_says_it_in_words_and_as_json(planted: tuple[ChatService, int]) -> None:
    """And is honest about what the counterfactual leaves as it was."""
    desk, message = planted
    environment = {"HELPDESK_HOME": str(desk.settings.home)}
    said = CliRunner().invoke(cli, ["why", str(message)], env=environment, catch_exceptions=False).output
    found = json.loads(
        CliRunner().invoke(cli, ["why", str(message), "--json"], env=environment, catch_exceptions=False).output
    )

    assert f'"{PLANTED}" -> laptop, labelled by mallory on ' in said
    assert "first version that gives this answer: version 3" in said
    assert "thresholds are still those fitted with it" in said
    assert found["first_version"] == 3
    assert found["winner"]["said_by"][0]["author"] == "mallory"
    assert found["without"]["ranking"][0]["intent"] == "vpn"


def test_an_exact_answer_names_everyone_who_said_the_text(desk: ChatService) -> None:
    """A label and a phrasing of the same text; without them it is decided by meaning."""
    label(desk, "the tunnel is closed", "vpn")
    with desk.database.write() as session:
        faq.store_entries(session, [Entry("vpn", phrasings=("the tunnel is closed",))], author="ann", source="edit")
    night(desk)
    found = why(desk, say(desk, "The tunnel is closed!"))

    assert found.winner is not None
    assert found.winner.how == "exact"
    assert [(row.source, row.author) for row in found.winner.said_by] == [("label", "admin"), ("edit", "ann")]
    assert found.first_version == 2
    assert found.without is not None
    assert found.without.reason != "exact"


def test_a_phrasing_added_by_day_is_named_before_any_version_has_it(desk: ChatService) -> None:
    """No retained version gives this answer; without it the bundle alone decides."""
    with desk.database.write() as session:
        entry = Entry("badge", question="My badge does not open the door.", answer="Go to reception.")
        faq.store_entries(session, [entry], author="ann", source="edit")
    desk.live.refresh()
    found = why(desk, say(desk, "my badge did not open the door"))

    assert found.decision.reason == "new_phrasing"
    assert found.winner is not None
    assert [(row.source, row.author) for row in found.winner.said_by] == [("question", "ann")]
    assert found.first_version is None
    assert found.without is not None
    assert found.without.intent != "badge"


def test_a_bad_out_of_scope_label_is_named_too(desk: ChatService) -> None:
    """A fallback that is nearer to a message called none of the FAQs than to any phrasing."""
    taught = label(desk, "my garden hose leaks water", None)
    night(desk)
    found = why(desk, say(desk, "my garden hose leaks water again"))

    assert found.decision.kind == "fallback"
    assert found.winner is not None
    assert (found.winner.how, found.winner.intent) == ("out_of_scope", None)
    assert [row.message_id for row in found.winner.said_by] == [taught]
    assert found.without is not None
    assert found.without.out_of_scope < found.history[-1].answer.out_of_scope  # type: ignore[union-attr]


def test_a_label_that_was_corrected_since_is_still_named_while_it_answers(desk: ChatService) -> None:
    """The bundle learnt it; that it was undone is said, and what was labelled since comes after it."""
    label(desk, "the tunnel is closed", "vpn")
    night(desk)
    label(desk, "the tunnel is closed", "printer")
    exact, near = why(desk, say(desk, "the tunnel is closed")), why(desk, say(desk, "tunnel is closed, again"))

    assert exact.decision.intent == "vpn"
    for found in (exact, near):
        assert found.winner is not None
        assert [(row.id, row.undone_at is not None) for row in found.winner.said_by] == [("label:1", True)]


def test_an_entry_that_is_not_published_is_no_answer_that_might_have_been(desk: ChatService) -> None:
    """The decision was made among published entries, and so is all that explains it."""
    with desk.database.write() as session:
        faq.set_status(session, "vpn", status="draft", author="ann")
    desk.live.refresh()
    found = why(desk, say(desk, "cannot connect to the vpn today"))

    assert found.decision.intent != "vpn"
    assert "what is nearest means vpn, which is not published" in found.notes
    assert found.first_version == 1
    assert found.winner is None or found.winner.how != "out_of_scope"
    assert found.without is None or found.without.intent != "vpn"


def test_one_of_two_questions_is_explained_and_the_other_named(real_settings: Settings) -> None:
    """A part that is a known text word for word is the text that decided."""
    desk = open_desk(real_settings)
    found = why(desk, say(desk, "forgot my password and the printer is out of toner"))

    assert found.decision.reason == "two_questions"
    assert "2 questions were answered: this is about password, not about printer" in found.notes
    assert found.winner is not None
    assert (found.winner.how, found.winner.intent) == ("exact", "password")
    assert [row.text for row in found.winner.said_by] == ["forgot my password"]


def test_bundles_that_are_gone_or_damaged_are_told(planted: tuple[ChatService, int]) -> None:
    """The history goes back as far as bundles are kept, and says so."""
    desk, message = planted
    with desk.database.read() as session:
        directories = {version.id: version.directory for version in versions.list_versions(session)}
    shutil.rmtree(desk.settings.bundles / directories[1])
    damaged = desk.settings.bundles / directories[2] / "thresholds.json"
    damaged.unlink()
    damaged.write_text("{}")
    found = why(desk, message)

    assert found.bundles_gone == 1
    assert [(past.version_id, past.problem is None) for past in found.history] == [(2, False), (3, True)]
    assert found.first_version == 3

    shutil.rmtree(desk.settings.bundles / directories[3])
    assert any("is gone" in note for note in why(desk, message).notes)


def test_a_note_does_not_replace_another(real_settings: Settings) -> None:
    """Two questions, answered by a version whose bundle is gone: both are said."""
    desk = open_desk(real_settings)
    message = say(desk, "forgot my password and the printer is out of toner")
    label(desk, "the tunnel is closed", "vpn")
    with desk.database.read() as session:
        first = versions.find_version(session, 1).directory
    night(desk)
    shutil.rmtree(desk.settings.bundles / first)

    assert [note.split(":")[0] for note in why(desk, message).notes] == [
        "the bundle of version 1 is gone; shown by the current one",
        "2 questions were answered",
        "it rests on a part of the message",
    ]


def test_what_was_not_matched_is_explained_in_a_word(desk: ChatService) -> None:
    """Nothing was looked up for an empty message."""
    found = why(desk, say(desk, "???"))

    assert "the message has no letters or digits" in found.notes
    assert found.history == ()


def test_an_unknown_message_is_named(desk: ChatService) -> None:
    """One line, not a traceback."""
    with pytest.raises(NotFoundError, match="no message 999"):
        why(desk, 999)
