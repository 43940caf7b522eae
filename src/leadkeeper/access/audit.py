"""The audit: who did what to which thing, and when. It never holds secrets or personal data of customers.

Lines are only added. A change and its line are one transaction (:func:`note`). A line about reading is on disk before
what was read is answered (:meth:`Audit.record`). What strangers and refused callers cause is written up to a second
later, and only so often (:meth:`Audit.later`): they must not be able to fill the disk or to keep the writer busy.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.access.acts import which_offer, whose
from leadkeeper.clock import Clock, new_id, now_ms, to_text
from leadkeeper.gate import NOBODY, on_behalf_of
from leadkeeper.logs import LazyLog
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage, StorageAway, one_of
from leadkeeper.storage.group import Group, GroupCommit
from leadkeeper.views import AuditEntry, AuditPage

log: Final = LazyLog(__name__)

EACH: Final = 30
"""How many lines a minute one caller, or one stranger's address, may cause by being refused."""
ALL: Final = 600
"""How many all of them together."""
WAITING: Final = 2_000
"""How many may wait while the database is away."""
SOON: Final = 1.0
"""How long (s) such a line may wait."""
MOST: Final = 200
"""The most lines on one page."""


def note(
    conn: sa.Connection,
    now: int,
    who: str,
    act: str,
    subject: str,
    detail: str = "",
    *,
    publisher_id: str | None = None,
) -> None:
    """Write one line of audit in the transaction of the act itself.

    ``publisher_id`` says whose things it is about, where ``subject`` does not tell (see ``acts.whose``).
    """
    conn.execute(sa.insert(t.audit).values(_values(now, who, act, subject, detail, publisher_id)))


def _values(now: int, who: str, act: str, subject: str, detail: str, publisher_id: str | None) -> dict[str, Any]:
    return {
        "id": new_id(),
        "at": now,
        "who": _plain(who),
        "act": act,
        "subject": _plain(subject),
        "detail": _plain(detail),
        "publisher_id": publisher_id or whose(act, subject),
        "offer_ref": which_offer(act, subject),
    }


def _plain(text: str) -> str:
    """``text`` as every database takes it and every terminal may show it; callers' own names come in here."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which lines to list; ``None`` does not filter. Times in milliseconds: from ``since_ms``, before ``until_ms``.

    ``offer`` (``publisher.offer``): what was done with it, its connections and hooks; not who read its leads.
    """

    publisher_id: str | None = None
    who: str | None = None
    act: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    offer: str | None = None


