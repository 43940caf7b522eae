"""What every test may ask for: a PostgreSQL server, a new database of either kind."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import logging
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import NoReturn

import hypothesis
import pytest
import structlog
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from leadkeeper.storage.engine import open_storage
from leadkeeper.storage.migrate import upgrade
from tests.compiled_once import compile_once
from tests.ending_loop import EndingLoop, EndingLoops
from tests.quick_hashes import hash_quickly
from tests.reporting import Reporting, Spending
from tests.services.pgbouncer import PgBouncer, PoolMode
from tests.services.postgres import Postgres, PostgresMissing, find_programs, roomy_memory
from tests.types_asked_once import ask_for_types_once

os.environ["LC_ALL"] = "C.UTF-8"  # commands speak the language of whoever runs them

# Continuous integration tries the same examples each time; everybody else looks for new ones. How long a busy machine
# takes to make them up says nothing of what is tested.
_PATIENT = (hypothesis.HealthCheck.too_slow,)
hypothesis.settings.register_profile("ci", derandomize=True, deadline=None, suppress_health_check=_PATIENT)
hypothesis.settings.register_profile("here", deadline=None, suppress_health_check=_PATIENT)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "here")

gc.disable()  # what is imported and collected stays: see pytest_collection

asyncio.set_event_loop_policy(EndingLoops())
compile_once()
ask_for_types_once()
hash_quickly()

EVERY_WAY = ("sqlite", "postgresql", "pgbouncer-session", "pgbouncer-transaction")
"""For a module that says ``DATABASES = EVERY_WAY``: its tests run through PgBouncer as well."""

_ROOT = Path(__file__).parents[1]
_LOGGING = structlog.get_config()
_STORIES = ("tests/journeys/", "tests/browser/")
"""They start processes and mostly wait for them."""


class StoriesFirst(LoadScopeScheduling):
    """Hands tests to whichever process is free; a module of stories, or one that makes something once, stays with one.

    What a module's fixtures make for all of its tests would else be made in each process: a site, a second server.
    """

    def _split_scope(self, nodeid: str) -> str:
        module = nodeid.partition("::")[0]
        return module if nodeid.startswith(_STORIES) or _makes_once(module) else nodeid


@functools.cache
def _makes_once(module: str) -> bool:
    """Whether a module has fixtures of its own that all of its tests share."""
    return re.search(r'fixture\(scope="(module|session)"', (_ROOT / module).read_text(encoding="utf-8")) is not None


def pytest_sessionstart(session: pytest.Session) -> None:
    """Tell failures at once and times at the end, except in the processes that tests are handed to."""
    terminal = session.config.pluginmanager.get_plugin("terminalreporter")
    if terminal is not None and not hasattr(session.config, "workerinput"):
        session.config.pluginmanager.register(Reporting(terminal), "reporting")
    session.config.pluginmanager.register(Spending(), "spending")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> StoriesFirst:
    """How `--numprocesses` shares out the tests (pytest-xdist's own groups do not know pytest 9's node ids)."""
    config.option.loadscopereorder = False
    return StoriesFirst(config, log)


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Each test has a loop of its own, which leaves nothing behind."""
    return {"asyncio": EndingLoop}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the stories: what is long must not come last, when nothing is left to do beside it."""
    items.sort(key=lambda item: not item.nodeid.startswith(_STORIES))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is imported and collected stays: no garbage collection looks through it, now or later.

    Looking seldom for the garbage of tests saves a sixth of the CPU of those that open an installation.
    """
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)  # seldom, as while the program starts
        gc.enable()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that asks for a database runs with SQLite and PostgreSQL, or with those that it or its module names."""
    if "database_url" in metafunc.fixturenames:
        databases = getattr(metafunc.module, "DATABASES", ("sqlite", "postgresql"))
        if (marker := metafunc.definition.get_closest_marker("databases")) is not None:
            databases = marker.args
        metafunc.parametrize("database_url", databases, indirect=True)


@pytest.fixture(autouse=True)
def logging_as_it_began() -> Iterator[None]:
    """Who starts the program within a test, or in what a module shares, changes for no other test where logs go.

    What a module shares is made before this: so the state of the beginning counts, not the one that is found.
    """
    _log_as_it_began()
    yield
    _log_as_it_began()


def _log_as_it_began() -> None:
    structlog.configure(**_LOGGING)
    for handler in [each for each in logging.root.handlers if type(each) is logging.StreamHandler]:
        logging.root.removeHandler(handler)  # it writes to what was standard error then


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


@pytest.fixture(scope="session")
def poolers(postgres: Postgres) -> Iterator[Callable[[PoolMode], PgBouncer]]:
    """PgBouncers before that server, one for each mode, started when first asked for."""
    with ExitStack() as stack:

        @functools.cache
        def pooler(mode: PoolMode) -> PgBouncer:
            try:
                # In session mode each connection of ours holds one of its own; in the other few do for all.
                return stack.enter_context(PgBouncer(postgres, mode, pool_size=40 if mode == "session" else 4))
            except PostgresMissing as error:
                missing_service(str(error))

        yield pooler


@pytest.fixture(scope="session")
def made_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite database with this version's tables and no rows, to be copied."""
    file = tmp_path_factory.mktemp("made") / "leadkeeper.db"
    asyncio.run(_make_tables(f"sqlite+aiosqlite:///{file}"))
    return file


@pytest.fixture(scope="session")
def made_database(postgres: Postgres) -> str:
    """The name of such a PostgreSQL database, to be a template."""
    asyncio.run(_make_tables(postgres.create_database("made")))
    return "made"


async def _make_tables(url: str) -> None:
    storage = open_storage(url)
    try:
        await storage.migrate(upgrade)
    finally:
        await storage.close()


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a new database with this version's tables: the test runs once with SQLite, once with PostgreSQL.

    In a module that says ``DATABASES`` it runs once with each of those. Marked ``empty_database`` it has no tables.
    """
    empty = request.node.get_closest_marker("empty_database") is not None
    if request.param == "sqlite":
        with _sqlite_folder(request.node.nodeid, tmp_path) as folder:
            file = folder / "leadkeeper.db"
            if not empty:
                shutil.copy(request.getfixturevalue("made_file"), file)
            yield f"sqlite+aiosqlite:///{file}"
        return
    server: Postgres = request.getfixturevalue("postgres")
    url = server.create_database(template=None if empty else request.getfixturevalue("made_database"))
    through = {"pgbouncer-session": "session", "pgbouncer-transaction": "transaction"}.get(request.param)
    yield request.getfixturevalue("poolers")(through).url(url) if through else url
    if server.running:
        server.drop_database(url)


@contextlib.contextmanager
def _sqlite_folder(test: str, tmp_path: Path) -> Iterator[Path]:
    """Where a test's database lies: in memory where there is room, as PostgreSQL's do, so that commits cost no disk.

    Stories keep theirs on the disk, since they watch what is left after a kill or a cut.
    """
    memory = None if test.startswith(_STORIES) else roomy_memory()
    if memory is None:
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(prefix="leadkeeper-sqlite-", dir=memory) as folder:
        yield Path(folder)
