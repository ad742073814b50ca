"""The short texts besides the answers, by language: to small talk, to a language that is not understood, to what is not
there any more, and what is said of people. Shipped ones, and those that operators put over them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from helpdesk.decisions import SMALL_TALK, DecisionReason
from helpdesk.errors import BadRowsError
from helpdesk.records.files.csv_files import BadRows, read_column, read_rows, read_text
from helpdesk.settings import LANGUAGES, Settings, resource

LANGUAGES_HERE = "{languages}"  # stands for the names of those that are understood
QUESTION_HERE = "{question}"  # for what was chosen and is gone
PART_HERE = "{part}"  # for the part of a message that was not answered
UNANSWERED = "unanswered"


class PeopleSaid(StrEnum):
    """What is said of people, a sentence each."""

    REPHRASE = "rephrase"  # say it in other words
    UNSURE = "unsure"  # before what follows
    HANDED_OVER = "handed_over"  # people were told
    ADDED = "added"  # to what they were told before
    BACK = "back"  # when they are there again
    CONTACT = "contact"  # how to reach them
    ALONE = "alone"  # nobody can be told


_DECIDED = (
    DecisionReason.ASKED,
    DecisionReason.LANGUAGE,
    DecisionReason.GONE,
    DecisionReason.NO_SUCH_CHOICE,
    DecisionReason.COMMAND,
    DecisionReason.WITH_PERSON,
)
_REASONS = (*SMALL_TALK, *_DECIDED, UNANSWERED, *PeopleSaid)


@dataclass(frozen=True)
class Replies:
    """One text for each reason and language."""

    texts: Mapping[tuple[str, str], str]

    def to(self, reason: str, language: str) -> str:
        """The reply to one kind of message in one language."""
        return self.texts[reason, language]

    def to_other_language(self, language: str, *, understood: str) -> str:
        """The reply to a message that is not understood, with the names of the languages that are."""
        return self.to(DecisionReason.LANGUAGE, language).replace(LANGUAGES_HERE, understood)

    def to_gone(self, language: str, *, question: str) -> str:
        """The reply to a choice that is not in the FAQ any more."""
        return self.to(DecisionReason.GONE, language).replace(QUESTION_HERE, question)

    def about_unanswered(self, language: str, *, part: str) -> str:
        """What is said below an answer of the part of the message that it does not answer."""
        return self.to(UNANSWERED, language).replace(PART_HERE, part)


@cache
def shipped_replies() -> Replies:
    """Those that come with the product, complete."""
    return Replies(_read(resource("training_data") / "replies.csv"))


def read_replies(settings: Settings) -> Replies:
    """The shipped replies with those of `HELPDESK_REPLIES` in their place.

    Raises BadInputError for a file that cannot be read, BadRowsError for rows of another form, with their lines.
    """
    shipped = shipped_replies()
    return shipped if settings.replies is None else Replies({**shipped.texts, **_read(settings.replies)})


def _read(path: Path) -> dict[tuple[str, str], str]:
    for column in ("reason", "language", "text"):
        read_column(path, column)
    bad, found = BadRows(), {}
    for line, cells in read_rows(read_text(path), bad):
        reason, language, text = cells["reason"].strip(), cells["language"].strip(), cells["text"].strip()
        if reason not in _REASONS:
            bad.append((line, f"reason is {reason!r:.40}; expected one of {', '.join(_REASONS)}"))
        elif language not in LANGUAGES:
            bad.append((line, f"language is {language!r:.40}; expected one of {', '.join(LANGUAGES)}"))
        elif not text:
            bad.append((line, "text is empty; expected a reply"))
        found[reason, language] = text
    if bad:
        raise BadRowsError(bad)
    return found
