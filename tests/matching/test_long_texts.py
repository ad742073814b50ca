"""A text that is longer than the encoder reads is never answered or taught by how it begins."""

import pytest
from faqs import starter

from helpdesk.decisions import DecisionKind, DecisionReason
from helpdesk.learning.data.dataset import Row
from helpdesk.serving.chat_service import ChatService
from helpdesk.text import normalise

HEADER = (
    "Form 17b of the facility portal "
    + "please keep this notice with your records because it names the office in charge " * 17
)


def test_what_is_too_long_is_not_learnt_and_still_matched_exactly() -> None:
    """Rows, held-out labels, out-of-scope texts and examples alike."""
    given = starter(["vpn"])
    long = Row("label:1", normalise(HEADER), "vpn")
    more = type(given)((*given.train, long), (long,), ("fine", long.text, "good"), {"key": "vpn"}, {}, taught=2)

    short = more.shortened(lambda text: len(text) > 500)

    assert short.train == given.train
    assert short.holdout == ()
    assert (short.out_of_scope, short.taught) == (("fine", "good"), 1)
    assert short.exact == more.exact


@pytest.mark.slow
def test_no_answer_rests_on_the_beginning_of_a_long_text(real_desk: ChatService) -> None:
    """Without a sentence that asks it is handed over, and says why; with one, that is what is answered."""
    live = real_desk.live.take()
    assert live is not None
    encoder = live.matcher.bundle.encoder
    phrasing = "how do i reset my password"
    filler = "password reset " * 400

    assert encoder.is_cut(normalise(filler))
    assert not encoder.is_cut(phrasing)
    whole = live.match(filler)
    assert (whole.kind, whole.reason) == (DecisionKind.FALLBACK, DecisionReason.TOO_LONG)
    assert whole.ranking, "staff still see what it resembles"


@pytest.mark.slow
def test_the_limit_is_that_of_the_encoder(real_desk: ChatService) -> None:
    """In tokens, its own marks counted: one more is too many."""
    live = real_desk.live.take()
    assert live is not None
    encoder = live.matcher.bundle.encoder
    most = next(n for n in range(1, 600) if encoder.is_cut("a " * n)) - 1

    assert most == 254
    assert not encoder.is_cut("a " * most)
