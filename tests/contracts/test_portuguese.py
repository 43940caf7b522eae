"""In Portuguese no page and no problem document has an English text of the catalogue, and each says its language."""

from __future__ import annotations

import json
from html import unescape
from typing import Any, Final

from leadkeeper.destinations.registry import OURS
from tests.contracts.test_portal_languages import AT, PATHS, signed_in
from tests.english import english_on
from tests.in_process import DESTINATION, OFFER, Installation, hand_in, installation
from tests.journeys.customer import Customer, Page

OTHERS: Final = {"Connection string", "Lead properties", "My Domain URL", "is received."}
"""What buttons of other systems say, named beside the Portuguese."""
PORTUGUESE: Final = {"Accept-Language": "pt-BR"}
TABLE: Final = "tableLeadConfiguration"
LEAD: Final = {"publisherId": "contoso", "offerId": "crm-pro", "source": "AzureMarketplace", "action": "INS"}
WRONG: Final[tuple[tuple[str, str, Any], ...]] = (
    ("GET", "/v1/leads?limit=many", None),
    ("GET", "/v1/leads?limit=100000", None),
    ("GET", "/v1/leads?email=ada@contoso.example", None),
    ("GET", "/v1/leads/none", None),
    ("GET", "/v1/nothing", None),
    ("DELETE", "/v1/leads", None),
    ("POST", "/v1/leads", {}),
    ("POST", "/v1/leads", LEAD | {"offerId": "none"}),
    ("POST", "/v1/leads", LEAD | {"source": "a-b", "customer": {"email": "nobody", "firstName": 7}, "more": 1}),
    ("POST", "/v1/leads/find", {}),
    ("POST", "/v1/deliveries/none/retry", None),
    ("POST", "/hooks/none", {"UserDetails": {}}),
    ("PUT", "/v1/publishers/a b", {"displayName": ""}),
    ("PUT", "/v1/publishers/contoso", {"quotas": {"offers": 0, "hooks": "many", "connections": 1.5}}),
    ("PUT", f"{OFFER}", {"title": "x" * 10_000, "offerType": "none", "live": "yes"}),
    ("GET", f"{OFFER}/connections/none", None),
    ("PUT", f"{OFFER}/connections/a.b", {"leadDestination": "none"}),
    ("PUT", f"{OFFER}/customer-leads", {}),
    ("PUT", f"{OFFER}/customer-leads", {"leadDestination": "teapot"}),
    ("PUT", f"{OFFER}/customer-leads", {"leadDestination": "table"}),
    ("PUT", f"{OFFER}/customer-leads", {"leadDestination": "none", TABLE: {"a": 1}}),
    (
        "PUT",
        f"{OFFER}/customer-leads",
        {"leadDestination": "table", TABLE: {"storageAccountConnectionString": "*********"}},
    ),
    ("POST", f"{OFFER}/publish", {}),
    ("POST", f"{OFFER}/go-live", {}),
    ("POST", f"{OFFER}/cancel", {}),
    ("POST", f"{OFFER}/certification", {"approved": False}),
    ("POST", f"{OFFER}/connections/primary/replay", {"states": ["delivered"]}),
    ("POST", f"{OFFER}/connections/primary/replay", {"states": "all"}),
    ("POST", f"{OFFER}/connections/primary/test-lead", {"found": True}),
)
CONFIGURATIONS: Final[dict[str, tuple[dict[str, Any], ...]]] = {
    "azure_table": (
        {"storageAccountConnectionString": "AccountName=a;AccountName=b"},
        {"storageAccountConnectionString": "DefaultEndpointsProtocol=http;AccountName=contoso;AccountKey=YQ=="},
    ),
    "azure_blob": ({"storageAccountConnectionString": "", "containerName": "No"},),
    "dynamics": (
        {"instanceUrl": "http://a.example", "authentication": "none", "applicationId": "x"},
        {"instanceUrl": "https://a.crm.dynamics.com", "authentication": "azureAD", "fields": {"a b": "{x}"}},
        {"instanceUrl": "https://a.crm.dynamics.com", "authentication": "office365", "fields": {"name": "{x}"}},
    ),
    "salesforce": ({"objectIdentifier": "x"}, {"objectIdentifier": "00D123456789012", "webToLeadHost": "a.example"}),
    "marketo": ({"serverId": "1", "munchkinId": "x", "formId": "y"}, {"serverId": "pages.a.com"}),
    "hubspot": ({"portalId": "x", "formGuid": "y"}, {"accessToken": "a"}, {}),
    "https_endpoint": ({"httpsEndpointUrl": "http://a.example"}, {"httpsEndpointUrl": "https://u:p@a.example"}),
    "email": ({"contactEmail": ["nobody"]}, {"contactEmail": []}),
}


