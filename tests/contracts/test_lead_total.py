"""How many leads a download will hold: counted, told as about so many, or not told. On both databases."""

from __future__ import annotations

import pytest

from leadkeeper.inbox.lists.filter import LeadFilter
from leadkeeper.inbox.lists.total import LeadTotal
from tests.in_process import connected, hand_in


async def test_a_total_is_counted_about_or_unknown(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with connected(database_url) as home:
        operator = await home.visitor("operator")
        for number in range(12):
            await hand_in(operator, action="PLT" if number % 3 else "INS")
        inbox = home.services.leads.inbox
        for filters, count in (
            (LeadFilter(), 12),
            (LeadFilter("contoso", test=False), 12),
            (LeadFilter("contoso", action="INS"), 4),
            (LeadFilter("contoso", state="pending", action="PLT"), 8),
            (LeadFilter("fabrikam"), 0),
        ):
            assert await inbox.total(filters) == LeadTotal(count), filters
        assert await inbox.total(LeadFilter("contoso", text="ada")) is None
        assert await inbox.total(LeadFilter(destination="salesforce")) is None
        monkeypatch.setattr("leadkeeper.inbox.lists.total.COUNTED_WHOLE", 5)
        found = await inbox.total(LeadFilter("contoso"))
        assert found is not None
        assert found.about
        assert found.leads > 5
