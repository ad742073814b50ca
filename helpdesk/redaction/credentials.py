"""Passwords, PINs and keys that people write though nobody asked for them."""

import re
from collections.abc import Iterator
from typing import Final

SECRET = "secret"  # noqa: S105 - the name of a placeholder
CREDENTIAL_HINTS: Final = (
    *("pass", "pwd", "pin", "secret", "token", "api", "cvc", "cvv", "security code", "otp", "login", "access", "code"),
    *("one-time", "kennwort", "contrase", "bearer", "private key", "eyj", "akia", "gh", "sk-", "sk_", "xox"),
)
_NAMES = (
    r"pass ?words?|pass ?codes?|pass ?phrases?|passwor[td]|pwd|pass|pin(?: ?code| number)?"
    r"|secret(?: key| word| answer)?|token|api[ _-]?key|cv[vc]2?|security code|otp"
    r"|(?:login|access|verification|one[- ]time)[ -](?:code|password)|kennwort|contraseña|mot de passe"
)
_SAID: Final = re.compile(
    rf"\b(?:{_NAMES})\b(?P<between>[^\S\n]*(?:=|:|->|\b(?:is|was|are|ist|lautet|es|est)\b:?)[^\S\n]*"
    rf"(?:(?:now|still|currently|just|set to|called)[^\S\n]+)?|[^\S\n]+(?=[\"'“‘`]))"
    rf"(?P<value>[\"“‘'`][^\"”’'`\n]{{1,80}}[\"”’'`]|[^\s,]+)",
    re.IGNORECASE,
)
_BARE: Final = re.compile(  # nothing stands between, so it must look like one
    rf"\b(?:{_NAMES})[^\S\n]+(?:to[^\S\n]+)?(?P<value>(?=[^\s,]*\d)[^\s,]{{4,}}|\d{{3,}})(?=[\s,]|$)", re.IGNORECASE
)
_KEYS: Final = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)"
    r"|\beyJ[\w-]{10,}\.[\w-]{10,}(?:\.[\w-]*)?"
    r"|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{20,}|\bsk[-_][A-Za-z0-9_-]{20,}|\bxox[abprs]-[\w-]{10,}"
    r"|(?<=[Bb]earer )[\w.~+/-]{16,}=*|(?<=://)[^\s:/@]+:[^\s@/]+(?=@)",
    re.DOTALL,
)
# What a password is said to be when it is not told.
_WORDS: Final = frozenset(
    re.findall(
        r"\S+",
        """
    a about accepted active again all already also always an and any asking at bad because being blocked broken but by
    case changed compromised correct crap dead deactivated deleted denied different disabled due empty enabled enough
    expired expiring far fine for forgotten from gone good hacked hard have hidden how i ignored impossible in incorrect
    invalid it just known leaked left locked long lost mandatory me mine missing my needed never new no not nothing of
    off ok okay old on or out outdated over please possible public rejected required reset right saved secure sent set
    now short so something stolen stored strong stuck supposed temporary that the there this to too unknown unreadable
    useless valid very visible weak what when where which who why with without working worthless wrong you your
    abgelaufen falsch gesperrt nicht vergessen ungültig weg incorrecta incorrecto olvidada expiré invalide oublié pas
    requested shown used asked entered typed encrypted safe unsafe shared synced refused useable usable optional
        """,
    )
)
_ENDS = ".,;:?)]}"
_OPENING = "\"“‘'`"


def find_credentials(text: str) -> Iterator[tuple[int, int, str]]:
    """(start, end, kind) of what is told as a password, and of keys that are known by their form."""
    for match in _KEYS.finditer(text):
        yield match.start(), match.end(), SECRET
    for match in _SAID.finditer(text):
        value = match["value"]
        if value[0] in _OPENING and len(value) > 2:
            yield match.start("value") + 1, match.end("value") - (value[-1] in "\"”’'`"), SECRET
            continue
        value = value.rstrip(_ENDS)
        if value and _is_told(value, word=match["between"].strip()[:1].isalpha()):
            yield match.start("value"), match.start("value") + len(value), SECRET
    for match in _BARE.finditer(text):
        yield match.start("value"), match.start("value") + len(match["value"].rstrip(_ENDS)), SECRET


def _is_told(value: str, *, word: bool) -> bool:
    """Whether a value is a secret: any that is no plain word, and a plain word that says nothing of a password.

    word: whether "is" stood before it, and not a colon.
    """
    bare = value.strip("!\"'*").casefold()
    if not bare or bare in _WORDS or (word and bare.endswith(("n't", "ing", "'s"))):
        return False
    return any(c.isdigit() or not c.isalnum() for c in value.rstrip("!")) or word or len(bare) > 5
