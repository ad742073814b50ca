"""Why something was decided, and what became of a message, in the words that staff read."""

from helpdesk.decisions import DecisionKind, DecisionReason

REASONS = {
    DecisionReason.UNSURE: "No FAQ was likely enough, so it was handed over.",
    DecisionReason.TOO_LONG: "It is longer than the model reads and has no clear sentence, so it was handed over.",
    DecisionReason.LANGUAGE: "It is in a language that neither the FAQ nor the encoder know, so it was handed over.",
    DecisionReason.BETWEEN: "Several FAQs were close, so it asked which one was meant.",
    DecisionReason.SHARED_TEXT: "Several FAQs have this text, or nearly, so it asked which one was meant.",
    DecisionReason.TWO_QUESTIONS: "Two questions were found in it, and both answered.",
    DecisionReason.THREE_QUESTIONS: "Three questions were found in it, and all answered.",
    DecisionReason.SENTENCE: "One of its sentences was answered; the whole was not clear.",
    DecisionReason.CONFIDENT: "It was answered, but with little confidence.",
    DecisionReason.NEW_PHRASING: "It was answered from a phrasing added today.",
    DecisionReason.NO_ANSWER: "The FAQ that fits has no answer yet, so it was handed over.",
    DecisionReason.NO_VERSION: "No trained version was in service.",
    DecisionReason.NONE_OF_THESE: "None of the offered FAQs was chosen.",
    DecisionReason.TWO_CHOICES: "Two of the offered FAQs were chosen.",
    DecisionReason.THREE_CHOICES: "Three of the offered FAQs were chosen.",
    DecisionReason.GONE: "The FAQ that was chosen is not there any more, so it was handed over.",
    DecisionReason.COMMAND: "It is a command of the widget that means nothing here.",
    DecisionReason.KNOWN_OUT_OF_SCOPE: "It was labelled as none of the FAQs before.",
    DecisionReason.ASKED: "The person asked for a person, so it was handed over.",
    DecisionReason.GREETING: "It was greeted back.",
    DecisionReason.THANKS: "It says thanks, and got a short reply.",
    DecisionReason.GOODBYE: "It says goodbye, and got a short reply.",
    DecisionReason.INSULT: "It is an insult, and got a short reply.",
    DecisionReason.SETTLED: "It says that a matter is settled, and got a short reply.",
    DecisionReason.BOT_QUESTION: "It asks whether this is a bot, and got a short reply.",
    DecisionReason.YES: "It says yes to nothing that was asked, and got a short reply.",
    DecisionReason.NO: "It says no to nothing that was asked, and got a short reply.",
    DecisionReason.EXACT: "The text itself is known.",
    DecisionReason.CHOICE: "It was chosen from the offered FAQs.",
    DecisionReason.EMPTY: "It has no letters or digits, so it was handed over.",
}
KIND_WORDS = {
    DecisionKind.ANSWER: "answered",
    DecisionKind.CLARIFY: "asked back",
    DecisionKind.FALLBACK: "handed over",
    DecisionKind.HANDOFF: "asked for a person",
    DecisionKind.SMALLTALK: "small talk",
}
SURE = "It was answered with confidence."


def in_words(reason: str, *, sure: bool = False) -> str:
    """Why, in one sentence. sure: the confidence is one that nobody doubts."""
    return SURE if sure and reason == DecisionReason.CONFIDENT else REASONS.get(DecisionReason(reason), reason)
