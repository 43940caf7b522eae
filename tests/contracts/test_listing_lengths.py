"""What customers are shown no more than so long of is taken no longer at any door, and each says so. Both databases."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest
import sqlalchemy as sa

from leadkeeper.offer import OfferRef
from leadkeeper.problem import ProblemType
from leadkeeper.publishing.listing import LONGEST
from leadkeeper.storage import tables as t
from tests.contracts.test_portal import home, member
from tests.in_process import DESTINATION, OFFER, Installation, Visitor
from tests.journeys.customer import Customer

__all__ = ["home", "member"]

PROPERTIES: Final = {
    "title": "microsoft-azure-marketplace.title",
    "summary": "microsoft-azure-saas.summary",
    "description": "x.LongSummary",
    "category": "categories",
    "price": "microsoft-azure-marketplace.priceLine",
}
CLOUD_PARTNER: Final = "/api/publishers/contoso/offers/crm-pro?api-version=2017-10-31"


async def stored(home: Installation) -> list[tuple[Any, ...]]:
    """What is kept of all offers."""
    v = t.offer_version.c
    query = sa.select(v.offer_ref, v.version, v.definition).order_by(v.offer_ref, v.version)
    return await home.services.storage.read(lambda conn: [tuple(row) for row in conn.execute(query)])


def says(name: str, message: str) -> None:
    """It names the limit and the length, and what to do."""
    assert f"at most {LONGEST[name]:,} characters" in message
    assert f"{LONGEST[name] + 1:,}" in message
    assert "shorten it" in message


@pytest.mark.parametrize("name", LONGEST)
async def test_the_rest_api(home: Installation, operator: Visitor, name: str) -> None:
    before = await stored(home)
    refused = (await operator.put(OFFER, {name: "x" * (LONGEST[name] + 1)})).problem(
        422, ProblemType.INVALID_REQUEST.value
    )
    assert [error["field"] for error in refused["errors"]] == [name]
    says(name, refused["errors"][0]["message"])
    says(name, refused["detail"])
    assert await stored(home) == before
    assert (await operator.put(OFFER, {name: "x" * LONGEST[name]})).status == 200


@pytest.mark.parametrize("name", LONGEST)
async def test_the_cloud_partner_api(home: Installation, operator: Visitor, name: str) -> None:
    def body(text: str) -> dict[str, Any]:
        named: object = [text, "Second"] if name == "category" else text
        offer = {PROPERTIES[name]: named, "x.calltoaction": "contact-me"}
        definition = {"displayText": "CRM", "offer": offer, "plans": []}
        return {"publisherId": "contoso", "id": "crm-pro", "offerTypeId": "saas", "definition": definition}

    before = await stored(home)
    answer = await operator.put(CLOUD_PARTNER, body("x" * (LONGEST[name] + 1)))
    text = answer.body.decode()
    assert answer.status in (400, 422), text
    assert f"definition.offer.{PROPERTIES[name]}" in text
    says(name, text)
    assert await stored(home) == before
    answer = await operator.put(CLOUD_PARTNER, body("x" * LONGEST[name]))
    assert answer.status == 200, answer.body


@pytest.mark.parametrize("name", LONGEST)
async def test_the_portal(home: Installation, member: Customer, name: str) -> None:
    page, before = await member.open("/portal/offers/contoso/crm-pro/edit"), await stored(home)
    form = page.form("title", "summary", "price")
    refused = await member.send(form, {"title": "CRM", name: "x" * (LONGEST[name] + 1)})
    assert refused.status == 422
    says(name, refused.text)
    assert await stored(home) == before
    taken = await member.send(form, {"title": "CRM", name: "x" * LONGEST[name]})
    assert taken.status == 200, taken.text
    assert await stored(home) != before


async def test_a_copy(home: Installation, member: Customer) -> None:
    page, before = await member.open("/portal/offers/contoso/crm-pro/copy"), await stored(home)
    refused = await member.send(page.form("offerId", "title"), {"offerId": "second", "title": "x" * 201})
    assert refused.status == 422
    says("title", refused.text)
    assert await stored(home) == before


async def test_what_was_stored_too_long_is_shortened_before_it_goes_live(home: Installation, operator: Visitor) -> None:
    await operator.put(f"{OFFER}/customer-leads", DESTINATION)
    definition = {"displayText": "CRM", "offer": {"x.summary": "s" * 2_001, "x.description": "d"}, "plans": []}
    update = sa.update(t.offer_version).values(definition=json.dumps(definition))
    await home.services.storage.write(lambda conn: conn.execute(update).rowcount)
    # What is changed beside it is taken: only what is sent is measured.
    assert (await operator.put(OFFER, {"price": "Free"})).status == 200
    refused = (await operator.post(f"{OFFER}/publish", {})).problem(422, ProblemType.NOT_PUBLISHABLE.value)
    assert [error["field"] for error in refused["errors"]] == ["summary"]
    assert "longer than the 2,000 characters" in refused["errors"][0]["message"]
    assert (await home.services.offers.catalogue.offer(OfferRef("contoso", "crm-pro"))).production_version is None
