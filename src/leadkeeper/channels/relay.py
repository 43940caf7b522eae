"""From notices to channels: what people are told by mail, channels are told too, whoever gets the mail. All SQL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.catalogue import from_stored
from leadkeeper.channels.events import Event
from leadkeeper.channels.subscriptions import Occurrence, Subscriptions
from leadkeeper.clock import to_text
from leadkeeper.connections import outbox
from leadkeeper.connections.expiry import Ending
from leadkeeper.connections.outage import News
from leadkeeper.connections.outage_news import OutageNews
from leadkeeper.diagnosis import Diagnosis
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import one_of
from leadkeeper.storage.looks import any_row

AT_ONCE: Final = 200

_EVENTS: Final[Mapping[str, Event]] = {
    outbox.CONNECTION_PAUSED: Event.CONNECTION_BROKEN,
    outbox.CONNECTION_FAILING: Event.CONNECTION_BROKEN,
    outbox.CONNECTION_WORKS: Event.CONNECTION_RECOVERED,
    outbox.CONNECTION_EXPIRES: Event.CONNECTION_EXPIRING,
    outbox.OPERATION_FAILED: Event.OFFER_FAILED,
    outbox.OFFER_LIVE: Event.OFFER_PUBLISHED,
}


def any_to_relay(conn: sa.Connection) -> bool:
    """Whether :func:`relay` would find a notice."""
    return bool(_ANY_TO_RELAY.scalar(conn, {}))


_ANY_TO_RELAY: Final = any_row(sa.not_(t.notice.c.relayed))


def relay(conn: sa.Connection, subscriptions: Subscriptions, now: int) -> int:
    """Write what notices tell as events for the channels that are told of it, once; how many notices that were.

    Other workers take others meanwhile.
    """
    n, c, o, offer = t.notice.c, t.connection.c, t.operation.c, t.offer.c
    mine = sa.select(n.id).where(sa.not_(n.relayed)).order_by(n.id).limit(AT_ONCE).with_for_update(skip_locked=True)
    ids = list(conn.scalars(mine))
    if not ids:
        return 0
    about = (c.name, t.CONNECTION_TITLE, c.destination, offer.publisher_id, offer.id.label("offer_id"), offer.title)
    rows = conn.execute(
        sa.select(n.id, n.kind, n.body, n.created_at, *about)
        .outerjoin(t.connection, c.id == n.connection_id)
        .outerjoin(t.operation, o.id == n.operation_id)
        .join(t.offer, offer.ref == sa.func.coalesce(c.offer_ref, o.offer_ref))
        .where(one_of(conn, n.id, ids))
        .order_by(n.id)
    ).all()
    occurrences = [
        Occurrence(event, row.publisher_id, _data(row)) for row in rows if (event := _EVENTS.get(row.kind)) is not None
    ]
    subscriptions.write(conn, occurrences, now)
    conn.execute(sa.update(t.notice).where(one_of(conn, n.id, ids)).values(relayed=True))
    return len(ids)


def _data(row: Any) -> dict[str, Any]:
    data: dict[str, Any] = {"offerId": row.offer_id, "offerTitle": row.title, "at": to_text(row.created_at)}
    if row.name is not None:
        data |= {"connection": row.name, "connectionTitle": row.connection_title, "destination": row.destination}
    try:
        return data | _more(row)
    except (ValueError, TypeError):
        return data  # a damaged notice tells that much; the doctor names its row


def _more(row: Any) -> dict[str, Any]:
    if row.kind == outbox.CONNECTION_PAUSED:
        answer = from_stored(row.body)
        return {"cause": answer.kind.value, "reminder": False} if isinstance(answer, Diagnosis) else {}
    if row.kind in outbox.OUTAGE_KINDS:
        news = OutageNews.of(row.body)
        counts = {"waiting": news.leads, "mayHaveArrived": news.may_have_arrived}
        data = {"cause": news.kind.value, "since": to_text(news.since), **counts}
        if news.news is News.OVER:
            return data | {"proven": news.proven, "confirmed": news.confirmed}
        return data | {"reminder": news.news is News.STILL_FAILING}
    if row.kind == outbox.CONNECTION_EXPIRES:
        ending = Ending.of(row.body)
        return {"endsAt": ending.end, "days": ending.days}
    return {}