class Audit:
    """Adds lines that belong to no change, and reads all of them."""

    def __init__(self, storage: Storage, clock: Clock = now_ms) -> None:
        self._storage = storage
        self._clock = clock
        self._group = GroupCommit(self._write, 500)
        self._minute = 0
        self._caused: Counter[str] = Counter()
        self._waiting: list[dict[str, Any]] = []
        self._left_out = 0
        self._closing = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def record(
        self, who: str, act: str, subject: str, detail: str = "", *, publisher_id: str | None = None
    ) -> None:
        """Add a line; it is on disk when this returns, in one transaction with others of the moment."""
        await self._group.put(_values(self._clock(), who, act, subject, detail, publisher_id))

    def later(
        self,
        who: str,
        act: str,
        subject: str,
        detail: str = "",
        *,
        caused_by: str = "",
        publisher_id: str | None = None,
    ) -> None:
        """Add a line within about a second, unless its cause has had its share of this minute: then it is counted.

        ``caused_by`` tells causes apart where ``who`` does not: a stranger's address.
        """
        now = self._clock()
        if now // 60_000 != self._minute:
            self._minute = now // 60_000
            self._caused.clear()
        cause = caused_by or who
        if self._caused[cause] >= EACH or self._caused.total() >= ALL or len(self._waiting) >= WAITING:
            self._left_out += 1
        else:
            self._caused[cause] += 1
            self._waiting.append(_values(now, who, act, subject, detail, publisher_id))
        if self._task is None:
            with on_behalf_of(NOBODY):  # it writes what others do, too
                self._task = asyncio.create_task(self._write_soon(), name="audit")

    def refused(self, who: str, what: str, publisher_id: str | None) -> None:
        """``who``, of ``publisher_id`` or of none, asked for ``what``, which is not theirs; written :meth:`later`."""
        self.later(who, "access.refused", what, publisher_id=publisher_id)

    async def drained(self) -> None:
        """Return when all lines are written; those that the database does not take now are lost and logged."""
        self._closing.set()
        if self._task is not None:
            await self._task
        await self._group.drained()

    async def list(self, filters: AuditFilter, cursor: str | None = None, limit: int = 50) -> AuditPage:
        """Up to ``limit`` (at most :data:`MOST`) lines, newest first, older than ``cursor``."""
        return await self._storage.read(_list, filters, cursor, min(limit, MOST))

    async def export(self, filters: AuditFilter) -> AsyncIterator[AuditEntry]:
        """Every line that fits, newest first, a page at a time."""
        cursor: str | None = None
        while True:
            page = await self.list(filters, cursor, MOST)
            for entry in page.entries:
                yield entry
            if (cursor := page.next_cursor) is None:
                return

    async def names(self, entries: Sequence[AuditEntry], publisher_id: str | None) -> dict[str, str]:
        """What the people in these lines are called; for a publisher, its own members alone."""
        ids = {each.who.removeprefix("person:") for each in entries if each.who.startswith("person:")}
        return await self._storage.read(_names, ids, publisher_id) if ids else {}

    async def _write_soon(self) -> None:
        try:
            while self._waiting or self._left_out:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._closing.wait(), SOON)
                try:
                    await self._write_waiting()
                except StorageAway:
                    # They wait; ``_waiting`` takes no more than WAITING of them. At the end nobody waits.
                    if self._closing.is_set():
                        log.error("audit lines lost", lines=len(self._waiting) + self._left_out)
                        return
        finally:
            self._task = None

    async def _write_waiting(self) -> None:
        lines, left_out = list(self._waiting), self._left_out
        if left_out:
            detail = f"{left_out} more lines of refusals"
            lines.append(_values(self._clock(), "leadkeeper", "audit.leftOut", "*", detail, None))
        if lines:
            await self._insert(lines)
            # More may have come meanwhile: only what was written goes.
            del self._waiting[: len(lines) - bool(left_out)]
            self._left_out -= left_out

    async def _write(self, group: Group[dict[str, Any], None]) -> Sequence[None]:
        await self._insert(lines := group.take())
        return [None] * len(lines)

    async def _insert(self, lines: Sequence[dict[str, Any]]) -> None:
        await self._storage.write(lambda conn: conn.execute(sa.insert(t.audit), list(lines)) and None)


def _names(conn: sa.Connection, ids: Collection[str], publisher_id: str | None) -> dict[str, str]:
    p, m = t.person.c, t.membership.c
    query = sa.select(p.id, p.name).where(one_of(conn, p.id, list(ids)))
    if publisher_id is not None:
        query = query.where(sa.exists().where(m.person_id == p.id, m.publisher_id == publisher_id))
    return {f"person:{row.id}": row.name for row in conn.execute(query)}


def _list(conn: sa.Connection, filters: AuditFilter, cursor: str | None, limit: int) -> AuditPage:
    a = t.audit.c
    exact = {a.publisher_id: filters.publisher_id, a.who: filters.who, a.act: filters.act, a.offer_ref: filters.offer}
    query = sa.select(t.audit).where(*(column == value for column, value in exact.items() if value is not None))
    if filters.since_ms is not None:
        query = query.where(a.at >= filters.since_ms)
    if filters.until_ms is not None:
        query = query.where(a.at < filters.until_ms)
    if cursor is not None:
        query = query.where(a.id < cursor)
    rows = conn.execute(query.order_by(a.id.desc()).limit(limit + 1)).all()
    entries = tuple(
        AuditEntry(
            id=row.id,
            at=to_text(row.at),
            who=row.who,
            act=row.act,
            subject=row.subject,
            detail=row.detail,
            publisher_id=row.publisher_id,
        )
        for row in rows[:limit]
    )
    return AuditPage(entries=entries, next_cursor=entries[-1].id if len(rows) > limit else None)
