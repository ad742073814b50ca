"""What was written for the FAQ is no traffic: a thousand rows of one intent do not speak for a thousand messages."""

from faqs import dataset

from helpdesk.learning.calibration.representative import representative
from helpdesk.learning.data.dataset import Dataset, Row

PLACES = ("attic", "barn", "cellar", "elevator", "foyer", "garage", "island", "jetty", "kitchen", "lobby", "mall")


def counted(given: Dataset) -> dict[str, int]:
    """How many rows of each intent count."""
    mask = representative(given)
    return {
        intent: sum(mask[n] for n, row in enumerate(given.train) if row.intent == intent) for intent in given.intents
    }


def rows(intent: str, count: int) -> list[tuple[str, str]]:
    """Rows of an intent in different words."""
    pairs = [f"{first} {second}" for first in PLACES for second in reversed(PLACES) if first < second]
    return [(f"{intent} {pair}", intent) for pair in pairs[:count]]


def test_rows_that_differ_in_a_number_count_once() -> None:
    """However many orders were imported."""
    orders = [(f"where is my order {100_000 + 7_919 * n}", "order") for n in range(400)]

    assert counted(dataset([*orders, *rows("vpn", 12)], questions={})) == {"order": 1, "vpn": 12}


def test_no_intent_counts_much_more_than_the_usual_one() -> None:
    """At most three times as much; below ten rows nothing is cut."""
    given = dataset([*rows("big", 50), *rows("one", 5), *rows("two", 5), *rows("three", 5)], questions={})

    assert counted(given) == {"big": 15, "one": 5, "two": 5, "three": 5}


def test_labelled_messages_always_count() -> None:
    """They are traffic, however alike."""
    given = dataset([*rows("vpn", 12), *rows("wifi", 12)], questions={})
    said = tuple(Row(f"label:{n}", f"where is my order {n}", "order") for n in range(60))

    assert counted(Dataset((*given.train, *said), (), (), {}, {}))["order"] == 60


def test_which_rows_count_does_not_depend_on_their_order() -> None:
    """The same FAQ gives the same version, in whatever order it was imported."""
    given = dataset([*rows("big", 50), *rows("one", 5), *rows("two", 5)], questions={})
    turned = Dataset(given.train[::-1], (), (), {}, {})

    def texts(of: Dataset) -> set[str]:
        return {row.text for row, counts in zip(of.train, representative(of), strict=True) if counts}

    assert texts(given) == texts(turned)
