"""What is decided about a message and why, as every room, the tables and the API call it."""

from enum import StrEnum


class DecisionKind(StrEnum):
    """What the person gets."""

    ANSWER = "answer"
    CLARIFY = "clarify"  # two to four questions to choose from
    FALLBACK = "fallback"  # no answer: what is said instead tells the stage
    HANDOFF = "handoff"  # people, as the person wished
    SMALLTALK = "smalltalk"  # a short reply to what is no question
    PERSON = "person"  # nothing from the bot: a person has the conversation


class DecisionReason(StrEnum):
    """What the decision rests on."""

    CONFIDENT = "confident"  # one intent is likely enough
    BETWEEN = "between"  # a few intents hold the answer
    UNSURE = "unsure"  # nothing is likely enough
    TOO_LONG = "too_long"  # it is longer than the encoder reads, and none of its sentences is sure
    LANGUAGE = "language"  # nothing is likely enough, and it is in a language that neither FAQ nor encoder know
    EXACT = "exact"  # the text itself is known
    SHARED_TEXT = "shared_text"  # several entries have the text itself, or one added since that is as near
    KNOWN_OUT_OF_SCOPE = "known_out_of_scope"  # staff said that this text is none of the FAQs
    NEW_PHRASING = "new_phrasing"  # nearly a phrasing added since the last night
    SENTENCE = "sentence"  # one of its sentences asks it
    TWO_QUESTIONS = "two_questions"  # both are answered
    THREE_QUESTIONS = "three_questions"  # all three are answered
    CHOICE = "choice"  # the person chose it from a clarifying question
    NO_ANSWER = "no_answer"  # what would be answered has no answer text yet
    TWO_CHOICES = "two_choices"  # the person chose two of them
    THREE_CHOICES = "three_choices"
    GONE = "gone"  # what the person chose is not in the FAQ any more
    NONE_OF_THESE = "none_of_these"  # the person chose none of its options
    NO_SUCH_CHOICE = "no_such_choice"  # the person named a choice that was not offered: the question again
    COMMAND = "command"  # a widget's own command that means nothing here, such as /session_end
    EMPTY = "empty"  # no letters or digits
    NO_VERSION = "no_version"  # nothing serves yet
    ASKED = "asked"  # the person wants to talk to a person
    GREETING = "greeting"
    THANKS = "thanks"
    GOODBYE = "goodbye"
    INSULT = "insult"
    SETTLED = "settled"  # a matter is settled or not wanted any more, and nothing is asked
    BOT_QUESTION = "bot_question"  # whether this is a bot, and what it is
    YES = "yes"  # to nothing that was asked
    NO = "no"
    WITH_PERSON = "with_person"  # a person has the conversation


class HandoverStage(StrEnum):
    """What the person was told about people, where the bot had no answer or not the answer alone."""

    REPHRASE = "rephrase"  # to say it in other words
    HANDED_OVER = "handed_over"  # that people were told: a case is open
    CONTACT = "contact"  # whom to turn to, because nobody would be told here
    TAKEN = "taken"  # that a person reads along


ANSWERS = {  # how many; one for other reasons
    DecisionReason.TWO_QUESTIONS: 2,
    DecisionReason.THREE_QUESTIONS: 3,
    DecisionReason.TWO_CHOICES: 2,
    DecisionReason.THREE_CHOICES: 3,
}
SCORED = (  # rest on a calibrated confidence
    DecisionReason.CONFIDENT,
    DecisionReason.BETWEEN,
    DecisionReason.UNSURE,
    DecisionReason.LANGUAGE,
)
PICKED = {1: DecisionReason.CHOICE, 2: DecisionReason.TWO_CHOICES, 3: DecisionReason.THREE_CHOICES}
CHOSEN = (  # only pick from what was offered
    *PICKED.values(),
    DecisionReason.GONE,
    DecisionReason.NONE_OF_THESE,
    DecisionReason.NO_SUCH_CHOICE,
)
SMALL_TALK = (
    DecisionReason.GREETING,
    DecisionReason.THANKS,
    DecisionReason.GOODBYE,
    DecisionReason.INSULT,
    DecisionReason.BOT_QUESTION,
    DecisionReason.SETTLED,
    DecisionReason.YES,
    DecisionReason.NO,
)
NO_QUESTION = (
    DecisionKind.SMALLTALK,
    DecisionKind.HANDOFF,
    DecisionKind.PERSON,
)  # no miss of the FAQ, so nothing to label
