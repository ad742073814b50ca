"""What counts as handled right, of messages as people really type them."""

from dataclasses import dataclass

import pytest
from odd import DEVELOPMENT, FIGURES, Row, failures, figures, half, handled


@dataclass(frozen=True)
class Said:
    """What was decided; kinds that the product does not know yet too."""

    kind: str
    intents: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    reason: str = "confident"


FALLBACK, SMALLTALK, HANDOFF = Said("fallback"), Said("smalltalk"), Said("handoff")


@pytest.mark.parametrize(
    ("expected", "intents", "said", "right"),
    [
        ("answer", "vpn", Said("answer", ("vpn",)), True),
        ("answer", "vpn", Said("answer", ("wifi",)), False),
        ("answer", "vpn", Said("answer", ("vpn", "wifi")), False),
        ("answer", "vpn", Said("clarify", options=("vpn", "wifi")), False),
        ("answer", "vpn", SMALLTALK, False),
        ("offer", "vpn wifi", Said("answer", ("wifi",)), True),
        ("offer", "vpn wifi", Said("answer", ("wifi", "printer")), False),
        ("offer", "vpn wifi", Said("clarify", options=("printer", "vpn")), True),
        ("offer", "vpn wifi", Said("clarify", options=("printer", "phone")), False),
        ("offer", "vpn wifi", FALLBACK, False),
        ("both", "vpn wifi", Said("answer", ("wifi", "vpn")), True),
        ("both", "vpn wifi", Said("clarify", options=("printer", "vpn", "wifi")), True),
        ("both", "vpn wifi", Said("answer", ("vpn",), options=("wifi",)), True),
        ("both", "vpn wifi", Said("answer", ("vpn",)), False),
        ("none", "", Said("answer", ("vpn",)), False),
        ("none", "", Said("clarify", options=("vpn", "wifi")), True),
        ("none", "", FALLBACK, True),
        ("none", "", HANDOFF, True),
        ("human", "contact_human", HANDOFF, True),
        ("human", "contact_human", Said("answer", ("contact_human",)), True),
        ("human", "contact_human", Said("clarify", options=("vpn", "contact_human")), True),
        ("human", "contact_human", FALLBACK, False),
        ("smalltalk", "", SMALLTALK, True),
        ("smalltalk", "", FALLBACK, True),
        ("smalltalk", "", Said("answer", ("vpn",)), False),
    ],
)
def test_what_is_handled_right(expected: str, intents: str, said: Said, right: bool) -> None:
    """The expectation and the decision alone say it."""
    assert handled(Row("some text", "kind", expected, tuple(intents.split())), said) is right


def test_an_unknown_expectation_is_refused() -> None:
    """A slip in the file would otherwise count as a failure of the matcher."""
    with pytest.raises(ValueError, match="'anwser'"):
        handled(Row("some text", "kind", "anwser"), FALLBACK)


def test_an_answer_that_the_row_does_not_name_is_wrong() -> None:
    """Half of two answers is incomplete, not wrong."""
    one = Row("vpn and wifi", "two", "both", ("vpn", "wifi"))
    other = Row("car battery", "near", "none")

    found = figures([(one, Said("answer", ("vpn",))), (other, Said("answer", ("battery",)))], group="kind")

    assert found["answers"] == 2
    assert found["wrong_rate"] == 0.5
    assert found["groups"] == {"two": {"messages": 1, "right": 0.0}, "near": {"messages": 1, "right": 0.0}}


def test_failures_of_the_figures_half_are_not_shown() -> None:
    """Whoever reads them tunes to them."""
    rows = [Row(f"message {n}", "far", "none") for n in range(20)]
    shown = "\n".join(failures([(row, Said("answer", ("vpn",))) for row in rows]))

    assert {half(row.text) for row in rows} == {DEVELOPMENT, FIGURES}
    assert all((f" {row.text}\n" in shown) == (half(row.text) == DEVELOPMENT) for row in rows)


def test_spelling_that_does_not_matter_does_not_move_a_message() -> None:
    """The half goes by the normalised text."""
    assert half("Wifi?") == half("  wifi ")
