"""A marketplace on an ordinary day, made over the program's own doors: what its main pages show is believable.

Two publishers, three offers, five connections of which one is broken and one was never confirmed, leads on their way,
an offer that waits for its certification, and people who sign in.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp

from leadkeeper.access.keys import Keys
from leadkeeper.clock import now_ms
from leadkeeper.doors.cli.demo import cast
from leadkeeper.inbox.oversight.figures import DAY_MS
from leadkeeper.inbox.oversight.tally import Tally
from leadkeeper.sandbox.server import Sandbox
from leadkeeper.storage.engine import open_storage
from tests.browser.from_nothing import served
from tests.contracts.cases.dynamics import APPLICATION_SETTINGS
from tests.contracts.cases.hubspot import REST_SETTINGS as HUBSPOT
from tests.contracts.cases.marketo import REST_SETTINGS as MARKETO
from tests.contracts.cases.salesforce import WEB_SETTINGS
from tests.in_process import Visitor
from tests.journeys.customer import Customer
from tests.people import PASSWORD
from tests.pictures import emblem

CRM, INSIGHTS, SERVICE = "contoso.crm-pro", "fabrikam.insights", "contoso.field-service"
OPERATOR, OWNER = "teresa.almeida@marketplace.example", "daniel.whitfield@contoso.example"
READER: Final = "ines.carvalho@contoso.example"
PATIENCE: Final = 60.0
LISTINGS: Final[Mapping[str, Mapping[str, Any]]] = {
    CRM: {"title": "Contoso CRM Pro", "offerType": "saas"} | dict(cast.PUBLISHED["contoso.crm-trial"]),
    INSIGHTS: {"title": "Fabrikam Insights", "offerType": "saas"} | dict(cast.PUBLISHED["fabrikam.insights"]),
    SERVICE: {
        "title": "Contoso Field Service",
        "offerType": "saas",
        "summary": "Visits, routes and spare parts of technicians who work at customers.",
        "description": "- Routes that leave time\n- Spare parts in each van, counted\n- Signed on the spot",
        "category": "Operations",
        "price": "40 EUR for each technician and month",
        "callsToAction": ["contactMe", "freeTrial"],
    },
}
EMBLEMS: Final = {CRM: ("C", "#0b5cab"), INSIGHTS: ("F", "#6b3fa0"), SERVICE: ("S", "#0c6135")}
DYNAMICS: Final = {"leadDestination": "dynamics", "dynamicsLeadConfiguration": APPLICATION_SETTINGS}
CONNECTIONS: Final[tuple[tuple[str, str, Mapping[str, Any]], ...]] = (
    (CRM, "primary", DYNAMICS),
    (CRM, "newsletter", {"leadDestination": "hubSpot", "hubSpotLeadConfiguration": HUBSPOT}),
    (CRM, "partner", {"leadDestination": "salesforce", "salesforceLeadConfiguration": WEB_SETTINGS}),
    (INSIGHTS, "primary", {"leadDestination": "marketo", "marketoLeadConfiguration": MARKETO}),
    (SERVICE, "primary", DYNAMICS),
)
BROKEN: Final = "newsletter"
REASON: Final = "Name what it does, and for whom."
UNCONFIRMED: Final = "partner"


@dataclass
class Fair:
    """The marketplace: where it is, somebody with an operator's key, and the lead that the pictures look at."""

    url: str
    operator: Visitor
    sandbox: Sandbox
    lead_id: str = ""

    def at(self, offer: str) -> str:
        """An offer in the API."""
        publisher_id, _, offer_id = offer.partition(".")
        return f"/v1/publishers/{publisher_id}/offers/{offer_id}"

    async def ask(self, method: str, path: str, body: object = None) -> Any:
        """A call that must be taken; its JSON."""
        answer = await self.operator.call(method, path, body)
        assert answer.status < 300, (method, path, answer.body)
        return answer.json() if answer.body else None

    async def until(self, path: str, there: Callable[[Any], bool]) -> Any:
        """Ask until it is so."""
        async with asyncio.timeout(PATIENCE):
            while not there(found := await self.ask("GET", path)):  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.1)
        return found


@asynccontextmanager
async def fair(folder: Path) -> AsyncIterator[Fair]:
    """The program over an empty database, and in it the marketplace."""
    more = {"certification": "operator", "support_contact": "help@marketplace.example", "form_limit": "1000/minute"}
    async with (
        served(folder, public_url="http://leads.marketplace.example", **more) as (link, sandbox),
        aiohttp.ClientSession() as session,
    ):
        url = re.sub(r"/portal/.*", "", link)
        async with Customer(url) as first:
            await _begin(first, link)
            # Now that somebody can sign in: a key of before would be who began.
            storage = open_storage(f"sqlite+aiosqlite:///{folder / 'new.db'}")
            key = (await Keys(storage).create("operator", "for the pages of the fair", by="test")).key
            await storage.close()
            made = Fair(url, Visitor(session, url, key), sandbox)
            await _people(made, first)
        await _offers(made)
        await _publish(made)
        await _leads(made)
        await _counted(folder)
        yield made


