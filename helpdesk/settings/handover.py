"""Handing conversations over to people: who is there, when, and what else reaches them."""

from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import Field, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode

from helpdesk.settings.lists import listed
from helpdesk.settings.office_hours import OfficeHours, read_holidays, read_office_hours


class HandoverSettings(BaseSettings, defer_build=True):
    """Inbox, contact, office hours, topics that people look at."""

    inbox: bool = Field(
        False, description="People look into the inbox of the desk: what the bot cannot answer waits there for them"
    )
    contact: str | None = Field(
        None,
        max_length=200,
        description="How to reach people, as the bot says it: `help@example.org or 555-0100`; empty: it names nothing",
    )
    office_zone: str = Field("UTC", description="Time zone of the office hours, such as `Europe/Berlin`")
    office_hours: str | None = Field(
        None,
        description="When people are there: `Mon-Fri 09:00-17:00, Sat 10:00-12:00`. At other times whoever is handed "
        "over is told when they are back; empty: nothing is said",
    )
    office_holidays: str | None = Field(
        None,
        description="Dates on which nobody is there, within the office hours too: `2026-12-24, 12-25`, without a year "
        "for every year",
    )
    handover_tags: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Comma-separated tags: whoever is answered with an entry of one of these is handed over too"
    )

    _tags = field_validator("handover_tags", mode="before")(listed)

    @field_validator("office_zone")
    @classmethod
    def _is_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, OSError, ValueError):
            raise ValueError("expected a time zone such as Europe/Berlin") from None
        return value

    @field_validator("office_hours")
    @classmethod
    def _are_hours(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and "office_zone" in info.data:
            read_office_hours(value, info.data["office_zone"])
        return value

    @field_validator("office_holidays")
    @classmethod
    def _are_dates(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None:
            read_holidays(value)
            if info.data.get("office_hours", "") is None:
                raise ValueError("holidays are days without office hours; set HELPDESK_OFFICE_HOURS too")
        return value

    @property
    def hours(self) -> OfficeHours | None:
        """The office hours; None when nobody set any."""
        if self.office_hours is None:
            return None
        return read_office_hours(self.office_hours, self.office_zone, self.office_holidays)
