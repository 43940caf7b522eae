"""Reading single leads, told to the audit: who read which lead. Every door that shows leads reads here.

The line is on disk before what was read is handed out. It holds ids and counts; nothing of the customers.
"""

from __future__ import annotations

from leadkeeper.access.audit import Audit
from leadkeeper.inbox.inbox import Inbox
from leadkeeper.inbox.listing import LeadListing, how_many
from leadkeeper.inbox.trace import Trace, Traced
from leadkeeper.lead import is_test_marker
from leadkeeper.texts import ENGLISH, Language
from leadkeeper.views import LeadPage, LeadView


class Reading(LeadListing):
    """The leads of one installation, and the lists of them. ``by`` is who reads, as the audit writes it."""

    def __init__(self, inbox: Inbox, trace: Trace, audit: Audit) -> None:
        super().__init__(inbox, audit)
        self._trace = trace

    async def lead(
        self, lead_id: str, *, by: str, publisher_id: str | None, language: Language = ENGLISH
    ) -> LeadView | None:
        """One lead whole, or ``None``; also for one that is not ``publisher_id``'s, if a publisher is named."""
        found = await self._inbox.get(lead_id, language)
        if found is None:
            return None
        if publisher_id not in (None, found.publisher_id):
            self._audit.refused(by, f"lead.read {lead_id}", publisher_id)
            return None
        await self._audit.record(by, "lead.read", lead_id, publisher_id=found.publisher_id)
        return found

    async def same_customer(self, lead: LeadView, *, by: str) -> LeadPage:
        """As ``Inbox.same_customer``, for whoever reads ``lead``."""
        page = await self._inbox.same_customer(lead.id)
        if page.leads:
            summary = f"{how_many(len(page.leads))}; of the customer of {lead.id}"
            await self._audit.record(by, "lead.list", lead.publisher_id, summary, publisher_id=lead.publisher_id)
        return page

    async def find(self, text: str, *, by: str, publisher_id: str | None, language: Language = ENGLISH) -> Traced:
        """As ``Trace.find``."""
        found = await self._trace.find(text, publisher_id, language)
        what = "a marker" if is_test_marker(text.strip().upper()) else "an address" if "@" in text else "an id"
        summary = f"{how_many(len(found.leads))}; by {what}"
        await self._audit.record(by, "lead.find", publisher_id or "*", summary, publisher_id=publisher_id)
        return found
