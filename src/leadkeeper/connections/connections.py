"""An offer's lines to its destinations: made, changed, read, removed, paused, resumed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from leadkeeper.access import contacts
from leadkeeper.access.audit import note
from leadkeeper.access.contacts import Contact
from leadkeeper.clock import Clock, new_id, now_ms
from leadkeeper.connections import changes
from leadkeeper.connections.changes import Change
from leadkeeper.connections.health import Health, HealthState, health_of
from leadkeeper.connections.resource import Parsed, Stored, parse
from leadkeeper.connections.rotation import rotate, unreadable
from leadkeeper.connections.vault import Vault, WrongKey
from leadkeeper.connections.waiting import take_over_unrouted, try_anew
from leadkeeper.destinations.mail_address import DEFAULT_RULES, MailRules
from leadkeeper.offer import CONNECTION_NAME, OfferRef
from leadkeeper.problem import FieldError, Problem, ProblemType, unknown_connection, unknown_offer
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage, announce, change_routes

CHECK_EVERY = 6 * 3_600_000
"""How often (ms) a connection that works is looked at without being asked."""


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection as the rooms know it; ``stored`` holds its secrets in clear, so it is never logged or shown."""

    id: str
    offer: OfferRef
    name: str
    epoch: int
    stored: Stored
    health: Health
    removed: bool
    created_at: int
    changed_at: int
    proven: bool = False
    change: Change | None = None
    """New settings that wait to be proven; read with one connection or a list, not with its work."""
    contacts: tuple[Contact, ...] = ()
    """How its contact e-mails stand, those of settings that wait too; read as ``change`` is."""

    @property
    def changed(self) -> Connection:
        """The connection as it would be with the settings that wait, or as it is."""
        return self if self.change is None else replace(self, stored=self.change.stored)

    def state(self, now: int) -> HealthState:
        """The word for its health at ``now``."""
        return HealthState.REMOVED if self.removed else self.health.state(now)


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
        mail_rules: MailRules = DEFAULT_RULES,
    ) -> None:
        self._mail_rules = mail_rules
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
        Raises :class:`Problem` for an unknown offer or settings that cannot be taken.
        """
        if not re.match(CONNECTION_NAME, name):
            rule = "letters, digits, - and _, at most 64"
            raise Problem(ProblemType.INVALID_REQUEST, f"A connection's name is {rule}.", (FieldError("name", rule),))

        put = await self._storage.write(self.put_within, offer, name, body, by=by, trusted=trusted)
        if put[0] is not None:
            self.wake([put[0].id])
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
    ) -> tuple[Connection | None, bool, frozenset[str]]:
        """:meth:`put` within another room's act; its caller wakes the worker once that is committed."""
        change_routes(conn)
        row = _row(conn, offer, name)
        before = None if row is None else self._whole(conn, row)
        known = None if before is None else _known(before)
        parsed = parse(body, known)
        if parsed is None:
            if before is not None:
                self._remove(conn, before, by)
            return None, False, frozenset()
        contacts.enter(conn, offer.publisher_id, parsed.config.contact_email, self._clock(), trusted=trusted)
        connection = self._put(conn, offer, name, before, parsed, by)
        made = frozenset(parsed.stored().secrets) - frozenset(known.secrets if known else ())
        given = body.get(parsed.destination.config_key, {})
        return connection, before is None or before.removed, frozenset(made - set(given))

    def wake(self, connection_ids: Collection[str]) -> None:
        """These connections have work again."""
        if connection_ids:
            self._woken(connection_ids)

    def _put(
        self, conn: sa.Connection, offer: OfferRef, name: str, before: Connection | None, parsed: Parsed, by: str
    ) -> Connection:
        stored = parsed.stored()
        if before is None or not changes.is_guarded(conn, offer, before.id):
            return self._write(conn, offer, name, before, stored, by)
        now, subject = self._clock(), f"{offer}/{name}"
        if changes.same_line(stored, before.stored):
            changes.drop_change(conn, before.id)
            told = {"settings": json.dumps(dict(stored.settings)), "announces": stored.announces, "changed_at": now}
            conn.execute(sa.update(t.connection).where(t.connection.c.id == before.id).values(told))
            note(conn, now, by, "connection.put", subject, "who is told")
        else:
            changes.keep_change(conn, before.id, stored, self._vault.seal(stored.secrets), now)
            announce(conn)
            note(conn, now, by, "connection.change", subject, stored.destination)
        row = _row(conn, offer, name)
        assert row is not None
        return self._whole(conn, row)

    def _write(
        self, conn: sa.Connection, offer: OfferRef, name: str, before: Connection | None, stored: Stored, by: str
    ) -> Connection:
        now = self._clock()
        values: dict[str, Any] = {
            "destination": stored.destination,
            "announces": stored.announces,
            "repeatable": stored.repeatable,
            "check_at": now + CHECK_EVERY,
            "settings": json.dumps(dict(stored.settings)),
            "secrets": self._vault.seal(stored.secrets),
            "epoch": 1 if before is None else before.epoch + 1,
            "changed_at": now,
            "removed_at": None,
            "proven": False,
            **Health().columns(),
        }
        if before is None:
            values |= {"id": new_id(), "offer_ref": str(offer), "name": name, "created_at": now}
            conn.execute(sa.insert(t.connection).values(values))
            connection_id = values["id"]
        else:
            connection_id = before.id
            changes.drop_change(conn, connection_id)
            conn.execute(sa.update(t.connection).where(t.connection.c.id == connection_id).values(values))
            try_anew(conn, connection_id, now)
        take_over_unrouted(conn, offer, connection_id, now)
        announce(conn)
        note(conn, now, by, "connection.put", f"{offer}/{name}", stored.destination)
        row = _row(conn, offer, name)
        assert row is not None
        return self._whole(conn, row)

    async def get(self, offer: OfferRef, name: str) -> Connection | None:
        """One connection, or ``None`` if there is none of that name. Raises :class:`Problem` for an unknown offer."""

        def act(conn: sa.Connection) -> Connection | None:
            row = _row(conn, offer, name)
            return None if row is None or row.removed_at is not None else self._whole(conn, row)

        return await self._storage.read(act)

    async def drop_change(self, offer: OfferRef, name: str, *, by: str) -> bool:
        """Forget new settings that wait to be proven; false if none do. Raises :class:`Problem` if unknown."""

        def act(conn: sa.Connection) -> bool:
            row = _row(conn, offer, name)
            if row is None or row.removed_at is not None:
                raise unknown_connection(offer, name)
            dropped = changes.drop_change(conn, row.id)
            if dropped:
                note(conn, self._clock(), by, "connection.dropChange", f"{offer}/{name}")
            return dropped

        return await self._storage.write(act)

    async def list(self, offer: OfferRef | None = None) -> list[Connection]:
        """The connections of one offer (:class:`Problem` if unknown), or of all, by offer and name."""

        def act(conn: sa.Connection) -> list[Connection]:
            query = sa.select(t.connection).where(t.connection.c.removed_at.is_(None))
            if offer is not None:
                _require_offer(conn, offer)
                query = query.where(t.connection.c.offer_ref == str(offer))
            rows = conn.execute(query.order_by(t.connection.c.offer_ref, t.connection.c.name)).all()
            waiting = changes.change_rows(conn, [row.id for row in rows])
            return [self._told(conn, self._with(self._connection(row), waiting.get(row.id))) for row in rows]

        return await self._storage.read(act)

    async def remove(self, offer: OfferRef, name: str, *, by: str) -> bool:
        """Remove a connection; false if there is none. Its undelivered leads are kept and held.

        They go out when a connection of the same name is made again.
        """

        def act(conn: sa.Connection) -> bool:
            change_routes(conn)
            row = _row(conn, offer, name)
            if row is None or row.removed_at is not None:
                return False
            self._remove(conn, self._connection(row), by)
            return True

        return await self._storage.write(act)

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
                epoch=connection.epoch + 1,
                secrets=self._vault.seal({}),
                settings="{}",
                probe_at=None,
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
        connection = await self._set(offer, name, Health().columns(), "connection.resume", by)
        self._woken([connection.id])
        return connection

    async def _set(self, offer: OfferRef, name: str, values: Mapping[str, Any], act_name: str, by: str) -> Connection:
        def act(conn: sa.Connection) -> Connection:
            row = _row(conn, offer, name)
            if row is None or row.removed_at is not None:
                raise unknown_connection(offer, name)
            now = self._clock()
            conn.execute(
                sa.update(t.connection)
                .where(t.connection.c.id == row.id)
                .values(epoch=t.connection.c.epoch + 1, changed_at=now, **values)
            )
            if act_name == "connection.resume":
                try_anew(conn, row.id, now)
            announce(conn)
            note(conn, now, by, act_name, f"{offer}/{name}")
            changed = _row(conn, offer, name)
            assert changed is not None
            return self._whole(conn, changed)

        return await self._storage.write(act)

    def connection_of(self, row: sa.Row[Any]) -> Connection:
        """The connection in a row of its table."""
        return self._connection(row)

    def _connection(self, row: sa.Row[Any]) -> Connection:
        return Connection(
            id=row.id,
            offer=OfferRef.parse(row.offer_ref),
            name=row.name,
            epoch=row.epoch,
            stored=Stored(
                row.destination, json.loads(row.settings), self._secrets(row.secrets), row.announces, row.repeatable
            ),
            health=health_of(row),
            removed=row.removed_at is not None,
            created_at=row.created_at,
            changed_at=row.changed_at,
            proven=row.proven,
        )

    def _whole(self, conn: sa.Connection, row: sa.Row[Any]) -> Connection:
        change = changes.change_rows(conn, [row.id]).get(row.id)
        return self._told(conn, self._with(self._connection(row), change))

    def _told(self, conn: sa.Connection, connection: Connection) -> Connection:
        emails = [*connection.stored.contacts, *connection.changed.stored.contacts]
        if not emails:
            return connection
        found = contacts.contacts_of(conn, connection.offer.publisher_id, emails, self._mail_rules)
        return replace(connection, contacts=tuple(found.values()))

    def _with(self, connection: Connection, row: sa.Row[Any] | None) -> Connection:
        if row is None:
            return connection
        secrets = self._secrets(row.secrets)
        stored = Stored(row.destination, json.loads(row.settings), secrets, row.announces, row.repeatable)
        return replace(connection, change=Change(stored, row.secrets, row.changed_at, row.diagnosis))

    def _secrets(self, sealed: str) -> dict[str, str]:
        try:
            return self._vault.open(sealed)
        except WrongKey:
            # Without them the settings are not valid: the connection reads as broken, and nothing else stops.
            return {}

    async def unreadable(self) -> Sequence[str]:
        """The connections (``publisher.offer/name``) whose secrets none of our keys opens."""
        return await self._storage.read(unreadable, self._vault)

    async def rotate_secrets(self) -> int:
        """Encrypt every connection's secrets with the newest key; answers how many there are.

        Raises :class:`WrongKey` when one of them cannot be opened; then nothing is changed.
        """

        def act(conn: sa.Connection) -> int:
            change_routes(conn)
            count = rotate(conn, self._vault)
            note(conn, self._clock(), "cli", "secrets.rotate", "*", str(count))
            return count

        return await self._storage.write(act)


def _require_offer(conn: sa.Connection, offer: OfferRef) -> None:
    if not conn.scalar(sa.select(sa.literal(1)).where(t.offer.c.ref == str(offer))):
        raise unknown_offer(offer)


def _known(before: Connection) -> Stored:
    """What a mask stands for: the secrets that wait, and those in effect where none of the same destination wait."""
    change = before.change
    if change is None:
        return before.stored
    kept = before.stored.secrets if before.stored.destination == change.stored.destination else {}
    return replace(change.stored, secrets={**kept, **change.stored.secrets})


def _row(conn: sa.Connection, offer: OfferRef, name: str) -> sa.Row[Any] | None:
    _require_offer(conn, offer)
    return conn.execute(
        sa.select(t.connection).where(t.connection.c.offer_ref == str(offer), t.connection.c.name == name)
    ).first()
