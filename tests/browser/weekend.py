"""A weekend on a clock that goes on as told: three publishers before their stand-ins, and what goes wrong there."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from leadkeeper.inbox.oversight.tally import Tally
from leadkeeper.mail.mailer import Mailer
from leadkeeper.notices.sender import Sender
from leadkeeper.notices.telling import Telling
from leadkeeper.reconciliation.task import ReconciliationTask
from leadkeeper.sandbox.dynamics.stand_in import Dynamics
from leadkeeper.sandbox.hubspot.stand_in import HubSpot
from leadkeeper.sandbox.mishaps import Match, commit_then_drop
from leadkeeper.sandbox.salesforce.stand_in import Salesforce
from leadkeeper.sandbox.server import Sandbox
from leadkeeper.sandbox.stand_in import OK
from tests.contracts.cases.dynamics import APPLICATION_SETTINGS
from tests.contracts.cases.hubspot import REST_SETTINGS as HUBSPOT_SETTINGS
from tests.contracts.cases.salesforce import REST_SETTINGS, WEB_SETTINGS
from tests.contracts.mailbox import Mailbox
from tests.contracts.test_email import server_of
from tests.hands import HOUR, Hands
from tests.in_process import Installation, batch, lead, lines

CONTOSO, FABRIKAM, TAILSPIN = "contoso", "fabrikam", "tailspin"
_AT_REST: Final = ("delivered", "unconfirmed", "setAside", "held", "withheld")
EVENTS: Final = "events"
"""Tailspin's second offer. It goes over Web-to-Lead, which cannot tell a repeated lead."""
DESTINATIONS: Final[dict[tuple[str, str], dict[str, Any]]] = {
    (CONTOSO, "crm"): {"leadDestination": "dynamics", "dynamicsLeadConfiguration": APPLICATION_SETTINGS},
    (FABRIKAM, "crm"): {"leadDestination": "hubSpot", "hubSpotLeadConfiguration": HUBSPOT_SETTINGS},
    (TAILSPIN, "crm"): {"leadDestination": "salesforce", "salesforceLeadConfiguration": REST_SETTINGS},
    (TAILSPIN, EVENTS): {"leadDestination": "salesforce", "salesforceLeadConfiguration": WEB_SETTINGS},
}


@dataclass
class Weekend:
    """An installation with a worker, and what is done beside it, an hour at a time."""

    home: Installation
    hands: Hands
    sandbox: Sandbox
    box: Mailbox
    handed: int = 0

    async def connect(self) -> None:
        """Three publishers with an offer each, and where its leads go."""
        operator = await self.home.visitor("operator")
        for (name, offer), destination in DESTINATIONS.items():
            assert (await operator.put(f"/v1/publishers/{name}", {"displayName": name.title()})).status in (200, 201)
            at = f"/v1/publishers/{name}/offers/{offer}"
            assert (await operator.put(at, {"title": f"{name} {offer}".title(), "offerType": "saas"})).status == 201
            made = await operator.put(f"{at}/customer-leads", destination)
            assert made.status == 201, made.body

    async def customers(self, name: str, count: int, *, offer: str = "crm", host: str = "a.example") -> list[str]:
        """So many customers of a publisher act; their leads, by id."""
        numbers = range(self.handed, self.handed + count)
        self.handed += count
        some = [
            lead(publisherId=name, offerId=offer, customer={"lastName": f"Customer {each}", "email": f"c{each}@{host}"})
            for each in numbers
        ]
        answers = lines(await batch(await self.home.visitor("operator"), "\n".join(map(json.dumps, some))))
        return [each["id"] for each in answers]

    async def delivery(self, lead_id: str) -> dict[str, Any]:
        """A lead's delivery."""
        answer = await (await self.home.visitor("operator")).get(f"/v1/leads/{lead_id}")
        (found,) = answer.json()["deliveries"]
        return dict(found)

    async def until(self, lead_ids: Sequence[str], *states: str) -> None:
        """Wait until these leads are in one of these states."""
        for each in lead_ids:
            async with asyncio.timeout(60):
                while (found := await self.delivery(each))["state"] not in states:
                    assert found["state"] not in _AT_REST, found
                    await asyncio.sleep(0.02)

    async def passes(self, hours: int) -> None:
        """So many hours go by; what an installation does beside carrying leads is done in each."""
        services, now = self.home.services, self.home.services.clock
        assert self.home.context is not None
        mailer, url = Mailer(server_of(self.box)), self.home.url
        telling = Telling(services.storage, mailer.sender, url, services.operator_addresses, now)
        sender = Sender(services.storage, mailer, url, now)
        reconciliation = ReconciliationTask(
            services.storage, services.connections, self.home.context, days=7, clock=now, random_unit=lambda: 0.99
        )
        for _ in range(hours):
            self.hands.later += HOUR
            await Tally(services.storage, now).look()
            await reconciliation.look()
            await telling.look()
            while await sender.look():
                pass

    async def go_wrong(self) -> str:
        """From Saturday to Monday: 200 leads, six causes. The lead whose record was deleted at last."""
        early = [await self.customers(name, count) for name, count in ((CONTOSO, 20), (FABRIKAM, 20), (TAILSPIN, 60))]
        await self.until([each for some in early for each in some], "delivered")
        await self.customers(TAILSPIN, 1, host="college.edu")
        await self.passes(1)
        self.sandbox.stand_in(Dynamics).choose("userDisabled")
        await self.until(await self.customers(CONTOSO, 40), "held")
        await self.passes(4)
        self.sandbox.stand_in(Salesforce).choose("validationRule")
        await self.until(await self.customers(TAILSPIN, 1), "setAside")
        self.sandbox.stand_in(Salesforce).choose(OK)
        await self.passes(15)
        self.sandbox.stand_in(HubSpot).choose("tokenExpired")
        await self.until(await self.customers(FABRIKAM, 30), "held")
        await self.passes(4)
        self.sandbox.fail(commit_then_drop, Match(host="webto.salesforce.com", method="POST"))
        await self.until(await self.customers(TAILSPIN, 1, offer=EVENTS), "setAside")
        await self.until(await self.customers(TAILSPIN, 1, offer=EVENTS), "unconfirmed")
        await self.until(await self.customers(TAILSPIN, 26), "delivered")
        (deleted, *_) = early[2]
        remote_id = (await self.delivery(deleted))["receipt"]["remoteId"]
        self.sandbox.stand_in(Salesforce).by_hand({"do": "delete", "id": remote_id})
        await self.passes(22)
        return deleted

    def mend(self) -> None:
        """Who runs the systems there repairs them: the user is enabled, the token renewed."""
        self.sandbox.stand_in(Dynamics).choose(OK)
        self.sandbox.stand_in(HubSpot).choose(OK)

    def records(self, which: type[Dynamics] | type[HubSpot] | type[Salesforce], count: Callable[[Any], bool]) -> int:
        """How many records of that kind are there."""
        return sum(map(count, self.sandbox.stand_in(which).received()))
