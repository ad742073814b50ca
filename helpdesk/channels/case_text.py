"""A case in words. What customers typed stands in one place each, on lines of its own, and is nobody's markup."""

import html
import re
from typing import Any

from helpdesk.records.case_content import CaseContent, CaseNote, CaseTurn
from helpdesk.text import visible

LONGEST_SUBJECT = 120
_OF_NOTE = ("case_id", "conversation_id", "channel", "sender", "urgent", "url")
_WHY = {
    "asked": "the customer asked for a person",
    "no_answer": "the entry that fits has no answer yet",
    "two_failed_tries": "the bot did not understand twice",
    "none_of_these": "it is none of what the bot offered",
    "thumbs_down": "the answer did not help",
    "flagged": "a topic that people look at",
    "language": "a language that the bot does not know",
    "urgent": "a matter marked urgent",
}
_WHY_ADDED = _WHY | {"two_failed_tries": "the bot did not understand it"}  # one try is enough while a case is open
_NEWS = {
    "added": "This was added to case {case}: {why}.",
    "helpful": "The customer says of case {case} that this answer did help.",
    "withdrawn": "The customer says that this answer did help. Nobody has to look at case {case} any more.",
}
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~@:])")


def one_line(text: str, *, limit: int) -> str:
    """A text as it may stand in a subject: no line breaks, no control or format characters, cut with an ellipsis."""
    line = visible(" ".join(text.split()))
    return line if len(line) <= limit else line[: limit - 1] + "…"


def subject(case: CaseContent) -> str:
    """One line that says what it is about."""
    return one_line(f"{'URGENT: ' if case.urgent else ''}[helpdesk] {case.question}", limit=LONGEST_SUBJECT)


def plain_text(case: CaseContent, *, key: str, public_url: str | None) -> str:
    """The whole case for people to read; its last line repeats the key, by which it is found again."""
    lines = [
        f"Handed over because: {_WHY.get(case.reason, case.reason)}." + (" URGENT." if case.urgent else ""),
        f"Customer: {one_line(case.sender, limit=256)} on {case.channel}, {case.opened_at:%Y-%m-%d %H:%M} UTC",
        *([f"Conversation: {link(case, public_url)}"] if public_url else []),
        "",
        "What was said:",
    ]
    for said in case.transcript:
        lines += ["", *_turn(said)]
    if case.guesses:
        lines += ["", "Best guesses:"]
        lines += [f"- {one_line(question, limit=200)} ({confidence:.0%})" for question, confidence in case.guesses]
    return "\n".join([*lines, "", f"Reference: {key}"])


def note_text(note: CaseNote, *, key: str) -> str:
    """What came to a case, for people to read; its last line repeats the key of the note."""
    news = _NEWS[note.event].format(case=note.case.case_id, why=_WHY_ADDED.get(note.reason, note.reason))
    return "\n".join([news, "", *_turn(note.about), "", f"Reference: {key}"])


def html_text(text: str) -> str:
    """Plain text as HTML that shows the same."""
    return html.escape(text).replace("\n", "<br>\n")


def markdown_text(text: str) -> str:
    """Plain text as Markdown that shows the same, without links, pictures or mentions."""
    return _MARKDOWN.sub(r"\\\1", text).replace("\n", "  \n")


def facts(case: CaseContent, *, public_url: str | None) -> dict[str, Any]:
    """The case for programs."""
    return {
        "case_id": case.case_id,
        "conversation_id": case.conversation_id,
        "channel": case.channel,
        "sender": case.sender,
        "reason": case.reason,
        "urgent": case.urgent,
        "opened_at": case.opened_at.isoformat(timespec="seconds"),
        "url": link(case, public_url) if public_url else None,
        "transcript": [_facts_of_turn(said) for said in case.transcript],
        "guesses": [{"question": question, "confidence": round(share, 4)} for question, share in case.guesses],
    }


def note_facts(note: CaseNote, *, public_url: str | None) -> dict[str, Any]:
    """What came to a case, for programs."""
    case = {name: value for name, value in facts(note.case, public_url=public_url).items() if name in _OF_NOTE}
    return case | {"reason": note.reason, "message": _facts_of_turn(note.about)}


def _facts_of_turn(said: CaseTurn) -> dict[str, str]:
    return {"at": said.at.isoformat(timespec="seconds"), "customer": said.text, "bot": said.bot}


def link(case: CaseContent, public_url: str) -> str:
    """The page of the conversation."""
    return f"{public_url}/desk/conversations/{case.conversation_id}"


def _turn(said: CaseTurn) -> list[str]:
    bot = f"{said.at:%H:%M} bot {one_line(said.bot, limit=500)}"
    return [f"{said.at:%H:%M} customer:", *_quoted(said.text), bot]


def _quoted(text: str) -> list[str]:
    return [f"  > {visible(line)}" for line in text.splitlines() or [""]]
