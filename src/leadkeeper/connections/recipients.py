"""A connection's contact e-mails, as the destination that writes to them sees them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from leadkeeper.access import contacts
from leadkeeper.access.mail_bound import free_at, spend
from leadkeeper.catalogue import to_stored
from leadkeeper.clock import Clock, now_ms
from leadkeeper.connections.connection import Connection
from leadkeeper.connections.outbox import lead_again
from leadkeeper.destinations.interface import Standing
from leadkeeper.diagnosis import Diagnosis
from leadkeeper.mail.address import MailRules
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage
from leadkeeper.storage.unshared import Unshared


class Recipients:
    """Whom a connection may mail: how its contacts stand, and the publisher's bound on mails an hour.

    It keeps the promises of :class:`~leadkeeper.destinations.interface.Contacts`.
    """

    def __init__(self, storage: Storage, connection: Connection, rules: MailRules, clock: Clock = now_ms) -> None:
        self._storage = Unshared(storage)  # delivery has bounds of its own
        self._connection_id = connection.id
        self._publisher_id = connection.offer.publisher_id
        self._rules = rules
        self._clock = clock

    async def standings(self, emails: Sequence[str]) -> Mapping[str, Standing]:
        """How each of them stands."""
        found = await self._storage.read(contacts.contacts_of, self._publisher_id, emails, self._rules)
        return {email: contact.standing for email, contact in found.items()}

    async def spend(self, mails: int) -> float | None:
        """Count ``mails``, or answer the seconds until the publisher may send so many."""
        now = self._clock()

        def transaction(conn: sa.Connection) -> float | None:
            if spend(conn, self._publisher_id, mails, self._rules, now, whole=True):
                return None
            return max(1.0, (free_at(conn, self._publisher_id, now) - now) / 1000)

        return await self._storage.write(transaction)

    async def report(self, results: Mapping[str, Diagnosis | None]) -> None:
        """Remember what came of a mail for each recipient."""
        await self._storage.write(contacts.report, self._publisher_id, stored_troubles(results))

    async def try_again(self, lead_id: str, emails: Sequence[str]) -> None:
        """The outbox tells these of the lead later."""
        row = lead_again(self._connection_id, lead_id, emails, self._clock())

        def transaction(conn: sa.Connection) -> None:
            conn.execute(sa.insert(t.notice).values(row))

        await self._storage.write(transaction)


def stored_troubles(results: Mapping[str, Diagnosis | None]) -> dict[str, str | None]:
    """The results as they are remembered beside each address."""
    return {email: None if summary is None else to_stored(summary) for email, summary in results.items()}
