"""Offers shown on one another's pages, once both publishers agree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from leadkeeper.access.audit import note
from leadkeeper.clock import Clock, now_ms, to_text
from leadkeeper.offer import OfferRef
from leadkeeper.problem import FieldError, Problem, ProblemType, unknown_offer
from leadkeeper.publishing.versions import offer_row
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage, change_routes
from leadkeeper.texts import lazy_gettext


@dataclass(frozen=True, slots=True)
class CrossListing:
    """An offer's side of a pair. Shown on the pages when both have agreed and both offers are published and live."""

    offer: OfferRef
    partner: OfferRef
    agreed_at: str | None
    partner_agreed_at: str | None

    @property
    def agreed(self) -> bool:
        """Whether both have agreed."""
        return self.agreed_at is not None and self.partner_agreed_at is not None


class CrossListings:
    """The pairs of one installation. Every call raises :class:`Problem` for an offer that is not there."""

    def __init__(self, storage: Storage, clock: Clock = now_ms) -> None:
        self._storage = storage
        self._clock = clock

    async def agree(self, offer: OfferRef, partner: OfferRef, *, by: str) -> CrossListing:
        """The publisher of ``offer`` agrees to show ``partner`` and to be shown there; to agree again changes nothing.

        Raises :class:`Problem` for an offer with itself, and for a partner that is not there or that customers cannot
        act on yet: another publisher's drafts are nobody's business, so both read the same.
        """
        if offer == partner:
            rule = lazy_gettext("must be another offer")
            raise Problem(
                ProblemType.INVALID_REQUEST,
                lazy_gettext("The partner %(rule)s.", rule=rule),
                (FieldError("partner", rule),),
            )

        def transaction(conn: sa.Connection) -> CrossListing:
            change_routes(conn, offer.publisher_id, partner.publisher_id)
            offer_row(conn, offer)
            _require_known(conn, offer, partner)
            row, now = _row(conn, offer, partner), self._clock()
            side = _side(offer, partner)
            if row is None:
                pair = dict(zip(("first_ref", "second_ref"), _pair(offer, partner), strict=True))
                conn.execute(sa.insert(t.cross_listing).values({**pair, side: now}))
            elif getattr(row, side) is None:
                conn.execute(sa.update(t.cross_listing).where(*_this(offer, partner)).values({side: now}))
            note(conn, now, by, "crossListing.agree", str(offer), str(partner))
            return _seen(_row(conn, offer, partner), offer, partner)

        return await self._storage.write(transaction)

    async def withdraw(self, offer: OfferRef, partner: OfferRef, *, by: str) -> bool:
        """End the pair from this side; the other side's word stays, so that agreeing again is enough. False if none."""

        def transaction(conn: sa.Connection) -> bool:
            change_routes(conn, offer.publisher_id, partner.publisher_id)
            offer_row(conn, offer)
            row, side = _row(conn, offer, partner), _side(offer, partner)
            if row is None or getattr(row, side) is None:
                return False
            other = "second_agreed_at" if side == "first_agreed_at" else "first_agreed_at"
            if getattr(row, other) is None:
                conn.execute(sa.delete(t.cross_listing).where(*_this(offer, partner)))
            else:
                conn.execute(sa.update(t.cross_listing).where(*_this(offer, partner)).values({side: None}))
            note(conn, self._clock(), by, "crossListing.withdraw", str(offer), str(partner))
            return True

        return await self._storage.write(transaction)

    async def of(self, offer: OfferRef) -> list[CrossListing]:
        """The offer's pairs, those that wait for one side too, by partner."""

        def transaction(conn: sa.Connection) -> list[CrossListing]:
            offer_row(conn, offer)
            x, ref = t.cross_listing.c, str(offer)
            rows = conn.execute(sa.select(t.cross_listing).where((x.first_ref == ref) | (x.second_ref == ref))).all()
            others = [(OfferRef.parse(row.second_ref if row.first_ref == ref else row.first_ref), row) for row in rows]
            return [_seen(row, offer, other) for other, row in sorted(others, key=lambda pair: str(pair[0]))]

        return await self._storage.read(transaction)


def _require_known(conn: sa.Connection, offer: OfferRef, partner: OfferRef) -> None:
    found = offer_row(conn, partner)
    agreed = _row(conn, offer, partner)
    asked = agreed is not None and getattr(agreed, _side(partner, offer)) is not None
    if not (found.live or asked or partner.publisher_id == offer.publisher_id):
        raise unknown_offer(partner)


def _pair(offer: OfferRef, partner: OfferRef) -> tuple[str, str]:
    first, second = sorted((str(offer), str(partner)))
    return first, second


def _side(offer: OfferRef, partner: OfferRef) -> str:
    return "first_agreed_at" if str(offer) == _pair(offer, partner)[0] else "second_agreed_at"


def _this(offer: OfferRef, partner: OfferRef) -> tuple[sa.ColumnElement[bool], ...]:
    first, second = _pair(offer, partner)
    return (t.cross_listing.c.first_ref == first, t.cross_listing.c.second_ref == second)


def _row(conn: sa.Connection, offer: OfferRef, partner: OfferRef) -> sa.Row[Any] | None:
    return conn.execute(sa.select(t.cross_listing).where(*_this(offer, partner))).first()


def _seen(row: sa.Row[Any] | None, offer: OfferRef, partner: OfferRef) -> CrossListing:
    assert row is not None
    mine, theirs = row.first_agreed_at, row.second_agreed_at
    if _side(offer, partner) == "second_agreed_at":
        mine, theirs = theirs, mine
    return CrossListing(offer, partner, mine and to_text(mine), theirs and to_text(theirs))
