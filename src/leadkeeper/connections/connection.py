"""A connection as the services know it, and how it is read from its rows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.access import contacts
from leadkeeper.access.contacts import Contact
from leadkeeper.catalogue import diagnose, from_stored, to_stored
from leadkeeper.connections import changes
from leadkeeper.connections.changes import SettingsChange
from leadkeeper.connections.health import Health, health_of
from leadkeeper.connections.last_test import LastTest, known_of, last_test_of
from leadkeeper.connections.resource import Stored, read_settings
from leadkeeper.connections.state import NOT_KNOWN, ConnectionState, Known, since_of, state_of
from leadkeeper.connections.vault import Vault, WrongKey, row_of
from leadkeeper.destinations.absent import NOT_INSTALLED
from leadkeeper.destinations.registry import OURS, Destinations
from leadkeeper.diagnosis import Diagnosis, Evidence, Kind, Outcome
from leadkeeper.mail.address import MailRules
from leadkeeper.offer import OfferRef
from leadkeeper.texts import lazy_gettext

DAMAGED: Final[Diagnosis] = diagnose(
    Kind.RECORD_DAMAGED,
    Evidence(text=lazy_gettext("The connection's stored settings could not be read.")),
    outcome=Outcome.BROKEN,
)
"""What is wrong with a connection whose row cannot be read."""
_TAG_LETTERS: Final = 32


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection as the services know it; ``stored`` holds its secrets in clear, so it is never logged or shown."""

    id: str
    offer: OfferRef
    name: str
    generation: int
    stored: Stored
    health: Health
    removed: bool
    created_at: int
    changed_at: int
    sealed: str = ""
    """Its secrets as they are stored."""
    title: str = ""
    """What people call it, where that is not its name."""
    known: Known = NOT_KNOWN
    test: LastTest | None = None
    change: SettingsChange | None = None
    """New settings that wait to be proven; read with one connection or a list, not with its work."""
    contacts: tuple[Contact, ...] = ()
    """How its contact e-mails stand, those of settings that wait too; read as ``change`` is."""

    def since(self, now: int) -> int | None:
        """Since when it is broken or fails, in milliseconds, as far as that was recorded; ``None`` for others."""
        return since_of(self.health, self.known, now)

    @property
    def label(self) -> str:
        """What people call it."""
        return self.title or self.name

    @property
    def changed(self) -> Connection:
        """The connection as it would be with the settings that wait, or as it is."""
        return self if self.change is None else replace(self, stored=self.change.stored, sealed=self.change.sealed)

    @property
    def settings_tag(self) -> str:
        """Differs for other settings, those that wait before those in effect; tells nothing of them.

        Neither what becomes of leads nor the proof of settings that wait changes it. Secrets that are sealed anew do,
        since it is made of them as they are sealed: so nobody can try what they are.
        """
        now = self.changed
        parts = [self.id, now.stored.destination, dict(now.stored.settings), now.sealed]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:_TAG_LETTERS]

    @property
    def proven(self) -> bool:
        """Whether a lead is known to be there that was sent with just these settings."""
        return self.known.proven

    @property
    def state(self) -> ConnectionState:
        """The one word for what is known of it."""
        return state_of(self.health, self.known)

    @property
    def diagnosis(self) -> str | None:
        """Why it is in trouble, as it is stored: what closed or paused it, or why its last validation failed."""
        return self.health.diagnosis or self.known.failed


def is_held_as_not_found(connection: Connection) -> bool:
    """Whether its leads are held because somebody did not find the test lead."""
    stored = connection.health.diagnosis
    summary = from_stored(stored) if connection.health.paused and stored is not None else None
    return isinstance(summary, Diagnosis) and summary.kind is connection.stored.provider.if_not_found


class ConnectionRows:
    """Reads connections from rows of their table: opens their secrets, and finds what waits for them."""

    def __init__(self, vault: Vault, mail_rules: MailRules, destinations: Destinations = OURS) -> None:
        self._destinations = destinations
        self._vault = vault
        self._mail_rules = mail_rules

    def connection(self, row: sa.Row[Any]) -> Connection:
        """The connection in ``row``, without what waits for it; one that is damaged reads as broken at once."""
        stored, health = self._stored(row, row.id), health_of(row)
        if stored.damaged:
            health = replace(health, paused=True, diagnosis=to_stored(DAMAGED))
        elif not stored.provider.installed:
            health = replace(health, paused=True, diagnosis=to_stored(NOT_INSTALLED))
        return Connection(
            id=row.id,
            offer=OfferRef.parse(row.offer_ref),
            name=row.name,
            generation=row.generation,
            stored=stored,
            health=health,
            removed=row.removed_at is not None,
            created_at=row.created_at,
            changed_at=row.changed_at,
            sealed=row.secrets,
            title=row.title,
            known=known_of(row),
            test=last_test_of(row),
        )

    def whole(self, conn: sa.Connection, row: sa.Row[Any]) -> Connection:
        """The connection in ``row`` with its change and contacts."""
        return self._summary(conn, self.with_change(conn, row))

    def with_change(self, conn: sa.Connection, row: sa.Row[Any]) -> Connection:
        """The connection in ``row`` with its change, for whoever needs no contacts."""
        return self._with(self.connection(row), changes.change_rows(conn, [row.id]).get(row.id))

    def wholes(self, conn: sa.Connection, query: sa.Select[Any]) -> Sequence[Connection]:
        """The connections that ``query`` finds, each whole."""
        rows = conn.execute(query).all()
        waiting = changes.change_rows(conn, [row.id for row in rows])
        return [self._summary(conn, self._with(self.connection(row), waiting.get(row.id))) for row in rows]

    def _summary(self, conn: sa.Connection, connection: Connection) -> Connection:
        emails = [*connection.stored.contacts, *connection.changed.stored.contacts]
        if not emails:
            return connection
        found = contacts.contacts_of(conn, connection.offer.publisher_id, emails, self._mail_rules)
        return replace(connection, contacts=tuple(found.values()))

    def _with(self, connection: Connection, row: sa.Row[Any] | None) -> Connection:
        if row is None:
            return connection
        stored = self._stored(row, connection.id)
        return replace(connection, change=SettingsChange(stored, row.secrets, row.changed_at, row.diagnosis))

    def _stored(self, row: sa.Row[Any], connection_id: str) -> Stored:
        try:
            secrets = self._vault.open(row.secrets, row_of(connection_id, row.destination))
        except WrongKey:
            # Without them the settings are not valid: the connection reads as broken, and nothing else stops.
            secrets = {}
        settings = read_settings(row.settings)
        provider = self._destinations.named(row.destination)
        return Stored(provider, settings or {}, secrets, row.announces, row.repeatable, settings is None)


def known_before(before: Connection) -> Stored:
    """What a mask stands for: the secrets that wait, and those in effect where none of the same destination wait."""
    change = before.change
    if change is None:
        return before.stored
    kept = before.stored.secrets if before.stored.destination == change.stored.destination else {}
    return replace(change.stored, secrets={**kept, **change.stored.secrets})
