"""Without a text: what search and tables would be had nobody said it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from helpdesk.errors import BadInputError
from helpdesk.learning.lineage.counterfactual import decide_without, without_text
from helpdesk.matching.bundle import Bundle, open_bundle
from helpdesk.matching.matcher import Matcher
from helpdesk.text import normalise, text_key


@pytest.fixture(scope="module")
def bundle(small_home: Path) -> Bundle:
    """The small home's bundle."""
    (sealed,) = (small_home / "bundles").iterdir()
    return open_bundle(sealed)


def test_an_exact_text_is_not_known_any_more(bundle: Bundle) -> None:
    """It is decided by meaning, and no row of it is near."""
    text = "forgot my password"
    before = Matcher(bundle).match(text)
    after = decide_without(bundle, text, key=text_key(normalise(text)))

    assert (before.reason, before.confidence) == ("exact", 1.0)
    assert after.reason != "exact"
    gone = bundle.phrasing_ids[bundle.phrasing_keys.index(text_key(text))]
    assert after.ranking[0].intent == "password"
    assert after.ranking[0].nearest not in (None, gone)
    assert after.ranking[0].similarity is not None
    assert after.ranking[0].similarity < 0.999


def test_a_text_nobody_said_changes_nothing(bundle: Bundle) -> None:
    """The same ranking and confidences; the head that is fitted anew is the same one."""
    text = "i cannot get into the vpn"
    before, after = Matcher(bundle).match(text), decide_without(bundle, text, key="nothing")

    assert [ranked.intent for ranked in after.ranking] == [ranked.intent for ranked in before.ranking]
    assert np.allclose([r.confidence for r in after.ranking], [r.confidence for r in before.ranking], atol=1e-4)


def test_search_and_centroid_are_those_of_the_other_rows(bundle: Bundle) -> None:
    """Dropping all but one row of an intent leaves that row as its nearest and as its centroid."""
    rows = np.flatnonzero(bundle.intent_of_row == bundle.intents.index("vpn"))
    text = "vpn"
    left = bundle
    for row in rows[1:]:
        left = without_text(left, bundle.phrasing_keys[row])
    only = bundle.phrasing_ids[rows[0]]
    vpn = next(r for r in Matcher(left).match(text).ranking if r.intent == "vpn")

    assert vpn.nearest == only
    centroid = left.scorer.centroids[bundle.intents.index("vpn")]
    assert np.allclose(centroid, bundle.vectors[rows[0]], atol=1e-6)


def test_an_intent_without_rows_cannot_be_chosen(bundle: Bundle) -> None:
    """A rebuilt bundle would not know it."""
    rows = np.flatnonzero(bundle.intent_of_row == bundle.intents.index("vpn"))
    left = bundle
    for row in rows[:-1]:
        left = without_text(left, bundle.phrasing_keys[row])
    decision = decide_without(left, "vpn connection", key=bundle.phrasing_keys[rows[-1]])

    assert "vpn" not in {ranked.intent for ranked in decision.ranking}


def test_a_message_out_of_scope_that_was_never_met_is_not_missed(bundle: Bundle) -> None:
    """Without the known message that is most like it, a text looks less out of scope."""
    text = normalise("please water the plants on the third floor")
    vector = bundle.encoder.encode([text])
    met = replace(
        bundle,
        out_of_scope_keys=(*bundle.out_of_scope_keys, "plants"),
        scorer=replace(bundle.scorer, out_of_scope=np.concatenate([bundle.scorer.out_of_scope, vector])),
    )

    assert Matcher(met).match(text).out_of_scope > Matcher(bundle).match(text).out_of_scope
    assert abs(decide_without(met, text, key="plants").out_of_scope - Matcher(bundle).match(text).out_of_scope) < 1e-4


def test_a_bundle_is_never_emptied(bundle: Bundle) -> None:
    """There is nothing to decide between then."""
    alone = replace(bundle, phrasing_keys=("k",) * len(bundle.phrasing_keys))
    with pytest.raises(BadInputError, match="fewer than two intents"):
        decide_without(alone, "vpn", key="k")
