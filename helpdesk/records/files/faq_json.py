"""FAQ entries as JSON: a list of entries, inside an object or not, or an object of answers by question."""

import json
from collections.abc import Iterator
from typing import Any, Final

from helpdesk.errors import BadInputError
from helpdesk.records.files.faq_columns import LIST_FIELDS, PHRASING_FIELDS, recognise_field
from helpdesk.records.files.faq_rows import Drafts, FaqFile
from helpdesk.records.files.faq_tables import split_tags

_LISTS: Final = ("faqs", "faq", "entries", "items", "questions", "intents", "data", "rows", "common_examples")


def read_json(text: str) -> FaqFile:
    """The entries; each is known by its number. Raises BadInputError for what is no list of entries."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInputError(f"not JSON: {error}") from None
    drafts, ignored, named = Drafts(), dict[str, None](), False
    for number, item in enumerate(_items(found), 1):
        for row in _rows(item, ignored):
            named = named or "intent" in row
            drafts.add(number, row)
    return FaqFile(
        drafts.entries(),
        drafts.bad,
        lines=drafts.lines,
        repeated=tuple(drafts.repeated),
        named=named,
        ignored=tuple(f"key {name}" for name in ignored),
    )


def _items(found: Any) -> list[Any]:
    if isinstance(found, list):
        return found
    if isinstance(found, dict):
        inner = found.get("rasa_nlu_data", found)
        lists = [inner[key] for key in _LISTS if isinstance(inner.get(key), list)] if isinstance(inner, dict) else []
        if len(lists) == 1:
            return list(lists[0])
        if found and all(isinstance(answer, str) and not recognise_field(key) for key, answer in found.items()):
            return [{"question": question, "answer": answer} for question, answer in found.items()]
    raise BadInputError(f"a {type(found).__name__} found; expected a list of entries")


def _rows(item: object, ignored: dict[str, None]) -> Iterator[dict[str, Any]]:
    if not isinstance(item, dict):
        yield {"wrong": f"{item!r:.60} found; expected an object with `intent` or `question`"}
        return
    row: dict[str, Any] = {}
    phrasings: list[Any] = []
    for key, value in item.items():
        field = "intent" if key == "tag" and "patterns" in item else recognise_field(key)
        if field == "grouping":
            field = "tags" if "question" in item or "intent" in item else "intent"
        if field in PHRASING_FIELDS:
            if isinstance(value, str) and field == "phrasings":
                yield {"wrong": f"{key} is {value!r:.60}; expected a list of texts"}
                return
            phrasings += value if isinstance(value, list) else [value]
        elif field is None or field in row:
            ignored.setdefault(key)
        elif value is not None:
            row[field] = _value(field, value)
    if "question" not in row and "intent" not in row:
        yield {"wrong": f"{item!r:.60} found; expected an object with `intent` or `question`"}
        return
    yield row
    name = "intent" if "intent" in row else "question"
    yield from ({name: row[name], "phrasing": text} for text in phrasings)


def _value(field: str, value: Any) -> Any:
    """Of several answers the first; tags in one text are told apart; true is yes."""
    if field == "answer" and isinstance(value, list) and value:
        return value[0]
    if field in LIST_FIELDS and isinstance(value, str):
        return split_tags(value)
    if field == "urgent" and isinstance(value, bool):
        return "yes" if value else "no"
    return value
