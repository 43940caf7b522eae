"""Publishers and their offers: made, changed, listed."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from leadkeeper.access.audit import note
from leadkeeper.access.quotas import USUAL, Quotas, merged, own_of, quotas_of, require_room
from leadkeeper.clock import Clock, now_ms, to_text
from leadkeeper.connections.connections import Connections
from leadkeeper.offer import OFFER_ID, PRIMARY, PUBLISHER_ID, OfferRef
from leadkeeper.problem import FieldError, Problem, ProblemType, every_error, unknown_offer
from leadkeeper.publishing.lengths import require_definition_lengths, require_lengths
from leadkeeper.publishing.links import require_links
from leadkeeper.publishing.listing import changed_properties, read_listing, written
from leadkeeper.publishing.precondition import UNCONDITIONAL, Precondition
from leadkeeper.publishing.secret_properties import refuse_secrets
from leadkeeper.publishing.versions import (
    Offer,
    OfferVersion,
    Slot,
    as_offer,
    definition_etag,
    draft_definition,
    offer_row,
    read_version,
    slot_version,
    write_draft,
)
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage, change_routes, take_turn
from leadkeeper.texts import lazy_gettext


@dataclass(frozen=True, slots=True)
class Publisher:
    """A publisher as it is listed. ``own_quotas`` are those of its ``quotas`` that are not the installation's usual."""

    id: str
    display_name: str
    created_at: str
    changed_at: str
    quotas: Mapping[str, int]
    contact: str = ""
    suspended_at: str | None = None
    suspended_for: str = ""
    own_quotas: Mapping[str, int] = field(default_factory=dict)


