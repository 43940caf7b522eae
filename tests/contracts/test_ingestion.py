"""Microsoft's ingestion API, as far as it is spoken here: products of its types, lead configuration both ways."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest

from leadkeeper.offer import OfferRef
from leadkeeper.publishing.publication import enter_preview
from leadkeeper.storage import tables as t
from tests.contracts.test_cloud_partner import CONNECTION, ID, OFFERS, P, V, error, offer, put
from tests.in_process import Installation, Visitor

PRODUCTS = "/v1.0/ingestion/products"
LEADS = PRODUCTS + "/contoso.planner/leadconfiguration"
PLANNER = OfferRef("contoso", "planner")
TYPES = {
    "saas": "SoftwareAsAService",
    "azure-application": "AzureApplication",
    "microsoft-azure-virtualmachines": "AzureThirdPartyVirtualMachine",
    "azure-container": "AzureContainer",
    "dynamics-365-customer-engagement": "AzureDynamics365ForCustomerEngagement",
    "dynamics-365-operations": "AzureDynamics365ForOperations",
    "dynamics-365-business-central": "AzureDynamics365BusinessCentral",
}
CONFIGURATIONS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "AzureTableLeadConfiguration": ({"connectionString": CONNECTION}, {}),
    "AzureBlobLeadConfiguration": (
        {"connectionString": CONNECTION, "containerName": "leads"},
        {"containerName": "leads"},
    ),
    "DynamicsCustomerRelationshipManagementLeadConfiguration": (
        {
            "uri": "https://contoso.crm4.dynamics.com",
            "authentication": "AzureAD",
            "applicationID": ID,
            "applicationKey": "very-secret",
            "directoryID": ID,
        },
        {
            "uri": "https://contoso.crm4.dynamics.com",
            "authentication": "azureAD",
            "applicationID": ID,
            "directoryID": ID,
        },
    ),
    "HttpsEndpointLeadConfiguration": ({"httpsEndpointUri": "https://x.example/?code=very-secret"}, {}),
    "MarketoLeadConfiguration": (
        {"serverID": "ys12", "munchkinAccountID": "123-PQR-789", "formID": "1179"},
        {"serverID": "ys12", "munchkinAccountID": "123-PQR-789", "formID": "1179"},
    ),
    "SalesForceLeadConfiguration": (
        {"objectIdentifier": "00D000000000001"},
        {"objectIdentifier": "00D000000000001"},
    ),
}


@pytest.fixture
async def publisher(home: Installation) -> Visitor:
    """The publisher itself."""
    return await home.visitor("publisher:contoso")


@pytest.mark.parametrize(("kind", "named"), TYPES.items())
async def test_products_are_of_microsofts_types(publisher: Visitor, kind: str, named: str) -> None:
    await put(publisher, offer() | {"offerTypeId": kind})
    query = urlencode({"$filter": f"ResourceType eq '{named}'"})
    found = (await publisher.get(f"{PRODUCTS}?{query}")).json()["value"]
    assert [each["resourceType"] for each in found if each["name"] == "planner"] == [named]
    assert {each["resourceType"] for each in found} == {named}


async def test_products_are_found_by_several_types_and_by_id_in_any_case(publisher: Visitor) -> None:
    await put(publisher, offer())
    either = urlencode({"$filter": "ResourceType eq 'Application' or ResourceType eq 'SoftwareAsAService'"})
    assert "planner" in [each["name"] for each in (await publisher.get(f"{PRODUCTS}?{either}")).json()["value"]]
    neither = urlencode({"$filter": "ResourceType eq 'Application' or ResourceType eq 'AzureContainer'"})
    assert (await publisher.get(f"{PRODUCTS}?{neither}")).json()["value"] == []
    by_id = urlencode({"$filter": "ExternalIDs/Any(i:i/Type eq 'AzureOfferId' and i/Value eq 'planner')"})
    (found,) = (await publisher.get(f"{PRODUCTS}?{by_id}")).json()["value"]
    assert found["name"] == "planner"
    one = (await publisher.get(f"{PRODUCTS}/{found['id']}")).json()
    assert one == found


@pytest.mark.parametrize(("kind", "sent", "shown"), [(kind, *each) for kind, each in CONFIGURATIONS.items()])
async def test_lead_configuration_is_set_and_told(
    publisher: Visitor, kind: str, sent: dict[str, Any], shown: dict[str, Any]
) -> None:
    await put(publisher, offer())
    body = {"resourceType": kind, "contactEmail": "ops@contoso.example;sales@contoso.example", **sent}
    answer = await publisher.call("POST", LEADS, body)
    assert answer.status == 200, answer.body
    assert answer.json() == {
        "resourceType": kind,
        "contactEmail": "ops@contoso.example;sales@contoso.example",
        "dailyDigestEmailContacts": [],
        **shown,
    }
    assert (await publisher.get(LEADS)).json() == answer.json()
    own = (await publisher.get("/v1/publishers/contoso/offers/planner/customer-leads")).json()
    assert own["leadDestination"] != "none"
    assert "very-secret" not in answer.body.decode()


async def test_a_secret_that_is_not_sent_stays(publisher: Visitor) -> None:
    await put(publisher, offer())
    kind = "DynamicsCustomerRelationshipManagementLeadConfiguration"
    sent = {"resourceType": kind, **CONFIGURATIONS[kind][0]}
    assert (await publisher.call("POST", LEADS, sent)).status == 200
    again = {name: value for name, value in sent.items() if name != "applicationKey"}
    answer = await publisher.call("POST", LEADS, again | {"uri": "https://contoso.crm.dynamics.com"})
    assert answer.status == 200, answer.body
    assert answer.json()["uri"] == "https://contoso.crm.dynamics.com"


async def test_a_daily_digest_is_kept(publisher: Visitor) -> None:
    await put(publisher, offer())
    body = {
        "resourceType": "SalesForceLeadConfiguration",
        "objectIdentifier": "00D000000000001",
        "dailyDigestEmailContacts": ["ops@contoso.example"],
    }
    answer = await publisher.call("POST", LEADS, body)
    assert answer.status == 200, answer.body
    assert answer.json()["dailyDigestEmailContacts"] == ["ops@contoso.example"]
    assert answer.json()["contactEmail"] == ""
    own = (await publisher.get("/v1/publishers/contoso/offers/planner/customer-leads")).json()
    assert own["salesforceLeadConfiguration"]["notice"] == "daily"


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, "resourceType"),
        ({"resourceType": "CarrierPigeon"}, "resourceType"),
        ({"resourceType": "MarketoLeadConfiguration", "serverID": "ys12"}, "munchkinAccountID"),
        ({"resourceType": "SalesForceLeadConfiguration", "objectIdentifier": "1"}, "objectIdentifier"),
        (
            {
                "resourceType": "SalesForceLeadConfiguration",
                "objectIdentifier": "00D000000000001",
                "contactEmail": "a@contoso.example",
                "dailyDigestEmailContacts": ["b@contoso.example"],
            },
            "dailyDigestEmailContacts",
        ),
    ],
)
async def test_what_cannot_be_taken_names_the_field_and_changes_nothing(
    publisher: Visitor, body: dict[str, Any], named: str
) -> None:
    await put(publisher, offer())
    message = error(await publisher.call("POST", LEADS, body), 400, "BadRequest")
    assert named in message
    error(await publisher.get(LEADS), 404, "NotFound")


async def test_there_is_none_before_one_is_set_and_none_for_others(home: Installation, publisher: Visitor) -> None:
    await put(publisher, offer())
    assert "lead configuration" in error(await publisher.get(LEADS), 404, "NotFound")
    error(await publisher.get(PRODUCTS + "/contoso.nothing/leadconfiguration"), 404, "NotFound")
    operator = await home.visitor("operator")
    await operator.put("/v1/publishers/fabrikam", {"displayName": "Fabrikam"})
    other = await home.visitor("publisher:fabrikam")
    error(await other.get(LEADS), 403, "Forbidden")
    body = {"resourceType": "SalesForceLeadConfiguration", "objectIdentifier": "00D000000000001"}
    error(await other.call("POST", LEADS, body), 403, "Forbidden")


async def test_a_submission_is_promoted_only_where_it_made_the_preview(home: Installation, publisher: Visitor) -> None:
    submissions = f"{PRODUCTS}/contoso.planner/submissions"
    await put(publisher, offer({P + "callToAction": "free"}))
    publication, storage = home.services.offers.publication, home.services.storage
    made = await publication.publish(PLANNER, by="test")
    waits = {"state": "completed", "due_at": 2**62}
    await storage.write(lambda conn: conn.execute(t.operation.update().values(waits)))
    await storage.write(enter_preview, PLANNER, made.version, 1)
    await put(publisher, offer({P + "callToAction": "free", P + "summary": "Plans, kept better."}))
    later = await publication.publish(PLANNER, by="test")
    await publication.cancel(PLANNER, by="test")
    status = (await publisher.get(f"{OFFERS}/planner/status?{V}")).json()
    assert (status["status"], status["cancellationRequestState"]) == ("canceled", "canCancel")
    assert status["previewLinks"] != []
    error(await publisher.post(f"{submissions}/nothing/promote"), 404, "NotFound")
    assert "preview" in error(await publisher.post(f"{submissions}/{later.id}/promote"), 400, "BadRequest")
    assert await publication.operations(PLANNER, running=True) == []
    promoted = await publisher.post(f"{submissions}/{made.id}/promote")
    assert promoted.status == 202, promoted.body
    (begun,) = await publication.operations(PLANNER, running=True)
    assert (begun.kind, begun.version) == ("goLive", made.version)
    for left in ([begun.id], []):
        assert [each.id for each in await publication.operations(PLANNER, running=True)] == left
        assert (await publisher.post(f"{OFFERS}/planner/cancel?{V}")).json()["status"] == "canceled"
    status = (await publisher.get(f"{OFFERS}/planner/status?{V}")).json()
    assert (status["previewLinks"], status["cancellationRequestState"]) == ([], "none")
