"""Passwords, PINs and keys that people write though nobody asked for them."""

import re
from collections.abc import Iterator
from typing import Final

SECRET = "secret"  # noqa: S105 - the name of a placeholder
CREDENTIAL_HINTS: Final = (
    *("pass", "pwd", "pw", "pin", "secret", "token", "api", "cvc", "cvv", "security code", "otp", "login", "access"),
    *("code", "one-time", "kennwort", "contrase", "clave", "senha", "wachtwoord", "hasło", "lösenord", "private key"),
    *("bearer", "eyj", "akia", "asia", "gh", "sk-", "sk_", "rk_", "xox", "glpat", "aiza", "hf_", "hd_", "npm_"),
    *("pypi-", "sg."),
)
_NAME: Final = (
    r"(?<![^\W_])(?:pass ?words?|pass ?codes?|pass ?phrases?|passwor[td]s?|passwd|pwd|pw|pass"
    r"|pin(?: ?codes?| numbers?)?s?|secret(?:[ _-]?access[ _-]?key|[ _-]?key| word| answer)?s?|tokens?|api[ _-]?key"
    r"|(?:access|private)[ _-]key|cv[vc]2?|security code|otp"
    r"|(?:login|access|verification|one[- ]time)[ -](?:code|password)"
    r"|kennwort|contrase[ñn]a|mot de passe|clave|senha|wachtwoord|hasło|lösenord)(?![^\W_])"
)
_IS: Final = r"(?:is|was|are|equals|ist|war|lautet|hei(?:ß|ss)t|es|est|é|è|jest|är)"
_FILLER: Final = (
    r"(?:(?:now|still|currently|just|(?:re)?set to|changed to|updated to|called|really|actually|simply|literally|always"
    r"|the following|jetzt|wirklich|ahora|maintenant|vraiment)[^\S\n]+)?"
)
_DIGITS: Final = r"\d{1,4}(?:[ -]\d{1,4}){1,10}(?![\w-]|[.,:/]\w)"  # read out one by one, or in groups
_VALUE: Final = rf"(?P<value>[\"“‘'`][^\"”’'`\n]{{1,80}}[\"”’'`]|{_DIGITS}|[^\s,]+(?:,[^\s,]+)*)"
# "password: x", `"password": "x"`, "**password** = x"; what stands after it may begin the next line.
_GIVEN: Final = re.compile(
    rf"{_NAME}[\"'*_`]{{0,3}}[^\S\n]?(?P<sign>:=|[:=](?!>)|[^\S\n]{_IS}:)[*_`]{{0,3}}"
    rf"(?P<gap>[^\S\n]*(?:\n\s{{0,4}})?){_FILLER}{_VALUE}",
    re.IGNORECASE,
)
# "My password is x", "the password that I use is x", "password - x", "password's x".
_SAID: Final = re.compile(
    rf"(?P<own>\b(?:my|our)[^\S\n](?:[^\W\d_]{{1,20}}[^\S\n]){{0,2}}|(?=\bsecret (?:word|answer)\b))?{_NAME}"
    rf"(?:['’]s|[^\S\n]+c['’]est|[^\S\n]*(?:[-=]>|-)|(?P<words>(?:[^\S\n]+[\w'’-]{{1,20}}){{0,5}}?)[^\S\n]+{_IS})"
    rf"[^\S\n]+{_FILLER}{_VALUE}",
    re.IGNORECASE,
)
_QUOTED: Final = re.compile(rf"{_NAME}[^\S\n]+(?=[\"'“‘`]){_VALUE}", re.IGNORECASE)
_BARE: Final = re.compile(  # nothing stands between, so it must look like one
    rf"{_NAME}[^\S\n]+(?:to[^\S\n]+)?(?P<value>(?=[^\s,]*\d)[^\s,]{{4,}}|\d{{3,}}|\d(?: \d){{3,7}})(?=[\s,]|$)",
    re.IGNORECASE,
)
_AND: Final = re.compile(
    r"[^\S\n]*(?:[,/&]|\b(?:and|or|und|oder|y|o|et|ou|e)\b)[^\S\n]+(?P<value>[^\s,]+)", re.IGNORECASE
)
_IT_IS: Final = re.compile(  # behind it stands whose: "hunter2 is my password"
    rf"(?<=\S)[^\S\n]{{1,3}}(?:{_IS}|as|als|como|comme)[^\S\n]{{1,3}}"
    r"(?:my|our|the|meine?|unser|mi|mon|mia|minha|mijn)[^\S\n]{1,3}"
    rf"(?:[^\W\d_]{{1,20}}[^\S\n])?"
    rf"{_NAME}(?=\s*(?:[.,;:!?)]|$|(?:and|but|for|und|aber|für|y|pero|para|et|mais|pour)\b))",
    re.IGNORECASE,
)
_LAST: Final = re.compile(r"[^\s,]+$")
_LONGEST = 80  # characters of a secret before what it is
_KEYS: Final = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)"
    r"|(?<![\w-])eyJ[\w-]{10,}\.[\w-]{10,}(?:\.[\w-]*)?"
    r"|\bA[KS]IA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{20,}|\bgithub_pat_\w{20,}|\b[rs]k[-_][A-Za-z0-9_-]{20,}"
    r"|\bxox[abeprs]-[\w-]{10,}|\bglpat-[\w-]{20,}|\bAIza[\w-]{30,}|\bh[fd]_[\w-]{20,}|\bnpm_[A-Za-z0-9]{20,}"
    r"|\bpypi-[\w-]{20,}|(?<![\w-])SG\.[\w-]{16,}\.[\w-]{16,}"
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
_ENDS = ".,;:?)]}*_"
_OPENING = "\"“‘'`"
_CLOSING = "\"”’'`"
_AROUND = f"{_ENDS}{_OPENING}{_CLOSING}!([{{<>"
_MEASURED: Final = re.compile(  # "is 90 days old"
    r"[ -](?:days?|weeks?|months?|years?|hours?|minutes?|seconds?|times|characters?|chars|digits|letters|numbers|words"
    r"|bits?|bytes|Tage|Wochen|Monate|Jahre|Stunden|Minuten|Zeichen|Stellen|días|caracteres|dígitos|jours|caractères|chiffres)\b",
    re.IGNORECASE,
)
_ABOUT: Final = re.compile(
    r"\b(?:error|status|response|length|limit|count|version|expiry|age|reset|manager)\b", re.IGNORECASE
)
_NO_SECRET: Final = re.compile(  # "2nd", "2FA", "sha256", an address
    r"\d+(?:st|nd|rd|th|x|h|d|fa)|(?:sha|md|base|utf|oauth|[hre]s|aes|v|ipv|tls|http)-?\d+|(?:https?://|www\.).*",
    re.IGNORECASE,
)
_PLAIN_WORD: Final = re.compile(r"[^\W\d_]+(?:[-'’./][^\W\d_]+)*[!?]*")  # "case-sensitive", "and/or"
_STOPS: Final = re.compile(r"[!?]*(?:\s*(?:$|[.,;:!?\n])|[^\S\n]+(?:and|but)\b)")
_DESCRIBING: Final = ("n't", "ing", "'s", "ed", "able", "ible", "less", "ive", "ly")


