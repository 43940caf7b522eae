"""Offers' logos: a part of the draft, so that customers see a new one once it is published."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.clock import Clock, now_ms
from leadkeeper.gate import Gate, acting_for
from leadkeeper.offer import OfferRef
from leadkeeper.publishing.catalogue import OfferCatalogue
from leadkeeper.publishing.listing import DIGEST, read_listing, with_logo
from leadkeeper.publishing.logo_image import draw_anew
from leadkeeper.publishing.precondition import UNCONDITIONAL, Precondition
from leadkeeper.publishing.showcase import Showcase
from leadkeeper.publishing.versions import Offer, Slot, parse_definition
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage

DRAWN_AT_ONCE: Final = 1
"""How many pictures a process draws at a time: whoever uploads many takes no more of it than that."""


class OfferLogos:
    """The logos of an installation's offers, each named by the SHA-256 of its bytes."""

    def __init__(self, storage: Storage, catalogue: OfferCatalogue, showcase: Showcase, clock: Clock = now_ms) -> None:
        self._storage = storage
        self._showcase = showcase
        self._catalogue = catalogue
        self._clock = clock
        self._turns = Gate(DRAWN_AT_ONCE, 0)

    async def put(
        self, ref: OfferRef, body: bytes, *, precondition: Precondition = UNCONDITIONAL, by: str
    ) -> tuple[Offer, str]:
        """Make the picture in ``body`` the logo of the offer's draft, and answer its name.

        It is drawn anew as a PNG: see :func:`draw_anew`, also for what is refused. Raises :class:`Problem` as
        ``OfferCatalogue.put_offer`` does too.
        """
        await self._catalogue.offer(ref)  # nobody waits for a picture of what is not there
        async with self._turns.place(acting_for() or ref.publisher_id):
            drawn = await asyncio.to_thread(draw_anew, body)
        digest = hashlib.sha256(drawn).hexdigest()

        def transaction(conn: sa.Connection) -> Offer:
            offer = self._catalogue.change_within(
                conn, ref, lambda definition: with_logo(definition, digest), precondition=precondition, by=by
            )
            this = {"offer_ref": str(ref), "digest": digest}
            if not _has(conn, ref, digest):
                conn.execute(sa.insert(t.offer_logo).values(**this, body=drawn, created_at=self._clock()))
            _drop_unused(conn, offer)
            return offer

        return await self._storage.write(transaction), digest

    async def remove(self, ref: OfferRef, *, precondition: Precondition = UNCONDITIONAL, by: str) -> Offer:
        """Take the logo from the offer's draft; nothing changes where it has none. Raises as :meth:`put`."""

        def transaction(conn: sa.Connection) -> Offer:
            offer = self._catalogue.change_within(
                conn, ref, lambda definition: with_logo(definition, ""), precondition=precondition, by=by
            )
            _drop_unused(conn, offer)
            return offer

        return await self._storage.write(transaction)

    async def of_draft(self, ref: OfferRef) -> str:
        """The name of the draft's logo; empty where it has none. Raises :class:`Problem` for an unknown offer."""
        _offer, version = await self._catalogue.slot(ref, Slot.DRAFT)
        return "" if version is None else version.listing.logo

    async def read(self, ref: OfferRef, digest: str) -> bytes | None:
        """The picture of that name, of any version, for members of the offer's publisher; ``None`` if there is none."""
        if not DIGEST.fullmatch(digest):
            return None
        return await self._storage.read(_body, ref, digest)

    async def shown(self, ref: OfferRef, digest: str, preview_key: str | None = None) -> bytes | None:
        """The picture of that name where customers see it; with the right ``preview_key``, where the preview shows it.

        A name tells nothing of an offer that whoever asks may not see: it is answered as one that nobody has.
        """
        shown = await self._showcase.logo(ref, preview_key)
        return await self.read(ref, digest) if shown == digest else None


def _body(conn: sa.Connection, ref: OfferRef, digest: str) -> bytes | None:
    x = t.offer_logo.c
    return conn.scalar(sa.select(x.body).where(x.offer_ref == str(ref), x.digest == digest))


def _has(conn: sa.Connection, ref: OfferRef, digest: str) -> bool:
    x = t.offer_logo.c
    return conn.execute(sa.select(x.digest).where(x.offer_ref == str(ref), x.digest == digest)).first() is not None


def _drop_unused(conn: sa.Connection, offer: Offer) -> None:
    """Forget pictures that no version shows or is about to: an offer has few of them, however often they change."""
    v, o, x = t.offer_version.c, t.operation.c, t.offer_logo.c
    ref = str(offer.ref)
    versions: set[int | None] = {offer.draft_version, offer.preview_version, offer.production_version}
    versions |= set(conn.scalars(sa.select(o.version).where(o.offer_ref == ref, t.RUNNING)))
    shown = sa.select(v.definition).where(v.offer_ref == ref, v.version.in_([each for each in versions if each]))
    used = {read_listing(_readable(text)).logo for text in conn.scalars(shown)}
    conn.execute(sa.delete(t.offer_logo).where(x.offer_ref == ref, x.digest.not_in(sorted(used))))


def _readable(text: str) -> Mapping[str, Any]:
    return parse_definition(text) or {}


def copy_logo(conn: sa.Connection, source: OfferRef, target: OfferRef) -> None:
    """Give the offer ``target`` the pictures of ``source``: its draft, a copy, names one of them."""
    x = t.offer_logo.c
    found = sa.select(sa.literal(str(target)), x.digest, x.body, x.created_at).where(x.offer_ref == str(source))
    conn.execute(sa.insert(t.offer_logo).from_select(["offer_ref", "digest", "body", "created_at"], found))
