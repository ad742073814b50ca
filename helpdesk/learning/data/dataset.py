"""What there is to learn from: one consistent reading of the FAQ and the labels."""

import hashlib
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial

from sqlalchemy.orm import Session

from helpdesk.errors import BadInputError
from helpdesk.learning.data.quarantine import Quarantined, Said, quarantined
from helpdesk.near_duplicates import near_any
from helpdesk.records.audit import drawn_texts
from helpdesk.records.clock import now
from helpdesk.records.conversations import taken_for
from helpdesk.records.examples import TEXT_COLUMNS, list_examples
from helpdesk.records.exclusions import excluded_rows
from helpdesk.records.faq import list_intents
from helpdesk.records.files.csv_files import read_column
from helpdesk.records.labels import TEACHING, active_labels
from helpdesk.records.outside_examples import outside_examples, says_outside
from helpdesk.records.relabel_requests import REPEAT_WITHIN, said_once
from helpdesk.records.tables import Example, Label, Phrasing
from helpdesk.settings import resource
from helpdesk.text import OUT_OF_SCOPE, normalise

MOST_EXAMPLES = 10_000  # of each kind, the newest: more than one training gets to see


@dataclass(frozen=True)
class Row:
    """One text and what it means. `id` is its source: `phrasing:12`, `label:7`; intent OUT_OF_SCOPE is out of scope.

    put_forward: a message that was labelled because the bot doubted it. It trains like any other, but such messages are
    harder than traffic. said_once: a label that nobody has repeated; fresh: one of the last week.
    """

    id: str
    text: str
    intent: str
    put_forward: bool = False
    said_once: bool = False
    fresh: bool = False

    @property
    def is_message(self) -> bool:
        """Whether somebody typed it to the bot; else it was written for the FAQ."""
        return self.id.startswith("label:")


@dataclass(frozen=True)
class TrainingExample:
    """One training row of another kind than a label (`id` is its source: `example:12`), texts normalised.

    value: how alike the texts are, from 0 to 1, where the kind says so.
    """

    id: str
    kind: str
    texts: tuple[str, ...]
    value: float | None = None


@dataclass(frozen=True)
class Dataset:
    """Everything one night learns from and is measured on.

    train: rows that are indexed and trained on.
    holdout: labelled messages that never are.
    out_of_scope: texts that belong to no intent, first the `taught` ones that staff labelled (train split), then
        imported and shipped ones.
    exact: text key -> intent of every known text, held-out ones included.
    questions: intent -> canonical question.
    examples: rows of the other kinds, which only fine-tuning learns from.
    out_of_scope_share: the share of traffic that is out of scope by the audit sample, None when unknown.
    quarantine: labels in quarantine, which are in none of the other fields.
    """

    train: tuple[Row, ...]
    holdout: tuple[Row, ...]
    out_of_scope: tuple[str, ...]
    exact: dict[str, str]
    questions: dict[str, str]
    examples: tuple[TrainingExample, ...] = ()
    taught: int = 0
    out_of_scope_share: float | None = None
    quarantine: tuple[Quarantined, ...] = ()

    @cached_property
    def intents(self) -> tuple[str, ...]:
        """The intents that have training rows, sorted."""
        return tuple(sorted({row.intent for row in self.train}))

    @cached_property
    def intent_numbers(self) -> list[int]:
        """Per training row, the position of its intent in `intents`."""
        position = {intent: number for number, intent in enumerate(self.intents)}
        return [position[row.intent] for row in self.train]

    @cached_property
    def texts(self) -> list[str]:
        """The normalised texts of the training rows."""
        return [row.text for row in self.train]

    def shortened(self, is_cut: Callable[[str], bool]) -> "Dataset":
        """The same without texts that are longer than the encoder reads: they would teach what they begin with.

        They are still matched exactly.
        """
        kept = [text for text in self.out_of_scope if not is_cut(text)]
        return replace(
            self,
            train=tuple(row for row in self.train if not is_cut(row.text)),
            holdout=tuple(row for row in self.holdout if not is_cut(row.text)),
            out_of_scope=tuple(kept),
            taught=sum(not is_cut(text) for text in self.out_of_scope[: self.taught]),
            examples=tuple(example for example in self.examples if not any(map(is_cut, example.texts))),
        )

    @cached_property
    def rows_hash(self) -> str:
        """sha256 over everything a bundle is made from."""
        facts: list[object] = [
            [(r.id, r.text, r.intent, r.put_forward, r.said_once) for r in self.train],
            sorted(self.exact.items()),
            self.out_of_scope,
        ]
        if self.examples:
            facts.append([(example.kind, example.texts, example.value) for example in self.examples])
        if self.out_of_scope_share is not None:
            facts.append(self.out_of_scope_share)
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def read_dataset(
    session: Session,
    *,
    without: Collection[str] = (),
    again: Sequence[Label] = (),
    out_of_scope_share: float | None = None,
) -> Dataset:
    """Read published entries and the labels that count. Raises BadInputError below two intents.

    The rows in `without`, and those of exclusions in force, are left out as if they did not exist; labels in `again`
    count, since what superseded them is left out.
    """
    left_out = excluded_rows(session) | set(without)
    intents = list_intents(session, published_only=True)
    labels = [label for label in active_labels(session) if f"label:{label.id}" not in left_out]
    labels += again
    published = {intent.slug for intent in intents}
    phrasings = [(p, i.slug) for i in intents for p in i.phrasings if f"phrasing:{p.id}" not in left_out]
    waiting = _waiting(session, labels, phrasings)
    waits = {row for group in waiting for row in group.rows}
    labels = [label for label in labels if f"label:{label.id}" not in waits]
    drawn, once = drawn_texts(session), said_once(session)
    once |= {label.id: label.created_at > now() - REPEAT_WITHIN for label in again}
    labelled = {split: _label_rows(labels, published, split, drawn=drawn, once=once) for split in ("train", "holdout")}
    train = _unique([*(_phrasing_row(p, slug) for p, slug in phrasings), *labelled["train"]])
    train = [row for row in train if row.intent != OUT_OF_SCOPE]
    if len({row.intent for row in train}) < 2:
        raise BadInputError("fewer than two published intents have phrasings; import a FAQ first")
    known = {row.text for row in train}
    taught = _taught_out_of_scope(labels, known)
    held_out = labelled["holdout"]
    imported = [normalise(e.first) for e in outside_examples(session) if f"example:{e.id}" not in left_out]
    return Dataset(
        train=tuple(train),
        holdout=tuple(_apart_from(held_out, [*known, *taught])),
        out_of_scope=tuple(dict.fromkeys([*taught, *_general(imported, known, held_out)])),
        taught=len(taught),
        exact=_exact_table(phrasings, [label for label in labels if _meaning(label, published) is not None]),
        questions={intent.slug: intent.question for intent in intents},
        examples=tuple(
            _training_example(example)
            for kind in TEXT_COLUMNS
            for example in list_examples(session, kind, newest=MOST_EXAMPLES)
            if f"example:{example.id}" not in left_out and not says_outside(example)
        ),
        out_of_scope_share=out_of_scope_share,
        quarantine=waiting,
    )


