"""What of a message is its matter: without quoted mail, greeting, signature, form labels, addresses and numbers."""

import html
import re
from collections.abc import Sequence
from itertools import takewhile
from typing import Final

_UNSEEN: Final = re.compile(r"<!--.*?-->|<(style|script)\b[^>]{0,200}>.*?</\1>", re.IGNORECASE | re.DOTALL)
_BLOCK: Final = re.compile(r"</?(?:br|p|div|li|ul|ol|tr|table|tbody|h[1-6]|blockquote)\b[^>]{0,500}>", re.IGNORECASE)
_TAG: Final = re.compile(
    r"</?(?:span|b|i|u|a|em|strong|font|img|td|th|html|body|head|pre|code)\b[^>]{0,500}>", re.IGNORECASE
)
_QUOTED: Final = re.compile(r"^\s*(?:>|\|)")
_HISTORY: Final = re.compile(
    r"^\s*(?:-{2,}\s*(?:original|forwarded|ursprüngliche|message|mensaje)|_{5,}|"
    r"(?:on|am|le|el) .{3,80}(?:wrote|schrieb|a écrit|escribió)\b.{0,80}:\s*$)",
    re.IGNORECASE,
)
_SIGNATURE: Final = re.compile(
    r"^\s*(?:--\s*$|sent from my|von meinem|gesendet (?:von|mit) mein|envoyé de|enviado desde|get outlook for|"
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
    r"(?<=[.?!;])\s+|(?<=\?)(?=[^\W\d_])|\n+|\s+(?:-{1,2}|[–—•|→])\s+|(?:^|[\s:])\(?(?:\d|[a-d])[.)]\s+|"
    r"[,.;]?\s+(?:btw|by the way|other question|(?:one|another) (?:more )?(?:question|thing)|"
    r"while (?:i'm|i am|we're|we are) at it|on top of that|p\.?s\.?:|übrigens|"
    r"andere frage|noch eine frage|par ailleurs|autre question|por cierto|otra (?:cosa|pregunta))\b[:,]?\s+",
    re.IGNORECASE,
)
_MORE: Final = re.compile(
    r"^\s*(?:p\.?p?\.?s\b|oh\b|also\b|and (?:also\b|one more)|one more|another (?:thing|question)|btw\b|by the way|"
    r"besides|noch (?:eine|etwas)|außerdem|autre|otra)",
    re.IGNORECASE,
)
_FEWEST_WORDS: Final = 3
_MOST_SENTENCES: Final = 16


def matter(text: str) -> str:
    """The lines of a message that say what it is about; the whole of it when nothing would be left."""
    plain = _TAG.sub(" ", _BLOCK.sub("\n", _UNSEEN.sub(" ", html.unescape(text).replace("\u200b", " "))))
    kept: list[str] = []
    lines = plain.splitlines()
    for number, line in enumerate(lines):
        if _HISTORY.match(line) and kept:
            break
        if _SIGNATURE.match(line) and _says_something(kept) and _closes(lines[number + 1 :]):
            break
        if _QUOTED.match(line) or _HISTORY.match(line) or _HEADER.match(line) or _SIGNATURE.match(line):
            continue
        kept.append(_unlabelled(line) if len(lines) > 1 else line)
    found = _GREETING.sub("", "\n".join(line for line in kept if line.strip()).strip(), count=1)
    found = _ADDRESS.sub(" ", found).strip()
    return found if _has_words(found) else _ADDRESS.sub(" ", re.sub(r"^[ \t]*[>|]+", "", plain, flags=re.MULTILINE))


def sentences(text: str) -> list[str]:
    """The sentences and lines of a message that have a few words, as they stand."""
    lines = "\n".join(" ".join(line.split()) for line in text.splitlines())
    parts = [part.strip(" -*•") for part in _SENTENCE_END.split(lines)]
    long = [part for part in parts if len(part.split()) >= _FEWEST_WORDS]
    if not long:  # a list of key words
        long = [part for part in parts if len(part.split()) >= _FEWEST_WORDS - 1]
    return long[:_MOST_SENTENCES]


def _closes(lines: Sequence[str]) -> bool:
    """Whether what stands below the line that may close a message is a name and an address, not one more matter."""
    own = list(takewhile(lambda line: not (_QUOTED.match(line) or _HISTORY.match(line) or _HEADER.match(line)), lines))
    return not any(_MORE.match(line) or line.rstrip().endswith("?") for line in own)


def _says_something(lines: Sequence[str]) -> bool:
    return _has_words(_GREETING.sub("", "\n".join(line for line in lines if line.strip()) + "\n", count=1))


def _unlabelled(line: str) -> str:
    """The value of a form's field; nothing of one that says who, where or when."""
    found = _LABEL.match(line)
    if found is None:
        return line
    return "" if _ASIDE.match(found[1] or found[2]) else found[3]


def _has_words(text: str) -> bool:
    return len(re.findall(r"[^\W\d_]{2,}", text)) >= 2
