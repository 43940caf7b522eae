"""An offer's lines to its destinations: made, changed, read, removed, paused, resumed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.access import contacts
from leadkeeper.access.audit import note
from leadkeeper.access.quotas import USUAL, Quotas
from leadkeeper.clock import Clock, new_id, now_ms
from leadkeeper.connections import changes, outage
from leadkeeper.connections.connection import Connection, ConnectionRows, is_held_as_not_found, known_before
from leadkeeper.connections.deliveries import BACKFILL, begin_to_take_over, new_delivery, try_anew
from leadkeeper.connections.expiry import ends_ms
from leadkeeper.connections.health import Health
from leadkeeper.connections.last_test import NO_TEST, NOTHING_KNOWN
from leadkeeper.connections.resource import Parsed, Stored, parse
from leadkeeper.connections.room import require_room_for
from leadkeeper.connections.rotation import rotate, unreadable
from leadkeeper.connections.standing import ConnectionStanding, of_offers
from leadkeeper.connections.state import STATE_WORDS
from leadkeeper.connections.titles import behind, given_title, next_position, set_title
from leadkeeper.connections.vault import Vault, row_of
from leadkeeper.destinations.registry import OURS, Destinations
from leadkeeper.mail.address import DEFAULT_RULES, MailRules, distinct
from leadkeeper.offer import CONNECTION_NAME, OfferRef
from leadkeeper.problem import FieldError, Problem, ProblemType, unknown_connection
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage, announce, change_routes, one_of, take_turn
from leadkeeper.storage.known import is_suspended, require_offer
from leadkeeper.texts import ENGLISH, lazy_gettext

__all__ = ["BACKFILL", "CHECK_EVERY", "Connection", "ConnectionPage", "Connections", "new_delivery", "try_anew"]

CHECK_EVERY = 6 * 3_600_000
"""How often (ms) a connection that works is looked at without being asked."""
PAGE = 200
"""The most connections of one page."""


@dataclass(frozen=True, slots=True)
class ConnectionPage:
    """Some of an offer's connections, in their order; ``next_cursor`` where more follow."""

    connections: Sequence[Connection]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class _Ahead:
    """Settings as they were read before the transaction that writes them; they hold while the same is ``known``."""

    known: Stored | None
    parsed: Parsed | None


