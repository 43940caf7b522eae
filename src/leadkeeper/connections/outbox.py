"""Notices to a connection's contact e-mails, written in the transaction that causes them; ``notices`` sends them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from leadkeeper.clock import new_id
from leadkeeper.connections.outage import News
from leadkeeper.connections.outage_news import OutageNews

LEAD_ARRIVED: Final = "leadArrived"
"""A lead came; the body is its id."""
LEAD_WITHHELD: Final = "leadWithheld"
"""A lead came whose customer's data are not passed on; the body is its id."""
CONNECTION_PAUSED: Final = "connectionPaused"
"""A connection is broken; the body is the diagnosis as it is stored."""

CHANGE_REFUSED: Final = "changeRefused"
"""New settings of a connection did not pass their validation; the body is the diagnosis as it is stored."""
OPERATION_WAITS: Final = "operationWaits"
"""Publishing waits for somebody's word on a test lead."""
CONNECTION_FAILING: Final = "connectionFailing"
"""Nothing gets through a connection; the body is an :class:`OutageNews`."""
CONNECTION_WORKS: Final = "connectionWorks"
"""An outage is over; the body is an :class:`OutageNews`."""
CONNECTION_EXPIRES: Final = "connectionExpires"
"""A connection's credentials end soon; the body is an ``expiry.Ending``."""
OUTAGE_KINDS: Final = (CONNECTION_FAILING, CONNECTION_WORKS)
OPERATION_FAILED: Final = "operationFailed"
PREVIEW_READY: Final = "previewReady"
OFFER_LIVE: Final = "offerLive"
RELAYED: Final = frozenset(
    {CONNECTION_PAUSED, CONNECTION_FAILING, CONNECTION_WORKS, CONNECTION_EXPIRES, OPERATION_FAILED, OFFER_LIVE}
)
"""What channels are told too, whether or not anybody is told by mail."""

GATHER_MS: Final = 5_000
"""How long a notice of a lead waits for others, so that a burst of leads is one mail."""
GATHER_OUTAGES_MS: Final = 30_000
"""How long a notice of an outage waits for those of the publisher's other connections, which are one mail."""
GATHER_PAUSED_MS: Final = 10_000
"""How long a notice of a broken connection waits for those of others that one cause breaks, which are one mail."""
AGAIN_MS: Final = 60_000
"""How long a recipient whom the mail server put off is left in peace."""
DAY_MS: Final = 86_400_000


def lead_arrived(connection_id: str, lead_id: str, now: int, *, daily: bool) -> dict[str, Any]:
    """The row of the notice that a lead came; a daily one is due at the end of the day (UTC)."""
    due = (now // DAY_MS + 1) * DAY_MS if daily else now + GATHER_MS
    return _row(connection_id, LEAD_ARRIVED, lead_id, now, due)


def lead_again(connection_id: str, lead_id: str, emails: Sequence[str], now: int) -> dict[str, Any]:
    """The row of the notice that a lead came, for those alone whom the mail server put off."""
    return _row(connection_id, LEAD_ARRIVED, lead_id, now, now + AGAIN_MS) | {"recipients": json.dumps(list(emails))}


def lead_withheld(connection_id: str, lead_id: str, now: int) -> dict[str, Any]:
    """The row of the notice that a lead came and why it is in no CRM."""
    return _row(connection_id, LEAD_WITHHELD, lead_id, now, now + GATHER_MS)


def connection_paused(connection_id: str, diagnosis: str, now: int) -> dict[str, Any]:
    """The row of the notice that a connection is broken; ``diagnosis`` as it is stored."""
    return _row(connection_id, CONNECTION_PAUSED, diagnosis, now, now + GATHER_PAUSED_MS)


def outage(connection_id: str, news: OutageNews, now: int) -> dict[str, Any]:
    """The row of the notice that a connection fails, or works again."""
    kind = CONNECTION_WORKS if news.news is News.OVER else CONNECTION_FAILING
    return _row(connection_id, kind, news.to_text(), now, now + GATHER_OUTAGES_MS)


def is_first_of_trouble(kind: str, body: str) -> bool:
    """Whether it is a notice by which people first hear that nothing gets through a connection."""
    return kind == CONNECTION_PAUSED or (kind == CONNECTION_FAILING and OutageNews.of(body).news is News.FAILING)


def change_refused(connection_id: str, diagnosis: str, now: int) -> dict[str, Any]:
    """The row of the notice that new settings do not work, so that those before go on; ``diagnosis`` as stored."""
    return _row(connection_id, CHANGE_REFUSED, diagnosis, now, now)


def connection_expires(connection_id: str, ending: str, now: int) -> dict[str, Any]:
    """The row of the notice that a connection's credentials end soon."""
    return _row(connection_id, CONNECTION_EXPIRES, ending, now, now)


def operation_notice(operation_id: str, kind: str, now: int) -> dict[str, Any]:
    """The row of the notice to an operation's e-mails that it failed, or how far it came."""
    return _row(None, kind, "", now, now) | {"operation_id": operation_id}


def _row(connection_id: str | None, kind: str, body: str, now: int, due: int) -> dict[str, Any]:
    return {
        "id": new_id(),
        "connection_id": connection_id,
        "kind": kind,
        "created_at": now,
        "body": body,
        "due_at": due,
        "tries": 0,
        "relayed": kind not in RELAYED,
    }