def find_credentials(text: str) -> Iterator[tuple[int, int, str]]:
    """(start, end, kind) of what is told as a password, and of keys that are known by their form."""
    for match in _KEYS.finditer(text):
        yield match.start(), match.end(), SECRET
    for match in _QUOTED.finditer(text):
        yield match.start("value") + 1, match.end("value") - (match["value"][-1] in _CLOSING), SECRET
    for match in (*_GIVEN.finditer(text), *_SAID.finditer(text)):
        start, end = _within(match)
        if _is_told(match, text, start, end):
            yield start, end, SECRET
            yield from _more(text, end)
    for match in _IT_IS.finditer(text):
        before = max(0, match.start() - _LONGEST)
        if (last := _LAST.search(text[before : match.start()])) and _looks_random(last[0]):
            yield before + last.start(), match.start(), SECRET
    for match in _BARE.finditer(text):
        if not _MEASURED.match(text, match.end()):
            yield match.start("value"), match.start("value") + len(match["value"].rstrip(_ENDS)), SECRET


def _within(match: re.Match[str]) -> tuple[int, int]:
    """Where a value stands without its quotes and the end of the sentence."""
    start, value = match.start("value"), match["value"]
    if value[0] in _OPENING and len(value) > 2:
        return start + 1, match.end("value") - (value[-1] in _CLOSING)
    return start, start + len(value.rstrip(_ENDS))


def _more(text: str, end: int) -> Iterator[tuple[int, int, str]]:
    """Further ones after the first: "hunter2 and dragon99"."""
    while (match := _AND.match(text, end)) and _looks_random(match["value"]):
        start, end = _within(match)
        yield start, end, SECRET


def _is_told(match: re.Match[str], text: str, start: int, end: int) -> bool:
    """Whether a value is a secret. What looks random is; a plain word is one after a colon, or where somebody says
    "my password is dragon" and no more, unless it is a word that says how a password is."""
    value, groups = text[start:end], match.groupdict()
    bare = value.strip("!\"'*([{<>").casefold()
    if not bare or bare in _WORDS or _MEASURED.match(text, end) or _ABOUT.search(groups.get("words") or ""):
        return False
    if start > match.start("value") or _looks_random(value):
        return True
    if sign := groups.get("sign"):
        return "\n" not in match["gap"] and (sign == "=" or len(bare) > 5)
    own = groups["own"] is not None and not groups["words"] and _STOPS.match(text, end)
    return bool(own) and len(bare) > 3 and bare.isalpha() and not bare.endswith(_DESCRIBING)


def _looks_random(value: str) -> bool:
    """Whether there is more than a word in it: digits among letters, three digits, or signs within."""
    bare = value.strip(_AROUND)
    if bare.isdecimal():
        return len(bare) > 2
    known = _PLAIN_WORD.fullmatch(bare) or _NO_SECRET.fullmatch(bare)
    return len(bare) > 2 and any(map(str.isalnum, bare)) and not known
