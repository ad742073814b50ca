"""Rasa's training files: intents and their examples from `nlu.yml`, answers from the responses of `domain.yml`."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from helpdesk.errors import BadInputError
from helpdesk.records.files.faq_rows import Drafts, FaqFile

DEEPEST_YAML = 40
PARTS: Final = ("nlu", "responses", "rules", "intents")
_LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # of plain text: `no` stays the word no
_ENTITY: Final = re.compile(r"\[([^\[\]]*)\](?:\([^()]*\)|\{[^{}]*\})")
_UTTER: Final = "utter_"


@dataclass
class _Project:
    """What the files of one assistant say, together."""

    drafts: Drafts = field(default_factory=Drafts)
    answers: dict[str, str] = field(default_factory=dict)  # by the name of the response
    actions: dict[str, str] = field(default_factory=dict)  # intent -> the response that a rule gives it
    names: dict[str, None] = field(default_factory=dict)  # intents that have examples, or a place in the domain
    ignored: dict[str, int] = field(default_factory=dict)  # what was left out -> how often


def read_yaml(text: str) -> dict[str, Any]:
    """A YAML document as mappings, lists and texts. Raises BadInputError, for aliases too: they grow without end."""
    try:
        _require_bounded(text)
        found = yaml.load(text, Loader=_LOADER)  # noqa: S506 - makes nothing but mappings, lists and texts
    except yaml.YAMLError as error:
        raise BadInputError(f"not YAML: {' '.join(str(error).split()):.200}") from None
    if not isinstance(found, dict):
        raise BadInputError(f"a {type(found).__name__} found; expected Rasa's nlu.yml or domain.yml")
    return found


def read_rasa(documents: Iterable[dict[str, Any]]) -> FaqFile:
    """The entries of an assistant's files: intents, their examples, and what is answered to each.

    Raises BadInputError when none of them has intents.
    """
    project = _Project()
    for document in documents:
        for key in document:
            if key not in (*PARTS, "version", "stories"):
                _leave_out(project, f"section {key}")
        _read_rules(project, _items(document.get("rules")))
        _read_responses(project, document.get("responses"))
        _read_names(project, _items(document.get("intents")))
        _read_examples(project, _items(document.get("nlu")))
    if not project.names:
        raise BadInputError("no intents found; expected Rasa's nlu.yml, domain.yml, or both")
    _give_answers(project)
    drafts = project.drafts
    ignored = tuple(f"{what}{f' ({often:,} times)' if often > 1 else ''}" for what, often in project.ignored.items())
    repeated = tuple(drafts.repeated)
    return FaqFile(drafts.entries(), drafts.bad, lines=drafts.lines, repeated=repeated, ignored=ignored)


def _require_bounded(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if isinstance(event, yaml.AliasEvent):
            raise BadInputError(f"an alias (*{event.anchor}) found; write out what it stands for")
        if depth > DEEPEST_YAML:
            raise BadInputError(f"nested more than {DEEPEST_YAML} deep")


def _read_examples(project: _Project, items: list[Any]) -> None:
    for number, item in enumerate(items, 1):
        if not isinstance(item, dict) or not isinstance(item.get("intent"), str):
            kind = next(iter(item), "text") if isinstance(item, dict) else "text"
            _leave_out(project, f"{kind} section")
            continue
        project.names.setdefault(item["intent"])
        for text in _examples(item.get("examples")):
            project.drafts.add(number, {"intent": item["intent"], "phrasing": _without_entities(text)})


def _examples(examples: object) -> Iterator[str]:
    """Rasa writes them as lines of one text, or as a list."""
    if isinstance(examples, str):
        for line in examples.splitlines():
            if line.strip().startswith("-"):
                yield line.strip()[1:].strip()
        return
    for example in _items(examples):
        text = example.get("text") if isinstance(example, dict) else example
        yield from [str(text or "").strip().removeprefix("- ")]


def _read_responses(project: _Project, responses: object) -> None:
    for name, variants in (responses if isinstance(responses, dict) else {}).items():
        texts = [item["text"] for item in _items(variants) if isinstance(item, dict) and item.get("text")]
        plain = [
            item["text"]
            for item in _items(variants)
            if isinstance(item, dict) and item.get("text") and not {"condition", "channel"} & set(item)
        ]
        if texts:
            project.answers.setdefault(name, str((plain or texts)[0]))
        if len(texts) > 1:
            _leave_out(project, f"{len(texts) - 1} further text(s) of {name}")


def _read_rules(project: _Project, rules: list[Any]) -> None:
    """A rule of one intent that a response follows says what is answered to it."""
    for rule in rules:
        steps = _items(rule.get("steps")) if isinstance(rule, dict) else []
        intents = [step["intent"] for step in steps if isinstance(step, dict) and isinstance(step.get("intent"), str)]
        actions = [step["action"] for step in steps if isinstance(step, dict) and isinstance(step.get("action"), str)]
        spoken = [action for action in actions if action.startswith(_UTTER)]
        if len(intents) == 1 and spoken:
            project.actions.setdefault(intents[0], spoken[0])


def _read_names(project: _Project, intents: list[Any]) -> None:
    for intent in intents:
        name = next(iter(intent), "") if isinstance(intent, dict) else intent
        if isinstance(name, str) and name:
            project.names.setdefault(name)


def _give_answers(project: _Project) -> None:
    """What a rule says, else the response of the intent's name. Intents of the domain alone need one to be entries."""
    used = set()
    examples = {draft["name"] for draft in project.drafts.by_slug.values()}
    for name in project.names:
        response = project.actions.get(name, _UTTER + name)
        answer = project.answers.get(response) or project.answers.get(response := _UTTER + name)
        if answer:
            used.add(response)
            project.drafts.add(0, {"intent": name, "answer": answer})
        elif name not in examples:
            _leave_out(project, f"intent {name}, which has neither examples nor a response")
    for response in project.answers:
        if response not in used:
            _leave_out(project, f"response {response}, which no intent has")


def _without_entities(text: str) -> str:
    """`to [Berlin](city)` is `to Berlin`."""
    return _ENTITY.sub(r"\1", text)


def _leave_out(project: _Project, what: str) -> None:
    project.ignored[what] = project.ignored.get(what, 0) + 1


def _items(found: object) -> list[Any]:
    return found if isinstance(found, list) else []
