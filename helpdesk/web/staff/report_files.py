"""The report's tables as CSV files that a spreadsheet opens as they are meant."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from helpdesk.serving.live import Live
from helpdesk.text import OUT_OF_SCOPE
from helpdesk.web.staff.reasons import CASE_REASONS
from helpdesk.web.staff.report_facts import Facts, daily, promises

NONE_OF_THEM = "none of our FAQs"
Rows = tuple[Sequence[str], Iterable[Sequence[Any]]]


def _volume(facts: Facts, live: Live | None) -> Rows:
    columns = ("day", "messages", "answered", "asked back", "not answered", "asked for a person", "small talk")
    return columns, (
        (day, one.messages, one.answered, one.clarified, one.unanswered, one.wished, one.small_talk)
        for day, one in daily(facts.counts())[1]
    )


def _outcomes(facts: Facts, live: Live | None) -> Rows:
    found = daily(facts.counts())[0]
    rows = [
        ("answered directly", found.answered),
        ("asked back", found.clarified),
        ("asked back, then chosen", found.chosen),
        ("asked back, then none of these", found.rejected),
        ("asked back, then nothing chosen", found.left),
        ("not answered", found.unanswered),
        ("not answered, asked for a person", found.wished),
        ("small talk", found.small_talk),
        *((name.replace("_", " "), count) for name, count in vars(facts.ratings()).items()),
    ]
    shares = (found.messages or None, ("answered directly", "asked back", "not answered"))
    return ("outcome", "messages", "share"), (
        (name, count, count / shares[0] if shares[0] and name in shares[1] else None) for name, count in rows
    )


def _cases(facts: Facts, live: Live | None) -> Rows:
    columns = ("reason", "cases", "taken", "closed", "minutes until taken, median")
    return columns, (
        (CASE_REASONS[row.reason], row.opened, row.taken, row.closed, row.minutes) for row in facts.cases()
    )


def _faqs(facts: Facts, live: Live | None) -> Rows:
    questions = facts.questions()
    columns = ("FAQ", "question", "state", "answered", "of these chosen", "label says otherwise", "meant", "changed")
    return (*columns, "helpful", "not helpful"), (
        (
            row.slug,
            row.question,
            row.status,
            row.answers.all,
            row.answers.chosen,
            row.wrong,
            "; ".join(f"{_named(questions, meant)} ({count})" for meant, count in row.confused),
            row.changed.isoformat(timespec="minutes"),
            row.ratings.helpful,
            row.ratings.not_helpful,
        )
        for row in facts.faqs(facts.confusions(), sort="asked")
    )


def _confused(facts: Facts, live: Live | None) -> Rows:
    questions = facts.questions()
    return ("meant", "answered", "messages"), (
        (_named(questions, row.meant), _named(questions, row.said), row.count) for row in facts.confusions()
    )


def _gaps(facts: Facts, live: Live | None) -> Rows:
    return ("text", "messages", "newest message"), ((gap.name, gap.count, gap.message_id) for gap in facts.gaps())


def _labellers(facts: Facts, live: Live | None) -> Rows:
    columns = ("name", "labels", "texts", "texts that another labelled too", "of these alike")
    return columns, (tuple(vars(person).values()) for person in facts.agreement().people)


def _golden(facts: Facts, live: Live | None) -> Rows:
    questions, words = facts.questions(), {True: "kept", False: "broken", None: "waits"}
    columns = ("text", "promise", "state", "decision now", "answered now")
    return columns, (
        (
            promise.phrase.text,
            _named(questions, promise.phrase.intent or OUT_OF_SCOPE),
            words[promise.kept],
            promise.kind,
            "; ".join(_named(questions, intent) for intent in promise.intents),
        )
        for promise in promises(live, facts.phrases())
    )


def _nights(facts: Facts, live: Live | None) -> Rows:
    columns = ("finished", "verdict", "version", "held-out rows", "held-out right", "coverage")
    more = ("wrong answers", "wrong, low", "wrong, high", "labels", "why")
    return (*columns, *more), (
        (
            row.finished_at.isoformat(timespec="minutes"),
            row.verdict,
            row.version_id,
            row.holdout_rows,
            row.holdout_right,
            row.coverage,
            row.wrong_share,
            row.wrong_low,
            row.wrong_high,
            row.labels,
            row.reason,
        )
        for row in reversed(facts.nights())
    )


def _named(questions: Any, slug: str) -> str:
    return NONE_OF_THEM if slug == OUT_OF_SCOPE else str(questions.get(slug, slug))


TABLES: dict[str, Callable[[Facts, Live | None], Rows]] = {
    "volume": _volume,
    "outcomes": _outcomes,
    "cases": _cases,
    "faqs": _faqs,
    "confused": _confused,
    "gaps": _gaps,
    "labellers": _labellers,
    "golden": _golden,
    "nights": _nights,
}
