"""Copying an offer: what it says and, if that is wished, its connections. Nobody sees it before it is published."""

from __future__ import annotations

import sqlalchemy as sa

from leadkeeper.connections.connections import Connections
from leadkeeper.connections.copying import copy_within
from leadkeeper.connections.titles import copy_order
from leadkeeper.offer import OfferRef
from leadkeeper.publishing.catalogue import OfferCatalogue
from leadkeeper.publishing.logos import copy_logo
from leadkeeper.publishing.versions import Offer, as_offer, offer_row
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage


class OfferCopies:
    """Copies offers of one installation."""

    def __init__(self, storage: Storage, catalogue: OfferCatalogue, connections: Connections) -> None:
        self._storage = storage
        self._catalogue = catalogue
        self._connections = connections

    async def copy(self, offer: OfferRef, offer_id: str, *, title: str, connections: bool, by: str) -> Offer:
        """Copy the draft of ``offer`` to a new one of the same publisher; all of it, or nothing.

        The copy takes no leads before it is published. With ``connections`` it gets those of the offer, with their
        settings in effect, titles and order. Raises :class:`Problem` for an unknown offer, an id that is taken or may
        not be one, a title that holds a secret, and a quota that is reached.
        """
        target = OfferRef(offer.publisher_id, offer_id)

        def transaction(conn: sa.Connection) -> tuple[Offer, list[str]]:
            made = self._catalogue.copy_within(conn, offer, target, title=title, by=by)
            copy_logo(conn, offer, made)
            woken = []
            if connections:
                c = t.connection.c
                names = sa.select(c.name).where(c.offer_ref == str(offer), c.removed_at.is_(None)).order_by(*t.IN_ORDER)
                for name in conn.scalars(names).all():
                    source = self._connections.known(conn, offer, name)
                    woken.append(copy_within(conn, self._connections, source, target, by))
                copy_order(conn, offer, target)
            return as_offer(offer_row(conn, made)), woken

        made, woken = await self._storage.write(transaction)
        self._connections.wake(woken)
        return made