class Connections:
    """The connections of one installation. ``woken`` is told the connections that have work again.

    ``keeps_last`` raises :class:`Problem` for an offer that may not be without a connection.
    """

    def __init__(
        self,
        storage: Storage,
        vault: Vault,
        woken: Callable[[Collection[str]], None] = lambda _: None,
        clock: Clock = now_ms,
        keeps_last: Callable[[sa.Connection, OfferRef], None] = lambda _conn, _offer: None,
        quotas: Quotas = USUAL,
        mail_rules: MailRules = DEFAULT_RULES,
        destinations: Destinations = OURS,
    ) -> None:
        self.destinations: Final = destinations
        """What connections can be made to."""
        self._quotas = quotas
        self._rows = ConnectionRows(vault, mail_rules, destinations)
        self._keeps_last = keeps_last
        self._storage = storage
        self._vault = vault
        self._woken = woken
        self._clock = clock

    async def put(
        self, offer: OfferRef, name: str, body: Mapping[str, Any], *, by: str, trusted: bool = False
    ) -> tuple[Connection | None, bool, frozenset[str]]:
        """Create or change a connection from Microsoft's JSON: it is tried anew at once, and its held leads go out.

        ``trusted`` is an operator's word for the contact e-mails; those of others are asked before they get notices.
        New settings for one that works, of a published offer, wait as its ``change`` until they are proven.
        Answers the connection (``None`` when ``leadDestination`` is ``none``, which removes it), whether it is new,
        and the JSON names of secrets that we made for it and that are shown this once.
        Raises :class:`Problem` for an unknown offer, settings that cannot be taken, or a quota that is reached.
        """
        if not re.match(CONNECTION_NAME, name):
            rule = lazy_gettext("letters, digits, - and _, at most 64")
            message = lazy_gettext("A connection's name is %(rule)s.", rule=rule)
            raise Problem(ProblemType.INVALID_REQUEST, message, (FieldError("name", rule),))

        # Whoever writes waits for whoever writes before, so what can be looked at beforehand is.
        ahead = await self._storage.read(self._read_ahead, offer, name, body)
        put = await self._storage.write(self.put_within, offer, name, body, by=by, trusted=trusted, ahead=ahead)
        self.wake([put[0].id] if put[0] is not None else [])
        return put

    def put_within(
        self,
        conn: sa.Connection,
        offer: OfferRef,
        name: str,
        body: Mapping[str, Any],
        *,
        by: str,
        trusted: bool = False,
        ahead: _Ahead | None = None,
    ) -> tuple[Connection | None, bool, frozenset[str]]:
        """:meth:`put` within another use case's transaction; its caller wakes the worker once that is committed."""
        take_turn(conn, offer.publisher_id)
        before = None if (row := _row(conn, offer, name)) is None else self._rows.with_change(conn, row)
        known = None if before is None else known_before(before)
        parsed = ahead.parsed if ahead is not None and ahead.known == known else parse(body, known, self.destinations)
        if parsed is None:
            if before is not None:
                change_routes(conn, offer.publisher_id)
                self._remove(conn, before, by)
            return None, False, frozenset()
        require_room_for(conn, offer, None if row is None else row.id, parsed.config.contact_email, self._quotas)
        contacts.enter(conn, offer.publisher_id, parsed.config.contact_email, self._clock(), trusted=trusted)
        change_routes(conn, offer.publisher_id)
        connection, title = self._put(conn, offer, name, before, parsed, by), given_title(body)
        if title is not None:
            set_title(conn, offer, _present(conn, offer, name), title, self._clock(), by)
            connection = replace(connection, title="" if title == name else title)
        made = frozenset(parsed.stored().secrets) - frozenset(known.secrets if known else ())
        given = body.get(parsed.destination.config_key, {})
        return connection, before is None or before.removed, frozenset(made - set(given))

    def _read_ahead(self, conn: sa.Connection, offer: OfferRef, name: str, body: Mapping[str, Any]) -> _Ahead:
        row = _row(conn, offer, name)
        known = None if row is None else known_before(self._rows.with_change(conn, row))
        parsed = parse(body, known, self.destinations)
        if parsed is not None:
            require_room_for(conn, offer, None if row is None else row.id, parsed.config.contact_email, self._quotas)
        distinct(parsed.config.contact_email if parsed else ())  # addresses that were read once are read at once
        return _Ahead(known, parsed)

    def wake(self, connection_ids: Collection[str]) -> None:
        """These connections have work again."""
        if connection_ids:
            self._woken(connection_ids)

    def _put(
        self, conn: sa.Connection, offer: OfferRef, name: str, before: Connection | None, parsed: Parsed, by: str
    ) -> Connection:
        stored = parsed.stored()
        if before is None or before.stored.damaged or not changes.is_guarded(conn, offer, before.id):
            return self._write(conn, offer, name, before, stored, by)
        now, subject = self._clock(), f"{offer}/{name}"
        if changes.same_line(stored, before.stored):
            changes.drop_change(conn, before.id)
            summary = {"settings": json.dumps(dict(stored.settings)), "announces": stored.announces, "changed_at": now}
            is_new = stored.settings != before.stored.settings  # then whoever holds an adapter opens another
            summary |= {"ends_at": ends_ms(stored), "generation": before.generation + is_new}
            if not changes.same_place(before.stored, stored):
                summary |= {"proven": False, **NO_TEST}
            conn.execute(sa.update(t.connection).where(t.connection.c.id == before.id).values(summary))
            note(conn, now, by, "connection.put", subject, changes.change_summary(before.stored, stored))
        else:
            sealed = self._vault.seal(stored.secrets, row_of(before.id, stored.destination))
            changes.keep_change(conn, before.id, stored, sealed, now)
            note(conn, now, by, "connection.change", subject, changes.change_summary(before.stored, stored))
        announce(conn)
        return self._rows.whole(conn, _present(conn, offer, name))

    def _write(
        self, conn: sa.Connection, offer: OfferRef, name: str, before: Connection | None, stored: Stored, by: str
    ) -> Connection:
        now, connection_id = self._clock(), new_id() if before is None else before.id
        kept = before is not None and not before.removed and not before.stored.damaged
        known = before is not None and kept and changes.same_place(before.stored, stored)
        values: dict[str, Any] = {
            "destination": stored.destination,
            "announces": stored.announces,
            "repeatable": stored.repeatable,
            "check_at": now + CHECK_EVERY,
            "settings": json.dumps(dict(stored.settings)),
            "secrets": self._vault.seal(stored.secrets, row_of(connection_id, stored.destination)),
            "generation": 1 if before is None else before.generation + 1,
            "changed_at": now,
            "removed_at": None,
            "ends_at": ends_ms(stored),
            "suspended": is_suspended(conn, offer.publisher_id),
            **({} if known else NOTHING_KNOWN),
            **({} if before and kept and changes.same_line(before.stored, stored) else {"settings_since": now}),
            **Health().columns(),
            **({"position": next_position(conn, offer)} if before is None or before.removed else {}),
        }
        if before is None:
            values |= {"id": connection_id, "offer_ref": str(offer), "name": name, "created_at": now}
            conn.execute(sa.insert(t.connection).values(values))
        else:
            changes.drop_change(conn, connection_id)
            # The same settings once more are nobody's word that the test lead was found after all.
            held = known and is_held_as_not_found(before)
            values |= before.health.columns() if held else outage.tried_anew(now)
            conn.execute(sa.update(t.connection).where(t.connection.c.id == connection_id).values(values))
            if not held:
                try_anew(conn, connection_id, now)
        begin_to_take_over(conn, offer, connection_id, now)
        announce(conn)
        summary = changes.change_summary(None if before is None or before.removed else before.stored, stored)
        note(conn, now, by, "connection.put", f"{offer}/{name}", summary)
        return self._rows.whole(conn, _present(conn, offer, name))

    async def get(self, offer: OfferRef, name: str) -> Connection | None:
        """One connection, or ``None`` if there is none of that name. Raises :class:`Problem` for an unknown offer."""

        def transaction(conn: sa.Connection) -> Connection | None:
            row = _row(conn, offer, name)
            return None if row is None or row.removed_at is not None else self._rows.whole(conn, row)

        return await self._storage.read(transaction)

    async def require(self, offer: OfferRef, name: str) -> None:
        """Raise :class:`Problem` for an unknown offer or connection; opens no secret."""
        await self._storage.read(_present, offer, name)

    async def drop_change(self, offer: OfferRef, name: str, *, by: str) -> bool:
        """Forget new settings that wait to be proven; false if none do. Raises :class:`Problem` if unknown."""

        def transaction(conn: sa.Connection) -> bool:
            take_turn(conn, offer.publisher_id)
            row = _present(conn, offer, name)
            dropped = changes.drop_change(conn, row.id)
            if dropped:
                note(conn, self._clock(), by, "connection.dropChange", f"{offer}/{name}")
            return dropped

        return await self._storage.write(transaction)

    async def list(self, offer: OfferRef | None = None) -> list[Connection]:
        """The connections of one offer (:class:`Problem` if unknown), or of all, by offer, in their order."""

        def transaction(conn: sa.Connection) -> list[Connection]:
            query = sa.select(t.connection).where(t.connection.c.removed_at.is_(None))
            if offer is not None:
                require_offer(conn, offer)
                query = query.where(t.connection.c.offer_ref == str(offer))
            return [*self._rows.wholes(conn, query.order_by(t.connection.c.offer_ref, *t.IN_ORDER))]

        return await self._storage.read(transaction)

    async def page(self, offer: OfferRef, *, after: str | None = None, limit: int = PAGE) -> ConnectionPage:
        """Up to ``limit`` (at most :data:`PAGE`) of an offer's connections, in order, behind the one named ``after``.

        Raises :class:`Problem` for an unknown offer.
        """
        most = min(limit, PAGE)

        def transaction(conn: sa.Connection) -> ConnectionPage:
            require_offer(conn, offer)
            c = t.connection.c
            query = sa.select(t.connection).where(c.offer_ref == str(offer), c.removed_at.is_(None))
            if after is not None:
                query = query.where(behind(conn, offer, after))
            names = conn.scalars(query.with_only_columns(c.name).order_by(*t.IN_ORDER).limit(most + 1)).all()
            shown = names[:most]
            found = (
                self._rows.wholes(conn, query.where(one_of(conn, c.name, shown)).order_by(*t.IN_ORDER)) if shown else []
            )
            return ConnectionPage(found, shown[-1] if len(names) > most else None)

        return await self._storage.read(transaction)

    async def standings(self, offers: Sequence[OfferRef]) -> Sequence[ConnectionStanding]:
        """How the connections of these offers are doing, by offer, in their order; opens no secret."""
        return await self._storage.read(of_offers, offers)

    async def remove(self, offer: OfferRef, name: str, *, by: str) -> bool:
        """Remove a connection; false if there is none. Its undelivered leads are kept and held.

        They go out when a connection of the same name is made again.
        """

        def transaction(conn: sa.Connection) -> bool:
            change_routes(conn, offer.publisher_id)
            row = _row(conn, offer, name)
            if row is None or row.removed_at is not None:
                return False
            self._remove(conn, self._rows.connection(row), by)
            return True

        return await self._storage.write(transaction)

    def _remove(self, conn: sa.Connection, connection: Connection, by: str) -> None:
        if connection.removed:
            return
        now = self._clock()
        changes.drop_change(conn, connection.id)
        # The secrets go at once: a removed connection needs none, and is given new ones when it is made again.
        conn.execute(
            sa.update(t.connection)
            .where(t.connection.c.id == connection.id)
            .values(
                removed_at=now,
                changed_at=now,
                generation=connection.generation + 1,
                secrets=self._vault.seal({}, row_of(connection.id, connection.stored.destination)),
                settings="{}",
                probe_at=None,
                ends_at=None,
                **outage.FORGOTTEN,
            )
        )
        note(conn, now, by, "connection.remove", f"{connection.offer}/{connection.name}")
        c = t.connection.c
        left = sa.exists().where(c.offer_ref == str(connection.offer), c.removed_at.is_(None))
        if not conn.scalar(sa.select(left)):
            self._keeps_last(conn, connection.offer)

    async def pause(self, offer: OfferRef, name: str, *, by: str) -> Connection:
        """Hold the connection's leads until it is resumed. Raises :class:`Problem` if it does not exist."""
        return await self._set(offer, name, {"paused_by_person": True}, "connection.pause", by)

    async def resume(self, offer: OfferRef, name: str, *, by: str) -> Connection:
        """Try the connection anew, whoever paused it. Raises :class:`Problem` if it does not exist."""
        anew = {**outage.tried_anew(self._clock()), "test_diagnosis": None}
        connection = await self._set(offer, name, anew, "connection.resume", by)
        self._woken([connection.id])
        return connection

    async def _set(self, offer: OfferRef, name: str, values: Mapping[str, Any], act_name: str, by: str) -> Connection:
        def transaction(conn: sa.Connection) -> Connection:
            row = _present(conn, offer, name)
            now = self._clock()
            conn.execute(
                sa.update(t.connection)
                .where(t.connection.c.id == row.id)
                .values(generation=t.connection.c.generation + 1, changed_at=now, **values)
            )
            if act_name == "connection.resume":
                try_anew(conn, row.id, now)
            announce(conn)
            was = ENGLISH.gettext(STATE_WORDS[self._rows.connection(row).state])
            note(conn, now, by, act_name, f"{offer}/{name}", f"was {was}")
            changed = _row(conn, offer, name)
            assert changed is not None
            return self._rows.whole(conn, changed)

        return await self._storage.write(transaction)

    def known(self, conn: sa.Connection, offer: OfferRef, name: str) -> Connection:
        """The connection, its row held for this transaction. Raises :class:`Problem` if it does not exist."""
        c = t.connection.c
        require_offer(conn, offer)
        this = (c.offer_ref == str(offer), c.name == name, c.removed_at.is_(None))
        row = conn.execute(sa.select(t.connection).where(*this).with_for_update()).first()
        if row is None:
            raise unknown_connection(offer, name)
        return self._rows.whole(conn, row)

    def connection_of(self, row: sa.Row[Any]) -> Connection:
        """The connection in a row of its table."""
        return self._rows.connection(row)

    async def unreadable(self) -> Sequence[str]:
        """The connections (``publisher.offer/name``) whose secrets none of our keys opens."""
        return await self._storage.read(unreadable, self._vault)

    async def rotate_secrets(self) -> int:
        """Seal every connection's secrets anew, with the newest key; answers how many there are.

        Raises :class:`WrongKey` when one of them cannot be opened; then nothing is changed.
        """
        return await self._storage.write(rotate, self._vault, self._clock())


_NAMED: Final = sa.select(t.connection).where(
    t.connection.c.offer_ref == sa.bindparam("offer"), t.connection.c.name == sa.bindparam("called")
)


def _row(conn: sa.Connection, offer: OfferRef, name: str) -> sa.Row[Any] | None:
    require_offer(conn, offer)
    return conn.execute(_NAMED, {"offer": str(offer), "called": name}).first()


def _present(conn: sa.Connection, offer: OfferRef, name: str) -> sa.Row[Any]:
    row = _row(conn, offer, name)
    if row is None or row.removed_at is not None:
        raise unknown_connection(offer, name)
    return row
