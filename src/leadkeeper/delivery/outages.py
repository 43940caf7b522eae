"""Telling people of outages: what is due is decided, and its notice written down, in one transaction. All SQL.

Whoever decides may vanish: either both have happened or neither; ``notices`` sends what was written down, once.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from leadkeeper.catalogue import from_stored
from leadkeeper.connections import outbox
from leadkeeper.connections.health import Health, health_of
from leadkeeper.connections.outage import News, tell
from leadkeeper.connections.outage_news import OutageNews
from leadkeeper.delivery.breaker import is_half_open
from leadkeeper.delivery.schedule import Aside
from leadkeeper.diagnosis import Diagnosis, Kind
from leadkeeper.storage import tables as t
from leadkeeper.storage.database_clock import by_what_was_seen
from leadkeeper.storage.engine import one_of
from leadkeeper.storage.looks import any_until_now

AT_ONCE: Final = 100
"""How many connections are looked at in one transaction."""
COMPANY_MS: Final = 3_600_000
"""A reminder that would be due within this time goes along with one for the same publisher."""
MOST: Final = 10_000
"""So many leads are counted; whoever waits for more is told that they are more."""


class _Counts(NamedTuple):
    """Of a connection: how many leads wait, were set aside by its outage, may have arrived in it."""

    waiting: int
    set_aside: int
    may_have_arrived: int


def any_to_tell(conn: sa.Connection, now: int) -> bool:
    """Whether :func:`tell_of_outages` would find a connection."""
    return bool(_ANY_TO_TELL.scalar(conn, {"now": now}))


def tell_of_outages(conn: sa.Connection, now: int) -> int:
    """Look at the connections that are due, and write down what people are told of them; how many notices that makes.

    Other workers look at others meanwhile. Nobody is told that seconds were a day by a worker that missed how the
    clock was set back.
    """
    now = by_what_was_seen(conn, now)
    rows = _locked(conn, t.connection.c.tell_at <= now)
    summary = [row.id for row in rows if _tell(conn, row, now)]
    reminded = {row.publisher_id for row in rows if row.notified_at is not None and row.id in summary}
    if reminded:
        soon = (
            t.connection.c.tell_at > now,
            t.connection.c.tell_at <= now + COMPANY_MS,
            t.connection.c.notified_at > 0,
        )
        company = _locked(conn, *soon, one_of(conn, t.offer.c.publisher_id, reminded))
        summary += [row.id for row in company if _tell(conn, row, now, early=COMPANY_MS)]
    return len(summary)


def _running() -> tuple[sa.ColumnElement[bool], ...]:
    c = t.connection.c
    return (c.removed_at.is_(None), sa.not_(c.paused_by_person))


_ANY_TO_TELL: Final = any_until_now(t.connection.c.tell_at, *_running())


def _locked(conn: sa.Connection, *which: sa.ColumnElement[bool]) -> list[sa.Row[Any]]:
    c, o = t.connection.c, t.offer.c
    query = sa.select(t.connection, o.publisher_id).join(t.offer, o.ref == c.offer_ref).where(*_running(), *which)
    query = query.order_by(c.tell_at, c.id).limit(AT_ONCE).with_for_update(of=t.connection, skip_locked=True)
    return list(conn.execute(query).all())


def _tell(conn: sa.Connection, row: sa.Row[Any], now: int, *, early: int = 0) -> bool:
    """Decide for one connection, write that down; whether people are told."""
    health = health_of(row)
    counts = _counts(conn, row.id, health)
    summary = tell(health, any(counts), now, early=early)
    if summary.news is not None:
        news = _news(conn, row, health, summary.news, counts, now)
        # Whoever has not been told yet hears how it stands now, not how it stood.
        n = t.notice.c
        older = (
            n.connection_id == row.id,
            n.kind.in_((*outbox.OUTAGE_KINDS, outbox.CONNECTION_PAUSED)),
            t.WAITING_NOTICE,
        )
        # What is over before anybody was told by mail, channels alone hear of: they were told at once.
        unmailed = summary.news is News.OVER and _is_unmailed(conn, row.id, health.failing_since or now)
        conn.execute(sa.update(t.notice).where(*older).values(ended_at=now))
        ended = {"ended_at": now} if unmailed else {}
        conn.execute(sa.insert(t.notice).values(outbox.outage(row.id, news, now) | ended))
    if summary.health != health:
        conn.execute(sa.update(t.connection).where(t.connection.c.id == row.id).values(summary.health.columns()))
    return summary.news is not None


def _is_unmailed(conn: sa.Connection, connection_id: str, since: int) -> bool:
    """Whether mails of the outage were written, and each still waits for its first try."""
    n = t.notice.c
    kinds = n.kind.in_((outbox.CONNECTION_PAUSED, outbox.CONNECTION_FAILING))
    mine = sa.select(n.ended_at, n.recipients).where(n.connection_id == connection_id, kinds, n.created_at >= since)
    rows = conn.execute(mine).all()
    return bool(rows) and all(row.ended_at is None and row.recipients is None for row in rows)


def _counts(conn: sa.Connection, connection_id: str, health: Health) -> _Counts:
    waiting, set_aside = (_count(conn, connection_id, which) for which in (t.READY, t.BY_OUTAGE))
    if health.failing_since is None:
        return _Counts(waiting, set_aside, 0)
    d = t.delivery.c
    in_it = t.SET_ASIDE & (d.changed_at >= health.failing_since) & (d.set_aside_for == Aside.MAY_HAVE_ARRIVED.value)
    return _Counts(waiting, set_aside, _count(conn, connection_id, in_it))


def _news(conn: sa.Connection, row: sa.Row[Any], health: Health, news: News, counts: _Counts, now: int) -> OutageNews:
    diagnosis = from_stored(health.diagnosis) if health.diagnosis is not None else None
    kind = diagnosis.kind if isinstance(diagnosis, Diagnosis) else Kind.SERVER_ERROR
    before = _notified_before(conn, row.id, health.failing_since or now)
    if news is News.OVER and before:
        kind = before[-1].kind
    return OutageNews(
        news=news,
        kind=kind,
        cause=f"{row.destination} {kind.value}",
        since=health.failing_since or now,
        at=health.works_since or now,
        waiting=counts.waiting,
        set_aside=counts.set_aside,
        may_have_arrived=counts.may_have_arrived,
        most=max((each.leads for each in before), default=0),
        paused=health.paused,
        proven=not is_half_open(health),
        confirmed=health.works_since is None or not _any_unconfirmed(conn, row.id, health.works_since),
    )


def _any_unconfirmed(conn: sa.Connection, connection_id: str, since: int) -> bool:
    """Whether the destination has taken leads since then without confirming them: its receipts alone tell that."""
    d = t.delivery.c
    taken = sa.exists().where(d.connection_id == connection_id, t.UNCONFIRMED, d.changed_at >= since)
    return bool(conn.scalar(sa.select(taken)))


def _notified_before(conn: sa.Connection, connection_id: str, since: int) -> list[OutageNews]:
    """What people were told of this outage, oldest first."""
    n = t.notice.c
    mine = (n.connection_id == connection_id, n.kind == outbox.CONNECTION_FAILING, n.created_at >= since)
    found = []
    for body in conn.scalars(sa.select(n.body).where(*mine).order_by(n.id)):
        try:
            found.append(OutageNews.of(body))
        except ValueError:
            continue  # a damaged notice tells nothing
    return found


def _count(conn: sa.Connection, connection_id: str, which: sa.ColumnElement[bool]) -> int:
    """How many deliveries there are, at most one more than :data:`MOST`."""
    some = sa.select(t.delivery.c.id).where(t.delivery.c.connection_id == connection_id, which).limit(MOST + 1)
    return conn.scalar(sa.select(sa.func.count()).select_from(some.subquery())) or 0
