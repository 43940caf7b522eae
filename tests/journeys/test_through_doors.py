"""The whole market through its doors: an offer is connected wrongly, published, repaired, previewed, goes live, and
customers act on it in each way; every lead is found at its destination, for each of them.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest

from leadkeeper.destinations.registry import OURS
from leadkeeper.doors.cli.demo.guard import Guard
from leadkeeper.doors.cli.demo.places import connect, every_place
from leadkeeper.doors.cli.demo.stage import Stage, open_stage
from leadkeeper.sandbox.azure_storage.azurite import AzuriteMissing
from leadkeeper.sandbox.https_endpoint.place import https_endpoint, signing_secret
from leadkeeper.sandbox.place import FoundLead, Place
from tests.conftest import missing_service
from tests.journeys.conftest import MakeHub
from tests.journeys.customer import Customer, Page
from tests.journeys.hub import SOON, Hub, until
from tests.shop import ANSWERS

P: Final = "microsoft-azure-marketplace."
V: Final = "api-version=2017-10-31"
OBJECTS: Final = {
    "table": ("AzureTable", "tableLeadConfiguration"),
    "blob": ("AzureBlob", "blobLeadConfiguration"),
    "salesforce": ("Salesforce", "salesForceLeadConfiguration"),
    "dynamics": ("DynamicsCRM", "crmLeadConfiguration"),
    "httpsEndpoint": ("HttpsEndpoint", "httpsEndpointLeadConfiguration"),
    "hubSpot": ("HubSpot", "hubSpotLeadConfiguration"),
    "marketo": ("Marketo", "marketoLeadConfiguration"),
    "email": ("Email", "emailLeadConfiguration"),
}
PARTNER: Final = "rollout"
CALLS: Final = {
    "contact-me": "SPZA-PLT",
    "get-it-now": "SPZA-INS",
    "free-trial": "SPZA-INS",
    "test-drive": "TestDrive-StartTestDrive",
    "portal": "AzurePortal-Create",
}


def leads_of(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Microsoft's ``customer-leads`` resource as the old portal's properties."""
    kind = settings["leadDestination"]
    name, key = OBJECTS[kind]
    return {P + "leadDestination": name, P + key: settings[f"{kind}LeadConfiguration"]}


@dataclass
class Client:
    """A publisher's program that speaks the Cloud Partner Portal API."""

    session: aiohttp.ClientSession
    url: str
    publisher: str

    async def call(self, method: str, path: str, body: object = None) -> tuple[int, Any, Mapping[str, str]]:
        """One call; status, JSON and headers."""
        async with self.session.request(
            method, f"{self.url}/api/publishers/{self.publisher}/{path}?{V}", json=body
        ) as response:
            text = await response.text()
            return response.status, json.loads(text) if text else None, response.headers

    async def put(self, offer: str, kind: str, title: str, properties: Mapping[str, Any]) -> None:
        """Make or change an offer."""
        message = {P + "summary": f"{title}, in a sentence.", P + "description": f"All about {title}.", **properties}
        definition = {"displayText": title, "offer": message, "plans": []}
        body = {"publisherId": self.publisher, "id": offer, "offerTypeId": kind, "definition": definition}
        status, answer, _ = await self.call("PUT", f"offers/{offer}", body)
        assert status == 200, answer

    async def begin(self, offer: str, act: str) -> Any:
        """``publish`` or ``golive``, watched to its end; the operation then."""
        body = {"metadata": {"notification-emails": "ops@contoso.example"}} if act == "publish" else None
        status, answer, headers = await self.call("POST", f"offers/{offer}/{act}", body)
        assert status == 202, answer
        while True:
            async with self.session.get(self.url + headers["Operation-Location"]) as response:
                operation = await response.json()
            if operation["status"] != "running":
                return operation
            await asyncio.sleep(0.1)


@dataclass
class Journey:
    """One destination's offer, and what was sent for it: lead source and whether it must arrive, by customer."""

    place: Place
    offer: str
    sent: dict[str, str] = field(default_factory=dict)


def failed_step(operation: Mapping[str, Any]) -> Mapping[str, Any]:
    """The step at which it stopped."""
    assert operation["status"] == "failed", operation
    (step,) = [step for step in operation["steps"] if step["status"] == "blocked"]
    return dict(step)


async def make_key(hub: Hub, role: str) -> str:
    """A key, made at the command line."""
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "leadkeeper", "keys", "create", "--role", role, "--json"),
        cwd=hub.folder,
        env=hub.environment,
        stdout=subprocess.PIPE,
    )
    out, _ = await child.communicate()
    return str(json.loads(out)["key"])


