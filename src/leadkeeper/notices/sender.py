"""Sending the notices that other rooms wrote down: gathered per connection, over the operator's mail server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any, Final

import sqlalchemy as sa
import structlog

from leadkeeper.catalogue import from_stored
from leadkeeper.clock import Clock, now_ms
from leadkeeper.connections import outbox
from leadkeeper.destinations.mail import SECONDS, Mailer
from leadkeeper.destinations.mail_text import (
    change_refused_notice,
    lead_notice,
    live_notice,
    operation_failed_notice,
    paused_notice,
    preview_notice,
    withheld_notice,
)
from leadkeeper.diagnosis import Diagnosis, Outcome
from leadkeeper.publishing.steps import STEP_TEXTS, StepId
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
    """The notices of one kind, for one connection or operation, that go into one mail."""

    kind: str
    notices: Sequence[sa.Row[Any]]

    @property
    def to(self) -> list[str]:
        """Whom it goes to: a connection's contact e-mails, or those who hear of an operation."""
        row = self.notices[0]
        if row.operation_id is not None:
            return list(json.loads(row.emails))
        return list(json.loads(row.settings).get("contactEmail", []))

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
        row, to = due.notices[0], due.to
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


def _compose(due: Due, to: Sequence[str], base_url: str, sender: str) -> EmailMessage:
    row = due.notices[0]
    whom = (to, sender, row.id)
    page = f"{base_url}/portal/offers/{row.publisher_id}/{row.offer_id}"
    match due.kind:
        case outbox.LEAD_ARRIVED:
            return lead_notice([notice.body for notice in due.notices], row.title, base_url, *whom)
        case outbox.LEAD_WITHHELD:
            return withheld_notice(len(due.notices), row.title, page, *whom)
        case outbox.OPERATION_FAILED:
            step, told = _failure(row)
            return operation_failed_notice(row.title, step, told, page, *whom)
        case outbox.PREVIEW_READY:
            shown = f"{base_url}/store/offers/{row.publisher_id}/{row.offer_id}?preview={row.preview_key}"
            return preview_notice(row.title, shown, page, *whom)
        case outbox.OFFER_LIVE:
            return live_notice(row.title, f"{base_url}/store/offers/{row.publisher_id}/{row.offer_id}", *whom)
    told_last = from_stored(due.notices[-1].body)
    assert isinstance(told_last, Diagnosis)
    notice = change_refused_notice if due.kind == outbox.CHANGE_REFUSED else paused_notice
    return notice(row.name, row.title, told_last.summary, told_last.steps, *whom)


def _failure(row: sa.Row[Any]) -> tuple[str, list[str]]:
    """The step at which an operation stopped, and what it tells; as ``publishing.steps`` stores it."""
    for step in json.loads(row.steps):
        wrong = [message["text"] for message in step["messages"] if message["level"] == "error"]
        if wrong:
            return STEP_TEXTS[StepId(step["id"])].name, [line for text in wrong for line in text.splitlines()]
    return "", []


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
    c, o, offer = t.connection.c, t.operation.c, t.offer.c
    about = (offer.title, offer.publisher_id, offer.id.label("offer_id"), offer.preview_key)
    rows = conn.execute(
        sa.select(t.notice, c.name, c.settings, o.emails, o.steps, *about)
        .outerjoin(t.connection, c.id == n.connection_id)
        .outerjoin(t.operation, o.id == n.operation_id)
        .join(t.offer, offer.ref == sa.func.coalesce(c.offer_ref, o.offer_ref))
        .where(one_of(conn, n.id, ids))
        .order_by(n.connection_id, n.kind, n.id)
    ).all()
    grouped: dict[tuple[str, str], list[sa.Row[Any]]] = {}
    for row in rows:
        # What an operation tells stands by itself; a connection's notices of one kind are gathered.
        grouped.setdefault((row.connection_id or row.id, row.kind), []).append(row)
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
