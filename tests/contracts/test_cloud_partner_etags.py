"""What an eTag of Cloud Partner Portal's API guards: the draft, and the lead destination that a PUT overwrites."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from leadkeeper.connections import changes
from leadkeeper.offer import OfferRef
from leadkeeper.storage import tables as t
from tests.contracts.test_cloud_partner import OFFERS, P, V, error, offer, put
from tests.contracts.test_portal import signed_in
from tests.in_process import Installation, Visitor, installation
from tests.journeys.customer import Customer

PLANNER = OfferRef("contoso", "planner")
PATH = f"{OFFERS}/planner?{V}"
ONE = "/v1/publishers/contoso/offers/planner/connections/primary"
LEADS = "/v1/publishers/contoso/offers/planner/customer-leads"


@pytest.fixture
async def home(database_url: str) -> AsyncIterator[Installation]:
    """An installation whose address is plain, so that the portal's cookies come back over plain HTTP."""
    async with installation(database_url, public_url="http://leads.example") as opened:
        yield opened


@pytest.fixture
async def publisher(home: Installation) -> Visitor:
    """The publisher itself."""
    return await home.visitor("publisher:contoso")


def posting_to(url: str) -> dict[str, Any]:
    """Properties of an offer whose leads go to an HTTPS endpoint."""
    return {P + "leadDestination": "HttpsEndpoint", P + "httpsEndpointLeadConfiguration": {"httpsEndpointUri": url}}


async def by_customer_leads(home: Installation) -> None:
    """A colleague changes the lead destination with the REST API."""
    settings = {"httpsEndpointUrl": "https://new.example/"}
    body = {"leadDestination": "httpsEndpoint", "httpsEndpointLeadConfiguration": settings}
    answer = await (await home.visitor("publisher:contoso")).put(LEADS, body)
    assert answer.status in (200, 202), answer.body


async def by_ingestion(home: Installation) -> None:
    """A colleague changes it with the ingestion API."""
    body = {"resourceType": "HttpsEndpointLeadConfiguration", "httpsEndpointUri": "https://new.example/"}
    path = "/v1.0/ingestion/products/contoso.planner/leadconfiguration"
    answer = await (await home.visitor("publisher:contoso")).post(path, body)
    assert answer.status == 200, answer.body


async def by_the_portal(home: Installation) -> None:
    """A colleague changes it on the connection's page."""
    async with Customer(home.url) as member:
        await signed_in(home, member, "publisher:contoso")
        page = await member.open("/portal/offers/contoso/planner/connections/primary/edit")
        page = await member.send(page.form("httpsEndpointUrl"), {"httpsEndpointUrl": "https://new.example/"})
        assert page.status == 200, page.text


async def by_its_removal(home: Installation) -> None:
    """A colleague takes it away."""
    answer = await (await home.visitor("publisher:contoso")).put(LEADS, {"leadDestination": "none"})
    assert answer.status == 200, answer.body


@pytest.mark.parametrize("change", [by_customer_leads, by_ingestion, by_the_portal, by_its_removal])
async def test_an_etag_guards_the_lead_destination_too(
    home: Installation, publisher: Visitor, change: Callable[[Installation], Awaitable[None]]
) -> None:
    await put(publisher, offer(posting_to("https://old.example/?code=very-secret")))
    read = (await publisher.get(PATH)).json()
    await change(home)
    between = (await publisher.get(LEADS)).json()
    assert (await publisher.get(PATH)).json()["eTag"] != read["eTag"]
    old = offer(posting_to("https://old.example/?code=very-secret") | {P + "summary": "Plans, kept better."})
    error(await publisher.call("PUT", PATH, old, headers={"If-Match": read["eTag"]}), 412, "PreconditionFailed")
    assert (await publisher.get(LEADS)).json() == between
    for headers in ({"If-Match": "*"}, {}):
        answer = await publisher.call("PUT", PATH, old, headers=headers)
        assert answer.status == 200, answer.body


async def test_an_etag_is_the_same_in_every_answer_and_good_for_the_next_change(
    home: Installation, publisher: Visitor
) -> None:
    tags = [(await put(publisher, offer()))["eTag"]]
    for url in ("https://one.example/?code=very-secret", "https://two.example/?code=very-secret"):
        answer = await publisher.call("PUT", PATH, offer(posting_to(url)), headers={"If-Match": tags[-1]})
        assert answer.status == 200, answer.body
        tags.append(answer.json()["eTag"])
        for place in ("", "/slot/Draft", "/versions/1"):
            assert (await publisher.get(f"{OFFERS}/planner{place}?{V}")).json()["eTag"] == tags[-1]
    assert len({*tags}) == 3
    draft = (await publisher.get("/v1/publishers/contoso/offers/planner")).headers["ETag"]
    assert draft not in tags, "the REST API's says that the draft is the same, and no more"
    before = (await publisher.get(LEADS)).json()
    for old in (draft, 'W/"3"', "3"):
        error(await publisher.call("PUT", PATH, offer(), headers={"If-Match": old}), 412, "PreconditionFailed")
    assert (await publisher.get(LEADS)).json() == before


async def test_an_etag_stays_whatever_becomes_of_leads(home: Installation, publisher: Visitor) -> None:
    tag = (await put(publisher, offer(posting_to("https://one.example/?code=very-secret"))))["eTag"]
    for act in ("pause", "resume"):
        assert (await publisher.post(f"{ONE}/{act}")).status == 200
        assert (await publisher.get(PATH)).json()["eTag"] == tag
    health = {"failures": 3, "tried": True, "proven": True, "generation": 90, "changed_at": 90, "diagnosis": "{}"}
    await home.services.storage.write(lambda conn: conn.execute(t.connection.update().values(**health)))
    assert (await publisher.get(PATH)).json()["eTag"] == tag
    assert (await publisher.call("PUT", PATH, offer(), headers={"If-Match": tag})).status == 200


async def test_an_etag_tells_new_settings_once_and_not_again_when_they_are_proven(
    home: Installation, publisher: Visitor
) -> None:
    storage, connections = home.services.storage, home.services.connections
    first = (await put(publisher, offer(posting_to("https://old.example/?code=very-secret"))))["eTag"]
    # A published offer with a connection that works: new settings wait for a test lead.
    await storage.write(lambda conn: conn.execute(t.offer.update().values(live=True, production_version=1)))
    await storage.write(lambda conn: conn.execute(t.connection.update().values(tried=True)))
    assert (await publisher.get(PATH)).json()["eTag"] == first
    await by_customer_leads(home)
    waiting = (await publisher.get(PATH)).json()["eTag"]
    assert waiting != first
    assert (await publisher.delete(f"{ONE}/change")).status == 204
    assert (await publisher.get(PATH)).json()["eTag"] == first
    await by_customer_leads(home)
    waiting = (await publisher.get(PATH)).json()["eTag"]
    connection = await connections.get(PLANNER, "primary")
    assert connection is not None
    assert connection.change is not None
    assert await storage.write(changes.promote_change, connection.id, connection.change, 1, 1)
    assert (await publisher.get(PATH)).json()["eTag"] == waiting
    body = offer({P + "summary": "Plans, kept better."})
    assert (await publisher.call("PUT", PATH, body, headers={"If-Match": waiting})).status == 200
