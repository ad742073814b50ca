"""FAQ entries as JSON: a list of entries, inside an object or not, an object of answers by question, or JSON Lines."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from helpdesk.errors import BadInputError
from helpdesk.records.files.faq_columns import LIST_FIELDS, PHRASING_FIELDS, recognise_field
from helpdesk.records.files.faq_rows import Drafts, FaqFile
from helpdesk.records.files.faq_tables import split_tags

_LISTS: Final = ("faqs", "faq", "entries", "items", "questions", "intents", "data", "rows", "common_examples")


@dataclass(frozen=True)
class _Fault:
    """A line that is no JSON."""

    reason: str


def read_json(text: str, *, lines: bool = False) -> FaqFile:
    """The entries; each is known by its number. Raises BadInputError for what is no list of entries.

    lines: JSON Lines, an entry a line; what begins as such is read so anyway.
    """
    drafts, ignored, named = Drafts(), dict[str, int](), False
    items = _lines(text) if lines or _is_lines(text) else enumerate(_items(_parsed(text)), 1)
    for number, item in items:
        for row in _rows(item, ignored):
            named = named or "intent" in row
            drafts.add(number, row)
    return FaqFile(
        drafts.entries(),
        drafts.bad,
        lines=drafts.lines,
        repeated=tuple(drafts.repeated),
        named=named,
        ignored=tuple(f"key {name}{f' ({often:,} times)' if often > 1 else ''}" for name, often in ignored.items()),
    )


def _parsed(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        raise BadInputError(f"not JSON: {error}") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    twice = next((name for name in names if names.count(name) > 1), None) if len({*names}) < len(names) else None
    if twice is not None:
        raise ValueError(f"the key {twice!r:.60} stands twice in one object")
    return dict(pairs)


def _is_lines(text: str) -> bool:
    """Whether the first of several lines is an object by itself."""
    first, _, rest = text.strip().partition("\n")
    try:
        return bool(rest.strip()) and isinstance(json.loads(first), dict)
    except (ValueError, RecursionError):
        return False


def _lines(text: str) -> Iterator[tuple[int, Any]]:
    """(number, entry) of each line; one that is no JSON is a row with the reason why."""
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            yield number, json.loads(line, object_pairs_hook=_object)
        except (ValueError, RecursionError) as error:
            yield number, _Fault(f"not JSON: {error}")


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


def _rows(item: object, ignored: dict[str, int]) -> Iterator[dict[str, Any]]:
    if isinstance(item, _Fault):
        yield {"wrong": item.reason}
        return
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
            ignored[key] = ignored.get(key, 0) + 1
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
