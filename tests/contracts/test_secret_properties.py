"""What looks like a secret is refused wherever a definition has no place for it: it would stand there in clear."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
import sqlalchemy as sa

from leadkeeper.storage import tables as t
from tests.in_process import Installation, Visitor

DATABASES = ("sqlite",)
"""What is refused is refused before a database is asked, and what is taken is kept as any other definition."""

P = "microsoft-azure-marketplace."
PATH = "/api/publishers/contoso/offers/planner?api-version=2017-10-31"
STORAGE_KEY = base64.b64encode(bytes(range(64))).decode()
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJlc2lnbmF0dXJl"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n-----END RSA PRIVATE KEY-----"
CONNECTION = f"DefaultEndpointsProtocol=https;AccountName=contosoleads;AccountKey={STORAGE_KEY};"
SAS = "https://x.blob.core.windows.net/v/a.vhd?sv=2020-08-04&se=2030&sig=dGhpcyBpcyBhIHNpZ25hdHVyZSBvZiBvdXJz"
HIDDEN = "hunter2hunter2"

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a property of the offer": ({"offer": {P + "accountKey": HIDDEN}}, f"definition.offer.{P}accountKey"),
    "an object of the offer": (
        {"offer": {"x.leadStore": {"connectionString": HIDDEN}}},
        "definition.offer.x.leadStore.connectionString",
    ),
    "a plan": ({"plans": [{"planId": "basic", "clientSecret": HIDDEN}]}, "definition.plans.0.clientSecret"),
    "beside offer and plans": ({"notes": {"password": HIDDEN}}, "definition.notes.password"),
    "a list within": (
        {"offer": {"x.keys": [{"deep": [{"sharedAccessKey": HIDDEN}]}]}},
        "definition.offer.x.keys.0.deep.0.sharedAccessKey",
    ),
    "by snake case": ({"offer": {"x.client_secret": HIDDEN}}, "definition.offer.x.client_secret"),
    "below its name": ({"offer": {"x.secret": {"value": HIDDEN}}}, "definition.offer.x.secret.value"),
    "by a word at its end": ({"offer": {"x.adminPassword": HIDDEN}}, "definition.offer.x.adminPassword"),
    "a token": ({"offer": {"x.token": HIDDEN}}, "definition.offer.x.token"),
    "a connection string": ({"offer": {P + "description": CONNECTION}}, f"definition.offer.{P}description"),
    "a SAS": ({"offer": {"x.image": SAS}}, "definition.offer.x.image"),
    "a storage key": ({"offer": {"x.primary": STORAGE_KEY}}, "definition.offer.x.primary"),
    "a private key": ({"plans": [{"certificate": PEM}]}, "definition.plans.0.certificate"),
    "a JWT": ({"offer": {"x.note": f"use {JWT} to call"}}, "definition.offer.x.note"),
    "in its title": ({"displayText": JWT}, "definition.displayText"),
}
TAKEN: dict[str, dict[str, Any]] = {
    "words about passwords": {
        "offer": {P + "description": "Resets a forgotten password; stores secrets and tokens. accountKey is yours."}
    },
    "names that only hold such a word": {
        "offer": {"x.passwordPolicy": "strong", "x.tokenizer": "fast", "x.secretary": "yes", "x.keyBenefits": "many"}
    },
    "flags and numbers": {"offer": {"x.password": False, "x.token": None, "x.secret": "", "x.maxToken": 5}},
    "an address with a parameter": {"offer": {"x.site": "https://contoso.example/?sig=short&x=1"}},
    "base64 of something else": {"offer": {"x.picture": base64.b64encode(b"\x89PNG" * 40).decode()}},
    "a certificate": {"offer": {"x.cert": "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"}},
}


def offer(definition: dict[str, Any]) -> dict[str, Any]:
    """An offer as a client sends it."""
    properties = {P + "summary": "Plans.", P + "callToAction": "contact-me"} | definition.get("offer", {})
    whole = {"displayText": "Planner", "plans": []} | definition | {"offer": properties}
    return {"publisherId": "contoso", "offerTypeId": "saas", "id": "planner", "definition": whole}


@pytest.fixture
async def publisher(home: Installation) -> Visitor:
    """The publisher itself."""
    return await home.visitor("publisher:contoso")


async def stored(home: Installation) -> str:
    """All definitions as they are stored."""
    query = sa.select(t.offer_version.c.definition)
    return "\n".join(await home.services.storage.read(lambda conn: [*conn.scalars(query)]))


@pytest.mark.parametrize("case", REFUSED)
async def test_it_is_refused_by_its_place_and_not_kept(home: Installation, publisher: Visitor, case: str) -> None:
    definition, place = REFUSED[case]
    answer = await publisher.put(PATH, offer(definition))
    assert answer.status == 400, answer.body
    error = answer.json()["error"]
    assert [detail["code"] for detail in error["details"]] == [place]
    assert "LeadConfiguration" in error["message"], "the remedy"
    summary = answer.body.decode()
    for secret in (HIDDEN, STORAGE_KEY, JWT, "MIIEpAIBAAKCAQEA", "dGhpcyBp"):
        assert secret not in summary
        assert secret not in await stored(home)


@pytest.mark.parametrize("case", TAKEN)
async def test_what_only_speaks_of_secrets_is_taken(publisher: Visitor, case: str) -> None:
    answer = await publisher.put(PATH, offer(TAKEN[case]))
    assert answer.status == 200, answer.body


async def test_in_its_place_a_secret_is_taken_and_sealed(home: Installation, publisher: Visitor) -> None:
    properties = {P + "leadDestination": "AzureTable", P + "tableLeadConfiguration": {"connectionString": CONNECTION}}
    answer = await publisher.put(PATH, offer({"offer": properties}))
    assert answer.status == 200, answer.body
    assert STORAGE_KEY not in await stored(home)


async def test_all_of_them_are_named_at_once(publisher: Visitor) -> None:
    answer = await publisher.put(PATH, offer({"offer": {"x.password": HIDDEN, "x.token": HIDDEN}}))
    places = [detail["code"] for detail in answer.json()["error"]["details"]]
    assert places == ["definition.offer.x.password", "definition.offer.x.token"]


@pytest.mark.parametrize("field", ["title", "summary", "description"])
async def test_our_own_api_refuses_them_too(home: Installation, publisher: Visitor, field: str) -> None:
    body = {"title": "Contoso CRM Pro", field: f"call with {JWT}"}
    problem = (await publisher.put("/v1/publishers/contoso/offers/crm-pro", body)).problem(422, "invalid-request")
    assert JWT not in json.dumps(problem)
    assert JWT not in await stored(home)
