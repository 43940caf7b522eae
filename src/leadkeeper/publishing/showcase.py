"""What customers may see: offers that are live and published, and a preview for whoever has its key."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from leadkeeper.offer import OfferRef
from leadkeeper.publishing.listing import CallToAction, Listing
from leadkeeper.publishing.offer_types import calls_of, offer_type
from leadkeeper.publishing.versions import Offer, Slot, as_offer, slot_version
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage


@dataclass(frozen=True, slots=True)
class ShownOffer:
    """An offer as customers see it. ``partners`` are offers that both publishers show on one another's pages."""

    ref: OfferRef
    offer_type: str
    publisher: str
    listing: Listing
    preview: bool = False
    partners: tuple[ShownOffer, ...] = ()

    @property
    def title(self) -> str:
        """What it is called."""
        return self.listing.title or self.ref.offer_id

    @property
    def calls(self) -> tuple[CallToAction, ...]:
        """What customers can do."""
        return calls_of(self.offer_type, self.listing.calls_to_action)

    @property
    def kind(self) -> str:
        """The name of its type."""
        return offer_type(self.offer_type).title


class Showcase:
    """The storefront's offers."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def offers(self, search: str = "") -> list[ShownOffer]:
        """All offers whose title, summary, publisher or type holds every word of ``search``, by title."""
        found = await self._storage.read(_all)
        words = search.casefold().split()
        fitting = [offer for offer in found if all(word in _searched(offer) for word in words)]
        return sorted(fitting, key=lambda offer: (offer.title.casefold(), str(offer.ref)))

    async def offer(self, ref: OfferRef, preview_key: str | None = None) -> ShownOffer | None:
        """One offer, or ``None`` if customers may not see it. With the right ``preview_key`` it is the preview."""
        return await self._storage.read(_one, ref, preview_key)


def _searched(offer: ShownOffer) -> str:
    return " ".join((offer.title, offer.listing.summary, offer.publisher, offer.kind)).casefold()


_PUBLIC = t.offer.c.live & t.offer.c.production_version.is_not(None)
_OFFERS: sa.Select[Any] = sa.select(t.offer, t.publisher.c.display_name).join(
    t.publisher, t.publisher.c.id == t.offer.c.publisher_id
)


def _all(conn: sa.Connection) -> list[ShownOffer]:
    return [_shown(conn, row, Slot.PRODUCTION) for row in conn.execute(_OFFERS.where(_PUBLIC)).all()]


def _one(conn: sa.Connection, ref: OfferRef, preview_key: str | None) -> ShownOffer | None:
    row = conn.execute(_OFFERS.where(t.offer.c.ref == str(ref))).first()
    if row is None:
        return None
    offer = as_offer(row)
    if preview_key is not None:
        if offer.preview_version is None or not _same(offer, preview_key):
            return None
        return _shown(conn, row, Slot.PREVIEW, _partners(conn, ref))
    if not (offer.live and offer.is_published):
        return None
    return _shown(conn, row, Slot.PRODUCTION, _partners(conn, ref))


def _same(offer: Offer, preview_key: str) -> bool:
    return bool(offer.preview_key) and secrets.compare_digest(offer.preview_key.encode(), preview_key.encode())


def _shown(conn: sa.Connection, row: sa.Row[Any], slot: Slot, partners: Sequence[ShownOffer] = ()) -> ShownOffer:
    offer = as_offer(row)
    listing = slot_version(conn, offer, slot).listing
    return ShownOffer(
        ref=offer.ref,
        offer_type=offer.offer_type,
        publisher=row.display_name,
        listing=listing,
        preview=slot is Slot.PREVIEW,
        partners=tuple(partners),
    )


def _partners(conn: sa.Connection, ref: OfferRef) -> list[ShownOffer]:
    x = t.cross_listing.c
    agreed = x.first_agreed_at.is_not(None) & x.second_agreed_at.is_not(None)
    pairs = conn.execute(
        sa.select(x.first_ref, x.second_ref).where(agreed, (x.first_ref == str(ref)) | (x.second_ref == str(ref)))
    ).all()
    others = [second if first == str(ref) else first for first, second in pairs]
    rows = conn.execute(_OFFERS.where(_PUBLIC, t.offer.c.ref.in_(others))).all()
    return sorted((_shown(conn, row, Slot.PRODUCTION) for row in rows), key=lambda offer: offer.title.casefold())