async def _begin(first: Customer, link: str) -> None:
    """The first person comes by the link that the program printed, and names the marketplace."""
    _, name, *_ = cast.ACCOUNTS[0]
    page = await first.open(link)
    page = await first.send(page.form("name", "password"), {"name": name, "email": OPERATOR, "password": PASSWORD})
    await first.send(page.form("name"), {"name": "Alameda Market"})


async def _people(made: Fair, first: Customer) -> None:
    """The others are invited, and come."""
    for _, name, email, publisher_id, role in cast.ACCOUNTS[1:]:
        await made.ask("PUT", f"/v1/publishers/{publisher_id}", {"displayName": "Contoso"})
        page = await first.open(f"/portal/publishers/{publisher_id}/members")
        form = next(each for each in page.forms if each.action.endswith("/invite"))
        form.values |= {"role": role}
        page = await first.send(form, {"email": email})
        found = re.search(r"/portal/invitation/lko_[\w-]+", page.html)
        assert found, page.text
        async with Customer(made.url) as guest:
            page = await guest.open(found[0])
            await guest.send(page.form("name", "password"), {"name": name, "password": PASSWORD})


async def _offers(made: Fair) -> None:
    await made.operator.call(
        "PUT", "/v1/marketplace/logo", data=emblem("A", "#12645a"), headers={"Content-Type": "image/png"}
    )
    for publisher_id, name in cast.PUBLISHERS.items():
        await made.ask("PUT", f"/v1/publishers/{publisher_id}", {"displayName": name})
    for offer, listing in LISTINGS.items():
        await made.ask("PUT", made.at(offer), listing)
        picture = emblem(*EMBLEMS[offer])
        await made.operator.call("PUT", f"{made.at(offer)}/logo", data=picture, headers={"Content-Type": "image/png"})
    for offer, name, settings in CONNECTIONS:
        await made.ask("PUT", f"{made.at(offer)}/connections/{name}", settings)
        proven = await made.ask("POST", f"{made.at(offer)}/connections/{name}/validate")
        assert proven["ok"] is not False, proven
    await made.ask("POST", f"{made.at(CRM)}/hooks")


async def _publish(made: Fair) -> None:
    """Two offers go live; the third waits for the operator."""
    for offer in LISTINGS:
        begun = await made.ask("POST", f"{made.at(offer)}/publish", {})
        operation = f"{made.at(offer)}/operations/{begun['id']}"
        await made.until(operation, _waits_for_the_operator)
        if offer == SERVICE:
            continue
        await made.ask("POST", f"{made.at(offer)}/certification", {"approved": True})
        await made.until(operation, lambda found: found["state"] == "completed")
        begun = await made.ask("POST", f"{made.at(offer)}/golive")
        await made.until(f"{made.at(offer)}/operations/{begun['id']}", lambda found: found["state"] == "completed")


async def refuse(made: Fair) -> None:
    """The operator refuses the offer that waits."""
    await made.ask("POST", f"{made.at(SERVICE)}/certification", {"approved": False, "message": REASON})
    await made.until(f"{made.at(SERVICE)}/operations", lambda found: found["operations"][0]["state"] != "running")


async def fail(made: Fair) -> None:
    """It is published again, and approved; meanwhile somebody has disabled the user in the CRM."""
    made.sandbox.stand_in("dynamics").choose("userDisabled")
    begun = await made.ask("POST", f"{made.at(SERVICE)}/publish", {})
    operation = f"{made.at(SERVICE)}/operations/{begun['id']}"
    await made.until(operation, _waits_for_the_operator)
    await made.ask("POST", f"{made.at(SERVICE)}/certification", {"approved": True})
    await made.until(operation, lambda found: found["state"] != "running")


def _waits_for_the_operator(found: Any) -> bool:
    return any(each["status"] == "waitingForApproval" for each in found["steps"])


async def _leads(made: Fair) -> None:
    """Customers come; then a token ends, and more come."""

    async def come(offer: str, source: str, action: str) -> str:
        return str((await made.ask("POST", "/v1/leads", cast.lead(offer, source, action)))["id"])

    def ended(found: Any) -> bool:
        return all(each["state"] not in ("pending", "sending") for each in found["deliveries"])

    early = [await come(CRM, *each) for each in cast.EVERY_ACTION]
    early += [await come(INSIGHTS, *each) for each in cast.EVERY_ACTION[:3]]
    for lead_id in early:
        await made.until(f"/v1/leads/{lead_id}", ended)
    made.sandbox.stand_in("hubspot").choose("tokenExpired")
    late = [await come(CRM, *each) for each in cast.EVERY_ACTION[:3]]
    for lead_id in late:
        await made.until(
            f"/v1/leads/{lead_id}", lambda found: any(each["state"] == "held" for each in found["deliveries"])
        )
    made.lead_id = late[0]


async def _counted(folder: Path) -> None:
    """The figures of the day, which the program counts now and then."""
    storage, now = open_storage(f"sqlite+aiosqlite:///{folder / 'new.db'}"), now_ms()
    await Tally(storage, now_ms).count(now // DAY_MS, now)
    await storage.close()