async def client_of(hub: Hub, publisher: str) -> Client:
    """A client that signed in as at Microsoft."""
    key = await make_key(hub, f"publisher:{publisher}")
    listed = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "leadkeeper", "keys", "list", "--json"],
        cwd=hub.folder,
        env=hub.environment,
        stdout=subprocess.PIPE,
        check=True,
    )
    (id,) = [one["id"] for one in json.loads(listed.stdout)["keys"] if one["role"] == f"publisher:{publisher}"]
    async with aiohttp.ClientSession() as session:
        form = {"grant_type": "client_credentials", "client_id": id, "client_secret": key, "resource": hub.url}
        async with session.post(f"{hub.url}/{publisher}.example/oauth2/token", data=form) as response:
            token = (await response.json())["access_token"]
    return Client(aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}), hub.url, publisher)


def person(journey: Journey, action: str) -> dict[str, str]:
    """A customer of their own for each action, so that no CRM takes two for one."""
    email = f"{action}.{journey.place.connection}@analytical.example"
    return ANSWERS | {"email": email, "lastName": f"Lovelace {action}"}


async def send(customer: Customer, page: Page, answers: Mapping[str, str]) -> None:
    """Fill out and send the form on a page."""
    done = await customer.send(page.form("email"), answers, "consent")
    assert done.url.partition("?")[0].endswith("/thanks"), done.text


async def prepare(client: Client, stage: Stage, journey: Journey) -> None:
    """Make the offer on a connection that does not work, read why, repair it, publish it to its preview."""
    place = journey.place
    wrong = place.mishap.settings or place.settings
    if place.mishap.state is not None:
        stage.sandbox.stand_in(place.mishap.state[0]).choose(place.mishap.state[1])
    calls = {P + "callToAction": ["contact-me", "free", "free-trial", "test-drive", "create"]}
    title = f"Planner for {place.title}"
    await client.put(journey.offer, "saas", title, calls | leads_of(wrong))
    step = failed_step(await client.begin(journey.offer, "publish"))
    assert step["id"] in ("displayprovision", "displaypackage"), step
    summary = step["messages"][-1]["messageHtml"]
    assert "Who acts: " in summary, summary
    assert "<br>1. " in summary, summary
    if place.mishap.state is not None:
        stage.sandbox.stand_in(place.mishap.state[0]).choose("ok")
    await client.put(journey.offer, "saas", title, calls | leads_of(place.settings))
    operation = await client.begin(journey.offer, "publish")
    assert operation["status"] == "completed", operation
    assert operation["steps"][4]["status"] == "waitingForPublisherReview"
    packaging = operation["steps"][3]["messages"][0]["messageHtml"]
    lead_id = re.search(r"/leads/([0-9a-f-]{36})", packaging)
    assert lead_id is not None
    marker = re.search(r"MSFT_TEST_\d+", packaging)
    assert marker is not None
    seen = await place.look()
    there = seen.get(lead_id[1]) or seen[f"{marker[0]}@test.com"]
    assert there.lead_source in (None, f"{marker[0]}-{marker[0]}|{title}"), there


async def preview(customer: Customer, client: Client, journey: Journey) -> None:
    """Try the preview as its publisher does."""
    status = (await client.call("GET", f"offers/{journey.offer}/status"))[1]
    assert status["status"] == "waitingForPublisherReview"
    (link,) = status["previewLinks"]
    page = await customer.open(link)
    assert "This is a preview" in page.text
    answers = person(journey, "preview")
    await send(customer, await customer.open(page.links["Contact me"]), answers)
    journey.sent[answers["email"]] = "SPZA-PLT"


async def act(customer: Customer, journey: Journey) -> None:
    """Act as a customer in each way, and ask the partner."""
    at = f"/store/offers/contoso/{journey.offer}"
    assert journey.place.title in (await customer.open("/store")).text
    for call, lead_source in CALLS.items():
        path = f"/store/portal/contoso/{journey.offer}" if call == "portal" else f"{at}/{call}"
        answers = person(journey, call)
        await send(customer, await customer.open(f"{path}?mktcmpid=spring-26"), answers)
        journey.sent[answers["email"]] = lead_source
    page = await customer.open(at)
    answers = person(journey, "partner")
    await send(customer, await customer.open(page.links["Ask Fabrikam about Rollout Help"]), answers)
    journey.sent[answers["email"]] = "SPZA-DNC"


