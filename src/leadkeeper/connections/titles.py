"""What people call an offer's connections, and in which order they stand. Neither changes where or how leads go.

A connection's name stands in addresses, in the API and in commands, and never changes. Its title is what pages, mails
and lists call it; without one that is its name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.access.audit import note
from leadkeeper.clock import Clock, now_ms
from leadkeeper.offer import OfferRef
from leadkeeper.problem import FieldError, Problem, ProblemType, unknown_connection
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage, take_turn
from leadkeeper.storage.known import require_offer
from leadkeeper.texts import lazy_gettext as _

LONGEST_TITLE: Final = 64
"""The most characters of a title."""
_c: Final = t.connection.c


class ConnectionTitles:
    """Renames and orders the connections of one installation."""

    def __init__(self, storage: Storage, clock: Clock = now_ms) -> None:
        self._storage = storage
        self._clock = clock

    async def rename(self, offer: OfferRef, name: str, title: str, *, by: str) -> str:
        """Call the connection ``title`` from now on (empty: by its name); answers what it is called.

        Raises :class:`Problem` for an unknown offer or connection, or a title that cannot be taken; then nothing is
        changed.
        """
        wanted = checked_title(title)

        def transaction(conn: sa.Connection) -> str:
            row = _present(conn, offer, name)
            set_title(conn, offer, row, wanted, self._clock(), by)
            return wanted or name

        return await self._storage.write(transaction)

    async def move(self, offer: OfferRef, name: str, position: int, *, by: str) -> Sequence[str]:
        """Put the connection at ``position`` among the offer's, from 1; beyond the last is the last.

        Answers the names of all in their order. Raises :class:`Problem` for an unknown offer or connection, and for a
        position below 1; then nothing is changed.
        """
        if position < 1:
            message = _("Positions begin at 1.")
            raise Problem(ProblemType.INVALID_REQUEST, message, (FieldError("position", message),))
        return await self._storage.write(self._moved, offer, name, lambda _at: position - 1, by)

    async def shift(self, offer: OfferRef, name: str, places: int, *, by: str) -> Sequence[str]:
        """Move the connection by so many places, up where that is negative; it stops at either end.

        Answers the names of all in their order. Raises :class:`Problem` for an unknown offer or connection.
        """
        return await self._storage.write(self._moved, offer, name, lambda at: max(0, at + places), by)

    def _moved(self, conn: sa.Connection, offer: OfferRef, name: str, place: Any, by: str) -> list[str]:
        take_turn(conn, offer.publisher_id)
        _present(conn, offer, name)
        before = list(conn.scalars(sa.select(_c.name).where(*_those_of(offer)).order_by(*t.IN_ORDER)))
        index = min(place(before.index(name)), len(before))
        names = [each for each in before if each != name]
        names.insert(index, name)
        if names != before:
            for number, each in enumerate(names, start=1):
                this = (_c.offer_ref == str(offer), _c.name == each)
                conn.execute(sa.update(t.connection).where(*this).values(position=number))
            note(conn, self._clock(), by, "connection.move", f"{offer}/{name}", f"position {names.index(name) + 1}")
        return names


def checked_title(title: object) -> str:
    """The title as it is stored. Raises :class:`Problem` for one that cannot be taken."""
    if not isinstance(title, str) or len(title.strip()) > LONGEST_TITLE or not title.strip().isprintable():
        rule = _("must be one line of at most %(most)s characters", most=LONGEST_TITLE)
        raise Problem(ProblemType.INVALID_REQUEST, _("The title %(rule)s.", rule=rule), (FieldError("title", rule),))
    return title.strip()


def set_title(conn: sa.Connection, offer: OfferRef, row: sa.Row[Any], title: str, now: int, by: str) -> None:
    """Give the connection in ``row`` a title that was checked. The audit has that, not what it is called."""
    wanted = "" if title == row.name else title
    if wanted == row.title:
        return
    conn.execute(sa.update(t.connection).where(_c.id == row.id).values(title=wanted))
    note(conn, now, by, "connection.rename", f"{offer}/{row.name}")


def given_title(body: Mapping[str, Any]) -> str | None:
    """The title that a resource gives its connection; ``None`` where it says nothing of it.

    Raises :class:`Problem` for one that cannot be taken.
    """
    return checked_title(body["title"]) if body.get("title") is not None else None


def next_position(conn: sa.Connection, offer: OfferRef) -> int:
    """The place of a new connection: the last where somebody put them in order; else 0, which is by name."""
    last = conn.scalar(sa.select(sa.func.max(_c.position)).where(*_those_of(offer)))
    return last + 1 if last else 0


def copy_order(conn: sa.Connection, source: OfferRef, target: OfferRef) -> None:
    """Put the connections of ``target`` in the order of those of the same names of ``source``."""
    for name, position in conn.execute(sa.select(_c.name, _c.position).where(*_those_of(source))).all():
        this = (_c.offer_ref == str(target), _c.name == name)
        conn.execute(sa.update(t.connection).where(*this).values(position=position))


def behind(conn: sa.Connection, offer: OfferRef, name: str) -> sa.ColumnElement[bool]:
    """The condition for connections of ``offer`` that stand behind the one of this ``name``, be it removed or not."""
    at = conn.scalar(sa.select(_c.position).where(_c.offer_ref == str(offer), _c.name == name)) or 0
    return (_c.position > at) | ((_c.position == at) & (_c.name > name))


def _those_of(offer: OfferRef) -> tuple[sa.ColumnElement[bool], ...]:
    return (_c.offer_ref == str(offer), _c.removed_at.is_(None))


def _present(conn: sa.Connection, offer: OfferRef, name: str) -> sa.Row[Any]:
    require_offer(conn, offer)
    row = conn.execute(sa.select(t.connection).where(*_those_of(offer), _c.name == name)).first()
    if row is None:
        raise unknown_connection(offer, name)
    return row
