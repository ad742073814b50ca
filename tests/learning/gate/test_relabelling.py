"""Texts that were moved to another intent: refused when what never learnt them disagrees with the move."""

from dataclasses import replace

import pytest
from gate_cases import contradicted_changes

from helpdesk.learning.data.dataset import read_dataset
from helpdesk.learning.gate.relabelling import Relabelled, relabelled
from helpdesk.matching.bundle import open_bundle
from helpdesk.records.database import open_database
from helpdesk.settings import Settings


def changes(old: int, new: int, other: int = 0) -> list[Relabelled]:
    """Texts moved from vpn to wifi: so many are taken for the old intent, the new one, neither."""
    taken = ["vpn"] * old + ["wifi"] * new + ["printer"] * other
    return [Relabelled(f"label:{n}", frozenset({"vpn"}), "wifi", what) for n, what in enumerate(taken)]


@pytest.mark.parametrize(
    ("old", "new", "other", "refused"),
    [(70, 4, 6, True), (10, 0, 0, True), (9, 0, 30, False), (25, 20, 0, False), (4, 70, 6, False), (0, 0, 0, False)],
)
def test_moves_that_make_no_sense_are_refused(old: int, new: int, other: int, refused: bool) -> None:
    """Nearly all for the old intent is; corrections, a few, and what nobody can tell are not."""
    found = contradicted_changes(changes(old, new, other))

    assert [objection.rule for objection in found] == ["relabelled"] * refused
    if refused:
        assert found[0].rows == tuple(f"label:{n}" for n in range(old))
        assert f"of {old + new + other} texts that mean another intent than before, {old} are taken" in found[0].reason


def test_only_texts_that_the_version_in_service_knew_otherwise_count(real_settings: Settings) -> None:
    """One phrasing was moved, one text is new: the moved one counts, as it was measured."""
    settings = real_settings
    database = open_database(settings)
    with database.read() as session:
        dataset = read_dataset(session)
    database.close()
    (path,) = settings.bundles.iterdir()
    moved, both, *rest = dataset.train
    assert moved.intent != "wifi" != both.intent
    changed = replace(
        dataset,
        train=(
            replace(moved, id="label:1", intent="wifi"),
            both,
            replace(rest[0], id="label:3", text="never said before", intent="wifi"),
            *rest,
        ),
    )
    results = {row.id: [row.intent, "printer", 0.9] for row in changed.train}

    assert relabelled(open_bundle(path), changed, results) == [
        Relabelled("label:1", frozenset({moved.intent}), "wifi", "printer")
    ]
    assert relabelled(open_bundle(path), dataset, results) == []
