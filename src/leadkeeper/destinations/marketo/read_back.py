"""Which people are still there: asked by Marketo's ids, up to 300 in one call.

A person that is not found was deleted or merged into another. Marketo lists deletions of the last 14 days, and no
merges among them. Source: ``docs/reference/vendors/marketo.md#reading-people-back``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from leadkeeper.destinations.interface import Presence, SentRecord
from leadkeeper.destinations.marketo.errors import FailedRecord

FIND_BATCH: Final = 300
LISTED_DAYS: Final = 13
"""For how many days after it came a lead's deletion is sure to be listed."""
_PAGES: Final = 40
"""How many pages of 300 deletions are read at most."""

Read = Callable[[str], Awaitable[dict[str, Any] | FailedRecord]]
"""Reads a path below the host: the whole answer, or why there is none."""


async def find_people(read: Read, sent: Sequence[SentRecord], now: float) -> Sequence[Presence] | FailedRecord:
    """What became of each lead's person, in order."""
    ids = list(dict.fromkeys(each.receipt.remote_id for each in sent if each.receipt.remote_id))
    if not ids:
        return [Presence.UNKNOWN] * len(sent)
    query = urlencode({"filterType": "id", "filterValues": ",".join(ids), "fields": "id"})
    answer = await read(f"/rest/v1/leads.json?{query}")
    if isinstance(answer, FailedRecord):
        return answer
    people = answer.get("result")
    there = {str(each.get("id")) for each in people if isinstance(each, dict)} if isinstance(people, list) else set()
    lost = [each for each in sent if each.receipt.remote_id not in there]
    deleted: set[str] | None = set()
    if lost:
        found = await _deleted(read, min(each.lead.created_at for each in lost))
        if isinstance(found, FailedRecord):
            return found
        deleted = found
    oldest = datetime.fromtimestamp(now, UTC) - timedelta(days=LISTED_DAYS)
    return [Presence.THERE if each.receipt.remote_id in there else _lost(each, deleted, oldest) for each in sent]


def _lost(each: SentRecord, deleted: set[str] | None, oldest: datetime) -> Presence:
    if deleted is not None and each.receipt.remote_id in deleted:
        return Presence.MISSING
    certain = deleted is not None and each.receipt.remote_id is not None and each.lead.created_at >= oldest
    return Presence.MERGED if certain else Presence.UNKNOWN


async def _deleted(read: Read, since: datetime) -> set[str] | FailedRecord | None:
    """The ids of those that were deleted since then; ``None`` when they are too many to be read."""
    begin = await read(f"/rest/v1/activities/pagingtoken.json?sinceDatetime={since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}")
    found: set[str] = set()
    for _ in range(_PAGES):
        if isinstance(begin, FailedRecord):
            return begin
        query = urlencode({"nextPageToken": str(begin.get("nextPageToken"))})
        page = await read(f"/rest/v1/activities/deletedleads.json?{query}")
        if isinstance(page, FailedRecord):
            return page
        rows = page.get("result")
        found |= (
            {str(each.get("leadId")) for each in rows if isinstance(each, dict)} if isinstance(rows, list) else set()
        )
        if page.get("moreResult") is not True:
            return found
        begin = page
    return None
