"""What customers may see: offers that are live and published, and a preview for whoever has its key."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.normal_forms import UNSTORABLE
from leadkeeper.offer import OfferRef
from leadkeeper.problem import Problem
from leadkeeper.publishing.listing import MOST_OF_TITLE, CallToAction, Listing, shortened
from leadkeeper.publishing.offer_types import calls_of, offer_type
from leadkeeper.publishing.versions import Offer, Slot, as_offer, slot_version
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage


@dataclass(frozen=True, slots=True)
class ShowcaseOffer:
    """An offer as customers see it. ``partners`` are offers that both publishers show on one another's pages."""

    ref: OfferRef
    offer_type: str
    publisher: str
    listing: Listing
    preview: bool = False
    partners: tuple[ShowcaseOffer, ...] = ()

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


@dataclass(frozen=True, slots=True)
class OfferCard:
    """An offer where many are listed: what its row says of it, without its definition."""

    ref: OfferRef
    offer_type: str
    publisher: str
    title: str
    summary: str
    price: str
    logo: str

    @property
    def kind(self) -> str:
        """The name of its type."""
        return offer_type(self.offer_type).title


@dataclass(frozen=True, slots=True)
class Shelf:
    """One page of the storefront's offers; ``following`` is where the next one begins, if there is one."""

    offers: Sequence[OfferCard]
    following: str | None


PAGE: Final = 48
"""How many offers one page shows."""
_CATEGORIES: Final = 50
_WORDS: Final = 10
"""How many words of a search count."""


class Showcase:
    """The offers that customers see: those that are live and have a published version."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def offers(self, search: str = "", after: str = "", limit: int = PAGE, *, category: str = "") -> Shelf:
        """Offers whose title, summary, category, publisher or type holds every word of ``search``, by title: a page.

        With a ``category`` those of that one alone; without, of all.
        ``after`` is where the page before ended; what is none begins at the beginning.
        """
        return await self._storage.read(_shelf, search.casefold().split()[:_WORDS], _place(after), limit, category)

    async def categories(self) -> Sequence[str]:
        """The categories in which customers find something, by name; at most :data:`_CATEGORIES`."""
        return await self._storage.read(lambda conn: [each for each in conn.scalars(_SHELF_CATEGORIES) if each])

    async def has_offers(self) -> bool:
        """Whether customers would find anything."""
        query = sa.select(t.offer.c.ref).join(t.publisher, t.publisher.c.id == t.offer.c.publisher_id)
        query = query.where(t.ON_SHELF, _TAKES_LEADS).limit(1)
        return await self._storage.read(lambda conn: conn.execute(query).first() is not None)

    async def offer(self, ref: OfferRef, preview_key: str | None = None) -> ShowcaseOffer | None:
        """One offer, or ``None`` if customers may not see it. With the right ``preview_key`` it is the preview."""
        return await self._storage.read(_one, ref, preview_key)

    async def logo(self, ref: OfferRef, preview_key: str | None = None) -> str:
        """The name of the logo with which customers see the offer, as :meth:`offer` tells it; empty where none is."""
        if preview_key is None:
            return await self._storage.read(_shown_logo, ref)
        offer = await self.offer(ref, preview_key)
        return "" if offer is None else offer.listing.logo


def _categories() -> sa.Select[Any]:
    """From each category to the next one by the index: what it costs grows with the categories, not with the offers."""
    c = t.offer.c.shelf_category
    least = sa.select(sa.func.min(c)).where(t.ON_SHELF)
    found = least.where(c > "").cte("category", recursive=True)
    (last,) = found.c
    found = found.union_all(sa.select(least.where(c > last).scalar_subquery()).where(last.is_not(None)))
    return sa.select(*found.c).limit(_CATEGORIES)


_SHELF_CATEGORIES: Final = _categories()


def shelved(listing: Listing, offer: OfferRef, type_id: str) -> dict[str, str]:
    """What the storefront sorts an offer by, searches in and shows in its list, as columns of its row."""
    title = listing.title or offer.offer_id
    text = "\n".join((title, listing.summary, listing.category, offer_type(type_id).title))
    sorted_by = {"shelf_title": title.casefold()[:MOST_OF_TITLE], "shelf_text": text.casefold()}
    shown = {"shelf_summary": listing.summary, "shelf_price": listing.price, "shelf_logo": listing.logo}
    return {"title": title, "shelf_category": listing.category, **sorted_by, **shown}


def _place(after: str) -> tuple[str, str] | None:
    """The place in the shelf, as :func:`_shelf` writes it: the sorted title's JSON and the offer."""
    try:
        title, ref = json.loads(after)
    except (ValueError, TypeError, RecursionError):
        return None
    if not isinstance(title, str) or not isinstance(ref, str):
        return None
    return None if UNSTORABLE.search(title + ref) else (title, ref)


