"""The demo's story: offers with their connections, leads of every kind, and things that go wrong and right again."""

from __future__ import annotations

import asyncio
import base64
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from leadkeeper.doors.cli.demo import cast
from leadkeeper.doors.cli.demo.board import Board, told
from leadkeeper.doors.cli.demo.hub import Answer, Hub, Refused
from leadkeeper.doors.cli.demo.proof import HandedIn, Place
from leadkeeper.doors.cli.demo.screen import Line, Screen
from leadkeeper.doors.cli.demo.stage import HOST, MoodyEndpoint, Stage

_PAUSE: Final = 0.4
"""Seconds between leads where somebody watches, so that they are seen to arrive."""
_SOON: Final = 30.0
_A_MOMENT: Final = 5.0


@dataclass(frozen=True, slots=True)
class _Endpoint:
    server: MoodyEndpoint
    secret: str

    @property
    def url(self) -> str:
        return f"https://{HOST}:{self.server.port}/leads"


class Story:
    """Plays on ``hub``; ``handed_in`` grows with every lead that the hub acknowledged. Everything goes over REST."""

    def __init__(self, hub: Hub, stage: Stage, screen: Screen, board: Board) -> None:
        self._hub = hub
        self._stage = stage
        self._screen = screen
        self._board = board
        self._places: dict[str, tuple[Place, ...]] = {}
        self._endpoints: dict[str, _Endpoint] = {}
        self.handed_in: list[HandedIn] = []
        self.hook_url = ""

    async def play(self) -> None:
        """The whole story. Raises :class:`Refused` if it does not go as told."""
        acts = (self._set_up, self._by_rest, self._in_a_batch, self._by_hook, self._faulty, self._broken, self._failing)
        for act in acts:
            await act()
            await self._shown()

    async def _set_up(self) -> None:
        self._screen.heading("1. Two publishers, four offers, their destinations, each proven with a test lead")
        for publisher, name in cast.PUBLISHERS.items():
            await self._hub.ask("PUT", f"/v1/publishers/{publisher}", {"displayName": name})
        for offer, title in cast.OFFERS.items():
            await self._hub.ask("PUT", _path(offer), {"title": title, "offerType": "saas"})
        for name in ("contoso.crm-pro", "fabrikam.helpdesk", "fabrikam.insights"):
            secret = "whsec_" + base64.b64encode(os.urandom(32)).decode()
            self._endpoints[name] = _Endpoint(await self._stage.endpoint(secret), secret)
        endpoint = self._endpoints["contoso.crm-pro"]
        await self._connect("contoso.crm-pro", "primary", self._table())
        await self._connect("contoso.crm-pro", "sales-api", self._https(endpoint), endpoint)
        await self._connect("contoso.crm-trial", "primary", self._table())
        insights = self._endpoints["fabrikam.insights"]
        await self._connect("fabrikam.insights", "primary", self._https(insights), insights)
        await self._connect("fabrikam.insights", "archive", self._table())

    async def _by_rest(self) -> None:
        self._screen.heading("2. Leads of every source and action, handed in over REST")
        for offer, source, action in cast.REST_LEADS:
            await self._hand_in(cast.lead(offer, source, action))

    async def _in_a_batch(self) -> None:
        self._screen.heading("3. A batch of three lines, the second of them spoilt: the others are kept")
        leads = [cast.lead("contoso.crm-pro", "AzureMarketplace", "PLT"), cast.lead("contoso.crm-pro", "SPZA", "INS")]
        lines = [json.dumps(leads[0]), '{"publisherId": "contoso", "offerId":', json.dumps(leads[1])]
        text = await self._hub.ask(
            "POST", "/v1/leads/batch", "\n".join(lines).encode(), content_type="application/x-ndjson"
        )
        answers = [json.loads(line) for line in text.splitlines()]
        for lead, answer in zip(leads, (answers[0], answers[2]), strict=True):
            self._acknowledged(answer["id"], lead)
        self._screen.say(f"  line 2: {answers[1]['problem']['detail']}", "yellow")

    async def _by_hook(self) -> None:
        self._screen.heading("4. Leads from Microsoft's marketplace, posted to a hook in the shapes that it uses")
        hook = await self._hub.ask("POST", f"{_path('contoso.crm-pro')}/hooks")
        self.hook_url = hook["url"]
        for name, payload, lead_source, email in cast.HOOK_LEADS:
            answer = await self._hub.ask("POST", f"/hooks/{hook['token']}", payload)
            self._screen.say(f"  {name}: kept")
            places = self._places["contoso.crm-pro"]
            self.handed_in.append(HandedIn(answer["id"], lead_source, email, places))
            await self._pause()

    async def _faulty(self) -> None:
        self._screen.heading("5. What cannot be kept is refused in plain words")
        unknown = cast.lead("contoso.crm-pro", "AzureMarketplace", "INS") | {"offerId": "crm-pr0"}
        self._refused("unknown offer", await self._hub.call("POST", "/v1/leads", unknown))
        self._refused("not JSON", await self._hub.call("POST", "/v1/leads", b'{"publisherId": contoso}'))
        lead = cast.lead("contoso.crm-trial", "TestDrive", "StartTestDrive")
        first = await self._hub.ask("POST", "/v1/leads", lead, idempotency_key="demo-1")
        self._acknowledged(first["id"], lead)
        again = await self._hub.ask("POST", "/v1/leads", lead, idempotency_key="demo-1")
        if again["id"] != first["id"]:
            raise Refused("a repeat under the same Idempotency-Key was kept as another lead")
        self._screen.say("  handed in twice under one Idempotency-Key: kept once")

    async def _broken(self) -> None:
        self._screen.heading("6. A connection is broken (wrong signing secret): its leads are held until it is mended")
        right = self._endpoints["fabrikam.helpdesk"]
        wrong = _Endpoint(right.server, "whsec_" + base64.b64encode(os.urandom(32)).decode())
        await self._put("fabrikam.helpdesk", "primary", self._https(wrong), right)
        found = await self._validate("fabrikam.helpdesk", "primary")
        if found["ok"]:
            raise Refused("a connection with a wrong signing secret passed its validation")
        self._tell(found["diagnosis"])
        for source, action in (("AzureMarketplace", "INS"), ("SPZA", "PLT")):
            await self._hand_in(cast.lead("fabrikam.helpdesk", source, action))
        await self._until("fabrikam.helpdesk", "held", 2)
        self._screen.say("  The publisher enters the right secret; the held leads go out by themselves.")
        await self._connect("fabrikam.helpdesk", "primary", self._https(right), right)

    async def _failing(self) -> None:
        self._screen.heading("7. A destination answers 500 for a while: only its own leads wait, and are sent again")
        endpoint = self._endpoints["fabrikam.insights"].server
        endpoint.down = True
        for source, action in (("AzurePortal", "Create"), ("AzureMarketplace", "PLT")):
            await self._hand_in(cast.lead("fabrikam.insights", source, action))
        await self._until("fabrikam.insights", "waiting", 2)
        endpoint.down = False
        self._screen.say("  It has recovered; the next try takes them there.")

    async def _connect(
        self, offer: str, name: str, settings: dict[str, Any], endpoint: _Endpoint | None = None
    ) -> None:
        """Make or change a connection and prove it."""
        await self._put(offer, name, settings, endpoint)
        found = await self._validate(offer, name)
        if not found["ok"]:
            raise Refused(f"the connection {offer}/{name} does not work: {found['diagnosis']['summary']}")
        test = found["testLead"]
        self._screen.say(f"  {offer}/{name}: test lead {test['receipt']['result']}", "green")
        lead_source = f"{test['marker']}-{test['marker']}|{cast.OFFERS[offer]}"
        place = next(place for place in self._places[offer] if place.connection == name)
        self.handed_in.append(HandedIn(test["id"], lead_source, f"{test['marker']}@test.com", (place,)))

    async def _put(self, offer: str, name: str, settings: dict[str, Any], endpoint: _Endpoint | None) -> None:
        await self._hub.ask("PUT", f"{_path(offer)}/connections/{name}", settings)
        place = Place(name, endpoint.server if endpoint else None)
        known = [other for other in self._places.get(offer, ()) if other.connection != name]
        self._places[offer] = (*known, place)

    async def _validate(self, offer: str, name: str) -> Any:
        return await self._hub.ask("POST", f"{_path(offer)}/connections/{name}/validate")

    async def _hand_in(self, lead: dict[str, Any]) -> None:
        self._acknowledged((await self._hub.ask("POST", "/v1/leads", lead))["id"], lead)
        await self._pause()

    def _acknowledged(self, lead_id: str, lead: dict[str, Any]) -> None:
        offer = f"{lead['publisherId']}.{lead['offerId']}"
        lead_source = f"{lead['source']}-{lead['action']}|{offer}"
        self.handed_in.append(HandedIn(lead_id, lead_source, lead["customer"]["email"], self._places[offer]))

    def _refused(self, what: str, answer: Answer) -> None:
        if not answer.refused:
            raise Refused(f"{what} was taken")
        self._screen.say(f"  {what}: {answer.status} {answer.body['detail']}", "yellow")

    def _tell(self, diagnosis: dict[str, Any]) -> None:
        self._screen.say(f"  {told({'diagnosis': diagnosis})}", "yellow")
        for number, step in enumerate(diagnosis["steps"], start=1):
            self._screen.say(f"    {number}. {step}")

    async def _until(self, offer: str, state: str, count: int) -> None:
        def there(line: Line) -> bool:
            return line.offer == offer and line.state == state

        if not await self._board.until(lambda lines: sum(map(there, lines.values())) >= count, _SOON):
            raise Refused(f"the leads of {offer} were not {state} within {_SOON:.0f} s")

    async def _shown(self) -> None:
        """Let what was handed in be seen before the story goes on; that takes a moment, and is no proof."""

        def there(lines: Mapping[str, Line]) -> bool:
            seen = {line.lead for line in lines.values() if line.state not in ("pending", "sending")}
            return seen.issuperset(lead.id for lead in self.handed_in)

        await self._board.until(there, _A_MOMENT)

    async def _pause(self) -> None:
        if self._screen.live:
            await asyncio.sleep(_PAUSE)

    def _table(self) -> dict[str, Any]:
        settings = {"storageAccountConnectionString": self._stage.connection_string}
        return {"leadDestination": "table", "tableLeadConfiguration": settings}

    def _https(self, endpoint: _Endpoint) -> dict[str, Any]:
        settings = {"httpsEndpointUrl": endpoint.url, "signingSecret": endpoint.secret}
        return {"leadDestination": "httpsEndpoint", "httpsEndpointLeadConfiguration": settings}


def _path(offer: str) -> str:
    publisher_id, _, offer_id = offer.partition(".")
    return f"/v1/publishers/{publisher_id}/offers/{offer_id}"
