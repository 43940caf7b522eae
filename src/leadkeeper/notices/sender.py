"""Sending the notices that other rooms wrote down: gathered per connection, over the operator's mail server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
import structlog

from leadkeeper.catalogue import from_stored
from leadkeeper.clock import Clock, now_ms
from leadkeeper.connections.outbox import LEAD_ARRIVED
from leadkeeper.destinations.mail import SECONDS, Mailer
from leadkeeper.destinations.mail_text import lead_notice, paused_notice
from leadkeeper.diagnosis import Diagnosis, Outcome
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage, StorageAway, one_of

LOOK_SECONDS: Final = 2.0
HELD_MS: Final = 120_000
"""How long a notice that is being sent is left to its sender, should that vanish."""
MOST: Final = 500
RETRY_MS: Final = (10_000, 60_000, 300_000, 900_000, 3_600_000)
MOST_TRIES: Final = 30
"""With the last delay each time, a good day; a notice older than that helps nobody."""

log: Final = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Due:
    """The notices of one kind for one connection that go into one mail."""

    kind: str
    notices: Sequence[sa.Row[Any]]

    @property
    def ids(self) -> list[str]:
        """The notices' ids, oldest first."""
        return [row.id for row in self.notices]


class Sender:
    """Runs in every worker; each notice is sent by one of them. Without a mail server the notices wait for one."""

    def __init__(self, storage: Storage, mailer: Mailer | None, base_url: str, clock: Clock = now_ms) -> None:
        self._storage = storage
        self._mailer = mailer
        self._base_url = base_url
        self._clock = clock

    async def run(self) -> None:
        """Look every two seconds until cancelled."""
        while self._mailer is not None:
            try:
                await self.look()
            except StorageAway:
                log.debug("notices wait: the database is away")
            except Exception as error:
                log.error("notices failed", error=type(error).__name__)
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> int:
        """Send what is due, as long as it is ours; answers how many mails the server took."""
        sent, until = 0, self._clock() + HELD_MS - int(SECONDS * 1000)
        for due in await self._storage.write(_take, self._clock()):
            if self._clock() >= until:
                break
            try:
                sent += await self._send(due)
            except StorageAway:
                raise
            except Exception as error:
                log.error("notice failed", kind=due.kind, ids=due.ids, error=type(error).__name__)
                await self._storage.write(_again, due.notices, self._clock())
        return sent

    async def _send(self, due: Due) -> bool:
        assert self._mailer is not None
        row = due.notices[0]
        to = json.loads(row.settings).get("contactEmail", [])
        if not to:
            await self._storage.write(_end, due.ids, self._clock())
            return False
        message = _compose(due, to, self._base_url, self._mailer.sender)
        failed = await self._mailer.send(message, to)
        if failed is None or failed.outcome is Outcome.AMBIGUOUS:
            await self._storage.write(_end, due.ids, self._clock())
            return failed is None
        log.warning("notice not sent", kind=failed.kind.value, connection=row.connection_id)
        await self._storage.write(_again, due.notices, self._clock())
        return False


def _compose(due: Due, to: Sequence[str], base_url: str, sender: str) -> Any:
    row = due.notices[0]
    if due.kind == LEAD_ARRIVED:
        return lead_notice([notice.body for notice in due.notices], row.title, base_url, to, sender, row.id)
    told = from_stored(due.notices[-1].body)
    assert isinstance(told, Diagnosis)
    return paused_notice(row.name, row.title, told.summary, told.steps, to, sender, row.id)


def _take(conn: sa.Connection, now: int) -> list[Due]:
    n = t.notice.c
    due = (
        sa.select(n.id)
        .where(t.WAITING_NOTICE, n.due_at <= now)
        .order_by(n.due_at, n.id)
        .limit(MOST)
        .with_for_update(skip_locked=True)
    )
    ids = list(conn.scalars(due))
    if not ids:
        return []
    conn.execute(sa.update(t.notice).where(one_of(conn, n.id, ids)).values(due_at=now + HELD_MS))
    rows = conn.execute(
        sa.select(t.notice, t.connection.c.name, t.connection.c.settings, t.offer.c.title)
        .join(t.connection, t.connection.c.id == n.connection_id)
        .join(t.offer, t.offer.c.ref == t.connection.c.offer_ref)
        .where(one_of(conn, n.id, ids))
        .order_by(n.connection_id, n.kind, n.id)
    ).all()
    grouped: dict[tuple[str, str], list[sa.Row[Any]]] = {}
    for row in rows:
        grouped.setdefault((row.connection_id, row.kind), []).append(row)
    return [Due(kind, notices) for (_, kind), notices in grouped.items()]


def _end(conn: sa.Connection, ids: Sequence[str], now: int) -> None:
    conn.execute(sa.update(t.notice).where(one_of(conn, t.notice.c.id, ids)).values(ended_at=now))


def _again(conn: sa.Connection, notices: Sequence[sa.Row[Any]], now: int) -> None:
    for row in notices:
        tries = row.tries + 1
        values = {"tries": tries, "due_at": now + RETRY_MS[min(tries, len(RETRY_MS)) - 1]}
        if tries >= MOST_TRIES:
            values["ended_at"] = now
        conn.execute(sa.update(t.notice).where(t.notice.c.id == row.id).values(values))
