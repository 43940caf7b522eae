"""The validations that somebody asked for and that are under way, in whichever process: a row for each.

So a publisher has no more of them at once than its quota says however many processes there are, and a page shows how
far one is whichever process answers it.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from leadkeeper.access.quotas import used_up
from leadkeeper.clock import Clock, new_id
from leadkeeper.offer import OfferRef
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage, StorageAway

AT_ONCE_SECONDS: Final = 5
"""When to come again while as many run at once as may."""
LASTS_MS: Final = 300_000
"""A validation ends sooner; one whose process was killed counts for so long."""

Line = tuple[OfferRef, str]
"""An offer and the name of its connection."""


@dataclass(frozen=True, slots=True)
class Under:
    """A validation under way: what its check found so far, as JSON, and the marker of the test lead on its way."""

    checks: str = "[]"
    marker: str = ""


class UnderWay:
    """One of them, to say how far it is."""

    def __init__(self, storage: Storage, row_id: str) -> None:
        self._storage = storage
        self._id = row_id

    async def seen(self, checks: str, marker: str) -> None:
        """Its check found this (JSON), and the test lead with this marker goes out now. Raises ``StorageAway``."""
        this = sa.update(t.validation).where(t.validation.c.id == self._id)
        await self._storage.write(lambda conn: conn.execute(this.values(checks=checks, marker=marker)) and None)


@contextlib.asynccontextmanager
async def under_way(
    storage: Storage, clock: Clock, publisher_id: str, most: int, line: Line | None
) -> AsyncIterator[UnderWay]:
    """Count one while this lasts, of ``line`` where pages show it. Raises :class:`Problem` when ``most`` run already.

    Raises ``StorageAway`` at the beginning, but not at the end: what could not be removed counts for a while more.
    """
    row_id = new_id()
    if not await storage.write(_begin, row_id, publisher_id, most, line, clock()):
        raise used_up("validations_at_once", most, AT_ONCE_SECONDS)
    try:
        yield UnderWay(storage, row_id)
    finally:
        with contextlib.suppress(StorageAway):
            await storage.write(_end, row_id)


def progress(conn: sa.Connection, line: Line, now: int) -> Under | None:
    """How far the newest validation of the connection is that is under way, if one is."""
    v, (ref, name) = t.validation.c, line
    newest = (
        sa.select(v.checks, v.marker)
        .where(v.publisher_id == ref.publisher_id, v.offer_ref == str(ref), v.name == name, _counts(now))
        .order_by(v.id.desc())
        .limit(1)
    )
    row = conn.execute(newest).one_or_none()
    return None if row is None else Under(row.checks, row.marker)


def validations_mark(conn: sa.Connection, ref: OfferRef, now: int) -> str:
    """A text that changes whenever a validation of the offer's connections begins, goes on or ends; empty for none."""
    v = t.validation.c
    of_offer = (v.publisher_id == ref.publisher_id, v.offer_ref == str(ref), _counts(now))
    rows = conn.execute(sa.select(v.id, sa.func.length(v.checks), v.marker).where(*of_offer).order_by(v.id))
    return " ".join(f"{row[0]} {row[1]} {row[2]}" for row in rows)


def _begin(conn: sa.Connection, row_id: str, publisher_id: str, most: int, line: Line | None, now: int) -> bool:
    # Whoever begins one for this publisher waits here for the other to have counted; nobody else does.
    p, v = t.publisher.c, t.validation.c
    conn.execute(sa.select(p.id).where(p.id == publisher_id).with_for_update(key_share=True))
    conn.execute(sa.delete(t.validation).where(v.publisher_id == publisher_id, sa.not_(_counts(now))))
    running = conn.scalar(sa.select(sa.func.count()).where(v.publisher_id == publisher_id)) or 0
    if running >= most:
        return False
    ref, name = ("", "") if line is None else (str(line[0]), line[1])
    values = {"offer_ref": ref, "name": name, "checks": "[]", "marker": "", "until": now + LASTS_MS}
    conn.execute(sa.insert(t.validation).values(id=row_id, publisher_id=publisher_id, **values))
    return True


def _end(conn: sa.Connection, row_id: str) -> None:
    conn.execute(sa.delete(t.validation).where(t.validation.c.id == row_id))


def _counts(now: int) -> sa.ColumnElement[bool]:
    """Whether one still runs; what was begun by a clock that was ahead does not count for longer."""
    return t.validation.c.until.between(now + 1, now + LASTS_MS)
