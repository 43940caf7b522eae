"""Leads of an installation elsewhere: listed, and acted on many at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from leadkeeper.doors.cli.failing import Failed
from leadkeeper.doors.cli.leads.filters import rest_words
from leadkeeper.inbox.lists.filter import MOST
from leadkeeper.texts import lazy_gettext
from leadkeeper.views import BulkOutcome, BulkResult, LeadPage, LeadView

if TYPE_CHECKING:
    from leadkeeper.doors.cli.leads.progress import LeadBar
    from leadkeeper.doors.cli.remote.client import Remote
    from leadkeeper.inbox.lists.filter import LeadFilter
    from leadkeeper.inbox.lists.selection import Order


async def list_leads(remote: Remote, filters: LeadFilter, cursor: str | None, limit: int) -> LeadPage:
    """A page of those that fit. A customer's address goes in a body, since a URL stands in logs."""
    wanted = rest_words(filters) | {"cursor": cursor, "limit": limit}
    if filters.email is None and filters.text is None:
        return await remote.get("/v1/leads", LeadPage, wanted)
    whom = {name: text for name, text in (("email", filters.email), ("text", filters.text)) if text is not None}
    given = {name: value for name, value in wanted.items() if value is not None}
    return await remote.post("/v1/leads/find", LeadPage, given | whom)


async def read_lead(remote: Remote, lead_id: str) -> LeadView | None:
    """One lead whole, or ``None`` where there is none of this id."""
    return await remote.find(f"/v1/leads/{quote(lead_id, safe='')}", LeadView)


async def act_on_leads(
    remote: Remote,
    ids: Sequence[str],
    filters: LeadFilter | None,
    order: Order,
    publisher_id: str | None,
    *,
    dry_run: bool,
    bar: LeadBar,
) -> BulkResult:
    """Do ``order`` to the leads that are named by ``ids``, else to all that fit ``filters``; ``bar`` shows how far.

    Raises :class:`Failed` for ids beside a publisher: the API acts on ids whosever they are.
    """
    if filters is None and publisher_id is not None:
        raise Failed(lazy_gettext("Name leads, or choose them by --publisher or --offer: at --url not both."))
    body: dict[str, Any] = {"act": order.act.value, "dryRun": dry_run, "uncertain": order.uncertain}
    if order.owner_id:
        body["owner"] = order.owner_id
    if order.state:
        body |= {"state": order.state, "reason": order.reason}
    outcomes: list[BulkOutcome] = []
    bar.begin(len(ids) if filters is None else None)
    async for some in _portions(remote, ids, filters):
        done = await remote.post("/v1/leads/bulk", BulkResult, body | {"leadIds": list(some)})
        outcomes += done.outcomes
        bar.advance(len(some))
    return BulkResult(dry_run=dry_run, outcomes=tuple(outcomes))


async def _portions(remote: Remote, ids: Sequence[str], filters: LeadFilter | None) -> AsyncIterator[Sequence[str]]:
    """Ids, as many at a time as one call takes."""
    if filters is None:
        for at in range(0, len(ids), MOST):
            yield ids[at : at + MOST]
        return
    cursor: str | None = None
    while True:
        page = await list_leads(remote, filters, cursor, MOST)
        if page.leads:
            yield [each.id for each in page.leads]
        cursor = page.next_cursor
        if cursor is None:
            return
