"""Texts that several published entries have: whoever types one is asked which entry is meant."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from helpdesk.records.tables import Intent, Phrasing


@dataclass(frozen=True)
class SharedText:
    """A text as one of the entries has it, and the slugs of all that do."""

    text: str
    slugs: tuple[str, ...]

    def sentence(self) -> str:
        """The same in words."""
        return f'"{self.text}" is a phrasing of {" and ".join(self.slugs)}: it is asked which one is meant'


def shared_texts(session: Session, slugs: Collection[str]) -> list[SharedText]:
    """What each of these published entries has in common with another one, in the order in which it was added."""
    published = select(Phrasing.text_key).join(Intent).where(Intent.status == "published")
    twice = published.group_by(Phrasing.text_key).having(func.count(Phrasing.id) > 1)
    rows = select(Phrasing.text_key, Phrasing.text, Intent.slug).join(Intent)
    rows = rows.where(Intent.status == "published", Phrasing.text_key.in_(twice)).order_by(Phrasing.id)
    texts: dict[str, str] = {}
    having: dict[str, list[str]] = {}
    for key, text, slug in session.execute(rows):
        texts.setdefault(key, text)
        having.setdefault(key, []).append(slug)
    wanted = set(slugs)
    return [SharedText(texts[key], tuple(found)) for key, found in having.items() if wanted & set(found)]
