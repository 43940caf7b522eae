"""An operator suspends a publisher, and releases it.

Meanwhile its members and keys may read and do nothing else, and its offers take no leads, by whichever door. What was
kept before is held: nothing goes out, nothing is dropped, and on release it goes on by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final

import sqlalchemy as sa

from leadkeeper.access.audit import note
from leadkeeper.clock import Clock, now_ms
from leadkeeper.problem import FieldError, Problem, ProblemType
from leadkeeper.publishing.catalogue import publisher_row
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage, announce, change_routes
from leadkeeper.texts import lazy_gettext

LONGEST_REASON: Final = 1_000


class Suspensions:
    """Suspends and releases the publishers of one installation.

    ``woken`` is told the connections that have work again, ``changed`` that what is remembered of keys is old. Other
    processes honour a publisher's keys for up to five seconds more; its leads are refused at once.
    """

    def __init__(
        self,
        storage: Storage,
        woken: Callable[[Collection[str]], None] = lambda _: None,
        changed: Callable[[], None] = lambda: None,
        clock: Clock = now_ms,
    ) -> None:
        self._storage = storage
        self._woken = woken
        self._changed = changed
        self._clock = clock

    async def suspend(self, publisher_id: str, reason: str, *, by: str) -> bool:
        """Suspend a publisher, or give another reason; false if it was suspended already.

        Its members read the reason. Raises :class:`Problem` for an unknown publisher, and without a reason.
        """
        reason = reason.strip()
        if not reason or len(reason) > LONGEST_REASON:
            rule = lazy_gettext("say why, in at most %(most)s characters", most=LONGEST_REASON)
            detail = lazy_gettext("Say why the publisher is suspended: its members read it.")
            raise Problem(ProblemType.INVALID_REQUEST, detail, (FieldError("reason", rule),))

        def transaction(conn: sa.Connection) -> bool:
            change_routes(conn, publisher_id)
            now, p = self._clock(), t.publisher.c
            before = publisher_row(conn, publisher_id).suspended_at
            values = {"suspended_at": now if before is None else before, "suspended_for": reason, "changed_at": now}
            conn.execute(sa.update(t.publisher).where(p.id == publisher_id).values(values))
            conn.execute(sa.update(t.connection).where(_of(publisher_id)).values(suspended=True))
            note(conn, now, by, "publisher.suspend", publisher_id, reason)
            return before is None

        new = await self._storage.write(transaction)
        self._changed()
        return new

    async def release(self, publisher_id: str, *, by: str) -> bool:
        """Let a publisher go on, and its held leads go out; false if it was not suspended.

        Raises :class:`Problem` for an unknown publisher.
        """

        def transaction(conn: sa.Connection) -> Collection[str] | None:
            change_routes(conn, publisher_id)
            now, p, c = self._clock(), t.publisher.c, t.connection.c
            if publisher_row(conn, publisher_id).suspended_at is None:
                return None
            values = {"suspended_at": None, "suspended_for": "", "changed_at": now}
            conn.execute(sa.update(t.publisher).where(p.id == publisher_id).values(values))
            woken = conn.scalars(sa.select(c.id).where(_of(publisher_id), c.suspended)).all()
            conn.execute(sa.update(t.connection).where(_of(publisher_id)).values(suspended=False))
            announce(conn, woken)
            note(conn, now, by, "publisher.release", publisher_id)
            return woken

        woken = await self._storage.write(transaction)
        self._changed()
        if woken:
            self._woken(woken)
        return woken is not None


def _of(publisher_id: str) -> sa.ColumnElement[bool]:
    o = t.offer.c
    return t.connection.c.offer_ref.in_(sa.select(o.ref).where(o.publisher_id == publisher_id))
