"""A source can be left out: for a look, or for good."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from desks import open_desk
from homes import copy_home

from helpdesk.errors import BadInputError
from helpdesk.learning.data.dataset import read_dataset
from helpdesk.learning.lineage.exclusion_impact import describe
from helpdesk.learning.night.plan import Plan
from helpdesk.learning.night.run import run_night
from helpdesk.matching.bundle import open_bundle
from helpdesk.progress import Quiet
from helpdesk.records import exclusions, faq, labels, queue, staff, versions
from helpdesk.records.examples import NewExample, store_examples
from helpdesk.records.exclusions import Exclusion, matching_rows
from helpdesk.records.faq import Entry
from helpdesk.records.night_report import NightReport
from helpdesk.serving.chat_service import ChatService

pytestmark = pytest.mark.slow

MALLORY = Exclusion("annotator", "mallory")
ASKED = "secure tunnel gives me error 813"


@pytest.fixture(scope="module")
def fooled_home(tiny_home: Path, tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Mallory's bad label and bad phrasing are in service, somebody was answered by them."""
    made = open_desk(copy_home(tiny_home, tmp_path_factory.mktemp("fooled"), base_model=str(tiny_base)))
    with made.database.write() as session:
        mallory = staff.add_staff(session, "mallory", password="correct horse battery").id
        faq.store_entries(
            session, [Entry("laptop", phrasings=("the tunnel shows error 814",))], author="mallory", source="edit"
        )
    label(made, "error 813 on the secure tunnel", "laptop", by=mallory)
    assert night(made).promoted == 2
    made.live.refresh()
    made.reply(ASKED, channel="rest", sender="u")
    made.database.close()
    return made.settings.home


@pytest.fixture
def desk(fooled_home: Path, tiny_base: Path, tmp_path: Path) -> Iterator[ChatService]:
    """A copy of that home."""
    made = open_desk(copy_home(fooled_home, tmp_path, base_model=str(tiny_base)))
    yield made
    made.database.close()


def label(desk: ChatService, text: str, intent: str, *, by: int) -> None:
    """A message that was labelled."""
    message = desk.reply(text, channel="rest", sender="u").message_id
    with desk.database.write() as session:
        labels.label_message(session, message, kind="intent", intent=intent, staff_id=by, holdout_share=0)


def night(desk: ChatService, *, without: Exclusion | None = None, promote: bool = True) -> NightReport:
    """One run without fine-tuning."""
    plan = Plan(minutes=1, finetune=False, without=without, dry_run=not promote)
    return run_night(desk.settings, desk.database, plan=plan, progress=Quiet())


def rows_in_service(desk: ChatService) -> set[str]:
    """The rows of the bundle in service."""
    with desk.database.read() as session:
        current = versions.current(session)
    assert current is not None
    return set(open_bundle(desk.settings.bundles / current.directory).phrasing_ids)


def test_a_look_shows_what_would_change_and_changes_nothing(desk: ChatService) -> None:
    """Rows with their authors, decisions that change, and no text in what is kept of the difference."""
    report = night(desk, without=MALLORY, promote=False)
    assert report.impact is not None
    with desk.database.read() as session:
        said = "\n".join(describe(session, report.impact))

    assert report.promoted is None
    assert report.verdicts["refreshed"].promote
    assert report.impact.rows == 2
    assert "left out: 2 rows (annotator=mallory)" in said
    assert re.search(r'label:1 "error 813 on the secure tunnel" -> laptop, label by mallory on \d{4}-', said)
    assert re.search(rf'"{ASKED}" \(message:2, 1 x\): answer laptop => \w+', said)
    assert "tunnel" not in str(report.impact)
    assert {"label:1", "phrasing:26"} <= rows_in_service(desk)
    with desk.database.read() as session:
        assert exclusions.standing(session) == []


def test_what_is_promoted_without_a_source_stays_without_it(desk: ChatService) -> None:
    """The next night does not learn the rows again; the labels' messages wait for a better label."""
    report = night(desk, without=MALLORY)

    assert report.promoted == 3
    assert not {"label:1", "phrasing:26"} & rows_in_service(desk)
    assert night(desk).promoted is None
    desk.live.refresh()
    assert desk.match(ASKED)[0].intent != "laptop"
    with desk.database.read() as session:
        waiting = {item.text for item in queue.items(session, review_below=1, limit=9)}
        assert "error 813 on the secure tunnel" in waiting
        assert [(row.field, row.value, row.author) for row in exclusions.standing(session)] == [
            ("annotator", "mallory", "command line")
        ]


def test_a_lifted_exclusion_lets_its_phrasings_teach_again(desk: ChatService) -> None:
    """From the next night on; undone labels stay undone."""
    night(desk, without=MALLORY)
    with desk.database.write() as session:
        exclusions.lift(session, 1, author="boss")

    assert night(desk).promoted == 4
    assert "phrasing:26" in rows_in_service(desk)
    assert "label:1" not in rows_in_service(desk)


def test_what_no_version_has_learnt_yet_is_left_out_all_the_same(desk: ChatService) -> None:
    """It would teach the next night; there is nothing to promote, and the report says what became of the rows."""
    with desk.database.write() as session:
        bob = staff.add_staff(session, "bob", password="correct horse battery").id
    label(desk, "coffee machine leaks water", "vpn", by=bob)
    report = night(desk, without=Exclusion("annotator", "bob"))

    assert report.promoted is None
    assert "was not built from the rows of annotator=bob; they are left out from now on" in report.as_text()
    assert night(desk).promoted is None
    with desk.database.read() as session:
        assert [row.value for row in exclusions.standing(session)] == ["bob"]


def test_what_others_had_said_before_counts_again(desk: ChatService) -> None:
    """As if the annotator had never been there, in the look and for good."""
    label(desk, "no signal in room nine", "wifi", by=1)
    label(desk, "no signal in room nine", "laptop", by=3)
    label(desk, "no signal in room nine", "printer", by=3)
    night(desk)
    assert {"label:4"} <= rows_in_service(desk)
    report = night(desk, without=MALLORY)

    assert report.promoted is not None
    assert "label:2" in rows_in_service(desk)
    assert night(desk).promoted is None
    with desk.database.read() as session:
        assert [(row.id, row.intent.slug) for row in labels.active_labels(session) if row.intent] == [(2, "wifi")]
        (standing,) = exclusions.standing(session)
        assert exclusions.count_rows(session, standing) == 3  # a phrasing and two labels that counted


def test_a_source_without_rows_is_told(desk: ChatService) -> None:
    """A misspelt name must not look like a harmless one."""
    with pytest.raises(BadInputError, match="no row matches annotator=malory"):
        night(desk, without=Exclusion("annotator", "malory"), promote=False)


def test_pairs_of_a_source_are_left_out_too(desk: ChatService) -> None:
    """What only fine-tuning learns from has an author as well."""
    pairs = [NewExample("positive", ("tunnel is gone", f"the tunnel went away {n}")) for n in range(2)]
    with desk.database.write() as session:
        store_examples(session, "positive", pairs[:1], source="pairs.csv", author="mallory")
        store_examples(session, "positive", pairs[1:], source="pairs.csv", author="ann")

    with desk.database.read() as session:
        whole = read_dataset(session)
        left = read_dataset(session, without=matching_rows(session, MALLORY))

    assert [example.id for example in whole.examples] == ["example:1", "example:2"]
    assert [example.id for example in left.examples] == ["example:2"]
