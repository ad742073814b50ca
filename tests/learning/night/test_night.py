"""A night, on real parts: what is learnt, what is refused, what a failure leaves behind."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from desks import serving

from helpdesk.cli.nights import explain_lines
from helpdesk.errors import BadInputError, BusyError
from helpdesk.learning.data.dataset import read_dataset
from helpdesk.learning.night.lock import LOCK
from helpdesk.learning.night.plan import Plan
from helpdesk.learning.night.run import run_night
from helpdesk.progress import Quiet
from helpdesk.records import labels, now_answered, queue, versions
from helpdesk.records.data_checks import read_data_check
from helpdesk.records.database import Database, open_database, upgrade
from helpdesk.records.examples import store_examples
from helpdesk.records.faq import Entry, store_entries
from helpdesk.records.files.example_files import read_examples, recognise
from helpdesk.records.night_report import NightReport
from helpdesk.serving.chat_service import ChatService
from helpdesk.serving.live import LiveMatcher
from helpdesk.settings import Settings, load_settings, resource

pytestmark = pytest.mark.slow

TUNNEL = ["the tunnel from my kitchen is dead", "tunnel refuses to come up", "no tunnel since this morning"]
HOLDING = """
import sys, time
from pathlib import Path
from helpdesk.learning.night.lock import single_flight
with single_flight(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def desk(settings: Settings, records: Database, live: LiveMatcher) -> ChatService:
    """The serving side."""
    return ChatService(records, live, settings)


def teach(desk: ChatService, texts: Sequence[str], intent: str | None, *, holdout: bool = False) -> None:
    """Messages that came in and were labelled, as an intent or as out of scope."""
    for text in texts:
        reply = desk.reply(text, channel="rest", sender="u")
        with desk.database.write() as session:
            kind = "intent" if intent else "out_of_scope"
            share = 0.9999 if holdout else 0.0
            labels.label_message(session, reply.message_id, kind=kind, intent=intent, staff_id=1, holdout_share=share)


def night(desk: ChatService, *, finetune: bool = False, dry_run: bool = False) -> NightReport:
    """One run."""
    plan = Plan(minutes=0.05, finetune=finetune, dry_run=dry_run)
    return run_night(desk.settings, desk.database, plan=plan, progress=Quiet())


def test_labels_are_answered_the_next_day(desk: ChatService) -> None:
    """The labelled texts exactly, and a paraphrase nobody has said."""
    before = serving(desk).match("tunnel is dead at home").ranking[0]
    teach(desk, TUNNEL, "vpn")
    report = night(desk)

    assert report.promoted_kind == "refreshed"
    assert serving(desk).match(TUNNEL[0]).reason == "exact"
    after = serving(desk).match("tunnel is dead at home")
    assert after.intent == "vpn"
    assert after.confidence > before.confidence


def test_held_out_labels_answer_their_text_but_teach_nothing(desk: ChatService) -> None:
    """They are in the exact table, not in the index."""
    teach(desk, TUNNEL, "vpn", holdout=True)
    night(desk)
    bundle = serving(desk).bundle

    assert serving(desk).match(TUNNEL[0]).intent == "vpn"
    assert not any(row.startswith("label:") for row in bundle.phrasing_ids)


def test_a_phrasing_that_says_a_held_out_message_spoils_it_for_measuring(desk: ChatService) -> None:
    """Editors read the desk and write phrasings: what trains is measured on no more, and its stored split stays."""
    teach(desk, TUNNEL, "vpn", holdout=True)
    with desk.database.write() as session:
        _add_phrasing(session, "the tunnel from my kitchen is dead!!", "vpn")
        _add_phrasing(session, "tunnels refuse to come up", "vpn")
    with desk.database.read() as session:
        measured = [row.text for row in read_dataset(session).holdout]
        splits = {label.split for label in labels.active_labels(session)}

    assert measured == [TUNNEL[2]]
    assert splits == {"holdout"}


def test_a_shipped_message_that_is_held_out_does_not_teach(desk: ChatService) -> None:
    """It measures; and a message without letters neither measures nor teaches."""
    with desk.database.read() as session:
        before = read_dataset(session)
    shipped = before.out_of_scope[0]
    teach(desk, [f"{shipped}!", "???"], None, holdout=True)
    with desk.database.read() as session:
        after = read_dataset(session)

    assert [row.text for row in after.holdout] == [shipped]
    assert shipped not in after.out_of_scope
    assert len(after.out_of_scope) >= len(before.out_of_scope) - 3


def test_out_of_scope_labels_are_learnt(desk: ChatService) -> None:
    """The text itself is known, and what is like it is trusted less."""
    before = serving(desk).match("printing of photos for my wedding").out_of_scope
    teach(desk, ["print photos for my wedding", "wedding photo prints please"], None)
    night(desk)

    assert serving(desk).match("print photos for my wedding").reason == "known_out_of_scope"
    assert serving(desk).match("printing of photos for my wedding").out_of_scope > before


def test_nothing_new_promotes_nothing(desk: ChatService) -> None:
    """The same rows give the same version."""
    report = night(desk)

    assert report.promoted is None
    assert "version 1 stays in service" in report.as_text()


def test_a_dry_run_changes_nothing(desk: ChatService) -> None:
    """It says what it would do."""
    teach(desk, TUNNEL, "vpn")
    report = night(desk, dry_run=True)

    assert report.verdicts["refreshed"].promote
    assert report.promoted is None
    assert serving(desk).bundle.manifest["kind"] == "first"
    assert len(list(desk.settings.bundles.iterdir())) == 1


def test_bad_labels_are_refused_and_named(desk: ChatService) -> None:
    """Held-out messages that were right turn wrong: the incumbent stays, the report says which labels did it."""
    asked = [f"vpn connection fails {word}" for word in ("alpha", "bravo", "charlie", "delta", "echo", "foxtrot")]
    teach(desk, [f"{text} since monday morning" for text in asked], "vpn", holdout=True)
    night(desk)
    before = serving(desk).bundle.path.name
    poison = [f"{text} since tuesday at noon" for text in asked]
    with desk.database.write() as session:
        for text in poison:
            _add_phrasing(session, text, "laptop")
    report = night(desk)

    assert report.promoted is None
    assert not report.verdicts["refreshed"].promote
    assert any("significantly worse" in reason for reason in report.verdicts["refreshed"].reasons)
    assert report.verdicts["refreshed"].blamed
    assert "the labels to look at" in report.as_text()
    assert serving(desk).bundle.path.name == before


def _add_phrasing(session: object, text: str, intent: str) -> None:
    from helpdesk.records.faq import Entry, store_entries

    store_entries(session, [Entry(intent, phrasings=(text,))], author="mallory")  # type: ignore[arg-type]


def test_a_retrained_encoder_is_measured_by_sisters_and_the_next_night_builds_on_it(desk: ChatService) -> None:
    """Fine-tuning, promotion of whichever is better, then a refreshed version of it."""
    teach(desk, TUNNEL, "vpn")
    first = night(desk, finetune=True)
    retrained = first.verdicts["retrained"]

    assert retrained.comparison is not None
    assert retrained.comparison.rows == 28
    assert (first.promoted_kind == "retrained") == retrained.promote
    teach(desk, ["wireless is dead in room nine"], "wifi")
    second = night(desk)
    assert second.promoted_kind == "refreshed"
    assert serving(desk).match("wireless is dead in room nine").intent == "wifi"


def test_every_kind_of_row_is_trained_on_and_the_curves_are_kept(desk: ChatService, tiny_base: Path) -> None:
    """Pairs, triplets and messages join each training; figures at the start and the end, told and drawn."""
    for name in ("pairs_positive", "pairs_scored", "pairs_labelled", "triplets", "unlabelled"):
        path = resource("training_data") / f"{name}.csv"
        found = read_examples(path, recognise(path))
        with desk.database.write() as session:
            store_examples(session, found.kind, found.rows, source=path.name, author="test")
    changes = {"base_model": str(tiny_base), "train_threads": 1}
    settings = desk.settings.model_copy(update=changes)
    report = run_night(settings, desk.database, plan=Plan(minutes=1, max_steps=4), progress=Quiet())
    kinds = {"positive", "scored", "similar", "triplet"}
    measured, whole = report.training.curves["fine-tuning to measure 1/2"], report.training.curves["fine-tuning"]
    (drawn,) = (desk.settings.home / "reports").glob("*-training.svg")

    assert set(measured.metrics) == kinds | {"labels"}
    assert set(whole.metrics) == kinds
    assert all(len(curve.steps) >= 2 and curve.steps[0] == 0 for curve in (measured, whole))
    assert set(report.training.model_dump()["examples"]["fine-tuning"]["learnt"]) == kinds
    assert "fine-tuning: positive " in report.as_text()
    assert "triplet (" in drawn.read_text()


def test_a_report_is_written_either_way(desk: ChatService) -> None:
    """As JSON, in the home."""
    before = set((desk.settings.home / "reports").iterdir())
    night(desk)
    (path,) = set((desk.settings.home / "reports").iterdir()) - before

    assert json.loads(path.read_text())["rows"] == 25


def test_the_report_says_how_long_building_took_and_the_bundle_does_not(desk: ChatService) -> None:
    """Equal runs build equal bundles, however long they take."""
    teach(desk, TUNNEL, "vpn")
    report = night(desk)

    built = report.candidates["refreshed"].seconds
    assert list(built) == ["encoding", "measuring", "robustness", "index", "files"]
    assert all(0 <= seconds <= report.seconds for seconds in built.values())
    assert "refreshed was built in " in "\n".join(explain_lines(report, proofs={}))
    assert "seconds" not in serving(desk).bundle.manifest["report"]


def test_leftovers_of_a_killed_run_are_removed(desk: ChatService) -> None:
    """Half-built folders do not pile up."""
    leftover = desk.settings.bundles / ".building-refreshed"
    leftover.mkdir()
    (leftover / "vectors.npy").write_bytes(b"half")
    night(desk)

    assert not leftover.exists()


def test_a_failure_changes_nothing(desk: ChatService, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk while writing the index: the error is told, the incumbent serves, nothing is left behind."""
    from helpdesk.learning.bundles import build as candidates

    def full_disk(*_: object) -> None:
        raise OSError(28, "No space left on device")

    teach(desk, TUNNEL, "vpn")
    monkeypatch.setattr(candidates, "build_graph", full_disk)
    with pytest.raises(OSError, match="No space left"):
        night(desk)

    assert serving(desk).bundle.manifest["kind"] == "first"
    assert [p.name for p in desk.settings.bundles.iterdir() if p.name.startswith(".")] == []


def test_only_one_night_runs_at_a_time_and_a_killed_holder_does_not_block_the_next(desk: ChatService) -> None:
    """The second one says busy at once; the lock goes with its process."""
    command = [sys.executable, "-c", HOLDING, str(desk.settings.home / LOCK)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(BusyError, match=f"process {holder.pid}"):
            night(desk)
        holder.kill()

    assert night(desk).promoted is None


def test_old_bundles_are_removed_but_never_the_last_ones(desk: ChatService) -> None:
    """At least three and the current one are kept."""
    for number in range(5):
        teach(desk, [f"tunnel number {number} {'xyzuvw'[number]} is closed"], "vpn")
        night(desk)
    with desk.database.read() as session:
        directories = [version.directory for version in versions.list_versions(session)]
    kept = [name for name in directories if (desk.settings.bundles / name).exists()]

    assert kept == directories[:4]


def test_a_label_has_the_last_word_on_its_text(desk: ChatService) -> None:
    """Over a phrasing of another intent; a text that two intents claim is not exact."""
    with desk.database.write() as session:
        _add_phrasing(session, "it does not work", "printer")
        _add_phrasing(session, "it does not work", "wifi")
    with desk.database.read() as session:
        unsettled = read_dataset(session).exact
    teach(desk, ["it does not work"], "laptop")
    with desk.database.read() as session:
        settled = read_dataset(session).exact

    key = next(key for key in settled if key not in unsettled)
    assert settled[key] == "laptop"


def test_an_empty_faq_is_explained(tmp_path: Path) -> None:
    """Nothing to learn from is not a crash."""
    settings = load_settings(home=tmp_path)
    database = open_database(settings)
    upgrade(database)

    with pytest.raises(BadInputError, match="import a FAQ first"):
        run_night(settings, database, plan=Plan(minutes=1), progress=Quiet())


def test_a_night_takes_what_is_answered_now_out_of_the_queue(desk: ChatService) -> None:
    """And leaves a data check for the FAQ pages, made anew when something changed."""
    for text in ("the tunnel is dead", "qwertz asdf"):
        desk.reply(text, channel="rest", sender="u")
    with desk.database.write() as session:
        first = read_data_check(session)
        store_entries(session, [Entry("vpn", phrasings=("The tunnel is dead!",))], author="test")
    assert first is not None
    found = night(desk)
    with desk.database.read() as session:
        left = now_answered.list_answered(session, limit=9)
        waiting = queue.items(session, review_below=0.8, limit=9)
        second = read_data_check(session)

    assert found.promoted == 2
    assert [(item.normalised, item.answer and item.answer.intent) for item in left] == [("the tunnel is dead", "vpn")]
    assert [item.normalised for item in waiting] == ["qwertz asdf"]
    assert second is not None
    assert second.rows_hash != first.rows_hash
