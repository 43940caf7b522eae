"""Self-hosters have internal names: every field for an e-mail address takes them, no field for a URL leads inside.

Where a URL leads is looked at before anything is sent, unless it cannot be the vendor's: then it is refused as entered.
"""

from __future__ import annotations

from typing import Any, Final

import pytest

from leadkeeper.doors.storefront.form import CONSENT, read_form
from tests.in_process import DESTINATION, ENDPOINT, OFFER, Installation, Visitor, installation, lead

DATABASES = ("sqlite",)
"""Fields are checked before a database is asked: what they take does not depend on it."""

INTERNAL: Final = ("ops@corp.local", "root@localhost", "ops@mail.test", "ops@bücher.example")
NONE: Final = ("ops", "ops@", "@corp.local", "a b@corp.local")
BODY: Final = {
    "title": "Contoso CRM Pro",
    "offerType": "saas",
    "summary": "Kept.",
    "description": "A CRM.",
    "callsToAction": ["contactMe"],
}
FORM: Final = {
    "firstName": "Ada",
    "lastName": "King",
    "company": "Analytical",
    "country": "GB",
    CONSENT: "yes",
}
INSIDE: Final = ("10.0.0.7", "127.0.0.1", "localhost", "169.254.169.254", "[::1]", "[::ffff:10.0.0.7]")
ENTRA: Final = {
    "authentication": "azureAD",
    "applicationId": "9f8e7d6c-0000-4000-8000-000000000002",
    "applicationKey": "secret",
    "directoryId": "3c1d2b4a-0000-4000-8000-000000000001",
}
KEY: Final = "AccountName=contosoleads;AccountKey=c2VjcmV0"
URLS: Final[dict[str, tuple[str, str, dict[str, Any]]]] = {
    "httpsEndpointUrl": ("httpsEndpoint", "https://{}/leads", {}),
    "instanceUrl": ("dynamics", "https://{}", ENTRA),
    "webToLeadHost": ("salesforce", "{}", {"objectIdentifier": "00D58000000JmlM"}),
    "myDomainUrl": (
        "salesforce",
        "https://{}",
        {"objectIdentifier": "00D58000000JmlM", "clientId": "a", "clientSecret": "b", "externalIdField": "Id__c"},
    ),
    "TableEndpoint": ("table", f"DefaultEndpointsProtocol=https;{KEY};TableEndpoint=https://{{}}/contosoleads", {}),
    "BlobEndpoint": ("blob", f"DefaultEndpointsProtocol=https;{KEY};BlobEndpoint=https://{{}}/contosoleads", {}),
    "serverId": ("marketo", "{}", {"munchkinId": "123-PQR-789", "formId": "1179"}),
    "munchkinId": ("marketo", "{}", {"serverId": "ys12", "formId": "1179"}),
}
"""Every field of a connection that says where leads go: its destination, how an address stands in it, and the rest."""


async def opened(home: Installation) -> Visitor:
    operator = await home.visitor("operator")
    assert (await operator.put("/v1/publishers/contoso", {"displayName": "Contoso"})).status in (200, 201)
    assert (await operator.put(OFFER, BODY)).status in (200, 201)
    return operator


def contacts(email: str) -> dict[str, Any]:
    """A connection whose notices go there."""
    return DESTINATION | {"httpsEndpointLeadConfiguration": ENDPOINT | {"contactEmail": [email]}}


async def entered(operator: Visitor, email: str) -> dict[str, int]:
    """The address in every field that takes one over HTTP; what each answered."""
    made = {
        "customer-leads": await operator.put(f"{OFFER}/customer-leads", contacts(email)),
        "connection": await operator.put(f"{OFFER}/connections/second", contacts(email)),
        "e-mail notice": await operator.put(
            f"{OFFER}/connections/mail",
            {"leadDestination": "email", "emailLeadConfiguration": {"contactEmail": [email]}},
        ),
        "publishing": await operator.post(f"{OFFER}/publish", {"notificationEmails": [email]}),
    }
    await operator.post(f"{OFFER}/cancel")
    partner = "/api/publishers/contoso/offers/crm-pro/publish?api-version=2017-10-31"
    made["partner API"] = await operator.post(partner, {"metadata": {"notification-emails": email}})
    await operator.post(f"{OFFER}/cancel")
    made["customer"] = await operator.post("/v1/leads", lead(customer={"email": email}))
    return {field: answer.status for field, answer in made.items()}


@pytest.mark.parametrize("email", INTERNAL)
async def test_every_field_takes_internal_names(database_url: str, email: str) -> None:
    async with installation(database_url) as home:
        statuses = await entered(await opened(home), email)
    assert {field: status for field, status in statuses.items() if status not in (200, 201, 202)} == {}


@pytest.mark.parametrize("email", NONE)
async def test_no_field_takes_what_is_no_address(database_url: str, email: str) -> None:
    async with installation(database_url) as home:
        statuses = await entered(await opened(home), email)
    statuses.pop("customer")  # a customer's lead is kept, with a note, as long as it holds one @
    assert {field: status for field, status in statuses.items() if status not in (400, 422)} == {}


@pytest.mark.parametrize("email", INTERNAL)
def test_a_customer_s_internal_address_is_taken_by_the_storefront_s_form_too(email: str) -> None:
    """As at every other door."""
    assert "email" not in read_form(FORM | {"email": email}).errors


@pytest.mark.parametrize("email", [*NONE, "a@b@corp.local", ""])
def test_what_is_no_address_is_not_taken_by_the_form(email: str) -> None:
    assert "email" in read_form(FORM | {"email": email}).errors


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("field", URLS)
async def test_no_field_for_an_address_leads_inside(database_url: str, field: str) -> None:
    to, pattern, more = URLS[field]
    name = "storageAccountConnectionString" if field.endswith("Endpoint") else field
    async with installation(database_url) as home:
        operator = await opened(home)
        for host in INSIDE:
            settings = more | {name: pattern.format(host)} | ({"containerName": "leads"} if to == "blob" else {})
            path = f"{OFFER}/connections/inside"
            put = await operator.put(path, {"leadDestination": to, f"{to}LeadConfiguration": settings})
            if put.status == 422:
                assert name in str(put.problem(422, "invalid-request")["errors"]), put.body
                assert host not in put.body.decode(), "the address itself is not repeated"
            elif to == "marketo":
                assert put.json()["host"].endswith(".marketo.com"), "a name of Marketo's own"
            else:
                found = (await operator.post(f"{path}/validate")).json()
                assert found["ok"] is False
                assert found["diagnosis"]["kind"] in ("addressRefused", "dynamicsAddressWrong"), found
