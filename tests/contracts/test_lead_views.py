"""Saved views over REST: the same that the page of leads has, in the words of ``GET /v1/leads``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final
from urllib.parse import parse_qsl

import pytest

from leadkeeper.access.permissions import Role
from leadkeeper.doors.api.lead_views import ViewFilters
from leadkeeper.doors.portal.leads.choice import chosen
from tests.contracts.test_lead_pages import LIST
from tests.in_process import NOWHERE, Installation, Visitor, connected
from tests.people import signed_in

VIEWS: Final = "/v1/leads/views"
EVERY: Final[dict[str, Any]] = {
    "publisherId": "contoso",
    "offerId": "crm-pro",
    "state": "attention",
    "source": "AzureMarketplace",
    "action": "DNC",
    "test": True,
    "country": "PT",
    "destination": "salesforce",
    "followUp": "overdue",
    "owner": NOWHERE,
    "withheld": False,
    "since": "2026-11-01T00:00:00Z",
    "until": "2026-12-01T00:00:00Z",
    "sort": "-customer",
}


@pytest.fixture
async def home(database_url: str) -> AsyncIterator[Installation]:
    """With a connected offer."""
    async with connected(database_url) as opened:
        yield opened


@pytest.mark.parametrize(
    "given", [EVERY, {"test": False}, {}, {"owner": "nobody"}, *({name: each} for name, each in EVERY.items())], ids=str
)
def test_filters_come_back_out_of_the_page_s_address(given: dict[str, Any]) -> None:
    filters = ViewFilters.model_validate(given)
    assert ViewFilters.of(filters.query()) == filters
    choice = chosen(dict(parse_qsl(filters.query())))
    asked = choice.filters(None, None, 0)
    assert asked == filters.filters(filters.publisher_id), "the page asks the inbox for the same"


def test_whole_days_are_kept() -> None:
    kept = ViewFilters.model_validate({"since": "2026-11-01T08:00:00+09:00", "until": "2026-11-02T08:00:00Z"}).query()
    assert kept == "test=all&since=2026-10-31&until=2026-11-02"
    for moment in ("0001-01-01T00:00:00+09:00", "9999-12-31T23:59:59-09:00"):
        query = ViewFilters.model_validate({"since": moment, "until": moment}).query()
        assert ViewFilters.of(query).query() in (query, query.partition("&until")[0])


def test_every_filter_of_the_api_is_kept() -> None:
    assert {each.alias or name for name, each in ViewFilters.model_fields.items()} == set(EVERY)


async def test_page_and_api_share_views(home: Installation, operator: Visitor) -> None:
    key = await home.visitor("publisher:contoso")
    async with signed_in(home, Role.CONTRIBUTOR) as seller:
        page = await seller.open(f"{LIST}?country=PT&follow=new&until=2026-11-30")
        form = next(each for each in page.forms if each.action.endswith("/views"))
        await seller.send(form, {"name": "New in Portugal"}, "shared")
        (seen,) = (await key.get(VIEWS)).json()["views"]
        assert (seen["name"], seen["shared"], seen["own"]) == ("New in Portugal", True, False)
        kept = {name: each for name, each in seen["filters"].items() if each is not None}
        assert kept == {"country": "PT", "followUp": "new", "test": False, "until": "2026-12-01T00:00:00Z"}
        made = await key.post(VIEWS, {"name": "Held", "shared": True, "filters": {"state": "held", "test": False}})
        assert made.status == 200, made.body
        assert "/portal/leads?state=held" in (await seller.open(LIST)).html
        assert (await key.call("DELETE", f"{VIEWS}/{made.json()['id']}")).status == 204
        (await key.call("DELETE", f"{VIEWS}/{made.json()['id']}")).problem(404, "not-found")
    assert (await operator.get(VIEWS)).json()["views"] == []
    assert len((await operator.get(f"{VIEWS}?publisherId=contoso")).json()["views"]) == 1


async def test_what_may_not_be_kept_is_refused(home: Installation, operator: Visitor) -> None:
    for filters in ({"email": "ada@contoso.example"}, {"text": "ada"}):
        (await operator.post(VIEWS, {"name": "A", "filters": filters})).problem(422, "invalid-request")
    await operator.put("/v1/publishers/fabrikam", {"displayName": "Fabrikam"})
    made = await operator.post(VIEWS, {"name": "A", "shared": True, "filters": {}, "publisherId": "contoso"})
    assert made.status == 200
    stranger = await home.visitor("publisher:fabrikam")
    assert (await stranger.get(VIEWS)).json()["views"] == []
    (await stranger.get(f"{VIEWS}?publisherId=contoso")).problem(403, "forbidden")
    (await stranger.call("DELETE", f"{VIEWS}/{made.json()['id']}")).problem(404, "not-found")
    reader = await home.visitor("reader:contoso")
    assert len((await reader.get(VIEWS)).json()["views"]) == 1
    (await reader.post(VIEWS, {"name": "B", "filters": {}})).problem(403, "forbidden")