def _shelf(
    conn: sa.Connection, words: Sequence[str], after: tuple[str, str] | None, limit: int, category: str
) -> Shelf:
    o, p = t.offer.c, t.publisher.c
    query = _CARDS.where(t.ON_SHELF, _TAKES_LEADS).order_by(o.shelf_title, o.ref).limit(limit + 1)
    if category:
        query = query.where(o.shelf_category == category.replace("\0", ""))
    for word in words:
        text = word.replace("\0", "")
        query = query.where(o.shelf_text.contains(text, autoescape=True) | p.shelf_name.contains(text, autoescape=True))
    if after is not None:
        title, ref = after
        query = query.where((o.shelf_title > title) | ((o.shelf_title == title) & (o.ref > ref)))
    rows = conn.execute(query).all()
    shown = rows[:limit]
    last = shown[-1] if len(rows) > limit else None
    following = None if last is None else json.dumps([last.shelf_title, last.ref], ensure_ascii=False)
    return Shelf(tuple(_card(row) for row in shown), following)


def _cards() -> sa.Select[Any]:
    o, p = t.offer.c, t.publisher.c
    of_offer = (o.ref, o.publisher_id, o.id, o.title, o.offer_type, o.shelf_title)
    shown = (o.shelf_summary, o.shelf_price, o.shelf_logo, p.display_name)
    return sa.select(*of_offer, *shown).join(t.publisher, p.id == o.publisher_id)


_CARDS: Final = _cards()
_TAKES_LEADS: Final = t.publisher.c.suspended_at.is_(None)
"""What a suspended publisher offers takes no leads, and customers do not see it."""


def _card(row: sa.Row[Any]) -> OfferCard:
    return OfferCard(
        ref=OfferRef(row.publisher_id, row.id),
        offer_type=row.offer_type,
        publisher=row.display_name,
        title=row.title[:MOST_OF_TITLE],
        summary=row.shelf_summary,
        price=row.shelf_price,
        logo=row.shelf_logo,
    )


def _shown_logo(conn: sa.Connection, ref: OfferRef) -> str:
    row = conn.execute(_CARDS.where(t.ON_SHELF, _TAKES_LEADS, t.offer.c.ref == str(ref))).first()
    return "" if row is None else _card(row).logo


_PUBLIC = t.ON_SHELF
_OFFERS: sa.Select[Any] = sa.select(t.offer, t.publisher.c.display_name, t.publisher.c.suspended_at).join(
    t.publisher, t.publisher.c.id == t.offer.c.publisher_id
)


def _one(conn: sa.Connection, ref: OfferRef, preview_key: str | None) -> ShowcaseOffer | None:
    row = conn.execute(_OFFERS.where(t.offer.c.ref == str(ref))).first()
    if row is None or row.suspended_at is not None:
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


def _shown(
    conn: sa.Connection, row: sa.Row[Any], slot: Slot, partners: Sequence[ShowcaseOffer] = ()
) -> ShowcaseOffer | None:
    """The offer as customers see it; ``None`` where its version is damaged, as on the shelf."""
    try:
        listing = slot_version(conn, as_offer(row), slot).listing
    except Problem:
        return None
    return _of(row, listing, preview=slot is Slot.PREVIEW, partners=tuple(partners))


def _of(
    row: sa.Row[Any], listing: Listing, *, preview: bool = False, partners: tuple[ShowcaseOffer, ...] = ()
) -> ShowcaseOffer:
    offer = as_offer(row)
    return ShowcaseOffer(
        ref=offer.ref,
        offer_type=offer.offer_type,
        publisher=row.display_name,
        listing=shortened(listing),
        preview=preview,
        partners=partners,
    )


def _partners(conn: sa.Connection, ref: OfferRef) -> list[ShowcaseOffer]:
    x = t.cross_listing.c
    agreed = x.first_agreed_at.is_not(None) & x.second_agreed_at.is_not(None)
    pairs = conn.execute(
        sa.select(x.first_ref, x.second_ref).where(agreed, (x.first_ref == str(ref)) | (x.second_ref == str(ref)))
    ).all()
    others = [second if first == str(ref) else first for first, second in pairs]
    rows = conn.execute(_OFFERS.where(_PUBLIC, t.offer.c.ref.in_(others))).all()
    shown = [_shown(conn, row, Slot.PRODUCTION) for row in rows if row.suspended_at is None]
    return sorted((offer for offer in shown if offer is not None), key=lambda offer: offer.title.casefold())
