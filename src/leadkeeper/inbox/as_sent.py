"""What a destination gets of a lead: the record that its adapter makes, made anew when somebody asks for it.

Nothing of it is kept: that would be about as much as the lead itself, for every delivery. It is made of the lead as it
was handed in and of the connection's settings as they are now; :class:`SentView` says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import sqlalchemy as sa
from pydantic import Field

from leadkeeper.access.audit import Audit
from leadkeeper.connections.adapters import let_go, open_adapter
from leadkeeper.connections.connection import Connection
from leadkeeper.connections.connections import Connections
from leadkeeper.connections.resource import MASK
from leadkeeper.delivery.claim import LEAD_COLUMNS, outgoing_lead
from leadkeeper.destinations.interface import Context, Preview, Previews
from leadkeeper.lead import OutgoingLead
from leadkeeper.network.silent import Silent
from leadkeeper.problem import FieldError, Problem, ProblemType
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage
from leadkeeper.texts import ENGLISH, Language
from leadkeeper.texts import lazy_gettext as _
from leadkeeper.views import View

SECONDS: Final = 5
"""How long it may take to make the record, while nobody is asked."""
_UNUSABLE: Final = _("The connection's settings cannot be used as they are.")
_TOO_LONG: Final = _("The record could not be made in time.")
_DAMAGED: Final = _("What is stored of this lead cannot be read: there is no record of it.")
_WITHHELD: Final = _("This lead is withheld for privacy: nothing of it is sent.")
_EXPIRED: Final = _("The personal data of this lead were removed: what was sent of it cannot be told any more.")


class SentView(View):
    """What a destination gets of a lead, made anew of the lead and of the connection's settings as they are now."""

    lead_id: str
    connection: str
    connection_title: str = Field("", description="What people call the connection.")
    destination: str
    sent: bool = Field(description="Whether it was sent at least once. Otherwise this is what is going to be sent.")
    settings_changed: bool = Field(
        description="Whether other settings hold since it was last sent: what was sent then may differ."
    )
    record: dict[str, Any] = Field(description="The record, as the remote system names its fields; secrets masked.")
    notes: tuple[str, ...] = Field((), description="What is cut, or could not be compared with the remote system.")


@dataclass(frozen=True, slots=True)
class _Found:
    """All that a record is made of. ``last_at`` is when it was last sent, if ever (ms)."""

    connection: Connection
    lead: OutgoingLead
    last_at: int | None
    settings_since: int


class SentRecords:
    """Tells what destinations get. No remote system is asked: what only it knows (its fields' lengths) is left out."""

    def __init__(self, storage: Storage, connections: Connections, context: Context, audit: Audit) -> None:
        self._storage = storage
        self._connections = connections
        self._context = replace(context, network=Silent(context.network.policy))
        self._audit = audit

    async def of(self, delivery_id: str, *, by: str, language: Language = ENGLISH) -> SentView:
        """The record of one delivery. That somebody read it stands in the audit before it is answered.

        Raises :class:`Problem` for an unknown delivery, and for a lead that is withheld, expired or damaged.
        """
        found = await self._storage.read(self._find, delivery_id)
        preview = await self._preview(found)
        stored, lead = found.connection.stored, found.lead
        await self._audit.record(
            by, "lead.record", lead.id, f"over {found.connection.name}", publisher_id=lead.publisher_id
        )
        return SentView(
            lead_id=lead.id,
            connection=found.connection.name,
            connection_title=found.connection.label,
            destination=stored.destination,
            sent=found.last_at is not None,
            settings_changed=found.last_at is not None and found.settings_since > found.last_at,
            record=masked_deep(dict(preview.record), [each for each in stored.secrets.values() if each]),
            notes=tuple(language.tell(each) for each in preview.notes),
        )

    async def _preview(self, found: _Found) -> Preview:
        destination = open_adapter(found.connection, self._context, self._storage)
        try:
            if not isinstance(destination, Previews):
                return Preview({}, (_UNUSABLE,))
            async with asyncio.timeout(SECONDS):
                return await destination.preview(found.lead)
        except TimeoutError:
            return Preview({}, (_TOO_LONG,))
        finally:
            await let_go(destination)

    def _find(self, conn: sa.Connection, delivery_id: str) -> _Found:
        d, c, a = t.delivery.c, t.connection.c, t.attempt.c
        row = conn.execute(
            sa.select(t.connection, d.lead_id).join(t.delivery, d.connection_id == c.id).where(d.id == delivery_id)
        ).first()
        if row is None:
            raise unknown_delivery(delivery_id)
        columns = (*LEAD_COLUMNS, t.lead.c.withheld, t.lead.c.expired_at, t.offer.c.title, t.publisher.c.display_name)
        query = sa.select(*columns).join(t.publisher, t.publisher.c.id == t.lead.c.publisher_id)
        lead = conn.execute(
            query.join(t.offer, t.offer.c.ref == row.offer_ref).where(t.lead.c.id == row.lead_id)
        ).first()
        if lead is None:
            raise unknown_delivery(delivery_id)
        if lead.withheld:
            raise Problem(ProblemType.NOT_POSSIBLE_NOW, _WITHHELD)
        if lead.expired_at is not None:
            raise Problem(ProblemType.LEAD_EXPIRED, _EXPIRED)
        try:
            outgoing = outgoing_lead(lead, lead.title, lead.display_name)
        except Exception:  # whatever its row holds
            raise Problem(ProblemType.RECORD_DAMAGED, _DAMAGED) from None
        last_at = conn.scalar(sa.select(sa.func.max(a.at)).where(a.delivery_id == delivery_id))
        return _Found(self._connections.connection_of(row), outgoing, last_at, row.settings_since)


def masked_deep(value: Any, secrets: Collection[str]) -> Any:
    """``value`` with every one of ``secrets`` masked wherever it stands in its texts, however deep. Pure."""
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, MASK)
        return value
    if isinstance(value, Mapping):
        return {name: masked_deep(each, secrets) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [masked_deep(each, secrets) for each in value]
    return value


def unknown_delivery(delivery_id: str) -> Problem:
    """There is none of that id, or it is another's."""
    detail = _("There is no delivery %(delivery)s.", delivery=delivery_id)
    return Problem(ProblemType.UNKNOWN_DELIVERY, detail, (FieldError("deliveryId", _("unknown delivery")),))
