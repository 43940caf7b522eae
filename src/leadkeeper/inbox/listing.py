"""Lists of leads, told to the audit: who read which list. Every door that lists leads reads here.

The line is on disk before what was read is handed out, one line however long the list is. It holds ids, counts and the
names of filters; nothing of the customers. What is told of one lead is in ``reading``, which needs every destination's
diagnoses: a list needs none of them.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import asdict, replace
from typing import Final

from leadkeeper.access.audit import Audit
from leadkeeper.inbox.inbox import Inbox
from leadkeeper.inbox.lists.filter import MOST, LeadFilter
from leadkeeper.inbox.lists.total import LeadTotal
from leadkeeper.offer import OFFER_ID
from leadkeeper.views import LeadPage, LeadSummary

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


class LeadListing:
    """The lists of one installation, as people read them. ``by`` is who reads, as the audit writes it."""

    def __init__(self, inbox: Inbox, audit: Audit) -> None:
        self._inbox = inbox
        self._audit = audit

    async def leads(
        self, filters: LeadFilter, cursor: str | None = None, limit: int = 50, *, by: str, newer: bool = False
    ) -> LeadPage:
        """As ``Inbox.list``."""
        page = await self._inbox.list(filters, cursor, limit, newer=newer)
        summary = [how_many(len(page.leads)), *_filters(filters)]
        if page.leads:
            summary.insert(1, f"{page.leads[0].id} to {page.leads[-1].id}")
        whose = filters.publisher_id
        await self._audit.record(by, "lead.list", whose or "*", "; ".join(summary), publisher_id=whose)
        return page

    async def beside(self, filters: LeadFilter, lead_id: str) -> tuple[str | None, str | None]:
        """The ids of the leads before and behind a lead, or behind its place, in the list that ``filters`` choose.

        Ids alone say nothing of a customer, so the audit need not hear of it.
        """
        before = await self._inbox.list(filters, lead_id, 1, newer=True)
        behind = await self._inbox.list(filters, lead_id, 1)
        return before.leads[0].id if before.leads else None, behind.leads[0].id if behind.leads else None

    async def counts(self, publisher_id: str | None, offer_id: str | None) -> dict[str, int]:
        """As ``Inbox.counts``; numbers alone, so the audit need not hear of it."""
        return await self._inbox.counts(LeadFilter(publisher_id, offer_id))

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


def how_many(count: int) -> str:
    """``count`` leads, as the audit writes it."""
    return f"{count} lead{'' if count == 1 else 's'}"


def _filters(filters: LeadFilter) -> list[str]:
    given = {name: value for name, value in asdict(filters).items() if value is not None}
    summary = [
        f"{shown}={given[name]}" for name, shown in _SUMMARY.items() if re.match(OFFER_ID, str(given.get(name, "")))
    ]
    return summary + [shown for name, shown in _NAMES.items() if name in given]