async def arrived(hub: Hub, journey: Journey) -> list[str]:
    """What is missing or wrong of all that was sent for the offer, as the destination itself shows it."""
    there: Mapping[str, FoundLead] = await journey.place.look()
    kept = (await hub.ask("GET", f"/v1/leads?publisherId=contoso&offerId={journey.offer}&test=false&limit=100"))[
        "leads"
    ]
    wrong = []
    for email, lead_source in journey.sent.items():
        (lead,) = [lead for lead in kept if lead["customer"]["email"] == email]
        whole = f"{lead_source}|contoso.{journey.offer}"
        found = there.get(lead["id"])
        if lead["leadSource"] != whole:
            wrong.append(f"{email}: kept as {lead['leadSource']}")
        elif found is None:
            wrong.append(f"{email}: not at {journey.place.title}: {lead['deliveries']}")
        elif found.lead_source not in (None, whole) or found.email not in (None, email):
            wrong.append(f"{email}: there as {found}")
        elif email in found.open_text:
            wrong.append(f"{email}: stands in a mail")
    return wrong if len(kept) == len(journey.sent) else [*wrong, f"{len(kept)} leads instead of {len(journey.sent)}"]


async def cross_list(hub: Hub, offer: str) -> None:
    """Both publishers agree."""
    one, other = f"contoso/offers/{offer}", f"fabrikam/offers/{PARTNER}"
    await hub.ask("PUT", f"/v1/publishers/{one}/cross-listings/fabrikam/{PARTNER}")
    await hub.ask("PUT", f"/v1/publishers/{other}/cross-listings/contoso/{offer}")


@pytest.mark.slow
async def test_offers_are_published_and_customers_actions_arrive(tmp_path: Path, make_hub: MakeHub) -> None:
    with Guard() as guard:
        try:
            async with open_stage(tmp_path / "stage", guard) as stage:
                await play(stage, tmp_path, make_hub)
        except AzuriteMissing as error:
            missing_service(str(error))


async def play(stage: Stage, tmp_path: Path, make_hub: MakeHub) -> None:
    settings = {name.removeprefix("LEADKEEPER_"): value for name, value in stage.settings.items()}
    hub = await make_hub(
        f"sqlite+aiosqlite:///{tmp_path / 'market.db'}", FORM_LIMIT="1000/minute", VOUCHED_MAIL_DOMAINS="*", **settings
    )
    await hub.start("serve")
    secret, partner_secret = signing_secret(), signing_secret()
    endpoint, partners = await stage.endpoint(secret), await stage.endpoint(partner_secret)
    journeys = [Journey(place, f"planner-{place.connection}") for place in every_place(stage.scene(endpoint, secret))]
    assert {journey.place.settings["leadDestination"] for journey in journeys} == {
        destination.lead_destination for destination in OURS
    }
    for publisher, name in (("contoso", "Contoso"), ("fabrikam", "Fabrikam")):
        await hub.ask("PUT", f"/v1/publishers/{publisher}", {"displayName": name})
    contoso, fabrikam = await client_of(hub, "contoso"), await client_of(hub, "fabrikam")
    try:
        partner = connect("https_endpoint", https_endpoint(stage.scene(partners, partner_secret), "partner"))
        refused = await fabrikam.call("POST", f"offers/{PARTNER}/publish", {})
        assert refused[0] == 404
        await fabrikam.put(PARTNER, "consulting-services", "Rollout Help", {})
        status, answer, _ = await fabrikam.call("POST", f"offers/{PARTNER}/publish", {})
        assert (status, "leadDestination" in answer["error"]["message"]) == (422, True)
        await fabrikam.put(PARTNER, "consulting-services", "Rollout Help", leads_of(partner.settings))
        for act_name in ("publish", "golive"):
            assert (await fabrikam.begin(PARTNER, act_name))["status"] == "completed"
        async with Customer(hub.url) as customer:
            for journey in journeys:
                await prepare(contoso, stage, journey)
                await preview(customer, contoso, journey)
                assert (await contoso.begin(journey.offer, "golive"))["status"] == "completed"
                await cross_list(hub, journey.offer)
                await act(customer, journey)
        wrong: dict[str, list[str]] = {}

        async def all_there() -> bool:
            wrong.update({journey.offer: await arrived(hub, journey) for journey in journeys})
            return not any(wrong.values())

        await until("every lead is at its destination", all_there, SOON, 0.3, lambda: f"{wrong}\n{hub.tail()}")
        asked = [
            one.body for one in partners.received.values() if one.body["LeadSource"] == f"SPZA-PLT|fabrikam.{PARTNER}"
        ]
        assert len(asked) == len(journeys), "the partner hears of everybody who asked"
        operation = await contoso.call("GET", f"offers/{journeys[0].offer}/status")
        assert operation[1]["status"] == "succeeded"
        assert operation[1]["liveLinks"] == [f"{hub.url}/store/offers/contoso/{journeys[0].offer}"]
    finally:
        await contoso.session.close()
        await fabrikam.session.close()
