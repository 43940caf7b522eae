"""Publishers and their offers: made, changed, listed."""

from __future__ import annotations

import re
from dataclasses import dataclass

import sqlalchemy as sa

from leadkeeper.access.audit import note
from leadkeeper.clock import Clock, now_ms, to_text
from leadkeeper.offer import OFFER_ID, PUBLISHER_ID, OfferRef
from leadkeeper.problem import FieldError, Problem, ProblemType, unknown_offer
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage, change_routes


@dataclass(frozen=True, slots=True)
class Publisher:
    """A publisher as it is listed."""

    id: str
    display_name: str
    created_at: str
    changed_at: str


@dataclass(frozen=True, slots=True)
class Offer:
    """An offer as it is listed; only a live one takes leads."""

    publisher_id: str
    id: str
    title: str
    offer_type: str
    live: bool
    created_at: str
    changed_at: str


class Catalogue:
    """The publishers and offers of one installation. ``put`` answers whether something new was made."""

    def __init__(self, storage: Storage, clock: Clock = now_ms) -> None:
        self._storage = storage
        self._clock = clock

    async def put_publisher(self, publisher_id: str, display_name: str, *, by: str) -> tuple[Publisher, bool]:
        """Create or change a publisher. Raises :class:`Problem` for an id that may not be one."""
        _check(PUBLISHER_ID, publisher_id, "publisherId", "letters, digits, - and _, at most 128")

        def act(conn: sa.Connection) -> tuple[Publisher, bool]:
            change_routes(conn)
            now = self._clock()
            changed = conn.execute(
                sa.update(t.publisher)
                .where(t.publisher.c.id == publisher_id)
                .values(display_name=display_name, changed_at=now)
            ).rowcount
            if not changed:
                conn.execute(
                    sa.insert(t.publisher).values(
                        id=publisher_id, display_name=display_name, created_at=now, changed_at=now
                    )
                )
            note(conn, now, by, "publisher.put", publisher_id)
            return _publisher(conn, publisher_id), not changed

        return await self._storage.write(act)

    async def publisher(self, publisher_id: str) -> Publisher:
        """One publisher; raises :class:`Problem` if there is none of that id."""
        return await self._storage.read(_publisher, publisher_id)

    async def publishers(self) -> list[Publisher]:
        """All publishers by id."""
        return await self._storage.read(
            lambda conn: [_as_publisher(row) for row in conn.execute(sa.select(t.publisher).order_by(t.publisher.c.id))]
        )

    async def put_offer(self, ref: OfferRef, *, title: str, offer_type: str, live: bool, by: str) -> tuple[Offer, bool]:
        """Create or change an offer. Raises :class:`Problem` for a wrong id or an unknown publisher."""
        _check(OFFER_ID, ref.offer_id, "offerId", "letters, digits, - _ and dots, at most 128")

        def act(conn: sa.Connection) -> tuple[Offer, bool]:
            change_routes(conn)
            now = self._clock()
            _publisher(conn, ref.publisher_id)
            values = {"title": title, "offer_type": offer_type, "live": live, "changed_at": now}
            changed = conn.execute(sa.update(t.offer).where(t.offer.c.ref == str(ref)).values(values)).rowcount
            if not changed:
                conn.execute(
                    sa.insert(t.offer).values(
                        ref=str(ref), publisher_id=ref.publisher_id, id=ref.offer_id, created_at=now, **values
                    )
                )
            note(conn, now, by, "offer.put", str(ref))
            return _offer(conn, ref), not changed

        return await self._storage.write(act)

    async def offer(self, ref: OfferRef) -> Offer:
        """One offer; raises :class:`Problem` if there is none of that id."""
        return await self._storage.read(_offer, ref)

    async def offers(self, publisher_id: str | None = None) -> list[Offer]:
        """The offers of one publisher, or of all, by id."""

        def act(conn: sa.Connection) -> list[Offer]:
            query = sa.select(t.offer).order_by(t.offer.c.ref)
            if publisher_id is not None:
                _publisher(conn, publisher_id)
                query = query.where(t.offer.c.publisher_id == publisher_id)
            return [_as_offer(row) for row in conn.execute(query)]

        return await self._storage.read(act)


def _check(pattern: str, text: str, field: str, rule: str) -> None:
    if not re.match(pattern, text):
        raise Problem(ProblemType.INVALID_REQUEST, f"{field} must be {rule}.", (FieldError(field, rule),))


def _publisher(conn: sa.Connection, publisher_id: str) -> Publisher:
    row = conn.execute(sa.select(t.publisher).where(t.publisher.c.id == publisher_id)).first()
    if row is None:
        raise Problem(
            ProblemType.UNKNOWN_PUBLISHER,
            f"There is no publisher {publisher_id!r}.",
            (FieldError("publisherId", "unknown publisher"),),
        )
    return _as_publisher(row)


def _as_publisher(row: sa.Row[tuple[object, ...]]) -> Publisher:
    return Publisher(row.id, row.display_name, to_text(row.created_at), to_text(row.changed_at))


def _offer(conn: sa.Connection, ref: OfferRef) -> Offer:
    row = conn.execute(sa.select(t.offer).where(t.offer.c.ref == str(ref))).first()
    if row is None:
        raise unknown_offer(ref)
    return _as_offer(row)


def _as_offer(row: sa.Row[tuple[object, ...]]) -> Offer:
    return Offer(
        row.publisher_id,
        row.id,
        row.title,
        row.offer_type,
        row.live,
        to_text(row.created_at),
        to_text(row.changed_at),
    )
