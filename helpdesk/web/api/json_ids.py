"""Delivery ids of other systems: some send strings, some numbers."""

from typing import Annotated

from pydantic import BeforeValidator


def without_type(value: object) -> object:
    """A whole number as its digits, so that 17 and "17" are one id; anything else as it is."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


ExternalId = Annotated[str, BeforeValidator(without_type)]
