"""What is done for one publisher holds neither the loop nor the writer for long: told by work, never by time."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.requests import Request

from leadkeeper.delivery.claim import claim
from leadkeeper.delivery.due import connections_due
from leadkeeper.delivery.lease import open_lease
from leadkeeper.delivery.record import record_answers
from leadkeeper.diagnosis import Receipt
from leadkeeper.doors.client_address import ClientAddresses
from leadkeeper.doors.listener.limits import Limits
from leadkeeper.doors.listener.server import LOOKED_AT, Listener
from leadkeeper.doors.pages import Pages
from leadkeeper.inbox.inbox import Inbox
from leadkeeper.inbox.lists.filter import LeadFilter
from leadkeeper.inbox.lists.pages import summaries
from leadkeeper.storage import tables as t
from leadkeeper.storage.hot import HotStatement
from leadkeeper.texts import Languages
from tests.contracts.installation import TestInstallation, furnished, lead, sent
from tests.contracts.plans import statements

LATEST = 30
"""Seconds after which a test that would wait for ever fails."""


async def while_it_waits(call: Callable[[threading.Event, threading.Event], Awaitable[Any]]) -> Any:
    """What ``call`` answers, whose work says that it began and then waits for what only the loop can say."""
    began, released = threading.Event(), threading.Event()
    working = asyncio.ensure_future(call(began, released))
    await asyncio.to_thread(began.wait, LATEST)
    released.set()  # never, if the work that waits for it held the loop
    return await working


def working(began: threading.Event, released: threading.Event) -> None:
    began.set()
    assert released.wait(LATEST), "the loop was held"


async def test_what_is_made_of_many_rows_holds_neither_the_loop_nor_a_transaction(database_url: str) -> None:
    async with furnished(database_url) as installation:
        storage = installation.storage
        inside: list[bool] = []

        def build(conn: sa.Connection, began: threading.Event, released: threading.Event) -> str:
            working(began, released)
            inside.append(conn.in_transaction())
            return "made"

        async def call(began: threading.Event, released: threading.Event) -> str:
            return await storage.read_and_build(lambda conn: conn, lambda conn: build(conn, began, released))

        assert await while_it_waits(call) == "made"
        assert inside == [False]


async def test_what_cannot_be_made_of_the_rows_is_the_callers_error(database_url: str) -> None:
    async with furnished(database_url) as installation:

        def build(_: object) -> None:
            raise ValueError("nothing to make")

        with pytest.raises(ValueError, match="nothing to make"):
            await installation.storage.read_and_build(lambda _: None, build)


async def test_a_page_reads_one_row_for_all_deliveries_of_a_lead(database_url: str) -> None:
    async with furnished(database_url) as installation:
        for number in range(30):
            await installation.connect(f"line-{number}")
        kept = [await installation.intake.keep(lead(number)) for number in range(3)]
        ids = [each.id for each in kept]
        assert len(await installation.storage.read(lambda conn: [*summaries(conn, ids).items()])) == 3
        page = await Inbox(installation.storage).list(LeadFilter())
        assert [each.id for each in page.leads] == ids[::-1]
        shown = {each.id: [(one.id, one.connection, one.state) for one in each.deliveries] for each in page.leads}
        assert shown == {
            each.id: sorted((one.id, one.connection, "pending") for one in each.deliveries) for each in kept
        }


async def test_what_is_due_is_one_row_however_many_connections_that_are(database_url: str) -> None:
    async with furnished(database_url) as installation:
        for number in range(40):
            await installation.connect(f"line-{number}")
        await installation.intake.keep(lead())
        later = installation.now + 1

        def look(conn: sa.Connection) -> tuple[int, int]:
            with statements() as seen:
                due = connections_due(conn, later, None)
            # That a lead was kept is announced whenever it may be, which may be now.
            ((query, parameters),) = (each for each in seen if "pg_notify" not in each[0])
            return len(due), len(conn.exec_driver_sql(query, parameters).all())

        assert await installation.storage.read(look) == (40, 1)


def on_sqlite(made_file: Path, folder: Path) -> str:
    return f"sqlite+aiosqlite:///{shutil.copy(made_file, folder)}"


async def steps_of_sqlite(installation: TestInstallation, call: Callable[[], Awaitable[object]]) -> list[str]:
    """What SQLite was told meanwhile on the connection that writes."""
    told: list[str] = []

    def listen(conn: sa.Connection, heard: Callable[[str], None] | None) -> None:
        driver: Any = conn.connection.dbapi_connection
        driver.set_trace_callback(heard)

    await installation.storage.write(listen, told.append)
    try:
        await call()
    finally:
        await installation.storage.write(listen, None)
    begin = told.index("BEGIN IMMEDIATE")
    return [step.split()[0] for step in told[begin : told.index("COMMIT", begin) + 1]]


async def test_a_lead_takes_the_writer_a_few_steps(made_file: Path, tmp_path: Path) -> None:
    async with furnished(on_sqlite(made_file, tmp_path)) as installation:
        await installation.connect()
        keeping = await steps_of_sqlite(installation, lambda: installation.intake.keep(lead()))
        assert keeping == ["BEGIN", "SELECT", "INSERT", "INSERT", "COMMIT"]


async def test_what_came_of_a_lead_takes_the_writer_a_few_steps(made_file: Path, tmp_path: Path) -> None:
    async with furnished(on_sqlite(made_file, tmp_path)) as installation:
        await installation.connect()
        await installation.intake.keep(lead())
        lease_id = await installation.storage.write(open_lease, installation.now + 60_000)
        (work,) = await installation.storage.write(claim, lease_id, {}, lambda _: 1, installation.now, None)
        (one,) = work.claimed
        values = {"tried": True, "proven": True}
        await installation.storage.write(lambda conn: conn.execute(sa.update(t.connection).values(values)) and None)
        what = [sent(work, one, lease_id, Receipt(), installation.now)]
        recording = await steps_of_sqlite(
            installation, lambda: installation.storage.write(record_answers, what, installation.now, 0.5)
        )
        assert recording == ["BEGIN", "SELECT", "SELECT", "SELECT", "UPDATE", "INSERT", "COMMIT"]
        assert await installation.states() == {"delivered": 1}


def _all_of(_: str) -> sa.Select[Any]:
    c = t.connection.c
    return sa.select(c.id, c.name, c.paused, c.failures, c.removed_at, sa.not_(c.paused).label("open")).where(
        c.name == sa.bindparam("called")
    )


async def test_a_hot_statement_answers_what_sqlalchemy_answers(database_url: str) -> None:
    async with furnished(database_url) as installation:
        await installation.connect("a")
        await installation.connect("b")

        def both(conn: sa.Connection) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
            rows = HotStatement(_all_of).rows(conn, {"called": "b"})
            expected = conn.execute(_all_of(""), {"called": "b"}).all()
            return [row._asdict() for row in rows], [row._asdict() for row in expected]

        found, expected = await installation.storage.read(both)
        assert found == expected
        assert [(row["paused"], row["open"]) for row in found] == [(False, True)]
        assert isinstance(found[0]["open"], bool)


async def test_whoever_listens_to_sqlalchemy_hears_of_hot_statements_too(database_url: str) -> None:
    async with furnished(database_url) as installation:
        with statements() as seen:
            await installation.storage.read(lambda conn: HotStatement(_all_of).rows(conn, {"called": "b"}))
        assert [query for query, _ in seen if "connection.name" in query]


async def test_an_error_of_a_hot_statement_is_sqlalchemys_and_holds_no_value(database_url: str) -> None:
    missing = sa.table("no_such_table", sa.column("id"))
    wrong = HotStatement(lambda _: sa.select(missing.c.id).where(missing.c.id == sa.bindparam("called", type_=sa.Text)))
    async with furnished(database_url) as installation:
        with pytest.raises(sa.exc.DBAPIError) as raised:
            await installation.storage.read(lambda conn: wrong.rows(conn, {"called": "ada@contoso.example"}))
        assert "ada@" not in str(raised.value)


class Line:
    """A connection that notes in which turn of the loop it was looked at."""

    def __init__(self, seen: list[int]) -> None:
        self._seen = seen

    def look(self, _now: float, _elapsed: float) -> None:
        self._seen.append(len(self._seen))


async def test_the_listener_looks_at_some_connections_in_each_turn_of_the_loop() -> None:
    listener = Listener(Limits(), ClientAddresses())
    seen: list[int] = []
    lines = [Line(seen) for _ in range(10 * LOOKED_AT)]
    listener.crowd.lines |= dict.fromkeys(lines)  # type: ignore[arg-type]
    looking = asyncio.ensure_future(listener.look(1.0))
    most = before = 0
    while not looking.done():
        await asyncio.sleep(0)
        most, before = max(most, len(seen) - before), len(seen)
    assert len(seen) == len(lines)
    assert most <= LOOKED_AT


async def test_whoever_has_gone_meanwhile_is_not_looked_at() -> None:
    listener = Listener(Limits(), ClientAddresses())
    seen: list[int] = []
    lines = [Line(seen) for _ in range(2 * LOOKED_AT)]
    listener.crowd.lines |= dict.fromkeys(lines)  # type: ignore[arg-type]
    looking = asyncio.ensure_future(listener.look(1.0))
    await asyncio.sleep(0)
    gone = len(lines) - len(seen)
    assert gone > 0
    listener.crowd.lines.clear()
    await looking
    assert len(seen) == len(lines) - gone


class SlowPages(Pages):
    """Renders until the loop says that it may end."""

    def __init__(self, began: threading.Event, released: threading.Event) -> None:
        super().__init__("leadkeeper.doors.contacts", Languages(), "default-src 'none'", marketplace="Contoso")
        self._began, self._released = began, released

    def render(self, template: str, language: Any, **content: Any) -> str:
        """A page of one word."""
        working(self._began, self._released)
        return "rendered"


async def test_a_page_is_rendered_beside_the_loop() -> None:
    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": [], "server": ("a", 80)}
    sending: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sending.append(message)

    async def receive() -> Any:
        raise AssertionError("nothing is read")

    async def call(began: threading.Event, released: threading.Event) -> None:
        page = SlowPages(began, released).page(Request(scope), "question.html")
        await page(scope, receive, send)

    await while_it_waits(call)
    assert sending[1]["body"] == b"rendered"
    assert (b"content-length", b"8") in sending[0]["headers"]
