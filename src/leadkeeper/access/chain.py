"""The chain of the audit: each line gets a number and a hash over itself and the line before it.

Lines are written by the acts that they tell of and are sealed into the chain a moment later, by one process at a time:
no act waits for another's line, and none for the chain. What was changed, taken out or put in between since is found by
:func:`verify`. Whoever may write to the database could compute a whole chain anew: compare its newest hash, which the
doctor shows, with one that was noted elsewhere.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
import structlog

from leadkeeper.clock import Clock, now_ms
from leadkeeper.periodic import Job, run_periodically
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage, nulls_first
from leadkeeper.storage.hot import HotStatement
from leadkeeper.storage.looks import look

LOOK_SECONDS: Final = 2.0
AT_ONCE: Final = 500
READ_AT_ONCE: Final = 2_000
NAMED: Final = 20
"""So many faults are named; the rest is counted."""
START: Final = "0" * 64
"""The hash before the first line."""

log: Final = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Verified:
    """What :func:`verify` found: how many lines are in the chain, its newest hash, and what is wrong with it."""

    lines: int
    newest: str
    faults: tuple[str, ...] = ()
    more: int = 0


def hash_of(before: str, number: int, row: Any) -> str:
    """The hash of a line with this number behind the hash ``before``: SHA-256 in hexadecimal."""
    content = [before, number, row.id, row.at, row.who, row.act, row.subject, row.detail, row.publisher_id]
    return hashlib.sha256(json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()


def any_unsealed(conn: sa.Connection) -> bool:
    """Whether :func:`seal` would find a line."""
    return bool(_ANY_UNSEALED.scalar(conn, {}))


def _any_unsealed(dialect: str) -> sa.Select[Any]:
    """Whether the end of the index of numbers has none, as both databases read it whatever they believe of its rows.

    Of ``EXISTS (... WHERE number IS NULL)`` a database that gathered its statistics while few lines were sealed expects
    to find one at once, and goes through the whole audit: until it gathers them again, on SQLite for good.
    """
    return sa.select(t.UNSEALED).order_by(nulls_first(dialect, t.audit.c.number)).limit(1)


_ANY_UNSEALED: Final = HotStatement(_any_unsealed)


def seal(conn: sa.Connection) -> int:
    """Put up to :data:`AT_ONCE` lines that are in no chain yet to its end, in the order of their ids; how many."""
    a = t.audit.c
    head = conn.execute(sa.select(t.audit_head).with_for_update()).one()
    rows = conn.execute(sa.select(t.audit).where(t.UNSEALED).order_by(a.id).limit(AT_ONCE)).all()
    number, before, sealed = head.number, head.hash, []
    for row in rows:
        number, before = number + 1, hash_of(before, number + 1, row)
        sealed.append({"of": row.id, "to_number": number, "to_hash": before})
    if sealed:
        conn.execute(_SEAL, sealed)
        conn.execute(sa.update(t.audit_head).values(number=number, hash=before))
    return len(sealed)


_SEAL: Final = (
    sa.update(t.audit)
    .where(t.audit.c.id == sa.bindparam("of"))
    .values(number=sa.bindparam("to_number", type_=sa.BigInteger), hash=sa.bindparam("to_hash", type_=sa.String(64)))
)


def forget_before(conn: sa.Connection, moment: int, most: int = AT_ONCE) -> int:
    """Take the oldest lines out, at most ``most`` of those before ``moment`` (ms); how many. The chain begins behind.

    The only way in which lines end: those taken out otherwise are found missing.
    """
    a = t.audit.c
    conn.execute(sa.select(t.audit_head).with_for_update()).one()
    oldest = sa.select(a.number, a.hash, a.at).where(sa.not_(t.UNSEALED)).order_by(a.number).limit(most)
    last = None
    for row in conn.execute(oldest):
        if row.at >= moment:
            break
        last = row
    if last is None:
        return 0
    conn.execute(sa.update(t.audit_head).values(first_number=last.number + 1, first_hash=last.hash))
    return conn.execute(sa.delete(t.audit).where(a.number <= last.number)).rowcount


def oldest_line_at(conn: sa.Connection) -> int | None:
    """When the oldest line of the chain was written (ms); ``None`` while it has none."""
    oldest: int | None = _OLDEST_LINE_AT.scalar(conn, {})
    return oldest


_OLDEST_LINE_AT: Final = HotStatement(
    lambda _: sa.select(t.audit.c.at).where(sa.not_(t.UNSEALED)).order_by(t.audit.c.number).limit(1)
)


async def verify(storage: Storage) -> Verified:
    """Go through the whole chain, a part at a time, and name what is wrong with it.

    Lines of the last seconds may be in none yet, and are not looked at.
    """
    head = await storage.read(lambda conn: conn.execute(sa.select(t.audit_head)).one())
    faults: list[str] = []
    number, before, lines, seen = head.first_number, head.first_hash, 0, 0
    while number <= head.number:
        rows = await storage.read(_from, number, head.number)
        seen += len(rows)
        for row in rows:
            if row.number > number:
                faults.append(_missing(number, row.number - 1))
            elif row.number < number:
                faults.append(f"the line {row.id} was put in between")
                continue
            if row.number == number and row.hash != hash_of(before, row.number, row):
                faults.append(f"the line {row.id} ({row.act}, number {row.number}), or the one before it, was changed")
            number, before, lines = row.number + 1, row.hash or "", lines + 1
        if not rows:
            faults.append(_missing(number, head.number))
            break
    if not faults and before != head.hash:
        faults.append("the end of the chain is not the one that was written last")
    if seen < await storage.read(_count, head.first_number, head.number):
        faults.append("lines were put in between")
    return Verified(lines, head.hash, tuple(faults[:NAMED]), max(0, len(faults) - NAMED))


def _from(conn: sa.Connection, number: int, last: int) -> list[sa.Row[Any]]:
    a = t.audit.c
    query = sa.select(t.audit).where(a.number >= number, a.number <= last).order_by(a.number, a.id)
    return [*conn.execute(query.limit(READ_AT_ONCE)).all()]


def _count(conn: sa.Connection, first: int, last: int) -> int:
    there = sa.select(sa.func.count()).select_from(t.audit).where(t.audit.c.number.between(first, last))
    return conn.scalar(there) or 0


def _missing(first: int, last: int) -> str:
    return f"line number {first} is missing" if first == last else f"lines number {first} to {last} are missing"


class Sealer:
    """Seals what is written and ends lines older than ``keep_days``, in every process; one at a time does it."""

    def __init__(self, storage: Storage, keep_days: int, clock: Clock = now_ms) -> None:
        self._storage = storage
        self._keep_ms = keep_days * 86_400_000
        self._clock = clock

    async def run(self) -> None:
        """Look again and again until cancelled."""
        await run_periodically(Job("the audit's seals", self.look, LOOK_SECONDS))

    async def look(self) -> int:
        """Seal what there is and end what is old; how many lines that were."""
        sealed = 0
        while await look(self._storage, any_unsealed):
            sealed += await self._storage.write(seal)
        return sealed + await self._forget()

    async def _forget(self) -> int:
        """End the lines that were kept long enough, in small transactions; how many those were."""
        before, forgotten = self._clock() - self._keep_ms, 0
        while ((oldest := await look(self._storage, oldest_line_at)) is not None) and oldest < before:
            ended = await self._storage.write(forget_before, before)
            if not ended:
                break  # another process ended them
            forgotten += ended
        if forgotten:
            log.info("lines of the audit were kept long enough and are removed", lines=forgotten)
        return forgotten
