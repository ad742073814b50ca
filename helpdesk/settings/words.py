"""What the bot says besides the answers."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode

from helpdesk.settings.lists import listed

LANGUAGES = ("en", "de", "fr", "es")  # of the shipped small talk


class WordSettings(BaseSettings, defer_build=True):
    """Texts of replies and choices, and their languages."""

    clarify_text: str = Field(
        "Which of these do you mean?", description="Text before the choices of a clarifying question"
    )
    none_text: str = Field("None of these", description="The last choice of a clarifying question")
    languages: Annotated[tuple[str, ...], NoDecode] = Field(
        LANGUAGES,
        description="Comma-separated languages of small talk and of wishes for a person, the most likely one first",
    )
    replies: Path | None = Field(
        None,
        description="CSV file of your own replies to small talk, and of what is said of people, "
        "`reason,language,text`; "
        "empty: the shipped ones",
    )
    fallback_text: str | None = Field(
        None,
        description="Your own reply, in every language, when the bot knows no answer and has asked once already; "
        "`{contact}` stands for `HELPDESK_CONTACT`; empty: the shipped ones, which say what is so",
    )

    _languages = field_validator("languages", mode="before")(listed)

    @field_validator("languages")
    @classmethod
    def _are_shipped(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value or not set(value) <= set(LANGUAGES):
            raise ValueError(f"expected one or more of {', '.join(LANGUAGES)}, separated by commas")
        return tuple(dict.fromkeys(value))
