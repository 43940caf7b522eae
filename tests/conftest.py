"""What every test may ask for: a PostgreSQL server, a new database of either kind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests.services.postgres import Postgres, PostgresMissing, find_programs

_ALONE = ("tests/journeys/", "tests/browser/")  # they watch the clock


class LastAlone(LoadScopeScheduling):
    """Hands tests to whichever process is free; those that watch the clock come last, all to one process."""

    def _split_scope(self, nodeid: str) -> str:
        return "alone" if nodeid.startswith(_ALONE) else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LastAlone:
    """How `--numprocesses` shares out the tests (pytest-xdist's own groups do not know pytest 9's node ids)."""
    config.option.loadscopereorder = False
    return LastAlone(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests that watch the clock last."""
    items.sort(key=lambda item: item.nodeid.startswith(_ALONE))


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
