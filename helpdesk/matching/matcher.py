"""Normalise, exact match, small talk, encode, search, score, decide: one message through one bundle."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from helpdesk.decisions import SMALL_TALK, DecisionKind, DecisionReason
from helpdesk.matching.ambiguous import ask_back
from helpdesk.matching.bundle import Bundle
from helpdesk.matching.decide import Decision, Ranked, decide
from helpdesk.matching.encoder import VectorCache
from helpdesk.matching.index import Neighbours, Vectors
from helpdesk.matching.known_texts import Additions, decide_known, with_additions
from helpdesk.matching.languages import languages as all_languages
from helpdesk.matching.reading import matter, sentences
from helpdesk.matching.scorer import NEIGHBOURS
from helpdesk.matching.settled import is_settled, open_parts, settled_language
from helpdesk.matching.several import (
    FEWEST_WORDS,
    FEWEST_WORDS_OF_SURE,
    clauses,
    is_story,
    of_halves,
    of_sentences,
    rank,
    splits,
    unanswered,
)
from helpdesk.matching.small_talk import Heard, SmallTalk, small_talk
from helpdesk.text import normalise, text_key

RANKED = 10
ONE_QUESTION = 0.9  # a message that surely asks one thing is not taken apart: every part costs an encoding
_CLAUSE_END = re.compile(r"[.!?;:,]+\s+|\n+|\s-+\s")
_NOTHING = re.compile(r"\b(?:nothing|nobody|none|nichts|niemand|rien|personne|nada|nadie)\b", re.IGNORECASE)
_KNOWN_TEXTS = (
    DecisionReason.EXACT,
    DecisionReason.SHARED_TEXT,
    DecisionReason.KNOWN_OUT_OF_SCOPE,
    DecisionReason.NEW_PHRASING,
)


class Matcher:
    """Decides messages with one bundle. Immutable but for its cache of vectors; shared between threads."""

    def __init__(
        self, bundle: Bundle, *, cache_size: int = 4096, cache: VectorCache | None = None, talk: SmallTalk | None = None
    ) -> None:
        self.bundle = bundle
        self._talk = talk or small_talk()
        self._cache = cache or VectorCache(bundle.encoder, size=cache_size)

    def renamed(self, names: Mapping[str, str]) -> "Matcher":
        """The same with the names of today for intents that were called otherwise; vectors stay cached."""
        bundle = self.bundle.renamed(names)
        if bundle is self.bundle:
            return self
        bundle.speller.mend("warm")
        return Matcher(bundle, cache=self._cache, talk=self._talk)

    def over(self, bundle: Bundle, *, cache: VectorCache | None = None) -> "Matcher":
        """The same with another bundle of the same encoder; vectors stay cached, or come from `cache`."""
        return Matcher(bundle, cache=cache or self._cache, talk=self._talk)

    def match(
        self, text: str, *, published: Collection[str] | None = None, additions: Additions | None = None
    ) -> Decision:
        """Decide one message. Only intents in `published` can be chosen (None: all of the bundle's)."""
        normalised = normalise(text)
        if not normalised:
            return Decision(DecisionKind.FALLBACK, (), (), DecisionReason.EMPTY, self.bundle.thresholds)
        additions = additions or Additions()
        known = self._known(normalised, additions, published)
        if known is not None and self._is_phrasing(normalised, additions):
            return known
        said = _said(text)
        heard = self._heard(said)
        if heard.reason in SMALL_TALK:
            return Decision(DecisionKind.SMALLTALK, (), (), heard.reason, self.bundle.thresholds)
        if heard.reason == DecisionReason.ASKED:
            decision = self.rank(heard.question, published=published, additions=additions)
            return replace(decision, kind=DecisionKind.HANDOFF, options=(), reason=DecisionReason.ASKED)
        if known is not None:
            return known
        decision = self._match(heard.question, additions, published)
        if self._is_settled(heard.question, decision):
            return self._after_settled(said, additions, published)
        if decision.reason in _KNOWN_TEXTS:
            return decision
        mended = self.bundle.speller.mend(heard.question) if _doubtful(decision) else heard.question
        if mended != heard.question:
            decision = max(decision, self._match(mended, additions, published), key=rank)
        decision = self._several(said, mended, decision, additions, published)
        if decision.reason == DecisionReason.UNSURE and self._language(heard.question) is not None:
            return replace(decision, reason=DecisionReason.LANGUAGE)
        return decision

    def foreign_language(self, text: str) -> str | None:
        """The language of a message that is in none that the bundle knows, None otherwise."""
        return self._language(self._heard(_said(text)).question)

    def _language(self, question: str) -> str | None:
        known = self.bundle.languages
        return all_languages().tell(question, known=known) if known else None

    def question(
        self, text: str, *, published: Collection[str] | None = None, additions: Additions | None = None
    ) -> str:
        """What `match` decides about: the normalised matter of the text, without small talk at its ends, unless the
        text is known as it is."""
        normalised = normalise(text)
        if self._known(normalised, additions or Additions(), published) is not None:
            return normalised
        return self._heard(_said(text)).question

    def _is_settled(self, text: str, decision: Decision) -> bool:
        """Whether nothing is asked any more; never where the FAQ's own phrasings are of that kind."""
        if decision.reason in _KNOWN_TEXTS or not is_settled(text):
            return False
        return not decision.ranking or decision.ranking[0].intent not in self.bundle.settled

    def _after_settled(self, said: str, additions: Additions, published: Collection[str] | None) -> Decision:
        """A short reply, unless a clause that does not say that something is settled is answered by itself."""
        settled = Decision(DecisionKind.SMALLTALK, (), (), DecisionReason.SETTLED, self.bundle.thresholds)
        clauses = [clause for clause in _CLAUSE_END.split(said) if len(clause.split()) > 1]
        parts = [clause for clause in clauses if not is_settled(normalise(clause)) and not _NOTHING.search(clause)]
        if not parts or len(parts) == len(clauses):
            return settled
        nothing = replace(settled, kind=DecisionKind.FALLBACK, reason=DecisionReason.UNSURE)
        found = of_sentences(nothing, self._decided(parts, additions, published), level=self.bundle.thresholds.answer)
        return found if found.kind == DecisionKind.ANSWER else settled

    def _heard(self, said: str) -> Heard:
        """Small talk, a wish, or the question: without the sentences about settled matters, when others are left."""
        heard = self._talk.hear(normalise(said))
        parts = sentences(said)
        if heard.reason is not None or self.bundle.settled or len(parts) < 2 or is_settled(heard.question):
            return heard
        left = open_parts(parts)
        return heard if len(left) == len(parts) else self._talk.hear(normalise(" ".join(left)))

    def match_all(
        self, texts: Sequence[str], *, published: Collection[str] | None = None, additions: Additions | None = None
    ) -> list[Decision]:
        """What `match` would decide about each text. Faster, because texts are encoded in batches.

        Texts for which the cache has no room are encoded one by one.
        """
        additions = additions or Additions()
        asked = [self.question(text, published=published, additions=additions) for text in texts]
        self._cache.encode_all([text for text in asked if text and text_key(text) not in self.bundle.exact])
        whole = {text: self._match(text, additions, published) for text in asked if splits(text)}
        parts = [part for text in whole if _doubtful(whole[text]) for split in splits(text) for part in split]
        self._cache.encode_all(parts)
        return [self.match(text, published=published, additions=additions) for text in texts]

    def decide_vector(
        self, vector: Vectors, *, text: str | None = None, published: Collection[str] | None = None
    ) -> Decision:
        """Decide a unit vector [dim] as one question, without exact matches and additions.

        `text` is the normalised message, for the features of its wording; without it the wording counts as ordinary.
        """
        bundle = self.bundle
        neighbours = bundle.index.search(vector, NEIGHBOURS)
        spelled = None if text is None else bundle.encoder.spell(text)
        scores = bundle.scorer.score(vector, neighbours, bundle.intent_of_row, spelled=spelled)
        nearest = self._nearest(neighbours)
        names, position = bundle.distinct
        confidence = np.bincount(position, weights=scores.confidence, minlength=len(names))
        confidence[np.isnan(confidence)] = 0.0
        ranking: list[Ranked] = []
        for row in np.argsort(-confidence, kind="stable"):
            intent = names[row]
            if published is None or intent in published:
                ranking.append(Ranked(intent, min(1.0, float(confidence[row])), *nearest.get(intent, (None, None))))
            if len(ranking) == RANKED:
                break
        return decide(ranking, bundle.thresholds, out_of_scope=scores.out_of_scope)

    def _match(self, text: str, additions: Additions, published: Collection[str] | None) -> Decision:
        """Decide a normalised text as one question."""
        decision = self._known(text, additions, published) or self.rank(text, published=published, additions=additions)
        return ask_back(text, decision, self.bundle.shared_words, known=self.bundle.languages)

    def _is_phrasing(self, text: str, additions: Additions) -> bool:
        """A label does not come before small talk: whoever saw an answer would know that somebody had sent the text."""
        return bool(additions.having(text_key(text), self.bundle))

    def _known(self, text: str, additions: Additions, published: Collection[str] | None) -> Decision | None:
        """The decision about a normalised text that is known by itself, None when it is not."""
        return decide_known(text_key(text), self.bundle, additions, published=published)

    def rank(
        self, text: str, *, published: Collection[str] | None = None, additions: Additions | None = None
    ) -> Decision:
        """Decide a normalised text by its meaning, as if nobody had said this very text before.

        Of a text that is longer than the encoder reads, nothing is decided: its end may say something else.
        """
        vector = self._cache.encode_one(text)
        decision = self.decide_vector(vector, text=text, published=published)
        if self.bundle.encoder.is_cut(text):
            return replace(decision, kind=DecisionKind.FALLBACK, options=(), reason=DecisionReason.TOO_LONG)
        return with_additions(decision, vector, additions or Additions(), published=published)

    def _several(
        self, said: str, mended: str, whole: Decision, additions: Additions, published: Collection[str] | None
    ) -> Decision:
        """What the parts of a message ask, where they tell more than the whole: its sentences, or both sides of an
        "and"."""
        level = self.bundle.thresholds.answer
        parts = self._parts(said)
        if len(parts) > 1:
            story = is_story(parts)
            if story and not _doubtful(whole):
                return whole
            if story:
                parts = [*parts, *(f"{one} {other}" for one, other in pairwise(parts))]
            decided = self._decided(parts, additions, published)
            found = of_sentences(whole, decided, level=level, story=story)
            if story:
                return found
            typed = [(part, own) for part, (_, own) in zip(parts, decided, strict=True)]
            return replace(found, unanswered=unanswered(found, typed))
        least = FEWEST_WORDS if _doubtful(whole) else FEWEST_WORDS_OF_SURE
        ways = (self._decided(parts, additions, published) for parts in splits(mended, least=least))
        return of_halves(whole, ways, level=level)

    def _parts(self, said: str) -> list[str]:
        """The sentences of a message that may ask: no small talk, nothing about a settled matter."""
        asked = [clause for sentence in sentences(said) for clause in clauses(sentence)]
        if len(asked) < 2:
            return asked
        parts = [part for part in asked if self._talk.hear(normalise(part)).reason not in SMALL_TALK]
        return parts if self.bundle.settled else open_parts(parts)

    def _decided(
        self, parts: Sequence[str], additions: Additions, published: Collection[str] | None
    ) -> list[tuple[str, Decision]]:
        read = [self.bundle.speller.mend(normalise(part)) for part in parts]
        self._cache.encode_all(read)
        return [(part, self._match(part, additions, published)) for part in read]

    def known_vectors(self) -> dict[str, Vectors]:
        """The vectors [dim] of the texts that were met lately, by text."""
        return self._cache.known()

    def vectors_of(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors [n, dim] of normalised texts; those that were not met lately are encoded in batches."""
        self._cache.encode_all(texts)
        vectors = np.empty((len(texts), self.bundle.encoder.dim), dtype=np.float32)
        for row, text in enumerate(texts):
            vectors[row] = self._cache.encode_one(text)
        return vectors

    def warm(self) -> None:
        """Run the network, unless it runs already under another bundle, and make the lists of the speller and of the
        languages, so that no request pays for it."""
        self.bundle.encoder.warm()
        self.bundle.speller.mend("warm")
        all_languages().tell("warm the lists", known=self.bundle.languages)

    def _nearest(self, neighbours: Neighbours) -> dict[str, tuple[str, float]]:
        nearest: dict[str, tuple[str, float]] = {}
        rows, similarities = neighbours.rows.tolist(), neighbours.similarities.tolist()
        intents = self.bundle.intent_of_row[neighbours.rows].tolist()
        for row, intent, similarity in zip(rows, intents, similarities, strict=True):
            nearest.setdefault(self.bundle.intents[intent], (self.bundle.phrasing_ids[row], similarity))
        return nearest


def spoken_language(text: str, languages: tuple[str, ...]) -> str:
    """The language of the small talk, the wish or the settled matter in a message; the first one when that is not
    told."""
    read = normalise(_said(text))
    found = small_talk(languages).hear(read).language or settled_language(read)
    return found if found in languages else languages[0]


def written_language(text: str, languages: tuple[str, ...]) -> str:
    """The language in which a message is written; the first one when that is not told."""
    found = all_languages().tell(normalise(_said(text)), known=())
    return found if found in languages else languages[0]


def _said(text: str) -> str:
    """The matter of a message as it stands; the whole of it when that has no letters or digits."""
    found = matter(text)
    return found if normalise(found) else text


def _doubtful(decision: Decision) -> bool:
    """Whether it is worth another look."""
    unsure = decision.kind != DecisionKind.ANSWER or decision.confidence < ONE_QUESTION
    return decision.reason not in _KNOWN_TEXTS and unsure
