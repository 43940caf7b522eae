"""Cloud Partner Portal's API: offers, lead configuration, publishing, tokens; over HTTP, on both databases."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest

from tests.english import english_on
from tests.in_process import Answer, Installation, Visitor

P = "microsoft-azure-marketplace."
OFFERS = "/api/publishers/contoso/offers"
V = "api-version=2017-10-31"
DEFINITION: dict[str, Any] = {
    "displayText": "Contoso Planner",
    "offer": {
        P + "summary": "Plans, well kept.",
        P + "description": "A planner.",
        P + "callToAction": "contact-me",
    },
    "plans": [{"planId": "basic"}],
}
CONNECTION = "DefaultEndpointsProtocol=https;AccountName=contosoleads;AccountKey=c2VjcmV0c2VjcmV0;"
ID = "11111111-2222-3333-4444-555555555555"
CONFIGURATIONS = {
    "AzureTable": ("tableLeadConfiguration", {"connectionString": CONNECTION}, {}),
    "azure blob": (
        "blobLeadConfiguration",
        {"connectionString": CONNECTION, "containerName": "leads"},
        {"containerName": "leads"},
    ),
    "SalesForce": (
        "salesForceLeadConfiguration",
        {"objectIdentifier": "00D000000000001"},
        {"objectIdentifier": "00D000000000001"},
    ),
    "CRM": (
        "crmLeadConfiguration",
        {
            "uri": "https://contoso.crm4.dynamics.com",
            "authentication": "AzureAD",
            "applicationID": ID,
            "applicationKey": "very-secret",
            "directoryID": ID,
        },
        {"instanceUrl": "https://contoso.crm4.dynamics.com", "authentication": "azureAD", "applicationId": ID},
    ),
    "HttpsEndpoint": (
        "httpsEndpointLeadConfiguration",
        {"httpsEndpointUri": "https://x.example/?code=very-secret"},
        {},
    ),
    "Marketo": (
        "marketoLeadConfiguration",
        {"serverID": "ys12", "munchkinAccountID": "123-PQR-789", "formID": 1179},
        {"serverId": "ys12", "munchkinId": "123-PQR-789", "formId": "1179"},
    ),
    "Email": ("emailLeadConfiguration", {}, {}),
}


def offer(properties: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """An offer as a client sends it."""
    definition = DEFINITION | {"offer": DEFINITION["offer"] | (properties or {})}
    return {"publisherId": "contoso", "offerTypeId": "saas", "id": "planner", "definition": definition} | more


def error(answer: Answer, status: int, code: str) -> str:
    """The message of the error that it must be."""
    assert (answer.status, answer.type) == (status, "application/json"), answer.body
    found = answer.json()["error"]
    assert found["code"] == code, found
    return str(found["message"])


@pytest.fixture
async def publisher(home: Installation) -> Visitor:
    """The publisher itself."""
    return await home.visitor("publisher:contoso")


async def put(visitor: Visitor, body: dict[str, Any], id: str = "planner") -> Any:
    """The offer as it is shown after it was put."""
    answer = await visitor.put(f"{OFFERS}/{id}?{V}", body)
    assert answer.status == 200, answer.body
    return answer.json()


async def test_an_offer_is_made_shown_changed_and_listed(publisher: Visitor) -> None:
    made = await put(publisher, offer())
    assert (made["version"], made["status"], made["offerTypeId"]) == (1, "neverPublished", "saas")
    assert made["definition"]["plans"] == [{"planId": "basic"}]
    assert made["definition"]["offer"][P + "leadDestination"] == "None"
    for name in ("table", "blob", "salesForce", "crm", "httpsEndpoint", "marketo"):
        assert made["definition"]["offer"][f"{P}{name}LeadConfiguration"] == {}
    assert (await publisher.get(f"{OFFERS}/planner?{V}")).json() == made
    assert (await publisher.get(f"{OFFERS}/planner/slot/draft?{V}")).json() == made
    assert (await publisher.get(f"{OFFERS}/planner/versions/1?{V}")).json() == made
    error(await publisher.get(f"{OFFERS}/planner/slot/Production?{V}"), 404, "NotFound")
    error(await publisher.get(f"{OFFERS}/planner/versions/2?{V}"), 404, "NotFound")
    error(await publisher.get(f"{OFFERS}/planner/slot/attic?{V}"), 404, "NotFound")
    query = urlencode({"api-version": "2017-10-31", "$filter": "offerTypeId eq 'saas'"})
    listed = (await publisher.get(f"{OFFERS}?{query}")).json()
    assert [each["id"] for each in listed] == ["crm-pro", "planner"]
    assert listed[1]["definition"] == {"displayText": "Contoso Planner"}
    query = urlencode({"api-version": "2017-10-31", "$filter": "offerTypeId eq 'microsoft-azure-virtualmachines'"})
    assert (await publisher.get(f"{OFFERS}?{query}")).json() == []
    types = (await publisher.get(f"/api/offerTypes?{V}")).json()
    assert "consulting-services" in [each["offerTypeId"] for each in types]


async def test_an_etag_guards_against_lost_changes(publisher: Visitor) -> None:
    tag = (await put(publisher, offer()))["eTag"]
    path = f"{OFFERS}/planner?{V}"
    changed = await publisher.call("PUT", path, offer(), headers={"If-Match": tag})
    assert changed.status == 200
    error(await publisher.call("PUT", path, offer(), headers={"If-Match": tag}), 412, "PreconditionFailed")
    assert (await publisher.call("PUT", path, offer(), headers={"If-Match": "*"})).status == 200


@pytest.mark.parametrize("name", CONFIGURATIONS)
async def test_every_lead_destination_is_understood_and_no_secret_comes_back(publisher: Visitor, name: str) -> None:
    key, sent, shown = CONFIGURATIONS[name]
    properties = {
        P + "leadDestination": name,
        P + key: sent,
        P + "leadNotificationEmails": "a@contoso.com; b@contoso.com",
    }
    others: dict[str, Any] = {f"{P}{other}": {} for other, _, _ in CONFIGURATIONS.values() if other != key}
    answer = await publisher.put(f"{OFFERS}/planner?{V}", offer(others | properties))
    assert answer.status == 200, answer.body
    text = answer.body.decode()
    assert "very-secret" not in text
    assert "c2VjcmV0" not in text
    made = answer.json()["definition"]["offer"]
    assert shown.items() <= made[P + key].items()
    assert made[P + "leadNotificationEmails"] == "a@contoso.com;b@contoso.com"
    leads = "/v1/publishers/contoso/offers/planner/customer-leads"
    before = (await publisher.get(leads)).json()
    # What was read can be sent again: secrets that are missing in it stay.
    await put(publisher, offer(made))
    after = (await publisher.get(leads)).json()
    assert {**before, "changedTime": ""} == {**after, "changedTime": ""}
    await put(publisher, offer({P + "leadDestination": "None"}))
    assert (await publisher.get("/v1/publishers/contoso/offers/planner/customer-leads")).json()[
        "leadDestination"
    ] == "none"


async def test_settings_that_cannot_be_taken_change_nothing(publisher: Visitor) -> None:
    await put(publisher, offer())
    path = f"{OFFERS}/planner?{V}"
    wrong = offer({P + "leadDestination": "Fax", P + "summary": "changed"})
    assert "'Fax'" in error(await publisher.put(path, wrong), 400, "BadRequest")
    wrong = offer({P + "leadDestination": "Marketo", P + "marketoLeadConfiguration": {}, P + "summary": "changed"})
    assert "munchkinId" in error(await publisher.put(path, wrong), 400, "BadRequest")
    shown = (await publisher.get(path)).json()["definition"]["offer"]
    assert shown[P + "summary"] == "Plans, well kept."
    new = offer()
    del new["offerTypeId"]
    message = error(await publisher.put(f"{OFFERS}/other?{V}", new | {"id": "other"}), 400, "BadRequest")
    assert message == "The argument: 'OfferTypeId' cannot be null or empty."
    assert "'planner'" in error(await publisher.put(f"{OFFERS}/other?{V}", offer()), 400, "BadRequest")


async def test_the_version_of_the_api_must_be_named(publisher: Visitor) -> None:
    message = "Invalid api version. Allowed values are [2017-10-31]"
    for query in ("", "?api-version=2016-08-01-preview"):
        assert error(await publisher.get(f"{OFFERS}{query}"), 400, "InvalidAPIVersion") == message


async def test_a_refusal_is_told_in_the_language_asked_for(publisher: Visitor) -> None:
    portuguese = {"Accept-Language": "pt-BR"}
    await put(publisher, offer())
    path = f"{OFFERS}/planner?{V}"
    for method, address, body in (
        ("GET", f"{OFFERS}/nothing?{V}", None),
        ("PUT", path, offer({P + "leadDestination": "Marketo", P + "marketoLeadConfiguration": {}})),
        ("PUT", path, {"offerTypeId": 7}),
    ):
        told = await publisher.call(method, address, body, headers=portuguese)
        english = await publisher.call(method, address, body)
        assert (told.headers["Content-Language"], english.headers["Content-Language"]) == ("pt", "en"), address
        assert told.headers["Vary"] == "Accept-Language"
        message = told.json()["error"]["message"]
        assert english_on(message) == [], message
        assert message != english.json()["error"]["message"]
        assert (told.status, told.json()["error"]["code"]) == (english.status, english.json()["error"]["code"])


async def test_who_may_not_is_told_so(home: Installation, publisher: Visitor) -> None:
    error(await home.anyone.get(f"{OFFERS}?{V}"), 401, "Unauthorized")
    operator = await home.visitor("operator")
    await operator.put("/v1/publishers/fabrikam", {"displayName": "Fabrikam"})
    other = await home.visitor("publisher:fabrikam")
    error(await other.get(f"{OFFERS}?{V}"), 403, "Forbidden")
    error(await other.put(f"{OFFERS}/planner?{V}", offer()), 403, "Forbidden")
    error(await (await home.visitor("marketplace")).get(f"{OFFERS}?{V}"), 403, "Forbidden")
    error(await operator.get(f"/api/publishers/nobody/offers?{V}"), 404, "NotFound")
    error(await publisher.get(f"{OFFERS}/nothing?{V}"), 404, "NotFound")
    error(await publisher.call("PUT", f"{OFFERS}/planner?{V}", data=b"{"), 400, "BadRequest")
    error(await publisher.call("PATCH", f"{OFFERS}/planner?{V}", {}), 405, "MethodNotAllowed")


async def test_publishing_is_watched_and_canceled(publisher: Visitor) -> None:
    await put(publisher, offer())
    missing = error(await publisher.post(f"{OFFERS}/planner/publish?{V}", {}), 422, "UnprocessableEntity")
    assert "leadDestination" in missing
    await put(publisher, offer({P + "callToAction": "free"}))
    body = {"metadata": {"notification-emails": "ops@contoso.com"}}
    begun = await publisher.post(f"{OFFERS}/planner/publish?{V}", body)
    assert (begun.status, begun.body) == (202, b"")
    watched = (await publisher.get(begun.headers["Operation-Location"])).json()
    assert (watched["status"], watched["notificationEmails"]) == ("running", "ops@contoso.com")
    assert [step["id"] for step in watched["steps"]] == [
        "displaydummycertify",
        "displaycertify",
        "displayprovision",
        "displaypackage",
        "publisher-signoff",
        "live",
    ]
    assert watched["steps"][0]["status"] == "inProgress"
    error(await publisher.post(f"{OFFERS}/planner/publish?{V}", body), 400, "BadRequest")
    error(await publisher.post(f"{OFFERS}/planner/golive?{V}"), 400, "BadRequest")
    for path in ("submissions/", "submissions"):
        (listed,) = (await publisher.get(f"{OFFERS}/planner/{path}?{V}&status=running")).json()
        assert (listed["submissionType"], listed["submissionState"], listed["slot"]) == (
            "publish",
            "running",
            "staging",
        )
    status = (await publisher.get(f"{OFFERS}/planner/status?{V}")).json()
    assert (status["status"], status["cancellationRequestState"]) == ("running", "canCancel")
    assert (await publisher.post(f"{OFFERS}/planner/cancel?{V}", body)).json()["status"] == "canceled"
    assert (await publisher.get(f"{OFFERS}/planner/submissions/?{V}&status=running")).json() == []
    error(await publisher.post(f"{OFFERS}/planner/cancel?{V}", body), 400, "BadRequest")
    bad = {"metadata": {"notification-emails": "ops@contoso.com, nobody"}}
    assert "e-mail" in error(await publisher.post(f"{OFFERS}/planner/publish?{V}", bad), 400, "BadRequest")


async def token(home: Installation, path: str = "/contoso.example/oauth2/token", **form: str) -> Answer:
    """Ask for a token as a client does."""
    async with home.session.post(home.url + path, data=form) as response:
        return Answer(response.status, response.headers, await response.read())


async def test_a_client_signs_in_as_at_microsoft(home: Installation, publisher: Visitor) -> None:
    made = await home.services.access.keys.create("publisher:contoso", by="test")
    form = {"grant_type": "client_credentials", "client_id": made.id, "client_secret": made.key}
    granted: dict[str, str] = {}
    client = home.anyone
    for path in ("/contoso.example/oauth2/token", "/contoso.example/oauth2/v2.0/token"):
        answer = await token(home, path, **form, resource="https://cloudpartner.azure.com")
        assert answer.status == 200, answer.body
        granted = answer.json()
        assert granted["token_type"] == "Bearer"
        client = Visitor(home.session, home.url, granted["access_token"])
        assert (await client.get(f"{OFFERS}?{V}")).status == 200
        assert (await client.get("/v1/publishers/contoso/offers")).status == 200
    assert made.key not in granted["access_token"]
    wrong = await token(home, **form | {"client_secret": "no"})
    assert (wrong.status, wrong.json()["error"]) == (401, "invalid_client")
    assert wrong.json()["error_description"].startswith("AADSTS7000215")
    assert (await token(home, **form | {"client_id": "no"})).status == 401
    assert (await token(home, **form | {"grant_type": "password"})).json()["error"] == "unsupported_grant_type"
    assert (await token(home, grant_type="client_credentials")).json()["error"] == "invalid_request"
    again = await token(home, **form | {"client_secret": granted["access_token"]})
    assert again.status == 401, "a token makes no token"
    await home.services.access.keys.revoke(made.id)
    error(await client.get(f"{OFFERS}?{V}"), 401, "Unauthorized")
    spoilt = Visitor(home.session, home.url, granted["access_token"][:-8] + "AAAAAAAA")
    error(await spoilt.get(f"{OFFERS}?{V}"), 401, "Unauthorized")


async def test_an_offer_is_found_by_its_id_as_clients_look_it_up(publisher: Visitor) -> None:
    await put(publisher, offer())
    by_id = "ExternalIDs/Any(i:i/Type eq 'AzureOfferId' and i/Value eq '{}')"
    path = "/v1.0/ingestion/products?" + urlencode({"$filter": by_id.format("planner")})
    (found,) = (await publisher.get(path)).json()["value"]
    assert found["externalIDs"] == [{"type": "AzureOfferId", "value": "planner"}]
    path = "/v1.0/ingestion/products?" + urlencode({"$filter": by_id.format("nothing")})
    assert (await publisher.get(path)).json() == {"value": []}
    listed = await publisher.get(f"/v1.0/ingestion/products/{found['id']}/submissions")
    assert listed.json() == {"value": []}


async def test_lead_settings_by_another_prefix_come_back_as_they_were_put(publisher: Visitor) -> None:
    vm = "microsoft-azure-corevm."
    lead = {
        vm + "leadDestination": "HttpsEndpoint",
        vm + "httpsEndpointLeadConfiguration": {"httpsEndpointUri": "https://x.example/?code=very-secret"},
        vm + "leadNotificationEmails": "a@contoso.com",
    }
    made = (await put(publisher, offer(lead)))["definition"]["offer"]
    assert made[vm + "leadDestination"] == "HttpsEndpoint"
    assert made[vm + "leadNotificationEmails"] == "a@contoso.com"
    assert made[vm + "tableLeadConfiguration"] == {}
    assert not [key for key in made if key.startswith(P) and "lead" in key.casefold()]
    assert "very-secret" not in repr(made)
    changed = made | {vm + "leadNotificationEmails": "b@contoso.com"}
    again = (await put(publisher, offer(changed)))["definition"]["offer"]
    assert again == changed
    leads = "/v1/publishers/contoso/offers/planner/customer-leads"
    assert (await publisher.get(leads)).json()["httpsEndpointLeadConfiguration"]["contactEmail"] == ["b@contoso.com"]
    answer = await publisher.put(f"{OFFERS}/planner?{V}", offer(changed | {P + "leadDestination": "None"}))
    assert "contradict" in error(answer, 400, "BadRequest")
    assert (await publisher.get(leads)).status == 200
    gone = (await put(publisher, offer(changed | {vm + "leadDestination": "None"})))["definition"]["offer"]
    assert gone[vm + "leadDestination"] == "None"
    assert (await publisher.get(leads)).json()["leadDestination"] == "none"