class OfferCatalogue:
    """The publishers and offers of one installation. ``put`` answers whether something new was made."""

    def __init__(
        self, storage: Storage, connections: Connections, clock: Clock = now_ms, quotas: Quotas = USUAL
    ) -> None:
        self._quotas = quotas
        self._storage = storage
        self._connections = connections
        self._clock = clock

    async def put_publisher(
        self,
        publisher_id: str,
        display_name: str | None = None,
        *,
        unnamed: str | None = None,
        quotas: Mapping[str, int | None] | None = None,
        contact: str | None = None,
        by: str,
    ) -> tuple[Publisher, bool]:
        """Create or change a publisher; what is left out stays. A new one without a name is called ``unnamed``.

        ``quotas`` (JSON names) are its own from now on; what is left out stays, ``None`` goes back to the usual one.
        Raises :class:`Problem` for an id that may not be one, and for a new publisher without any name.
        """
        _check(PUBLISHER_ID, publisher_id, "publisherId", lazy_gettext("letters, digits, - and _, at most 128"))

        def transaction(conn: sa.Connection) -> tuple[Publisher, bool]:
            change_routes(conn, publisher_id)
            now, p = self._clock(), t.publisher.c
            before = conn.execute(sa.select(t.publisher).where(p.id == publisher_id)).first()
            name = display_name or (unnamed if before is None else before.display_name)
            if name is None:
                raise _missing("displayName", lazy_gettext("a new publisher needs a name"))
            values: dict[str, Any] = {"display_name": name, "shelf_name": name.casefold(), "changed_at": now}
            if quotas:
                values["quotas"] = merged(None if before is None else before.quotas, quotas)
            if contact is not None:
                values["contact"] = contact
            if before is None:
                conn.execute(sa.insert(t.publisher).values(id=publisher_id, created_at=now, **values))
            else:
                conn.execute(sa.update(t.publisher).where(p.id == publisher_id).values(values))
            led_to = ["new" if before is None else "changed", *sorted(quotas or ())]
            led_to += [] if contact is None else ["contact"]
            note(conn, now, by, "publisher.put", publisher_id, ", ".join(led_to))
            return self._publisher(conn, publisher_id), before is None

        return await self._storage.write(transaction)

    async def publisher(self, publisher_id: str) -> Publisher:
        """One publisher; raises :class:`Problem` if there is none of that id."""
        return await self._storage.read(self._publisher, publisher_id)

    def _publisher(self, conn: sa.Connection, publisher_id: str) -> Publisher:
        return self._as_publisher(publisher_row(conn, publisher_id))

    def _as_publisher(self, row: sa.Row[Any]) -> Publisher:
        return Publisher(
            id=row.id,
            display_name=row.display_name,
            created_at=to_text(row.created_at),
            changed_at=to_text(row.changed_at),
            quotas=self._quotas.changed(row.quotas).named(),
            contact=row.contact,
            suspended_at=None if row.suspended_at is None else to_text(row.suspended_at),
            suspended_for=row.suspended_for,
            own_quotas=own_of(row.quotas),
        )

    async def publishers(
        self, after: str | None = None, limit: int | None = None, *, text: str = ""
    ) -> list[Publisher]:
        """The publishers by id, behind the id ``after``; at most ``limit``, or all; with ``text`` in id or name."""
        p = t.publisher.c
        query = sa.select(t.publisher).order_by(p.id).limit(limit)
        query = query if after is None else query.where(p.id > after)
        if text:
            folded = text.casefold()
            within = p.shelf_name.contains(folded, autoescape=True) | sa.func.lower(p.id).contains(
                folded, autoescape=True
            )
            query = query.where(within)
        return await self._storage.read(lambda conn: [self._as_publisher(row) for row in conn.execute(query)])

    async def put_offer(
        self,
        ref: OfferRef,
        *,
        title: str | None = None,
        untitled: str | None = None,
        offer_type: str | None = None,
        live: bool | None = None,
        summary: str | None = None,
        description: str | None = None,
        category: str | None = None,
        price: str | None = None,
        support: str | None = None,
        privacy: str | None = None,
        calls_to_action: Sequence[str] | None = None,
        precondition: Precondition = UNCONDITIONAL,
        by: str,
    ) -> tuple[Offer, bool]:
        """Create or change an offer's draft, and whether the offer takes leads.

        What is left out stays as it is; a new offer is of type ``saas`` and live, and ``untitled`` is its title where
        it has none. ``live`` says that customers act on the offer, here or elsewhere; it publishes nothing.
        ``precondition`` is what must hold of the draft before. Raises :class:`Problem` for a wrong id, an unknown
        publisher, a draft that has changed since, a text that holds a secret, a link that is none, a new offer without
        any title, and a text that is longer than customers are shown (see :data:`LONGEST`).
        """
        _check(OFFER_ID, ref.offer_id, "offerId", lazy_gettext("letters, digits, - _ and dots, at most 128"))
        message_of_it = {"summary": summary, "description": description, "category": category, "price": price}
        message_of_it |= {"support": support, "privacy": privacy}
        require_links(support, privacy)
        require_lengths({"title": title, **message_of_it})
        refuse_secrets({"title": title, **message_of_it}, "offer")

        def transaction(conn: sa.Connection) -> tuple[Offer, bool]:
            before, definition = self._begin(conn, ref, precondition)
            called = title or (untitled if before is None else None)
            if before is None and called is None:
                raise _missing("title", lazy_gettext("a new offer needs a title"))
            message = written(definition, title=called, calls_to_action=calls_to_action, **message_of_it)
            is_live = (before is None or before.live) if live is None else live
            kind = offer_type or ("saas" if before is None else before.offer_type)
            self._write(conn, ref, before, kind, message, live=is_live, by=by)
            return as_offer(offer_row(conn, ref)), before is None

        return await self._storage.write(transaction)

    async def put_definition(
        self,
        ref: OfferRef,
        *,
        offer_type: str,
        definition: Mapping[str, Any],
        lead_settings: Mapping[str, Any] | None,
        precondition: Precondition = UNCONDITIONAL,
        by: str,
        trusted: bool = False,
    ) -> tuple[Offer, bool]:
        """Create or change an offer's draft from a whole definition, and with it its primary connection.

        ``lead_settings`` is Microsoft's ``customer-leads`` resource (``leadDestination`` ``none`` removes the
        connection); ``None`` leaves the connection as it is. ``trusted`` is as for ``Connections.put``. A new
        offer takes no leads before it is published. ``precondition`` is held against :func:`definition_etag`.
        A property that looks like a secret is refused wherever it stands: a definition is kept in clear.
        Raises :class:`Problem` as :meth:`put_offer` and ``Connections.put`` do; then nothing is changed.
        """
        _check(OFFER_ID, ref.offer_id, "offerId", lazy_gettext("letters, digits, - _ and dots, at most 128"))
        require_definition_lengths(definition)
        refuse_secrets(definition)

        def transaction(conn: sa.Connection) -> tuple[Offer, bool, list[str]]:
            before, _ = self._begin(conn, ref, precondition, connected=True)
            self._write(conn, ref, before, offer_type, definition, live=before is not None and before.live, by=by)
            woken = []
            if lead_settings is not None:
                connection, _, _ = self._connections.put_within(
                    conn, ref, PRIMARY, lead_settings, by=by, trusted=trusted
                )
                woken = [] if connection is None else [connection.id]
            return as_offer(offer_row(conn, ref)), before is None, woken

        offer, is_new, woken = await self._storage.write(transaction)
        self._connections.wake(woken)
        return offer, is_new

    def change_within(
        self,
        conn: sa.Connection,
        ref: OfferRef,
        change: Callable[[Mapping[str, Any]], Mapping[str, Any]],
        *,
        precondition: Precondition,
        by: str,
    ) -> Offer:
        """Change what the draft of an offer that is there says. Raises :class:`Problem` as :meth:`put_offer` does."""
        before, definition = self._begin(conn, ref, precondition)
        if before is None:
            raise unknown_offer(ref)
        self._write(conn, ref, before, before.offer_type, change(definition), live=before.live, by=by)
        return as_offer(offer_row(conn, ref))

    def copy_within(self, conn: sa.Connection, source: OfferRef, target: OfferRef, *, title: str, by: str) -> OfferRef:
        """A new offer ``target`` whose draft says what that of ``source`` says, but for its title; takes no leads.

        Raises :class:`Problem` as :meth:`put_offer` does, and for an id that is taken.
        """
        _check(OFFER_ID, target.offer_id, "offerId", lazy_gettext("letters, digits, - _ and dots, at most 128"))
        require_lengths({"title": title})
        refuse_secrets({"title": title}, "offer")
        found = as_offer(offer_row(conn, source))
        before, _definition = self._begin(conn, target, UNCONDITIONAL)
        if before is not None:
            message = lazy_gettext("There is an offer of that id already: choose another.")
            raise Problem(ProblemType.INVALID_REQUEST, message, (FieldError("offerId", message),))
        message_of_it = written(slot_version(conn, found, Slot.DRAFT).definition, title=title)
        self._write(conn, target, None, found.offer_type, message_of_it, live=False, by=by)
        return target

    def _definition_etag(self, conn: sa.Connection, offer: Offer) -> str:
        change_routes(conn, offer.publisher_id)  # before the connection is held, for which leads that come in wait
        try:
            return definition_etag(offer, self._connections.known(conn, offer.ref, PRIMARY))
        except Problem:
            return definition_etag(offer, None)

    def _begin(
        self, conn: sa.Connection, ref: OfferRef, precondition: Precondition, *, connected: bool = False
    ) -> tuple[Offer | None, Mapping[str, Any]]:
        """The offer as it is and its draft; nobody else changes it until this transaction ends."""
        take_turn(conn, ref.publisher_id)
        publisher_row(conn, ref.publisher_id)
        row = conn.execute(sa.select(t.offer).where(t.offer.c.ref == str(ref))).first()
        before = None if row is None else as_offer(row)
        etag = None if before is None else self._definition_etag(conn, before) if connected else before.etag
        precondition.require(etag)
        if before is None:
            return None, {}
        return before, draft_definition(conn, before)

    def _write(
        self,
        conn: sa.Connection,
        ref: OfferRef,
        before: Offer | None,
        offer_type: str,
        definition: Mapping[str, Any],
        *,
        live: bool,
        by: str,
    ) -> None:
        now = self._clock()
        if before is None:
            self._require_room(conn, ref.publisher_id)
            conn.execute(sa.insert(t.offer).values(_new_offer(ref, offer_type, now, live=live)))
        elif before.is_published and before.offer_type != offer_type:
            rule = lazy_gettext(
                "stays %(offer_type)s: the offer has been published", offer_type=repr(before.offer_type)
            )
            raise Problem(
                ProblemType.INVALID_REQUEST,
                lazy_gettext("offerType %(rule)s.", rule=rule),
                (FieldError("offerType", rule),),
            )
        changed = changed_properties({} if before is None else draft_definition(conn, before), definition)
        change_routes(conn, ref.publisher_id)
        write_draft(conn, ref, definition, now)
        values: dict[str, Any] = {"offer_type": offer_type, "live": live, "changed_at": now}
        if before is None or not before.is_published:
            values["title"] = read_listing(definition).title or ref.offer_id
        conn.execute(sa.update(t.offer).where(t.offer.c.ref == str(ref)).values(values))
        described = f"changed: {', '.join(changed)}" if changed else "nothing changed"
        note(conn, now, by, "offer.put", str(ref), f"{offer_type}; {'live' if live else 'not live'}; {described}")

    def _require_room(self, conn: sa.Connection, publisher_id: str) -> None:
        there = sa.select(sa.func.count()).select_from(t.offer).where(t.offer.c.publisher_id == publisher_id)
        quotas = quotas_of(conn, publisher_id, self._quotas)
        require_room("offers", quotas.offers, conn.scalar(there) or 0)

    async def offer(self, ref: OfferRef) -> Offer:
        """One offer; raises :class:`Problem` if there is none of that id."""
        return await self._storage.read(lambda conn: as_offer(offer_row(conn, ref)))

    async def slot(self, ref: OfferRef, slot: Slot) -> tuple[Offer, OfferVersion | None]:
        """An offer and what stands in one of its slots; raises :class:`Problem` if there is no such offer."""

        def transaction(conn: sa.Connection) -> tuple[Offer, OfferVersion | None]:
            offer = as_offer(offer_row(conn, ref))
            return offer, None if offer.version_in(slot) is None else slot_version(conn, offer, slot)

        return await self._storage.read(transaction)

    async def version(self, ref: OfferRef, number: int) -> tuple[Offer, OfferVersion | None]:
        """An offer and one of its versions; raises :class:`Problem` if there is no such offer."""
        return await self._storage.read(lambda conn: (as_offer(offer_row(conn, ref)), read_version(conn, ref, number)))

    async def offers(
        self, publisher_id: str | None = None, after: str | None = None, limit: int | None = None
    ) -> list[Offer]:
        """The offers of one publisher by id, behind the id ``after``, at most ``limit``; or those of all publishers.

        Of all publishers, ``after`` is an offer's reference (``publisher.offer``).
        """
        o = t.offer.c
        # Of one publisher by its own index, never through those of others in the order of their references.
        order = (o.ref,) if publisher_id is None else (o.publisher_id, o.id)

        def transaction(conn: sa.Connection) -> list[Offer]:
            query = sa.select(t.offer).order_by(*order).limit(limit)
            if publisher_id is not None:
                publisher_row(conn, publisher_id)
                query = query.where(o.publisher_id == publisher_id)
            if after is not None:
                query = query.where(o.ref > after if publisher_id is None else o.id > after)
            return [as_offer(row) for row in conn.execute(query)]

        return await self._storage.read(transaction)


