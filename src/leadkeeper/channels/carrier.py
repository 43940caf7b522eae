"""Carries events to their channels: signed POSTs of Standard Webhooks, cards for Teams, messages for Slack.

Runs in every worker; one of them has a channel at a time. A channel that answers slowly or not at all rests, and holds
up no other: calls are shared among publishers first, as all others are (``network.client``).
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa
import structlog
from aiohttp import ServerDisconnectedError
from standardwebhooks import Webhook

from leadkeeper.access.audit import note
from leadkeeper.catalogue import diagnose, to_stored
from leadkeeper.channels.channels import FORGOTTEN_AT_ONCE, OVERLAP_MS, Channels, locked_row, waiting_count
from leadkeeper.channels.chat import TOGETHER, ToTell, slack_message, teams_card
from leadkeeper.channels.events import ChannelKind
from leadkeeper.channels.relay import any_to_relay, relay
from leadkeeper.channels.rules import (
    ChannelStanding,
    EventStep,
    WhyOff,
    after_answer,
    after_event,
    most_from_now_on,
)
from leadkeeper.clock import Clock, now_ms, to_text
from leadkeeper.connections.vault import WrongKey, channel_row
from leadkeeper.diagnosis import Diagnosis, Evidence, Kind
from leadkeeper.gate import NOBODY, on_behalf_of
from leadkeeper.network.answer import kind_of_status, retry_after
from leadkeeper.network.client import NETWORK_ERRORS, Answered, Network, diagnose_network
from leadkeeper.periodic import Job, run_periodically
from leadkeeper.shares import Shares
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage, StorageAway, one_of
from leadkeeper.storage.looks import NOW, any_row, any_until_now, look
from leadkeeper.texts import ENGLISH, Languages

LOOK_SECONDS: Final = 1.0
BATCH: Final = 100
"""The most events of a channel at one look."""
AT_ONCE: Final = 4
"""The most calls to one channel at the same time."""
BEGIN_SECONDS: Final = 20.0
"""For how long calls of one batch are begun, and after how long a channel that takes batch after batch is let go."""
HELD_MS: Final = 120_000
"""How long a channel is left to the worker that took it: more than the calls of one look can take."""
PLACES: Final = 32
"""How many channels are sent to at once; of them a few are kept for publishers that have none."""
SHOWN_MS: Final = 7 * 24 * 3_600_000
"""How long events are kept that were taken or given up."""
BY: Final = "leadkeeper"
"""As whom the audit names what nobody did but the program."""
_BODY_SECONDS: Final = 1.0
_KINDS: Final = {
    401: Kind.CREDENTIALS_REJECTED,
    403: Kind.PERMISSION_MISSING,
    404: Kind.ENDPOINT_NOT_FOUND,
    410: Kind.ENDPOINT_GONE,
    429: Kind.THROTTLED,
    503: Kind.SERVER_ERROR,
}

_Moment = int | sa.BindParameter[int]

log: Final = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Answer:
    """What came of one call with these events: ``None`` where they were taken; the status, if one came."""

    events: Sequence[sa.Row[Any]]
    diagnosis: Diagnosis | None
    status: int | None


class ChannelCarrier:
    """Sends what waits for channels. ``look`` does what is due now; ``run`` looks again and again."""

    def __init__(
        self,
        storage: Storage,
        channels: Channels,
        network: Network,
        base_url: str,
        languages: Languages,
        clock: Clock = now_ms,
        random_unit: Callable[[], float] = random.random,
    ) -> None:
        self._storage = storage
        self._channels = channels
        self._vault = channels.vault
        self._network = network
        self._base_url = base_url
        self._languages = languages
        self._clock = clock
        self._random_unit = random_unit
        self._shares = Shares(PLACES, PLACES // 8)
        self._running: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Look every second until cancelled; what is under way then is sent again by another worker."""
        try:
            await run_periodically(Job("events of channels", self.begin, LOOK_SECONDS))
        finally:
            for task in self._running:
                task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)

    async def look(self) -> None:
        """Begin what is due, and return when it has ended."""
        await self.begin()
        while self._running:
            await asyncio.gather(*self._running)

    async def begin(self) -> None:
        """Tell channels what notices tell, and begin to send over the channels that have something due."""
        now = self._clock()
        to_relay, old, due = await look(self._storage, _any, now)
        if to_relay:
            await self._storage.write(relay, self._channels.subscriptions, now)
        if old:
            await self._storage.write(_forget_old, now)
        # What notices tell may be what is due.
        for row in await self._storage.read(_due, now) if to_relay or due else ():
            who = row.publisher_id or NOBODY
            if not self._shares.may(who):
                continue
            if await self._storage.write(_take, row.id, row.due_at, now):
                self._shares.take(who)
                with on_behalf_of(who):
                    task = asyncio.create_task(self._serve(row, who), name="channel")
                self._running.add(task)
                task.add_done_callback(self._running.discard)

    async def _serve(self, channel: sa.Row[Any], who: str) -> None:
        try:
            ends = time.monotonic() + BEGIN_SECONDS
            while await self._serve_batch(channel, more=time.monotonic() < ends):
                pass
        except StorageAway:
            log.warning("a channel is left to its lease: the database is away", channel=channel.id)
        except Exception as error:
            log.error("a channel failed", channel=channel.id, error=type(error).__name__)
        finally:
            self._shares.give_back(who)

    async def _serve_batch(self, channel: sa.Row[Any], *, more: bool) -> bool:
        """Send a batch; whether the channel is still ours, since it took a whole one and ``more`` may follow."""
        events = await self._storage.read(_events, channel.id, self._clock(), _most(channel))
        answers = await self._send_all(channel, events)
        taken = sum(len(each.events) for each in answers if each.diagnosis is None)
        goes_on = more and taken == BATCH
        now, unit, most = self._clock(), self._random_unit, self._channels.most_waiting
        until = now + HELD_MS if goes_on else None
        off = await self._storage.write(_record, channel, answers, now, unit, most=most, until=until)
        if off:
            await self._channels.refresh()
        return goes_on and not off

    async def _send_all(self, channel: sa.Row[Any], events: Sequence[sa.Row[Any]]) -> list[_Answer]:
        """Send in the order in which they came, a few at once; after a failure nothing more is begun."""
        kind = ChannelKind(channel.kind)
        try:
            held = self._vault.open(channel.sealed, channel_row(channel.id))
        except WrongKey:
            return [_Answer(events[:1], diagnose(Kind.SETTINGS_INVALID), None)] if events else []
        together, at_once = (1, AT_ONCE) if kind is ChannelKind.WEBHOOK else (TOGETHER, 1)
        calls = [events[at : at + together] for at in range(0, len(events), together)]
        answers: list[_Answer] = []
        ends = time.monotonic() + BEGIN_SECONDS
        for at in range(0, len(calls), at_once):
            some = calls[at : at + at_once]
            answers += await asyncio.gather(*(self._send(channel, kind, held, each) for each in some))
            if any(each.diagnosis is not None for each in answers) or time.monotonic() >= ends:
                break
        return answers

    async def _send(
        self, channel: sa.Row[Any], kind: ChannelKind, held: Mapping[str, str], events: Sequence[sa.Row[Any]]
    ) -> _Answer:
        headers = {"content-type": "application/json"}
        if kind is ChannelKind.WEBHOOK:
            body = webhook_body(events[0])
            headers |= self._signed(channel, held, events[0].id, body)
        else:
            body = self._message(channel, kind, events)
        try:
            answered = await self._post(held["address"], body, headers)
        except NETWORK_ERRORS as error:
            return _Answer(events, diagnose_network(error), None)
        return _Answer(events, _diagnosis(answered, self._clock()), answered.status)

    async def _post(self, address: str, body: bytes, headers: Mapping[str, str]) -> Answered:
        url = self._network.check_url(address)
        try:
            return await self._network.post(url, data=body, headers=headers, body_seconds=_BODY_SECONDS)
        except ServerDisconnectedError:  # a kept connection that was closed as we wrote
            return await self._network.post(url, data=body, headers=headers, body_seconds=_BODY_SECONDS)

    def _signed(self, channel: sa.Row[Any], held: Mapping[str, str], event_id: str, body: bytes) -> dict[str, str]:
        now = self._clock()
        secrets = [held["secret"]]
        if "previous" in held and channel.rotated_at is not None and now - channel.rotated_at < OVERLAP_MS:
            secrets.append(held["previous"])
        at = datetime.fromtimestamp(now // 1000, UTC)
        signed = " ".join(Webhook(secret).sign(event_id, at, body.decode()) for secret in secrets)
        return {"webhook-id": event_id, "webhook-timestamp": str(now // 1000), "webhook-signature": signed}

    def _message(self, channel: sa.Row[Any], kind: ChannelKind, events: Sequence[sa.Row[Any]]) -> bytes:
        language = self._languages.find(channel.language) or ENGLISH
        waiting = [ToTell(row.kind, json.loads(row.body)) for row in events]
        write = teams_card if kind is ChannelKind.TEAMS else slack_message
        return json.dumps(write(waiting, self._base_url, language), ensure_ascii=False).encode()


def webhook_body(row: sa.Row[Any]) -> bytes:
    """The body of the POST for an event: the same bytes at each try."""
    head = json.dumps({"type": row.kind, "timestamp": to_text(row.created_at)}, separators=(",", ":"))
    return f'{head[:-1]},"data":{row.body}}}'.encode()


def _diagnosis(answered: Answered, now: int) -> Diagnosis | None:
    status = answered.status
    if 200 <= status < 300:
        return None
    wait = retry_after(answered.headers, now / 1000) if status in (429, 503) else None
    kind = Kind.THROTTLED if wait is not None else _KINDS.get(status) or kind_of_status(status)
    return diagnose(kind, Evidence(status=status), retry_after=wait)


def _most(channel: sa.Row[Any]) -> int:
    """What rests after failures is tried with one event."""
    return 1 if channel.failures else BATCH


def _any(conn: sa.Connection, now: int) -> tuple[bool, bool, bool]:
    """Whether channels are to be told what notices tell, whether events are to be forgotten, whether any are due."""
    old = bool(_ANY_OLD.scalar(conn, {"now": now - SHOWN_MS}))
    return any_to_relay(conn), old, bool(_ANY_DUE.scalar(conn, {"now": now}))


def _due(conn: sa.Connection, now: int) -> Sequence[sa.Row[Any]]:
    """The channels that may be sent to and have something due: a look into an index for each channel."""
    c = t.channel.c
    query = sa.select(t.channel).where(*_has_due(now)).order_by(c.due_at, c.id)
    return conn.execute(query.limit(4 * PLACES)).all()


def _has_due(now: _Moment) -> tuple[sa.ColumnElement[bool], ...]:
    c, e = t.channel.c, t.channel_event.c
    waits = sa.exists().where(e.channel_id == c.id, t.WAITING_EVENT, e.due_at <= now).correlate(t.channel)
    return c.disabled_at.is_(None), c.due_at <= now, waits


_ANY_DUE: Final = any_row(*_has_due(NOW))


def _take(conn: sa.Connection, channel_id: str, due_at: int, now: int) -> bool:
    c = t.channel.c
    taken = sa.update(t.channel).where(c.id == channel_id, c.due_at == due_at, c.disabled_at.is_(None))
    return bool(conn.execute(taken.values(due_at=now + HELD_MS)).rowcount)


def _events(conn: sa.Connection, channel_id: str, now: int, most: int) -> Sequence[sa.Row[Any]]:
    e = t.channel_event.c
    query = sa.select(t.channel_event).where(e.channel_id == channel_id, t.WAITING_EVENT, e.due_at <= now)
    return conn.execute(query.order_by(e.due_at, e.id).limit(most)).all()


def _record(
    conn: sa.Connection,
    channel: sa.Row[Any],
    answers: Sequence[_Answer],
    now: int,
    random_unit: Callable[[], float],
    *,
    most: int,
    until: int | None,
) -> bool:
    """Write down what came of a batch; whether the channel is off, or gone. ``until``: it stays ours till then."""
    current = locked_row(conn, channel.id)
    if current is None:
        return True
    standing, trouble = ChannelStanding(current.failures, current.failing_since), current.trouble
    taken_at = current.taken_at
    for answer in answers:
        for row in answer.events:
            step = after_event(answer.diagnosis, row.tries, row.created_at, now, random_unit())
            _record_event(conn, row, answer.status, step, now)
        standing = after_answer(standing, answer.diagnosis, now, random_unit())
        taken_at = now if answer.diagnosis is None else taken_at
        trouble = None if answer.diagnosis is None else to_stored(answer.diagnosis)
    values: dict[str, Any] = {"failures": standing.failures, "failing_since": standing.failing_since}
    values |= {"trouble": trouble, "taken_at": taken_at, "due_at": until or max(now, standing.rests_until)}
    limit = max(most, current.may_wait or 0)
    waiting = waiting_count(conn, channel.id, limit + 1)
    off = standing.off or (WhyOff.TOO_MANY_WAIT if waiting > limit else None)
    if off is None:
        values["may_wait"] = most_from_now_on(current.may_wait, waiting, most)
    elif current.disabled_at is None:
        values |= {"disabled_at": now, "disabled_for": off.value}
        log.warning("a channel was switched off", channel=channel.id, publisher=channel.publisher_id, why=off.value)
        note(conn, now, BY, "channel.switchOff", channel.id, off.value, publisher_id=channel.publisher_id)
    conn.execute(sa.update(t.channel).where(t.channel.c.id == channel.id).values(values))
    return off is not None or current.disabled_at is not None


def _record_event(conn: sa.Connection, row: sa.Row[Any], status: int | None, step: EventStep, now: int) -> None:
    values: dict[str, Any] = {"tries": row.tries + 1, "status": status}
    values |= {"due_at": step.due_at} if step.due_at is not None else {"ended_at": now, "taken": step.taken}
    conn.execute(sa.update(t.channel_event).where(t.channel_event.c.id == row.id).values(values))


def _old(now: int) -> sa.ColumnElement[bool]:
    return t.channel_event.c.ended_at <= now - SHOWN_MS


_ANY_OLD: Final = any_until_now(t.channel_event.c.ended_at)


def _forget_old(conn: sa.Connection, now: int) -> None:
    old = list(conn.scalars(sa.select(t.channel_event.c.id).where(_old(now)).limit(FORGOTTEN_AT_ONCE)))
    conn.execute(sa.delete(t.channel_event).where(one_of(conn, t.channel_event.c.id, old)))
