"""Out-of-scope examples: texts of imported intents whose name says that they are none of the FAQ.

They are stored beside the messages that nobody labelled, told apart by their source; nights learn from them what is not
answered, as from the messages that are shipped with the product.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from helpdesk.records.examples import NewExample, store_examples
from helpdesk.records.faq import Entry
from helpdesk.records.tables import Example
from helpdesk.text import normalise

OUTSIDE_SOURCE: Final = "out of scope: "  # how the source of each begins
OUTSIDE_NAMES: Final = frozenset(
    (
        *("out_of_scope", "outofscope", "out_of_domain", "oos", "chitchat", "chit_chat", "none"),
        *("fallback", "nlu_fallback", "default_fallback", "default_fallback_intent"),
    )
)
_KIND: Final = "unlabelled"
_AT_ONCE: Final = 500


@dataclass(frozen=True)
class OutsideIntent:
    """An intent of a file that is none of the FAQ: its texts, those of them that are not stored yet, its answer."""

    line: int
    slug: str
    texts: tuple[str, ...]
    added: tuple[str, ...]
    answer: str


def is_outside(entry: Entry) -> bool:
    """Whether the name that a file gives an entry says that it is none of the FAQ."""
    return entry.name is not None and entry.slug in OUTSIDE_NAMES


def plan_outside(entry: Entry, *, line: int, known: set[str]) -> OutsideIntent:
    """What an entry of such a name teaches. known: normalised texts that are stored; those of the entry are added."""
    texts = tuple(
        text for text in (*((entry.question,) if entry.question else ()), *entry.phrasings) if normalise(text)
    )
    added = []
    for text in texts:
        if normalise(text) not in known:
            known.add(normalise(text))
            added.append(text)
    return OutsideIntent(line, entry.slug, texts, tuple(added), entry.answer or "")


def outside_examples(session: Session) -> list[Example]:
    """The stored ones, oldest first."""
    begins = Example.source.startswith(OUTSIDE_SOURCE, autoescape=True)
    return list(session.scalars(select(Example).where(Example.kind == _KIND, begins).order_by(Example.id)))


def says_outside(example: Example) -> bool:
    """Whether an example is one of them."""
    return example.kind == _KIND and example.source.startswith(OUTSIDE_SOURCE)


def store_outside(session: Session, intents: Sequence[OutsideIntent], *, author: str) -> int:
    """Keep what is new of them, also where nobody had said yet what the text means; how many."""
    for intent in intents:
        rows = [NewExample(_KIND, (text,)) for text in intent.added]
        _forget(session, (row.key for row in rows))
        if rows:
            store_examples(session, _KIND, rows, source=f"{OUTSIDE_SOURCE}{intent.slug}", author=author)
    return sum(len(intent.added) for intent in intents)


def _forget(session: Session, keys: Iterable[str]) -> None:
    wanted = list(keys)
    for start in range(0, len(wanted), _AT_ONCE):
        some = Example.text_key.in_(wanted[start : start + _AT_ONCE])
        session.execute(delete(Example).where(Example.kind == _KIND, some).execution_options(synchronize_session=False))
