"""A tiny labelled data set of a bank: five intents whose rows share words."""

from helpdesk.records.files.labelled_sets import Labelled

WORDS = {
    "card": "lost credit card in the shop",
    "loan": "interest on my house loan",
    "pin": "forgot the secret pin number",
    "rate": "exchange rate for foreign dollars",
    "transfer": "send money to a friend abroad",
}


ENDS = [
    "now",
    "today",
    "please",
    "again",
    "soon",
    "quickly",
    "there",
    "somewhere",
    "twice",
    "maybe",
    "yesterday",
    "anyway",
]


def rows(*, oos: bool = False) -> tuple[Labelled, Labelled]:
    """Training and test rows that share words within an intent."""
    train: Labelled = []
    test: Labelled = []
    for intent, words in WORDS.items():
        for number, end in enumerate(ENDS):
            parts = words.split()
            text = " ".join([*parts[number % 3 :], end, *parts[: number % 3]])
            (test if number % 4 == 3 else train).append((text, intent))
    if oos:
        train += [(f"who won the {end} match in football", "oos") for end in ENDS[:6]]
        test += [(f"recipe for {end} soup", "oos") for end in ENDS[:3]]
    return train, test
