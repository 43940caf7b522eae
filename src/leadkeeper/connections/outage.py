"""An outage of a connection: nothing gets through, for whatever reason, until something does; with its columns.

It begins with the first lead that fails (or when the connection is broken) and is over with the first that is taken,
or a check that passes; as long as nobody was told of it, with one that is refused for what it holds, too. People are
told of it after :data:`TELL_AFTER`, every :data:`AGAIN_AFTER` while it lasts, and once it has been over for
:data:`SETTLED`: a remote system that takes one lead and fails again is in one outage.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.connections.health import Health
from leadkeeper.storage import tables as t

TELL_AFTER: Final = 15 * 60_000
AGAIN_AFTER: Final = 24 * 3_600_000
SETTLED: Final = 60_000


class News(StrEnum):
    """What people are told of an outage."""

    FAILING = "failing"
    STILL_FAILING = "stillFailing"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Notified:
    """What to tell now, if anything, and the health after that."""

    news: News | None
    health: Health


def is_failing(health: Health) -> bool:
    """Whether nothing gets through at present."""
    return health.failing_since is not None and health.works_since is None


def fails(health: Health, now: int) -> Health:
    """A lead failed: the outage begins, or goes on."""
    if health.failing_since is None:
        return replace(health, failing_since=now, tell_at=now + TELL_AFTER)
    if health.works_since is None:
        return health
    return replace(health, works_since=None, tell_at=_again(health, now))


def judged(health: Health) -> Health:
    """A lead was refused for what it holds: the destination is there, and looks at leads.

    An outage that nobody was told of is over with that, or one failure of long ago would count as an outage since then.
    One that people were told of is over when a lead is taken, and not before: a refusal may be what they were told of.
    """
    return (
        health
        if health.notified_at is not None
        else replace(health, failing_since=None, works_since=None, tell_at=None)
    )


def breaks(health: Health, now: int, *, notifies: bool) -> Health:
    """The connection is broken; ``notifies`` says that people hear so at this moment."""
    health = fails(health, now)
    return replace(health, notified_at=now, tell_at=now + AGAIN_AFTER) if notifies else health


def works(before: Health, after: Health, now: int) -> Health:
    """``after`` is the health once a lead was taken or a check passed; people who were told must hear of that, too."""
    if before.notified_at is None or before.failing_since is None:
        return replace(after, failing_since=None, works_since=None, notified_at=None, tell_at=None)
    since = before.works_since if before.works_since is not None else now
    tell_at = now + SETTLED if before.works_since is None else before.tell_at
    return replace(
        after, failing_since=before.failing_since, works_since=since, notified_at=before.notified_at, tell_at=tell_at
    )


def tell(health: Health, waiting: bool, now: int, *, early: int = 0) -> Notified:
    """Whether people are to be told at ``now``, and when to look again; a matter of when it began and they were told.

    While nothing is ``waiting`` for the connection (or may have arrived there, for a person to look at), and it is not
    paused, nobody is told that it fails. What is due within ``early`` is told now, so that several such connections
    make one mail.
    """
    if health.failing_since is None:
        return Notified(None, replace(health, tell_at=None))
    if health.works_since is not None:
        if now < health.works_since + SETTLED:
            return Notified(None, replace(health, tell_at=health.works_since + SETTLED))
        over = replace(health, failing_since=None, works_since=None, notified_at=None, tell_at=None)
        return Notified(News.OVER, over)
    due = health.failing_since + TELL_AFTER if health.notified_at is None else health.notified_at + AGAIN_AFTER - early
    if now < due:
        return Notified(None, replace(health, tell_at=due))
    if not (waiting or health.paused) or health.diagnosis is None:
        return Notified(None, replace(health, tell_at=now + TELL_AFTER))
    news = News.FAILING if health.notified_at is None else News.STILL_FAILING
    return Notified(news, replace(health, notified_at=now, tell_at=now + AGAIN_AFTER))


def _again(health: Health, now: int) -> int:
    return now + TELL_AFTER if health.notified_at is None else max(now, health.notified_at + AGAIN_AFTER)


def tried_anew(now: int) -> dict[str, Any]:
    """The columns of a connection that a person tries anew: an outage is over when a lead is taken, not before."""
    c = t.connection.c
    kept = ("failing_since", "works_since", "notified_at", "tell_at")
    values = {name: value for name, value in Health().columns().items() if name not in kept}
    return values | {
        "tell_at": sa.case((c.works_since.is_not(None), c.tell_at), (c.failing_since.is_not(None), now + TELL_AFTER)),
        **recalls(now),
    }


def proven(now: int) -> dict[str, Any]:
    """The columns of a connection that has just taken a test lead; as :func:`works`."""
    c = t.connection.c
    summary = c.failing_since.is_not(None) & c.notified_at.is_not(None)
    return Health().columns() | {
        "failing_since": sa.case((summary, c.failing_since)),
        "works_since": sa.case((summary, sa.func.coalesce(c.works_since, now))),
        "notified_at": sa.case((summary, c.notified_at)),
        "tell_at": sa.case((summary & c.works_since.is_(None), now + SETTLED), (summary, c.tell_at)),
        **recalls(now),
    }


def recalls(now: int) -> dict[str, Any]:
    """The column of a connection that may work again: what its outage set aside, if anything, is looked at now."""
    return {"recall_at": sa.case((t.connection.c.recall_at.is_not(None), now))}


FORGOTTEN: Final = {"failing_since": None, "works_since": None, "notified_at": None, "tell_at": None}
"""The columns of a connection that is no more: nobody waits for it to work."""
