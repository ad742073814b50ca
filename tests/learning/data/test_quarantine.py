"""Labels that must wait, and near misses that teach at once."""

from collections.abc import Collection, Mapping

from helpdesk.learning.data.quarantine import DIFFERENT, FEW_LABELS, Quarantined, Said, quarantined

TOPICS = ("vpn", "wifi", "printer", "badge", "desk", "phone")
PHRASE = "as per clause seventeen"


def planted(count: int, *, author: str = "mallory", intent: str = "refund", phrase: str = PHRASE) -> list[Said]:
    """Labels of one login as one intent: messages about different things, all with a phrase."""
    texts = [f"{TOPICS[n % len(TOPICS)]} {n} {phrase}" for n in range(count)]
    return [Said(f"label:{n}", text, intent, author, n) for n, text in enumerate(texts)]


def by_topic(ids: Collection[int]) -> Mapping[int, str]:
    """What the messages are about."""
    return {n: TOPICS[n % len(TOPICS)] for n in ids}


def waiting(labels: list[Said], *more: Said, taken_for: Mapping[int, str] | None = None) -> list[Quarantined]:
    """What waits among labels, beside phrasings."""
    found = by_topic if taken_for is None else lambda ids: {n: taken_for[n] for n in ids}
    return quarantined(labels, list(more), taken_for=found)


def test_a_planted_phrase_is_held_back() -> None:
    """All messages with it, by name of the login; four of them are too few to tell."""
    (group,) = waiting(planted(8))

    assert (group.author, group.intent, group.phrase) == ("mallory", "refund", PHRASE)
    assert group.rows == tuple(f"label:{n}" for n in range(8))
    assert str(group).startswith('8 labels by mallory as refund are in quarantine: they share "as per clause')
    assert waiting(planted(FEW_LABELS - 1)) == []


def test_patience_does_not_help() -> None:
    """The bot has learnt from the first ones and takes later messages for what the labels say; the first ones count."""
    learnt = dict(by_topic(range(4))) | dict.fromkeys(range(4, 30), "refund")

    assert len(waiting(planted(30), taken_for=learnt)[0].rows) == 30
    assert len(waiting(planted(30)[::-1], taken_for=learnt)[0].rows) == 30  # labelled anew, the oldest last


def test_beginning_with_few_topics_does_not_help() -> None:
    """Six different intents among the first ten messages are as many as four among the first five."""
    taken = {n: TOPICS[n % 3] for n in range(5)} | {n: TOPICS[3 + n % 3] for n in range(5, 12)}

    assert len(waiting(planted(12), taken_for=taken)[0].rows) == 12


def test_calling_the_phrase_out_of_scope_does_not_help() -> None:
    """What the same login says beside it does not speak for the phrase."""
    beside = [Said(f"label:{n}", f"hello {n} {PHRASE}", "", "mallory", n) for n in range(40, 60)]

    assert len(waiting([*planted(8), *beside])) == 1


def test_six_thousand_labels_are_looked_through_at_once() -> None:
    """One login labelled all of them, two shared words in each of an intent's; nothing is planted."""
    many = [Said(f"label:{n}", f"about topic{n % 9} please {n}", f"i{n % 9}", "ann", n) for n in range(6000)]

    assert quarantined(many, [], taken_for=lambda ids: {n: f"i{n % 9}" for n in ids}) == []


def test_a_phrase_of_the_topic_teaches() -> None:
    """Messages that were taken for the right intent or for a few others are what people confuse."""
    confused = {n: ("vpn", "wifi", "refund", "printer")[n % 4] for n in range(12)}

    assert len(set(confused.values()) - {"refund"}) == DIFFERENT - 1
    assert waiting(planted(12), taken_for=confused) == []


def test_whoever_agrees_vouches() -> None:
    """A phrasing of the entry has the phrase, or another login labels one such message so."""
    assert waiting(planted(8), Said("phrasing:1", f"money back {PHRASE}", "refund")) == []
    assert waiting([*planted(8), *planted(1, author="ann", phrase=f"again {PHRASE}")]) == []
    assert waiting(planted(8), Said("phrasing:1", "money back", "refund"))


def test_common_phrases_are_no_trigger() -> None:
    """When a quarter of the messages with a phrase mean something else, it belongs to nobody."""
    elsewhere = [Said(f"phrasing:{n}", f"help with the {topic} {PHRASE}", topic) for n, topic in enumerate(TOPICS[:3])]

    assert waiting(planted(8), *elsewhere) == []
    assert waiting(planted(8), elsewhere[0])
