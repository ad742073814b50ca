"""Keys: programs and sites show who they are. Only hashes are stored, so a key is shown once, when it is made."""

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from hashlib import sha256

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from helpdesk.errors import BadInputError, ConflictError, NotFoundError
from helpdesk.records import audit_log
from helpdesk.records.clock import now
from helpdesk.records.tables import ApiKey
from helpdesk.settings.origins import exact_origin

SECRET_BYTES = 32
LONGEST_KEY_NAME = 80
LONGEST_LIFE = 3650  # days
USE_NOTED_EVERY = timedelta(minutes=10)
_SHOWN = 6  # characters of the secret


class KeyKind(StrEnum):
    """Who sends it: a program that keeps it secret, or the pages of a site, where everybody can read it."""

    SERVER = "server"
    SITE = "site"


class Scope(StrEnum):
    """What a key may be used for."""

    MESSAGES = "messages"
    FEEDBACK = "feedback"
    SEARCH = "search"
    FAQS = "faqs"
    MATCH = "match"
    MODEL = "model"
    INTERNALS = "internals"


PREFIXES = {KeyKind.SERVER: "hd_", KeyKind.SITE: "site_"}
SITE_SCOPES = (Scope.MESSAGES, Scope.FEEDBACK, Scope.SEARCH, Scope.FAQS)  # what anybody may who sees the site


@dataclass(frozen=True)
class NewKey:
    """A key that was just made; `token` is known here alone."""

    token: str
    row: ApiKey


def add_key(
    session: Session,
    name: str,
    *,
    scopes: Collection[str],
    origins: Collection[str] = (),
    days: int | None = None,
    author: str,
) -> NewKey:
    """A new key for a program, or with origins for the pages of a site; valid for some days, or until it is revoked.

    Raises BadInputError for a name, scope, origin or number of days that will not do, ConflictError when a key that
    counts has that name.
    """
    kind = KeyKind.SITE if origins else KeyKind.SERVER
    if days is not None and not 1 <= days <= LONGEST_LIFE:
        raise BadInputError(f"days is {days}; expected 1 to {LONGEST_LIFE:,}, or none for a key that does not expire")
    token = PREFIXES[kind] + secrets.token_urlsafe(SECRET_BYTES)
    row = ApiKey(
        kind=kind,
        name=_key_name(name),
        prefix=token[: len(PREFIXES[kind]) + _SHOWN],
        token_hash=_hash(token),
        scopes=_scopes(scopes, kind),
        origins=_origins(origins),
        author=author,
        expires_at=None if days is None else now() + timedelta(days=days),
    )
    session.add(row)
    try:
        session.flush()
    except IntegrityError:
        raise ConflictError(f"there is a key {row.name!r} already; revoke it first or choose another name") from None
    facts = {"kind": row.kind, "prefix": row.prefix, "scopes": ", ".join(row.scopes)}
    audit_log.note(session, "key.added", author=author, subject=row.name, **facts, origins=", ".join(origins) or None)
    return NewKey(token, row)


def list_keys(session: Session) -> list[ApiKey]:
    """Every key, newest first; those that do not count any more come last."""
    rows = session.scalars(select(ApiKey).order_by(ApiKey.id.desc())).all()
    return sorted(rows, key=lambda row: not counts(row))


def revoke_key(session: Session, key_id: int, *, author: str) -> ApiKey:
    """Let a key count no more, from the next request on. Saying it again changes nothing. Raises NotFoundError."""
    row = session.get(ApiKey, key_id)
    if row is None:
        raise NotFoundError(f"no key {key_id}; `helpdesk key list` shows them all")
    if row.revoked_at is None:
        row.revoked_at = now()
        audit_log.note(session, "key.revoked", author=author, subject=row.name, prefix=row.prefix)
    return row


def find_key(session: Session, token: str) -> ApiKey | None:
    """The key that counts and reads so; found by its hash."""
    return session.scalar(select(ApiKey).where(ApiKey.token_hash == _hash(token), *_counting()))


def note_use(session: Session, row: ApiKey) -> None:
    """Write down that a key is used; `needs_note` says when that is due."""
    due = or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at < now() - USE_NOTED_EVERY)
    session.execute(update(ApiKey).where(ApiKey.id == row.id, due).values(last_used_at=now()))


def needs_note(row: ApiKey) -> bool:
    """Whether its last known use is a while ago: most requests write nothing."""
    return row.last_used_at is None or row.last_used_at < now() - USE_NOTED_EVERY


def site_origins(session: Session) -> set[str]:
    """The origins of all sites whose keys count."""
    rows = session.scalars(select(ApiKey.origins).where(ApiKey.kind == KeyKind.SITE, *_counting()))
    return {origin for origins in rows for origin in origins}


def counts(row: ApiKey) -> bool:
    """Whether it is neither revoked nor expired."""
    return row.revoked_at is None and (row.expires_at is None or row.expires_at > now())


def _counting() -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return ApiKey.revoked_at.is_(None), or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > now())


def _key_name(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > LONGEST_KEY_NAME or not name.isprintable():
        raise BadInputError(f"name {name!r:.100}; expected 1 to {LONGEST_KEY_NAME} characters that can be seen")
    return name


def _scopes(given: Collection[str], kind: KeyKind) -> list[str]:
    possible = SITE_SCOPES if kind == KeyKind.SITE else tuple(Scope)
    if not given or not set(given) <= set(possible):
        wrong = ", ".join(sorted(set(given) - set(possible))) or "none"
        raise BadInputError(f"scopes of a {kind} key: {wrong:.80}; expected some of {', '.join(possible)}")
    return [str(scope) for scope in possible if scope in given]


def _origins(given: Collection[str]) -> list[str]:
    try:
        return list(dict.fromkeys(map(exact_origin, given)))
    except ValueError as error:
        raise BadInputError(str(error)) from None


def _hash(token: str) -> str:
    return sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
