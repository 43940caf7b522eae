"""Who says what must hold of an offer before it is changed is believed: else nothing is changed."""

from __future__ import annotations

from tests.in_process import Answer, Visitor

OFFERS = "/v1/publishers/contoso/offers"
BODY = {"title": "Another", "offerType": "saas"}


async def put(operator: Visitor, offer: str, **headers: str) -> Answer:
    """Put the offer's draft."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return await operator.call("PUT", f"{OFFERS}/{offer}", BODY, headers=named)


async def title(operator: Visitor, offer: str) -> str | None:
    """What the offer is called, if it is there."""
    answer = await operator.get(f"{OFFERS}/{offer}")
    return answer.json()["title"] if answer.status == 200 else None


async def test_who_means_to_create_changes_nothing_that_is_there(operator: Visitor) -> None:
    refused = (await put(operator, "crm-pro", If_None_Match="*")).problem(412, "precondition-failed")
    assert [error["field"] for error in refused["errors"]] == ["If-None-Match"]
    assert await title(operator, "crm-pro") == "Contoso CRM Pro"
    assert (await put(operator, "new", If_None_Match="*")).status == 201
    assert await title(operator, "new") == "Another"


async def test_who_means_to_change_creates_nothing(operator: Visitor) -> None:
    for tag in ("*", 'W/"1"'):
        (await put(operator, "new", If_Match=tag)).problem(412, "precondition-failed")
    assert await title(operator, "new") is None
    assert (await put(operator, "crm-pro", If_Match="*")).status == 200


async def test_what_was_read_may_be_changed_once(operator: Visitor) -> None:
    etag = (await operator.get(f"{OFFERS}/crm-pro")).headers["ETag"]
    assert (await put(operator, "crm-pro", If_Match=f'W/"900", {etag}')).status == 200
    (await put(operator, "crm-pro", If_Match=etag)).problem(412, "precondition-failed")


async def test_whoever_writes_last_wins_at_the_cloud_partner_api(operator: Visitor) -> None:
    """Its clients send ``*`` with whatever they write."""
    body = {
        "offerTypeId": "saas",
        "publisherId": "contoso",
        "id": "fresh",
        "definition": {"displayText": "Fresh", "offer": {}, "plans": []},
    }
    made = await operator.call(
        "PUT", "/api/publishers/contoso/offers/fresh?api-version=2017-10-31", body, headers={"If-Match": "*"}
    )
    assert made.status in (200, 201), made.body
