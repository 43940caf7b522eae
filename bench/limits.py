"""What the machine can do without us, in the same run: the measure of all other figures."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import asyncpg
import sqlalchemy as sa

from bench.figures import Column, Row, Say, Section, middle, spread
from bench.place import Kind, Place
from bench.plan import Plan
from bench.wire import burst, posts


def measure(place: Place, plan: Plan, say: Say) -> Section:
    """Echo, disk, TLS posts and, when PostgreSQL is measured, its commits."""
    columns = (Column("what", "Limit"), Column("rate", "a second"), Column("spread", "least-most"))
    section = Section("The machine's own limits", columns)
    for connections in plan.connections:
        say(f"limits: echo at {connections} connections")
        rates = [burst(place, place.echo_port, 200, connections, plan)["rate"] for _ in range(plan.rounds)]
        section.rows.append(_row(f"Starlette echo, {connections} connections, requests", rates))
    say("limits: fsync")
    disk = [synced(place.folder, plan.limit_seconds) for _ in range(plan.rounds)]
    section.rows.append(_row("4 KiB appended and fsynced", disk))
    say("limits: posts over TLS")
    for connections in (8, 64):
        rates = [posts(place, connections, plan) for _ in range(plan.rounds)]
        section.rows.append(_row(f"aiohttp posts over TLS, {connections} at a time", rates))
    if "postgresql" in plan.databases:
        section.rows += _commits(place, "postgresql", plan, say)
    return section


def _row(what: str, rates: list[float]) -> Row:
    return {"what": what, "rate": middle(rates), "spread": spread(rates)}


def synced(folder: Path, seconds: float) -> float:
    """How many times a second 4 KiB can be appended to a file in ``folder`` and be on disk."""
    path = folder / "fsync"
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    block, done = os.urandom(4096), 0
    start = time.monotonic()
    try:
        while (now := time.monotonic()) < start + seconds:
            os.write(file, block)
            os.fsync(file)
            done += 1
    finally:
        os.close(file)
        path.unlink()
    return done / (now - start)


def _commits(place: Place, kind: Kind, plan: Plan, say: Say) -> list[Row]:
    rows = []
    with place.database(kind) as (_, url):
        dsn = sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        for clients in (1, 16):
            say(f"limits: PostgreSQL commits, {clients} clients")
            rates = [asyncio.run(_inserts(dsn, clients, plan.limit_seconds)) for _ in range(plan.rounds)]
            rows.append(_row(f"PostgreSQL commits of one row, {clients} clients", rates))
    return rows


async def _inserts(dsn: str, clients: int, seconds: float) -> float:
    """Commits a second of one small row each."""
    pool = [await asyncpg.connect(dsn) for _ in range(clients)]
    await pool[0].execute("CREATE TABLE IF NOT EXISTS bench (id bigserial PRIMARY KEY, body text)")
    until = time.monotonic() + seconds
    done = 0

    async def insert(connection: asyncpg.Connection) -> None:
        nonlocal done
        while time.monotonic() < until:
            await connection.execute("INSERT INTO bench (body) VALUES ($1)", "x" * 400)
            done += 1

    await asyncio.gather(*(insert(connection) for connection in pool))
    for connection in pool:
        await connection.close()
    return done / seconds