def _new_offer(ref: OfferRef, offer_type: str, now: int, *, live: bool) -> dict[str, Any]:
    """The row of an offer whose draft and title are not written yet."""
    return {
        "ref": str(ref),
        "publisher_id": ref.publisher_id,
        "id": ref.offer_id,
        "title": "",
        "offer_type": offer_type,
        "live": live,
        "created_at": now,
        "changed_at": now,
        "draft_version": 0,
        "revision": 0,
        "preview_key": secrets.token_urlsafe(24),
    }


def _missing(field: str, rule: str) -> Problem:
    errors = (FieldError(field, rule),)
    detail = lazy_gettext("The request cannot be taken: %(errors)s", errors=every_error(errors))
    return Problem(ProblemType.INVALID_REQUEST, detail, errors)


def _check(pattern: str, text: str, field: str, rule: str) -> None:
    if not re.match(pattern, text):
        raise Problem(
            ProblemType.INVALID_REQUEST,
            lazy_gettext("%(field)s must be %(rule)s.", field=field, rule=rule),
            (FieldError(field, rule),),
        )


def publisher_row(conn: sa.Connection, publisher_id: str) -> sa.Row[Any]:
    """A publisher's row. Raises :class:`Problem` if there is none of that id."""
    row = conn.execute(sa.select(t.publisher).where(t.publisher.c.id == publisher_id)).first()
    if row is None:
        raise Problem(
            ProblemType.UNKNOWN_PUBLISHER,
            lazy_gettext("There is no publisher %(publisher_id)s.", publisher_id=repr(publisher_id)),
            (FieldError("publisherId", lazy_gettext("unknown publisher")),),
        )
    return row
