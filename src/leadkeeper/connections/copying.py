"""Copying a connection to other offers of its publisher, secrets and all. Nobody has tried the copies there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from leadkeeper.connections.connection import Connection
from leadkeeper.connections.connections import Connections
from leadkeeper.connections.resource import rendered
from leadkeeper.offer import OfferRef
from leadkeeper.problem import Problem, ProblemType
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage, change_routes
from leadkeeper.texts import lazy_gettext as _


@dataclass(frozen=True, slots=True)
class Copied:
    """One offer that a connection was to be copied to; ``refused`` says why it was not."""

    offer: OfferRef
    refused: str = ""


class ConnectionCopies:
    """Copies connections of one installation."""

    def __init__(self, storage: Storage, connections: Connections) -> None:
        self._storage = storage
        self._connections = connections

    async def copy(self, offer: OfferRef, name: str, to: Sequence[str], *, by: str) -> list[Copied]:
        """Copy a connection to the offers ``to`` (their ids) of the same publisher, under its name.

        Its settings in effect and its title are copied; it comes last where somebody put those of the offer in order.
        An offer that has a connection of that name keeps it and is told as refused, as is one whose quota is reached.
        Raises :class:`Problem` for an unknown offer or connection, or a damaged one.
        """
        done = []
        for offer_id in dict.fromkeys(to):
            target = OfferRef(offer.publisher_id, offer_id)

            def transaction(conn: sa.Connection, target: OfferRef = target) -> str:
                change_routes(conn, offer.publisher_id)
                return copy_within(conn, self._connections, self._connections.known(conn, offer, name), target, by)

            try:
                made = await self._storage.write(transaction)
            except Problem as problem:
                if problem.type not in (ProblemType.UNKNOWN_OFFER, ProblemType.QUOTA_EXCEEDED) or target == offer:
                    raise
                done.append(Copied(target, problem.detail))
                continue
            done.append(Copied(target, "" if made else _("It has a connection of that name already.")))
            self._connections.wake([made] if made else [])
        return done


def copy_within(conn: sa.Connection, connections: Connections, source: Connection, target: OfferRef, by: str) -> str:
    """Copy ``source`` to the offer ``target`` within another's transaction; its new id, empty if one is there."""
    if source.stored.damaged:
        message = _("What is stored of the connection %(name)s is damaged: enter its settings anew.", name=source.name)
        raise Problem(ProblemType.RECORD_DAMAGED, message)
    c = t.connection.c
    there = (c.offer_ref == str(target), c.name == source.name, c.removed_at.is_(None))
    if conn.scalar(sa.select(sa.exists().where(*there))):
        return ""
    body = rendered(source.stored, shown=frozenset(source.stored.secrets)) | {"title": source.title}
    made, _new, _shown = connections.put_within(conn, target, source.name, body, by=by)
    assert made is not None
    return made.id
