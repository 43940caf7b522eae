"""Whether a publisher may have one more connection, or tell one more person. All SQL, within others' transactions."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import sqlalchemy as sa

from leadkeeper.access.contacts import MOST_WAITING, entered
from leadkeeper.access.quotas import Quotas, quotas_of, require_room
from leadkeeper.connections.own import of_publisher
from leadkeeper.connections.resource import read_settings
from leadkeeper.offer import OfferRef
from leadkeeper.problem import FieldError, Problem, ProblemType
from leadkeeper.storage import tables as t
from leadkeeper.texts import lazy_gettext

REMOVED: Final = 9
"""How many removed connections (their names, for the leads that they hold) may be kept for each one there may be."""


# Made once: to make a statement costs several times what it costs to run it.
_ALL: Final = sa.select(sa.func.count()).select_from(t.connection)
_THERE: Final = _ALL.where(t.connection.c.removed_at.is_(None))
_THIS: Final = _THERE.where(t.connection.c.id == sa.bindparam("connection"))
_OF_OFFER: Final = _THERE.where(t.connection.c.offer_ref == sa.bindparam("offer"))
_NAMES: Final = _ALL.where(t.connection.c.offer_ref == sa.bindparam("offer"))


def require_room_for(
    conn: sa.Connection, offer: OfferRef, connection_id: str | None, contacts: Collection[str], usual: Quotas
) -> None:
    """Raise :class:`Problem` when a quota of the offer's publisher is reached.

    ``connection_id`` is the connection that is to be changed or made again; ``contacts`` are its contact e-mails then.
    What it finds holds within a transaction that called ``take_turn`` before; elsewhere it is asked to spare the
    writer what will be refused.
    """
    quotas = quotas_of(conn, offer.publisher_id, usual)
    own = of_publisher(conn, offer.publisher_id)
    if connection_id is None or not conn.scalar(_THIS, {"connection": connection_id}):
        of_offer = conn.scalar(_OF_OFFER, {"offer": str(offer)}) or 0
        require_room("connections_per_offer", quotas.connections_per_offer, of_offer)
        require_room("connections", quotas.connections, conn.scalar(_THERE.where(own)) or 0)
    if connection_id is None:
        _require_name(conn, offer, quotas.connections_per_offer * (REMOVED + 1))
    if contacts:
        asked = {address.casefold() for address in contacts}
        require_room("contacts_per_connection", quotas.contacts_per_connection, 0, len(asked))
        if len(asked) + entered(conn, offer.publisher_id) > min(quotas.contacts, MOST_WAITING):
            require_room("contacts", quotas.contacts, 0, len(asked | _contacts(conn, own, connection_id)))


def _require_name(conn: sa.Connection, offer: OfferRef, most: int) -> None:
    if (conn.scalar(_NAMES, {"offer": str(offer)}) or 0) >= most:
        detail = lazy_gettext(
            "The offer %(offer)s has had %(most)s different connections. Make one again under a name that "
            "it had before, or ask the operator to raise the quota connectionsPerOffer.",
            offer=offer,
            most=most,
        )
        error = FieldError("connectionsPerOffer", lazy_gettext("at most %(most)s names", most=most))
        raise Problem(ProblemType.QUOTA_EXCEEDED, detail, (error,))


def _contacts(conn: sa.Connection, those: sa.ColumnElement[bool], but: str | None) -> set[str]:
    """The contact e-mails of the connections that there are, and of the settings that wait."""
    c, x = t.connection.c, t.connection_change.c
    kept = [
        sa.select(c.settings).where(those, c.removed_at.is_(None), c.id != (but or ""), _names_contacts(c.settings)),
        sa.select(x.settings)
        .join(t.connection, c.id == x.connection_id)
        .where(those, c.id != (but or ""), _names_contacts(x.settings)),
    ]
    return {
        str(address).casefold()
        for query in kept
        for settings in conn.scalars(query)
        for address in (read_settings(settings) or {}).get("contactEmail", ())
    }


def _names_contacts(settings: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Whether it is worth reading: most connections have none, and a publisher may have thousands."""
    return settings.contains('"contactEmail"') & sa.not_(settings.contains('"contactEmail": []'))
