"""What a worker asks again and again costs no more where there are many connections. Both databases."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import pytest
import sqlalchemy as sa

from leadkeeper.clock import new_id, now_ms
from leadkeeper.connections.changes import any_unasked
from leadkeeper.connections.deliveries import new_delivery
from leadkeeper.delivery import housekeeping
from leadkeeper.delivery.due import connections_due
from leadkeeper.reconciliation.runs import any_due, new_row
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import insert_rows
from tests.contracts.plans import work
from tests.in_process import DESTINATION, OFFER, installation

MANY: Final = 500
LOOKS: Final[Mapping[str, Callable[[sa.Connection, int], object]]] = {
    "checks": housekeeping._any_due,
    "outages": housekeeping._outages_due,
    "changes": any_unasked,
    "runs of reconciliation": any_due,
}


def more_connections(conn: sa.Connection, now: int) -> None:
    """Others like the one that is there, which are looked at in an hour."""
    one = dict(conn.execute(sa.select(t.connection)).mappings().one())
    later = {"check_at": now + 3_600_000}
    rows = [one | later | {"id": new_id(), "name": f"connection{number}"} for number in range(MANY)]
    insert_rows(conn, t.connection, rows)
    insert_rows(conn, t.reconciliation, [new_row(row["id"], now + 3_600_000) for row in rows])
    if conn.dialect.name == "postgresql":
        conn.exec_driver_sql("ANALYZE").close()


@pytest.mark.parametrize("name", LOOKS)
async def test_a_look_does_not_go_through_all_connections(database_url: str, name: str) -> None:
    async with installation(database_url) as home:
        assert (await (await home.visitor("operator")).put(f"{OFFER}/customer-leads", DESTINATION)).status == 201
        storage, now = home.services.storage, now_ms()
        await storage.write(more_connections, now)

        async def call() -> Any:
            return await storage.read(LOOKS[name], now)

        assert await work(storage, call) < MANY / 2
        assert await storage.write(rows_gone_through, LOOKS[name], now) < MANY / 2


def rows_gone_through(conn: sa.Connection, question: Callable[[sa.Connection, int], object], now: int) -> int:
    """How many rows of whole tables PostgreSQL reads once it keeps the plan of a question, which knows no values."""
    if conn.dialect.name != "postgresql":
        return 0
    conn.exec_driver_sql("SET LOCAL plan_cache_mode = force_generic_plan").close()
    question(conn, now)
    return conn.exec_driver_sql("SELECT sum(seq_tup_read)::int FROM pg_stat_xact_user_tables").scalar() or 0


async def test_a_claim_does_not_go_through_what_waits_for_other_connections(database_url: str) -> None:
    async with installation(database_url) as home:
        assert (await (await home.visitor("operator")).put(f"{OFFER}/customer-leads", DESTINATION)).status == 201
        storage, now = home.services.storage, now_ms()
        await storage.write(more_connections, now)
        await storage.write(waiting_leads, now)
        named = await storage.read(
            lambda conn: list(conn.scalars(sa.select(t.connection.c.id).order_by(t.connection.c.id).limit(1)))
        )

        async def call() -> Any:
            return await storage.read(connections_due, now, named)

        found = await call()
        assert [each.connection_id for each in found] == named
        assert await work(storage, call) < MANY / 2


def waiting_leads(conn: sa.Connection, now: int) -> None:
    """Many for the first connection, all later but one, among many publishers."""
    one = dict(conn.execute(sa.select(t.publisher)).mappings().one())
    insert_rows(conn, t.publisher, [one | {"id": f"publisher{number}"} for number in range(MANY)])
    first = conn.scalars(sa.select(t.connection.c.id).order_by(t.connection.c.id)).first() or ""
    later = now + 3_600_000
    rows = [new_delivery(new_id(), first, now) | {"due_at": later if number else now} for number in range(4 * MANY)]
    insert_rows(conn, t.delivery, rows)
    if conn.dialect.name == "postgresql":
        conn.exec_driver_sql("ANALYZE").close()


def change_all(conn: sa.Connection, values: Mapping[str, Any]) -> None:
    conn.execute(sa.update(t.connection).values(values))


async def test_a_check_that_is_due_is_found_also_of_a_paused_connection(database_url: str) -> None:
    async with installation(database_url) as home:
        assert (await (await home.visitor("operator")).put(f"{OFFER}/customer-leads", DESTINATION)).status == 201
        storage, now = home.services.storage, now_ms()
        found = []
        for values in ({"check_at": now + 1}, {"check_at": now}, {"paused": True}, {"probe_at": now}):
            await storage.write(change_all, values)
            found.append(await storage.read(housekeeping._any_due, now))
        assert found == [False, True, False, True]
