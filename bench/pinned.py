"""Whether a transaction that somebody keeps open, as a dump or a replica that lags does, slows the way of leads."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator, Sequence
from typing import Final

import asyncpg
import sqlalchemy as sa

from bench.contenders import WORDS
from bench.figures import Column, Row, Say, Section, Target, middle
from bench.flow import Flow, Slice, p99, together
from bench.installation import Installation, https, installation
from bench.place import Kind, Place
from bench.plan import Plan

SHARE: Final = Target("of calm", "≥", 0.9)
RECOVERED: Final = Target("recovered, seconds", "≤", 60)
_GIVE_UP_SECONDS: Final = 180.0
_COLUMNS: Final = (
    Column("database", "Database"),
    Column("seconds", "Held open, seconds"),
    Column("calm", "Carried a second, calm"),
    Column("pinned", "in its last third"),
    Column("share", "Of calm", 2),
    Column("calm_p99", "To arrival p99 ms, calm", 1),
    Column("pinned_p99", "in its last third", 1),
    Column("recovered", "Recovered after, seconds", 1),
    Column("verdict", "Target"),
)


def measure(place: Place, plan: Plan, say: Say) -> Section:
    """A steady flow: calm, beside a snapshot that is kept, and after its end."""
    title = f"A transaction is held open, {plan.pinned_rate} leads a second"
    section = Section(title, _COLUMNS)
    for kind in plan.databases:
        if kind == "postgresql":
            section.rows.append(_measure(place, plan, kind, say))
    section.notes.append(
        "The transaction has a snapshot, so that no row that was deleted or changed since can be cleared away."
    )
    return section


def _measure(place: Place, plan: Plan, kind: Kind, say: Say) -> Row:
    with installation(place, kind, crm=https()) as made:
        for word in WORDS[kind]:
            made.start(word)
        flow = Flow(place, made, plan.pinned_rate)
        flow.slice(min(2.0, plan.slice_seconds))  # nothing is measured while programs and caches are cold
        flow.rest(_GIVE_UP_SECONDS)
        say(f"pinned: calm, {plan.pinned_calm_seconds:g} s")
        calm = flow.several(plan.pinned_calm_seconds, plan.slice_seconds)
        with _snapshot(made):
            pinned = _slices(flow, plan, say)
        say("pinned: after its end")
        recovered = _recovered(flow, plan, middle([each.carried for each in calm]), together(calm))
    return _row(kind, plan, calm, pinned, recovered)


def _slices(flow: Flow, plan: Plan, say: Say) -> list[Slice]:
    slices: list[Slice] = []
    begun = time.monotonic()
    while (passed := time.monotonic() - begun) < plan.pinned_seconds:
        last = f", {slices[-1].carried:,.0f} a second, {slices[-1].waiting:,} wait" if slices else ""
        say(f"pinned: {passed:.0f} of {plan.pinned_seconds:g} s{last}")
        slices.append(flow.slice(plan.slice_seconds))
    return slices


@contextlib.contextmanager
def _snapshot(made: Installation) -> Iterator[None]:
    """A transaction that has seen the leads, as a dump has, and stays open."""
    dsn = sa.make_url(made.settings.database_url).set(drivername="postgresql")
    with asyncio.Runner() as runner:
        session = runner.run(_open(dsn.render_as_string(hide_password=False)))
        try:
            yield
        finally:
            runner.run(session.close())


async def _open(dsn: str) -> asyncpg.Connection:
    session = await asyncpg.connect(dsn)
    await session.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    await session.fetch("SELECT 1 FROM lead LIMIT 1")
    return session


def _recovered(flow: Flow, plan: Plan, rate: float, calm: Slice) -> float | None:
    """After how many seconds as many are carried as before, and as quickly (p99 at most twice); ``None`` for never."""
    begun = time.monotonic()
    target = 2 * (p99(calm.arrived) or 0)
    while (passed := time.monotonic() - begun) < _GIVE_UP_SECONDS:
        now = flow.slice(plan.slice_seconds)
        took = p99(now.arrived)
        if now.carried >= SHARE.limit * rate and took is not None and took <= target:
            return passed
    return None


def _row(kind: Kind, plan: Plan, calm: Sequence[Slice], pinned: Sequence[Slice], recovered: float | None) -> Row:
    last = pinned[-max(1, len(pinned) // 3) :]
    usual, late = middle([each.carried for each in calm]), middle([each.carried for each in last])
    healed = RECOVERED.verdict(recovered) if recovered is not None else f"MISS (not within {_GIVE_UP_SECONDS:g} s)"
    return {
        "database": kind,
        "seconds": plan.pinned_seconds,
        "calm": usual,
        "pinned": late,
        "share": late / usual,
        "calm_p99": p99(together(calm).arrived),
        "pinned_p99": p99(together(last).arrived),
        "recovered": recovered,
        "verdict": f"{SHARE.verdict(late / usual)}, {healed}",
    }