def wrong_settings() -> list[tuple[str, str, Any]]:
    """Settings of every destination that its model refuses, each alone."""
    assert set(CONFIGURATIONS) == {each.name for each in OURS}
    return [
        ("PUT", f"{OFFER}/customer-leads", {"leadDestination": choice, each.config_key: wrong})
        for each in OURS
        for choice in OURS.choices
        if OURS.taking(choice) is each
        for wrong in CONFIGURATIONS[each.name]
    ]


async def test_every_problem_is_told_in_portuguese(home: Installation) -> None:
    operator = await home.visitor("operator")
    found: dict[str, object] = {}
    for method, path, body in (*WRONG, *wrong_settings()):
        answer = await operator.call(method, path, body, headers=PORTUGUESE)
        document = answer.json()
        what = f"{method} {path} {json.dumps(body)}"
        assert 400 <= answer.status < 500, (what, document)
        texts = [document["title"], document["detail"], *(each["message"] for each in document["errors"])]
        english = [each for text in texts for each in english_on(text)]
        if english or answer.headers["Content-Language"] != "pt":
            found[what] = (answer.headers["Content-Language"], texts)
    assert found == {}


async def test_a_batch_tells_what_is_wrong_with_a_line_in_portuguese(home: Installation) -> None:
    operator = await home.visitor("operator")
    wrong = "\n".join(["{", json.dumps(LEAD | {"offerId": "none"}), json.dumps(LEAD | {"source": "a-b"})])
    sent = {"Content-Type": "application/x-ndjson"}
    for headers, code in ((PORTUGUESE, "pt"), ({}, "en")):
        answer = await operator.call("POST", "/v1/leads/batch", data=wrong.encode(), headers=sent | headers)
        assert answer.headers["Content-Language"] == code
        problems = [json.loads(line)["problem"] for line in answer.body.splitlines()]
        assert len(problems) == 3
        told = [text for each in problems for text in (each["title"], each["detail"])]
        assert all(english_on(text) for text in told) is (code == "en"), told
        assert not (code == "pt" and [text for text in told if english_on(text)]), told


async def test_no_page_has_english_sentences(database_url: str) -> None:
    async with installation(database_url, public_url="http://leads.example") as home:
        operator = await home.visitor("operator")
        await operator.put(f"{OFFER}/customer-leads", DESTINATION)
        lead_id = await hand_in(operator)
        key = (await home.services.access.keys.create("publisher:contoso", by="test")).key
        async with Customer(home.url, "pt") as visitor:
            pages = await looked_at(visitor, key, lead_id)
    assert not [path for path, page in pages.items() if "/sign-in" in page.url]
    found = {path: english_on(unescape(page.text)) for path, page in pages.items()}
    english = [f"{path}: {text}" for path, texts in found.items() for text in texts if text not in OTHERS]
    assert not english, "\n".join(english)


async def looked_at(visitor: Customer, key: str, lead_id: str) -> dict[str, Page]:
    """The pages of a publisher, those too that refuse what was entered."""
    pages: dict[str, Page] = {}
    await signed_in(visitor, key)
    kinds = [f"/offers/contoso/crm-pro/connect?kind={each.name}" for each in OURS]
    for path in (*PATHS, *kinds, f"/leads/{lead_id}", "/leads/nothing"):
        pages[path] = await visitor.open(f"/portal{path}")
    page = await visitor.open(f"{AT}/connect?kind=azure_blob")
    wrong = {"storageAccountConnectionString": "AccountName=a", "containerName": "No"}
    pages["refused settings"] = await visitor.send(page.form("containerName"), wrong)
    assert pages["refused settings"].status == 422
    page = await visitor.open(f"{AT}/edit")
    pages["refused offer"] = await visitor.send(page.form("title"), {"title": ""})
    return pages


def test_english_is_noticed() -> None:
    assert "There are no offers yet." in english_on("Ofertas\nThere are no offers yet.")
    assert english_on("Ainda não há ofertas.") == []
    assert english_on("Campo: There is no lead 7.") != []
