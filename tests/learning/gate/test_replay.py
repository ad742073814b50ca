"""Recent messages, decided again by a candidate."""

from pathlib import Path

import numpy as np
import pytest

from helpdesk.learning.data.dataset import read_dataset
from helpdesk.learning.gate.replay import ReplayTraffic, read_traffic
from helpdesk.learning.night.plan import Plan
from helpdesk.learning.night.run import run_night
from helpdesk.matching.bundle import encoder_hash
from helpdesk.matching.matcher import Matcher
from helpdesk.progress import Quiet
from helpdesk.records import labels
from helpdesk.records.database import Database
from helpdesk.records.erasure import REPLAY_FOLDER
from helpdesk.records.faq import Entry, store_entries
from helpdesk.records.night_report import NightReport
from helpdesk.serving.chat_service import ChatService
from helpdesk.serving.live import LiveMatcher
from helpdesk.settings import Settings
from helpdesk.text import normalise

pytestmark = pytest.mark.slow

KEYS = {"messages", "distinct", "changed_share", "right_to_wrong", "gained", "accepted_more", "flips"}
ASKED = ["vpn is dead again", "VPN is dead again!", "printer out of toner and also how do I join wifi", "2", "hm"]


@pytest.fixture
def desk(settings: Settings, records: Database, live: LiveMatcher) -> ChatService:
    """A desk that was asked a few things."""
    made = ChatService(records, live, settings)
    for text in ASKED:
        made.reply(text, channel="rest", sender="u")
    return made


def traffic(desk: ChatService) -> ReplayTraffic:
    """What would be replayed now."""
    with desk.database.read() as session:
        dataset = read_dataset(session)
        return read_traffic(
            session,
            home=desk.settings.home,
            days=30,
            meanings=dataset.exact,
            published=dataset.questions.keys(),
        )


def night(desk: ChatService) -> NightReport:
    """One run without fine-tuning."""
    return run_night(desk.settings, desk.database, plan=Plan(minutes=1, finetune=False), progress=Quiet())


def vectors(home: Path) -> dict[str, list[str]]:
    """Encoder -> the keys that are kept."""
    return {path.stem: np.load(path)["keys"].tolist() for path in (home / REPLAY_FOLDER).iterdir()}


def test_distinct_texts_are_weighed_by_how_often_they_were_asked(desk: ChatService) -> None:
    """Case and end marks do not make another text; numbers chosen from a menu are none."""
    counts = {item.text: item.count for item in traffic(desk).asked}

    assert counts == {"vpn is dead again": 2, ASKED[2].lower(): 1, "hm": 1}


def test_replayed_decisions_are_the_served_ones(desk: ChatService, live: LiveMatcher) -> None:
    """In batches or one by one, messages with two questions too."""
    serving = live.take()
    assert serving is not None
    found, bundle = traffic(desk), serving.matcher.bundle
    one_by_one = Matcher(bundle, cache_size=0)

    for asked, decision in zip(found.asked, found.decide(bundle), strict=True):
        expected = one_by_one.match(asked.text, published=found.published)
        assert (decision.kind, decision.intents, decision.reason) == (expected.kind, expected.intents, expected.reason)
        assert decision.confidence == pytest.approx(expected.confidence, abs=1e-4)


def test_a_night_says_what_would_change(desk: ChatService) -> None:
    """A label turns a doubted message into an answer; changes nobody has labelled are listed with both decisions."""
    message = desk.reply("my tunnel is shut", channel="rest", sender="u").message_id
    with desk.database.write() as session:
        labels.label_message(session, message, kind="intent", intent="vpn", staff_id=1, holdout_share=0)
        store_entries(session, [Entry("laptop", phrasings=("hm",))], author="ann")
        store_entries(session, [Entry("wifi", phrasings=("hm",))], author="bob")
    report = night(desk)
    replay = report.verdicts["refreshed"].replay

    assert replay is not None
    assert set(replay.model_dump()) >= KEYS
    assert (replay.messages, replay.distinct) == (5, 4)
    assert (replay.gained, replay.right_to_wrong) == (1, 0)
    for flip in replay.flips:
        assert flip.truth is None
        assert flip.before != flip.after
        assert set(flip.before.model_dump()) == {"kind", "intent", "confidence"}


def test_vectors_are_kept_for_the_next_night_and_forgotten_with_their_messages(desk: ChatService) -> None:
    """One file an encoder; of an encoder that is gone, and of messages that are gone, nothing stays."""
    found = traffic(desk)
    bundle = desk.live.take().matcher.bundle  # type: ignore[union-attr]
    found.decide(bundle)
    (desk.settings.home / REPLAY_FOLDER).mkdir()
    (desk.settings.home / REPLAY_FOLDER / "0000.npz").write_bytes(b"stale")
    found.vectors.keep(bundle)
    kept = vectors(desk.settings.home)
    less = ReplayTraffic(
        found.asked[:1], found.published, type(found.vectors)(found.vectors.folder, ["vpn is dead again"])
    )
    read_back = less.vectors.of(bundle).known()
    less.vectors.keep(bundle)

    assert list(kept) == [encoder_hash(bundle.manifest)]
    assert len(kept[encoder_hash(bundle.manifest)]) >= 3
    assert list(read_back) == ["vpn is dead again"]
    assert len(vectors(desk.settings.home)[encoder_hash(bundle.manifest)]) == 1


def test_a_night_without_candidates_forgets_no_vectors(desk: ChatService) -> None:
    """Nothing is decided again then, but the next night will."""
    found = traffic(desk)
    bundle = desk.live.take().matcher.bundle  # type: ignore[union-attr]
    found.decide(bundle)
    found.vectors.keep(bundle)
    before = vectors(desk.settings.home)
    traffic(desk).vectors.keep(bundle)

    assert len(before[encoder_hash(bundle.manifest)]) >= 3
    assert {name: len(kept) for name, kept in vectors(desk.settings.home).items()} == {
        name: len(kept) for name, kept in before.items()
    }


def test_a_damaged_file_of_vectors_is_encoded_again(desk: ChatService) -> None:
    """It is a cache: never an error."""
    bundle = desk.live.take().matcher.bundle  # type: ignore[union-attr]
    folder = desk.settings.home / REPLAY_FOLDER
    folder.mkdir()
    (folder / f"{encoder_hash(bundle.manifest)}.npz").write_bytes(b"PK half a file")

    assert len(traffic(desk).decide(bundle)) == 3


def test_a_message_is_replayed_as_it_was_typed(desk: ChatService) -> None:
    """Its lines tell what of it is quoted mail; they are gone from the normalised text."""
    mail = "Hello,\n\nforgot my password\n\nRegards\nJo\n\n> On Monday IT wrote:\n> the printer is out of toner"
    desk.reply(mail, channel="rest", sender="u")
    live = desk.live.take()
    assert live is not None
    with desk.database.read() as session:
        traffic = read_traffic(
            session, home=desk.settings.home, days=7, meanings={}, published=live.matcher.bundle.intents
        )
    decided = dict(zip((asked.text for asked in traffic.asked), traffic.decide(live.matcher.bundle), strict=True))

    assert decided[normalise(mail)] == live.matcher.match(mail, published=live.matcher.bundle.intents)
    assert decided[normalise(mail)].intents == ("password",)
