"""Which column of a table is what: names in any case and language that FAQ tables use."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from helpdesk.errors import BadInputError

LIST_FIELDS: Final = ("tags", "follow_ups")  # several values in one cell
EXPECTED: Final = "intent,question,answer,phrasing[,locale,tags,follow_ups], question,answer, or text,intent"
PHRASING_FIELDS: Final = ("phrasing", "phrasings", "text")
_NAMES: Final = {
    "intent": "intent intents slug intentname intentid absicht intention topicid",
    "grouping": "category categories kategorie topic topics thema label class categoria catégorie categorie gruppe",
    "question": """question questions frage fragen title titel betreff subject faq pregunta domanda vraag pytanie
        pergunta canonicalquestion questiontitle questiontext shortdescription kurzbeschreibung heading""",
    "answer": """answer answers antwort antworten response responses reply replies solution lösung loesung resolution
        respuesta réponse reponse risposta antwoord resposta answertext body content""",
    "phrasing": """phrasing variant variante utterance example beispiel formulierung trainingphrase paraphrase
        alternative alternativequestion alternativephrasing altphrasing altquestion pattern query sentence
        message äußerung""",
    "phrasings": """phrasings variants varianten utterances examples beispiele formulierungen trainingphrases
        paraphrases alternatives alternativequestions patterns queries äußerungen""",
    "text": "text",
    "tags": "tags tag schlagwort schlagworte schlagwörter keyword keywords stichwort stichworte stichwörter labels",
    "follow_ups": "followups followup followupquestions relatedquestions folgefragen",
    "locale": "locale language lang sprache idioma langue lingua taal",
    "status": "status state zustand",
    "urgent": "urgent dringend urgente urgence",
}
_FIELD: Final = {name: field for field, names in _NAMES.items() for name in names.split()}
_NOT_LETTERS: Final = re.compile(r"[\W\d_]+")


@dataclass(frozen=True)
class FaqTable:
    """Column numbers: one for each field, and those of phrasings, True where a cell holds one a line.

    ignored: (number, name) of columns that are left out; repeated: those that say again what an earlier column of the
    same name says, numbers in it aside, such as a second `answer` or `answer 2`.
    """

    fields: dict[str, int]
    phrasings: list[tuple[int, bool]]
    ignored: list[tuple[int, str]]
    repeated: tuple[tuple[int, str], ...] = ()
    grouping: int | None = None  # a column whose values name an entry, or a group of many


def recognise_field(name: str) -> str | None:
    """The field that a column or key of this name holds, None when nothing is known of it.

    `phrasings` holds several, `text` is a phrasing or an answer, `grouping` names an entry or a group of them.
    """
    return _FIELD.get(_letters(name))  # `Training phrase 2` is `trainingphrase`


def find_columns(names: Sequence[str]) -> FaqTable:
    """What each column holds. Raises BadInputError when neither entries nor labelled rows can be made of them."""
    found = [(number, name, recognise_field(name)) for number, name in enumerate(names)]
    fields: dict[str, int] = {}
    phrasings: list[tuple[int, str]] = []
    ignored: list[tuple[int, str]] = []
    repeated: list[tuple[int, str]] = []
    for number, name, field in found:
        if field in PHRASING_FIELDS:
            phrasings.append((number, name))
        elif field is not None and field not in fields:
            fields[field] = number
        elif field is not None and _letters(names[fields[field]]) == _letters(name):
            repeated.append((number, name.strip()))
        else:
            ignored.append((number, name.strip() or f"column {number + 1}, which has no name"))
    grouping = fields.pop("grouping", None)
    if "intent" not in fields and grouping is not None and "question" not in fields:
        fields["intent"], grouping = grouping, None
    _settle_phrasings(fields, phrasings)
    if not ("intent" in fields and (phrasings or "question" in fields or "answer" in fields)) and not (
        "question" in fields and "answer" in fields
    ):
        raise BadInputError(_lacking(names, found))
    many = [(number, recognise_field(name) == "phrasings") for number, name in phrasings]
    return FaqTable(fields, many, ignored, tuple(repeated), grouping)


def _letters(name: str) -> str:
    return _NOT_LETTERS.sub("", name.casefold())


def _lacking(names: Sequence[str], found: Sequence[tuple[int, str, str | None]]) -> str:
    if any(field for _, _, field in found):
        return f"columns {list(names)} found; expected {EXPECTED}"
    shown = ", ".join(f"“{name.strip()[:40]}”" for name in names[:4])
    return f"the first row, {shown}, names no column; put a row with the names above it: {EXPECTED}"


def _settle_phrasings(fields: dict[str, int], phrasings: list[tuple[int, str]]) -> None:
    """Without intents, the first utterance is the question; `text` beside a question is its answer."""
    if "intent" in fields or not phrasings:
        return
    if "question" not in fields:
        fields["question"] = phrasings.pop(0)[0]
    texts = [column for column in phrasings if recognise_field(column[1]) == "text"]
    if "answer" not in fields and texts:
        fields["answer"] = texts[0][0]
        phrasings.remove(texts[0])
