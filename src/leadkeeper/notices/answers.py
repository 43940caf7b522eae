"""What whoever reads a contact address says to the question. ``access.contacts`` holds the rules."""

from __future__ import annotations

import sqlalchemy as sa

from leadkeeper.access import contacts
from leadkeeper.access.audit import note
from leadkeeper.access.contacts import AskedContact, OwnedContact
from leadkeeper.clock import Clock, now_ms
from leadkeeper.mail.address import DEFAULT_RULES, MailAddress, MailRules
from leadkeeper.notices.due import wake
from leadkeeper.storage.engine import Storage, announce
from leadkeeper.storage.known import publisher_exists


class ContactAnswers:
    """The answers of one installation's contacts. A link that is unknown or over is ``None`` everywhere."""

    def __init__(self, storage: Storage, clock: Clock = now_ms, rules: MailRules = DEFAULT_RULES) -> None:
        self._storage = storage
        self._clock = clock
        self._rules = rules

    async def all(self, publisher_id: str | None) -> list[OwnedContact]:
        """The contacts of one publisher, or of all."""
        return await self._storage.read(contacts.all_contacts, publisher_id, self._rules)

    async def asked(self, token: str) -> AskedContact | None:
        """What a link asks. Changes nothing: mail scanners follow links."""
        return await self._storage.read(contacts.find_asked, token, self._clock())

    async def confirm(self, token: str) -> AskedContact | None:
        """The address wants the publisher's notices; what waits for it goes out."""

        def transaction(conn: sa.Connection) -> AskedContact | None:
            now = self._clock()
            asked = contacts.confirm(conn, token, now)
            if asked is not None:
                wake(conn, asked.publisher_id, now)
                announce(conn)
                note(conn, now, "contact", "contact.confirm", asked.publisher_id)
            return asked

        return await self._storage.write(transaction)

    async def decline(self, token: str) -> AskedContact | None:
        """The mailbox wants nothing from this installation, of no publisher."""

        def transaction(conn: sa.Connection) -> AskedContact | None:
            now = self._clock()
            asked = contacts.decline(conn, token, now)
            if asked is not None:
                note(conn, now, "contact", "contact.decline", asked.publisher_id)
            return asked

        return await self._storage.write(transaction)

    async def allow(self, publisher_id: str, address: MailAddress, *, by: str) -> None:
        """An operator's word that the address wants the notices. Raises ``ValueError`` for an unknown publisher."""

        def transaction(conn: sa.Connection) -> None:
            if not publisher_exists(conn, publisher_id):
                raise ValueError(f"there is no publisher {publisher_id!r}")
            now = self._clock()
            contacts.allow(conn, publisher_id, address, now)
            wake(conn, publisher_id, now)
            announce(conn)
            note(conn, now, by, "contact.allow", publisher_id)

        await self._storage.write(transaction)
