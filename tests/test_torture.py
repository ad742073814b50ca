"""The cases of `make torture`, a few times each: the same code, the same oracles."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from torture.cases import CASES
from torture.postgres import Postgres
from torture.stage import Case, Stage
from torture.worlds import World, make_plain_world, make_world

pytestmark = pytest.mark.slow
SEED = 17
PLAYED = [(case, database) for case in CASES for database in case.databases[:1] if case.bound]


@pytest.fixture(scope="module")
def sqlite(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A world over SQLite."""
    return make_world(tmp_path_factory.mktemp("sqlite"), tiny_base)


@pytest.fixture(scope="module")
def postgresql(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world over a server of its own, for cases that ask nothing of it but to be there."""
    server = Postgres()
    yield make_plain_world(tmp_path_factory.mktemp("postgresql"), tiny_base, server)
    server.close()


@pytest.mark.parametrize(("case", "database"), PLAYED, ids=[f"{case.name}, {database}" for case, database in PLAYED])
def test_a_few_of_each(case: Case, database: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """The oracle has nothing to object to, and every round was played."""
    stage = Stage(f"{case.name} {database}", request.getfixturevalue(database), case.bound, SEED, tmp_path)
    case.play(stage)

    if stage.outcome.left_out:
        pytest.skip(stage.outcome.left_out)
    assert stage.outcome.problems == []
    assert stage.outcome.done >= case.bound