def shipped_out_of_scope() -> list[str]:
    """The general messages that are out of scope for any helpdesk, from `training_data/out_of_scope.csv`."""
    return read_column(resource("training_data") / "out_of_scope.csv", "text")


def _waiting(
    session: Session, labels: Sequence[Label], phrasings: Sequence[tuple[Phrasing, str]]
) -> tuple[Quarantined, ...]:
    """The labels in quarantine."""
    said = [
        Said(
            f"label:{x.id}",
            x.normalised,
            x.intent.slug if x.intent else OUT_OF_SCOPE,
            x.staff.name,
            x.message_id,
        )
        for x in labels
        if x.kind in TEACHING
    ]
    faq = [Said(f"phrasing:{phrasing.id}", phrasing.normalised, slug) for phrasing, slug in phrasings]
    return tuple(quarantined(said, faq, taken_for=partial(taken_for, session)))


def _phrasing_row(phrasing: Phrasing, slug: str) -> Row:
    return Row(f"phrasing:{phrasing.id}", phrasing.normalised, slug)


def _training_example(example: Example) -> TrainingExample:
    texts = tuple(normalise(text) for text in example.texts)
    return TrainingExample(f"example:{example.id}", example.kind, texts, example.value)


def _label_rows(
    labels: Sequence[Label], published: set[str], split: str, *, drawn: Collection[str], once: Mapping[int, bool]
) -> list[Row]:
    rows = []
    for label in labels:
        meaning = _meaning(label, published)
        if label.split == split and meaning is not None and label.normalised:
            put_forward = label.text_key not in drawn
            fresh = once.get(label.id, False)
            rows.append(Row(f"label:{label.id}", label.normalised, meaning, put_forward, label.id in once, fresh))
    return rows


def _apart_from(holdout: Sequence[Row], learnt: Sequence[str]) -> list[Row]:
    """The held-out rows less near-duplicates of what is learnt, as a phrasing that was added later may be.

    Their stored split stays as it is.
    """
    spoilt = near_any([row.text for row in holdout], learnt)
    return [row for row, near in zip(holdout, spoilt, strict=True) if not near]


def _meaning(label: Label, published: set[str]) -> str | None:
    """The intent a label teaches, OUT_OF_SCOPE for out of scope, None when it teaches nothing."""
    if label.kind == "out_of_scope":
        return OUT_OF_SCOPE
    if label.kind == "intent" and label.intent is not None and label.intent.slug in published:
        return label.intent.slug
    return None


def _unique(rows: Sequence[Row]) -> list[Row]:
    return list({(row.text, row.intent): row for row in reversed(rows)}.values())[::-1]


def _taught_out_of_scope(labels: Sequence[Label], known: set[str]) -> list[str]:
    taught = [label.normalised for label in labels if label.kind == "out_of_scope" and label.split == "train"]
    return [text for text in dict.fromkeys(taught) if text and text not in known]


def _general(imported: Sequence[str], known: set[str], holdout: Sequence[Row]) -> list[str]:
    """Imported and shipped out-of-scope messages that are not learnt already, less near-duplicates of held-out rows."""
    texts = [*imported, *map(normalise, shipped_out_of_scope())]
    near = near_any(texts, [row.text for row in holdout])
    return [text for text, spoilt in zip(texts, near, strict=True) if text and text not in known and not spoilt]


def _exact_table(phrasings: Sequence[tuple[Phrasing, str]], labels: Sequence[Label]) -> dict[str, str]:
    """Text key -> intent. A label overrides phrasings; a text that is a phrasing of two intents is left out."""
    claims: dict[str, set[str]] = {}
    for phrasing, slug in phrasings:
        claims.setdefault(phrasing.text_key, set()).add(slug)
    table = {key: min(slugs) for key, slugs in claims.items() if len(slugs) == 1}
    for label in labels:
        table[label.text_key] = label.intent.slug if label.intent is not None else OUT_OF_SCOPE
    return table
