"""Passwords: what is compared where there is no hash."""

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import VerifyMismatchError

from helpdesk.records.passwords import _NOBODY, matches


def test_somebody_unknown_takes_as_long() -> None:
    """What is compared has the cost of a stored hash and is computed to the end, then does not match."""
    stored = PasswordHasher().hash("correct horse battery staple")

    assert extract_parameters(_NOBODY) == extract_parameters(stored)
    with pytest.raises(VerifyMismatchError):
        PasswordHasher().verify(_NOBODY, "correct horse battery staple")
    assert not matches(None, "correct horse battery staple")
