"""What of a message is its matter: without quoted mail, greeting, signature, form labels, addresses and numbers."""

import html
import re
from typing import Final

_TAG: Final = re.compile(r"<(?:br|/?p|/?div|/?span|/?b|/?i|/?a)\b[^>]*>", re.IGNORECASE)
_QUOTED: Final = re.compile(r"^\s*(?:>|\|)")
_HISTORY: Final = re.compile(
    r"^\s*(?:-{2,}\s*(?:original|forwarded|ursprüngliche|message|mensaje)|_{5,}|"
    r"(?:on|am|le|el) .{3,80}(?:wrote|schrieb|a écrit|escribió)\s*:)",
    re.IGNORECASE,
)
_SIGNATURE: Final = re.compile(
    r"^\s*(?:--\s*$|sent from my|von meinem|envoyé de|enviado desde|get outlook for|"
    r"(?:(?:best|kind|warm|many|with best|with kind)\s+)?(?:regards|wishes|greetings)\b[^a-z]*.{0,25}$|"
    r"(?:best|cheers|sincerely|yours(?: \w+)?|br|rgds|thx|thanks|thank you|many thanks|thanks in advance)\s*[,.!]*\s*$|"
    r"(?:viele|beste|freundliche|liebe|schöne)\s+grü(?:ß|ss)e|mit freundlichen grü(?:ß|ss)en|mfg\b|lg\s*$|"
    r"(?:bien )?cordialement|bonne journée|(?:un )?(?:cordial )?saludos?\b|atentamente)",
    re.IGNORECASE,
)
_GREETING: Final = re.compile(
    r"^\s*(?:hi|hello|hey|dear|good (?:morning|afternoon|evening)|greetings|moin|hallo|guten (?:tag|morgen|abend)|"
    r"liebe[rs]?|sehr geehrte\w*|servus|bonjour|bonsoir|salut|madame|monsieur|hola|buen[oa]s \w+|estimad[oa]s?)\b"
    r"[^.?!\n]{0,40}?[,!:\n]+\s*",
    re.IGNORECASE,
)
_HEADER: Final = re.compile(
    r"^\s*(?:from|to|cc|bcc|sent|date|reply-to|von|an|gesendet|datum|de|à|enviado|fecha|para)\s*:.*$", re.IGNORECASE
)
_LABEL: Final = re.compile(r"^\s*(?:\[([^\]]{2,30})\]|([^\W\d_][\w /()#-]{1,28}?)\s*[:=|])\s*(.*)$")
_ASIDE: Final = re.compile(
    r"^(?:name|e-?mail|phone|tel|telephone|mobile|department|dept|location|building|room|floor|date|priority|severity|"
    r"urgency|impact|status|ticket|id|number|no|staff|employee|user|username|cost cent\w+|company|office|site|"
    r"asset|tag|"
    r"contact|reported by|requester|submitted|from|to|cc|sent|abteilung|telefon|datum|standort|priorität|"
    r"service|téléphone|"
    r"nom|prioridad|nombre|teléfono|area|category)\b",
    re.IGNORECASE,
)
_ADDRESS: Final = re.compile(r"\b(?:https?://|www\.)\S+|(?<![\w.+-])[\w.+-]{1,64}@[\w.-]+\.\w+", re.IGNORECASE)
_SENTENCE_END: Final = re.compile(
    r"(?<=[.?!;])\s+|\n+|\s+-\s+|(?:^|[\s:])\(?(?:\d|[a-d])[.)]\s+|"
    r"[,.;]?\s+(?:btw|by the way|other question|another (?:question|thing)|on top of that|p\.?s\.?:|übrigens|"
    r"andere frage|noch eine frage|par ailleurs|autre question|por cierto|otra (?:cosa|pregunta))\b[:,]?\s+",
    re.IGNORECASE,
)
_FEWEST_WORDS: Final = 3
_MOST_SENTENCES: Final = 16


def matter(text: str) -> str:
    """The lines of a message that say what it is about; the whole of it when nothing would be left."""
    plain = _TAG.sub(" ", html.unescape(text))
    kept: list[str] = []
    lines = plain.splitlines()
    for line in lines:
        if _HISTORY.match(line) and kept:
            break
        if _SIGNATURE.match(line) and kept:
            break
        if _QUOTED.match(line) or _HISTORY.match(line) or _HEADER.match(line) or _SIGNATURE.match(line):
            continue
        kept.append(_unlabelled(line) if len(lines) > 1 else line)
    found = _GREETING.sub("", "\n".join(line for line in kept if line.strip()).strip(), count=1)
    found = _ADDRESS.sub(" ", found).strip()
    return found if _has_words(found) else _ADDRESS.sub(" ", re.sub(r"^[ \t]*[>|]+", "", plain, flags=re.MULTILINE))


def sentences(text: str) -> list[str]:
    """The sentences and lines of a message that have a few words, as they stand."""
    parts = [part.strip(" -*•") for part in _SENTENCE_END.split(text)]
    return [part for part in parts if len(part.split()) >= _FEWEST_WORDS][:_MOST_SENTENCES]


def _unlabelled(line: str) -> str:
    """The value of a form's field; nothing of one that says who, where or when."""
    found = _LABEL.match(line)
    if found is None:
        return line
    return "" if _ASIDE.match(found[1] or found[2]) else found[3]


def _has_words(text: str) -> bool:
    return len(re.findall(r"[^\W\d_]{2,}", text)) >= 2
