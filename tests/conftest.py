"""What every test may ask for: a PostgreSQL server, a new database of either kind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from tests.services.postgres import Postgres, PostgresMissing, find_programs

_ALONE = ("journeys", "browser")  # they watch the clock: one after another, when the other tests are done


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests that watch the clock last, in one group, so that pytest-xdist gives them to one worker."""
    folder = Path(__file__).parent

    def alone(item: pytest.Item) -> bool:
        return item.path.relative_to(folder).parts[0] in _ALONE if item.path.is_relative_to(folder) else False

    items.sort(key=alone)
    for item in items:
        if alone(item):
            item.add_marker(pytest.mark.xdist_group("alone"))


def missing_service(reason: str) -> NoReturn:
    """Skip the test on a laptop, fail it in CI: there a missing service is a mistake."""
    if os.environ.get("CI", "").lower() in {"1", "true"}:
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A running server, one for each worker of pytest-xdist. Who stops it must start it again."""
    missing = None
    try:
        find_programs()
    except PostgresMissing as error:
        missing = str(error)
    if missing:
        missing_service(missing)
    with Postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a new, empty database: the test runs once with SQLite, once with PostgreSQL."""
    if request.param == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path / 'leadkeeper.db'}"
        return
    server: Postgres = request.getfixturevalue("postgres")
    url = server.create_database()
    yield url
    if server.running:
        server.drop_database(url)
