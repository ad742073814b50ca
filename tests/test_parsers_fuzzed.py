"""Every parser meets what nobody would write; `benchmarks/fuzz_parsers.py` goes on for as long as one likes."""

import random

import pytest
from fuzz_parsers import PARSERS, Found, attempt, changed


@pytest.mark.parametrize("name", PARSERS)
def test_a_parser_ends_in_a_value_or_in_its_named_error(name: str) -> None:
    """What is good is read, what is spoilt is read or refused, and nothing else comes of it."""
    found, chance, seeds = Found(), random.Random(7), PARSERS[name].seeds
    for data in [*seeds, *(changed(chance, seeds) for _ in range(60))]:
        attempt(PARSERS[name], data, found)

    assert not found.failed
