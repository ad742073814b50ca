"""Why something was decided, and what became of a message, in the words that staff read."""

from helpdesk.decisions import DecisionKind, DecisionReason, HandoverStage
from helpdesk.records.tables import CaseReason

REASONS = {
    DecisionReason.UNSURE: "No FAQ was likely enough.",
    DecisionReason.TOO_LONG: "It is longer than the model reads and has no clear sentence.",
    DecisionReason.LANGUAGE: "It is in a language that neither the FAQ nor the encoder know.",
    DecisionReason.BETWEEN: "Several FAQs were close, so it asked which one was meant.",
    DecisionReason.SHARED_TEXT: "Several FAQs have this text, or nearly, so it asked which one was meant.",
    DecisionReason.TWO_QUESTIONS: "Two questions were found in it, and both answered.",
    DecisionReason.THREE_QUESTIONS: "Three questions were found in it, and all answered.",
    DecisionReason.SENTENCE: "One of its sentences was answered; the whole was not clear.",
    DecisionReason.CONFIDENT: "It was answered, but with little confidence.",
    DecisionReason.NEW_PHRASING: "It was answered from a phrasing added today.",
    DecisionReason.NO_ANSWER: "The FAQ that fits has no answer yet.",
    DecisionReason.NO_VERSION: "No trained version was in service.",
    DecisionReason.NONE_OF_THESE: "None of the offered FAQs was chosen.",
    DecisionReason.NO_SUCH_CHOICE: "It names a choice that was not offered, so it asked again.",
    DecisionReason.TWO_CHOICES: "Two of the offered FAQs were chosen.",
    DecisionReason.THREE_CHOICES: "Three of the offered FAQs were chosen.",
    DecisionReason.GONE: "The FAQ that was chosen is not there any more.",
    DecisionReason.COMMAND: "It is a command of the widget that means nothing here.",
    DecisionReason.KNOWN_OUT_OF_SCOPE: "It was labelled as none of the FAQs before.",
    DecisionReason.ASKED: "The person asked for a person.",
    DecisionReason.GREETING: "It was greeted back.",
    DecisionReason.THANKS: "It says thanks, and got a short reply.",
    DecisionReason.GOODBYE: "It says goodbye, and got a short reply.",
    DecisionReason.INSULT: "It is an insult, and got a short reply.",
    DecisionReason.SETTLED: "It says that a matter is settled, and got a short reply.",
    DecisionReason.BOT_QUESTION: "It asks whether this is a bot, and got a short reply.",
    DecisionReason.YES: "It says yes to nothing that was asked, and got a short reply.",
    DecisionReason.NO: "It says no to nothing that was asked, and got a short reply.",
    DecisionReason.WITH_PERSON: "A person had the conversation, so the bot was silent.",
    DecisionReason.EXACT: "The text itself is known.",
    DecisionReason.CHOICE: "It was chosen from the offered FAQs.",
    DecisionReason.EMPTY: "It has no letters or digits.",
}
KIND_WORDS = {
    DecisionKind.ANSWER: "answered",
    DecisionKind.CLARIFY: "asked back",
    DecisionKind.FALLBACK: "not answered",
    DecisionKind.HANDOFF: "asked for a person",
    DecisionKind.SMALLTALK: "small talk",
    DecisionKind.PERSON: "with a person",
}
STAGES = {
    HandoverStage.REPHRASE: "The person was asked to say it in other words.",
    HandoverStage.HANDED_OVER: "It was handed over.",
    HandoverStage.CONTACT: "The person was told whom to turn to.",
}
CASE_REASONS = {
    CaseReason.ASKED: "asked for a person",
    CaseReason.NO_ANSWER: "no answer yet",
    CaseReason.TWO_FAILED_TRIES: "two tries failed",
    CaseReason.NONE_OF_THESE: "none of what was offered",
    CaseReason.THUMBS_DOWN: "the answer was no help",
    CaseReason.FLAGGED: "a topic for people",
    CaseReason.LANGUAGE: "another language",
    CaseReason.URGENT: "urgent",
}
SURE = "It was answered with confidence."


def in_words(reason: str, *, sure: bool = False) -> str:
    """Why, in one sentence. sure: the confidence is one that nobody doubts."""
    return SURE if sure and reason == DecisionReason.CONFIDENT else REASONS.get(DecisionReason(reason), reason)
