"""New leads are told of on the list, and what is read stays where it is. Both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from leadkeeper.access.permissions import Role
from leadkeeper.inbox.lists.arrivals import NOTHING_YET
from leadkeeper.inbox.lists.filter import LeadFilter
from tests.contracts.plans import work
from tests.contracts.test_lead_pages import ADA, BOB, LIST
from tests.contracts.test_live_pages import event, stream
from tests.in_process import Installation, Visitor, connected, hand_in
from tests.people import signed_in

ARRIVED = f"{LIST}/arrived"


@pytest.fixture
async def home(database_url: str) -> AsyncIterator[Installation]:
    """With a connected offer."""
    async with connected(database_url) as opened:
        yield opened


async def test_the_list_hears_of_new_leads_and_counts_those_that_fit(home: Installation, operator: Visitor) -> None:
    first = await hand_in(operator, customer=ADA, action="PLT")
    async with signed_in(home, Role.READER) as reader:
        page = await reader.open(f"{LIST}?action=PLT")
        assert first in page.html
        path = page.html.partition('sse-connect="')[2].partition('"')[0]
        form = page.form("seen")
        form.action = home.url + ARRIVED
        assert "new lead" not in (await reader.send(form, {})).text
        async with stream(reader, path) as events:
            assert events.status == 200
            await hand_in(operator, customer=BOB, action="PLT")
            assert await event(events) == "moved"
        await hand_in(operator, customer=BOB, action="INS")
        told = await reader.send(form, {})
        assert "1 new lead Show" in " ".join(told.text.split())
        searched = (await reader.open(LIST)).form("text", "sort")
        page = await reader.send(searched, {"text": "fabrikam"})
        form = page.form("seen", "text")
        assert form.values["text"] == "fabrikam"
        form.action = home.url + ARRIVED
        for customer in (ADA, BOB, BOB):
            await hand_in(operator, customer=customer)
        assert "2 new leads Show" in " ".join((await reader.send(form, {})).text.split())


async def test_another_s_leads_are_not_told_of(home: Installation, operator: Visitor) -> None:
    await operator.put("/v1/publishers/fabrikam", {"displayName": "Fabrikam"})
    async with signed_in(home, Role.OWNER, "fabrikam") as stranger:
        form = (await stranger.open(LIST)).form("seen")
        form.action = home.url + ARRIVED
        await hand_in(operator, customer=ADA)
        assert "new lead" not in (await stranger.send(form, {})).text
    arrivals = home.services.leads.arrivals
    assert (await arrivals.newest("fabrikam"), await arrivals.newest("contoso") > NOTHING_YET) == (NOTHING_YET, True)
    assert (await arrivals.since(LeadFilter("contoso"), NOTHING_YET)).count == 1


async def test_so_many_are_looked_at(home: Installation, operator: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leadkeeper.inbox.lists.arrivals.MOST", 2)
    for _ in range(3):
        await hand_in(operator, customer=ADA)
    arrived = await home.services.leads.arrivals.since(LeadFilter("contoso"), NOTHING_YET)
    assert (arrived.count, arrived.more) == (2, True)
    assert await work(home.services.storage, lambda: home.services.leads.arrivals.newest("contoso")) < 100
