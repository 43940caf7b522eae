"""Reading leads, told to the audit: who read which lead or which list. Every door that shows leads reads here.

The line is on disk before what was read is handed out, one line however long the list is. It holds ids, counts and the
names of filters; nothing of the customers.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import asdict, replace
from typing import Final

from leadkeeper.access.audit import Audit
from leadkeeper.inbox.inbox import MOST, Inbox, LeadFilter
from leadkeeper.inbox.lists.total import LeadTotal
from leadkeeper.inbox.trace import Trace, Traced
from leadkeeper.lead import is_test_marker
from leadkeeper.offer import OFFER_ID
from leadkeeper.texts import ENGLISH, Language
from leadkeeper.views import LeadPage, LeadSummary, LeadView

_SUMMARY: Final = {"offer_id": "offerId", "state": "state", "test": "test"}
"""Filters whose values may stand in the audit; of the others (a customer's address) only that they were used."""
_NAMES: dict[str, str] = {
    "source": "source",
    "action": "action",
    "email": "email",
    "since_ms": "since",
    "until_ms": "until",
}
_NAMES |= {"country": "country", "destination": "destination", "follow_up": "followUp", "owner_id": "owner"}
_NAMES |= {"withheld": "withheld", "text": "text"}


class Reading:
    """The leads of one installation, as people read them. ``by`` is who reads, as the audit writes it."""

    def __init__(self, inbox: Inbox, trace: Trace, audit: Audit) -> None:
        self._inbox = inbox
        self._trace = trace
        self._audit = audit

    async def leads(
        self, filters: LeadFilter, cursor: str | None = None, limit: int = 50, *, by: str, newer: bool = False
    ) -> LeadPage:
        """As ``Inbox.list``."""
        page = await self._inbox.list(filters, cursor, limit, newer=newer)
        summary = [_counted(len(page.leads)), *_filters(filters)]
        if page.leads:
            summary.insert(1, f"{page.leads[0].id} to {page.leads[-1].id}")
        whose = filters.publisher_id
        await self._audit.record(by, "lead.list", whose or "*", "; ".join(summary), publisher_id=whose)
        return page

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

    async def beside(self, filters: LeadFilter, lead_id: str) -> tuple[str | None, str | None]:
        """The ids of the leads before and behind a lead in the list that ``filters`` choose.

        Ids alone say nothing of a customer, so the audit need not hear of it.
        """
        before = await self._inbox.list(filters, lead_id, 1, newer=True)
        behind = await self._inbox.list(filters, lead_id, 1)
        found = [page.leads[0].id if page.leads else None for page in (before, behind)]
        # In the order of a column, a lead that does not stand in it is at the beginning: beside it is none.
        return (None, None) if found[0] == found[1] else (found[0], found[1])

    async def counts(self, publisher_id: str | None, offer_id: str | None) -> dict[str, int]:
        """As ``Inbox.counts``; numbers alone, so the audit need not hear of it."""
        return await self._inbox.counts(LeadFilter(publisher_id, offer_id))

    async def same_customer(self, lead: LeadView, *, by: str) -> LeadPage:
        """As ``Inbox.same_customer``, for whoever reads ``lead``."""
        page = await self._inbox.same_customer(lead.id)
        if page.leads:
            summary = f"{_counted(len(page.leads))}; of the customer of {lead.id}"
            await self._audit.record(by, "lead.list", lead.publisher_id, summary, publisher_id=lead.publisher_id)
        return page

    async def export(self, filters: LeadFilter, *, by: str) -> AsyncIterator[LeadSummary]:
        """Every lead that fits, newest first, a page at a time; who takes them stands in the audit before the first."""
        whose = filters.publisher_id
        await self._audit.record(by, "lead.export", whose or "*", "; ".join(_filters(filters)), publisher_id=whose)
        cursor, filters = None, replace(filters, sort=None)  # all of them, not those that a page puts in order
        while True:
            page = await self._inbox.list(filters, cursor, MOST)
            for lead in page.leads:
                yield lead
            cursor = page.next_cursor
            if cursor is None:
                return

    async def total(self, filters: LeadFilter) -> LeadTotal | None:
        """As ``Inbox.total``; a number alone, so the audit need not hear of it."""
        return await self._inbox.total(filters)

    async def find(self, text: str, *, by: str, publisher_id: str | None, language: Language = ENGLISH) -> Traced:
        """As ``Trace.find``."""
        found = await self._trace.find(text, publisher_id, language)
        what = "a marker" if is_test_marker(text.strip().upper()) else "an address" if "@" in text else "an id"
        summary = f"{_counted(len(found.leads))}; by {what}"
        await self._audit.record(by, "lead.find", publisher_id or "*", summary, publisher_id=publisher_id)
        return found


def _counted(count: int) -> str:
    return f"{count} lead{'' if count == 1 else 's'}"


def _filters(filters: LeadFilter) -> list[str]:
    given = {name: value for name, value in asdict(filters).items() if value is not None}
    summary = [
        f"{shown}={given[name]}" for name, shown in _SUMMARY.items() if re.match(OFFER_ID, str(given.get(name, "")))
    ]
    return summary + [shown for name, shown in _NAMES.items() if name in given]
