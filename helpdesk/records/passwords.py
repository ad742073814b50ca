"""Passwords: what a good one is, and argon2id hashes of them."""

import secrets
from base64 import b64encode

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from helpdesk.errors import BadInputError

MIN_PASSWORD = 10
MIN_SCORE = 3  # zxcvbn's: more than 10^8 guesses
_LONGEST_SCORED = 72  # characters that zxcvbn looks at; more take it seconds
_HASHER = PasswordHasher()


def _random_hash() -> str:
    """A hash as stored, of no known password: random bytes, because a real one costs each process 0.2 s and 64 MB."""
    salt, digest = (
        b64encode(secrets.token_bytes(size)).decode().rstrip("=") for size in (_HASHER.salt_len, _HASHER.hash_len)
    )
    cost = f"m={_HASHER.memory_cost},t={_HASHER.time_cost},p={_HASHER.parallelism}"
    return f"$argon2id$v=19${cost}${salt}${digest}"


_NOBODY = _random_hash()


def hash_password(password: str, *, name: str) -> str:
    """The hash that is stored. Raises BadInputError for a password that is short or easy to guess, and says why.

    name: of the person; passwords made of it are easy to guess.
    """
    if len(password) < MIN_PASSWORD:
        raise BadInputError(f"password of {len(password)} characters; expected at least {MIN_PASSWORD}")
    _require_hard_to_guess(password, name)
    return _HASHER.hash(password)


def matches(password_hash: str | None, password: str) -> bool:
    """Whether it is the password. Takes as long when there is no hash."""
    try:
        return _HASHER.verify(password_hash or _NOBODY, password)
    except (VerificationError, InvalidHashError):
        return False


def _require_hard_to_guess(password: str, name: str) -> None:
    from zxcvbn import zxcvbn  # its word lists take a tenth of a second to load

    found = zxcvbn(password[:_LONGEST_SCORED], user_inputs=[name, *name.split(), "helpdesk"])
    if found["score"] < MIN_SCORE:
        said = [found["feedback"]["warning"], *found["feedback"]["suggestions"]]
        advice = " ".join(filter(None, said)) or "Add another word or two. Uncommon words are better."
        raise BadInputError(f"this password is easy to guess. {advice}")
