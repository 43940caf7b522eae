"""How much a database does for a call: counted in what it reads, never in time."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from leadkeeper.storage.engine import Storage

Seen = list[tuple[str, Any]]


@contextmanager
def statements() -> Iterator[Seen]:
    """The statements that are run meanwhile on any database, with what stands in them."""
    seen: Seen = []

    def note(_conn: object, _cursor: object, statement: str, parameters: Any, _context: object, many: bool) -> None:
        if not many:
            seen.append((statement, parameters))

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)


async def work(storage: Storage, call: Callable[[], Awaitable[object]], *, chains: bool = False) -> int:
    """What the queries of ``call`` cost: rows that PostgreSQL reads, steps that SQLite's machine takes.

    With ``chains`` those that go from step to step in an index count, too.
    """
    begins = ("SELECT", "WITH RECURSIVE") if chains else ("SELECT",)
    with statements() as seen:
        await call()
    queries = [each for each in seen if each[0].lstrip().upper().startswith(begins) and "advisory" not in each[0]]
    assert queries, "the call asked the database nothing"
    costs, planner = [], None
    for query in queries:
        asked = storage.read if planner is None else storage.write  # such a setting holds within a transaction
        costs.append(await asked(_cost, *query, planner))
        planner = query if "enable_seqscan" in str(query[1]) else None
    for query, cost in zip(queries, costs, strict=True):
        print(cost, query[0])  # shown when the test fails
    return sum(costs)


def _cost(conn: sa.Connection, statement: str, parameters: Any, planner: tuple[str, Any] | None) -> int:
    """What a statement costs; ``planner``: what its planner is set to, which ends with its transaction."""
    if conn.dialect.name == "postgresql":
        if planner is not None:
            conn.exec_driver_sql(*planner).close()
        found = conn.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters).scalar()
        plan = json.loads(found) if isinstance(found, str) else (found or [])
        return _rows(plan[0]["Plan"])
    steps = 0

    def step() -> int:
        nonlocal steps
        steps += 1
        return 0

    conn.exec_driver_sql("ANALYZE sqlite_schema").close()  # it plans by what is known now, whenever it was opened
    conn.exec_driver_sql(statement, parameters).all()  # and has read the schema
    driver: Any = conn.connection.driver_connection
    driver.set_progress_handler(step, 1)
    try:
        conn.exec_driver_sql(statement, parameters).all()
    finally:
        driver.set_progress_handler(None, 0)
    return steps


def _rows(plan: dict[str, Any]) -> int:
    removed = sum(value for name, value in plan.items() if name.startswith("Rows Removed"))
    own = int((plan["Actual Rows"] + removed) * plan["Actual Loops"])
    return own + sum(_rows(below) for below in plan.get("Plans", ()))
