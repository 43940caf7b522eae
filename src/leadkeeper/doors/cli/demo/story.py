"""The demo's story: offers with their connections, leads of every kind, and things that go wrong and right again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from leadkeeper.doors.cli.demo import cast
from leadkeeper.doors.cli.demo.board import RECEIPT_WORDS, Board, summary
from leadkeeper.doors.cli.demo.hub import Answer, Hub, Refused
from leadkeeper.doors.cli.demo.market import DemoPerson, invite_people, publish_offers
from leadkeeper.doors.cli.demo.mishap_words import title_text
from leadkeeper.doors.cli.demo.places import connect, every_place
from leadkeeper.doors.cli.demo.proof import HandedIn
from leadkeeper.doors.cli.demo.screen import Line, Screen
from leadkeeper.doors.cli.demo.shown import MoodyEndpoint
from leadkeeper.doors.cli.demo.stage import Stage
from leadkeeper.doors.state_words import DELIVERIES
from leadkeeper.sandbox.azure_table.place import table
from leadkeeper.sandbox.https_endpoint.place import https_endpoint, signing_secret
from leadkeeper.sandbox.place import Place
from leadkeeper.texts import join_lazily
from leadkeeper.texts import lazy_gettext as _

_PAUSE: Final = 0.4
"""Seconds between leads where somebody watches, so that they are seen to arrive."""
_SOON: Final = 30.0
_A_MOMENT: Final = 10.0
_SETTLED: Final = frozenset({"delivered", "unconfirmed", "held", "waiting", "setAside", "withheld"})


class Story:
    """Plays on ``hub``; ``handed_in`` grows with every lead that the hub acknowledged. Everything goes over REST."""

    def __init__(self, hub: Hub, stage: Stage, screen: Screen, board: Board) -> None:
        self._hub = hub
        self._stage = stage
        self._screen = screen
        self._board = board
        self._places: dict[str, list[Place]] = {}
        self._endpoints: dict[str, MoodyEndpoint] = {}
        self.handed_in: list[HandedIn] = []
        self.hook_url = ""
        self.accounts: Sequence[DemoPerson] = ()

    async def play(self) -> None:
        """The whole story. Raises :class:`Refused` if it does not go as planned."""
        by_hand = (self._by_rest, self._in_a_batch, self._by_hook, self._faulty)
        for act in (self._set_up, *by_hand, self._broken, self._failing, self._published):
            before = len(self.handed_in)
            await act()
            leads = {lead.id for lead in self.handed_in[before:] if not lead.test}
            await self._settled(leads, _SETTLED)
            self._screen.sum_up(self._board.of(leads))

    async def _set_up(self) -> None:
        self._screen.heading(_("1. Offers and their connections, each tried with a test lead"))
        for publisher, name in cast.PUBLISHERS.items():
            await self._hub.ask("PUT", f"/v1/publishers/{publisher}", {"displayName": name})
        secrets = {}
        for offer, title in cast.OFFERS.items():
            await self._hub.ask("PUT", _path(offer), {"title": title, "offerType": "saas"})
            secrets[offer] = signing_secret()
            self._endpoints[offer] = await self._stage.endpoint(secrets[offer])
        for offer, secret in secrets.items():
            scene = self._stage.scene(self._endpoints[offer], secret)
            if offer == cast.EVERYWHERE:
                self._places[offer] = every_place(scene)
            else:
                archive = connect("azure_table", table(scene, "archive"))
                self._places[offer] = [archive, connect("https_endpoint", https_endpoint(scene, "sales-api"))]
            for place in self._places[offer]:
                await self._put(offer, place, place.settings)
                test = await self._prove(offer, place)
                where = join_lazily((f"{offer}/{place.connection} (", title_text(place.title), ")"), "")
                text = _("%(connection)s: test lead %(outcome)s", connection=where, outcome=_short(test))
                self._screen.say(text, "green", indent="  ")

    async def _by_rest(self) -> None:
        count = len(self._places[cast.EVERYWHERE])
        self._screen.heading(
            _("2. Leads of every source and action, handed in over REST, each for %(count)s connections", count=count)
        )
        for source, action in cast.EVERY_ACTION:
            await self._hand_in(cast.lead(cast.EVERYWHERE, source, action))

    async def _in_a_batch(self) -> None:
        self._screen.heading(_("3. A batch of three lines, the second of them spoilt: the others are kept"))
        offer = "fabrikam.insights"
        leads = [cast.lead(offer, "AzureMarketplace", "PLT"), cast.lead(offer, "SPZA", "INS")]
        lines = [json.dumps(leads[0]), '{"publisherId": "contoso", "offerId":', json.dumps(leads[1])]
        text = await self._hub.ask(
            "POST", "/v1/leads/batch", "\n".join(lines).encode(), content_type="application/x-ndjson"
        )
        answers = [json.loads(line) for line in text.splitlines()]
        for lead, answer in zip(leads, (answers[0], answers[2]), strict=True):
            self._acknowledged(answer["id"], lead)
        self._screen.say(_("line 2: %(why)s", why=answers[1]["problem"]["detail"]), "yellow", indent="  ")

    async def _by_hook(self) -> None:
        self._screen.heading(_("4. Leads from Microsoft's marketplace, posted to a hook in the shapes that it uses"))
        hook = await self._hub.ask("POST", f"{_path(cast.HOOKED)}/hooks")
        self.hook_url = hook["url"]
        for name, payload, lead_source, email in cast.HOOK_LEADS:
            answer = await self._hub.ask("POST", f"/hooks/{hook['token']}", payload)
            self._screen.say(_("%(what)s: kept", what=name), indent="  ")
            self.handed_in.append(HandedIn(answer["id"], lead_source, email, tuple(self._places[cast.HOOKED])))
            await self._pause()

    async def _faulty(self) -> None:
        self._screen.heading(_("5. What cannot be kept is refused in plain words"))
        unknown = cast.lead("contoso.crm-pro", "AzureMarketplace", "INS") | {"offerId": "crm-pr0"}
        self._refused(_("unknown offer"), await self._hub.call("POST", "/v1/leads", unknown))
        self._refused(_("not JSON"), await self._hub.call("POST", "/v1/leads", b'{"publisherId": contoso}'))
        lead = cast.lead("contoso.crm-trial", "TestDrive", "StartTestDrive")
        first = await self._hub.ask("POST", "/v1/leads", lead, idempotency_key="demo-1")
        self._acknowledged(first["id"], lead)
        again = await self._hub.ask("POST", "/v1/leads", lead, idempotency_key="demo-1")
        if again["id"] != first["id"]:
            raise Refused(_("A repeat under the same Idempotency-Key was kept as another lead."))
        self._screen.say(_("handed in twice under one Idempotency-Key: kept once"), indent="  ")

    async def _broken(self) -> None:
        offer = cast.EVERYWHERE
        places = self._places[offer]
        self._screen.heading(
            _("6. All %(count)s connections break, each in its own way: leads are held until fixed", count=len(places))
        )
        for place in places:
            await self._break(offer, place)
        self._screen.say(_("Two leads come in meanwhile:"), indent="  ")
        before = len(self.handed_in)
        for source, action in (("AzureMarketplace", "INS"), ("SPZA", "PLT")):
            await self._hand_in(cast.lead(offer, source, action))
        leads = {lead.id for lead in self.handed_in[before:]}
        if not await self._settled(leads, {"held"}, _SOON):
            raise Refused(_("Not every lead was held within %(seconds)s s.", seconds=round(_SOON)))
        self._screen.sum_up(self._board.of(leads))
        self._screen.say(_("One after the other is fixed, and its held leads go out by themselves:"), indent="  ")
        for place in places:
            await self._fix(offer, place)
        await self._settled(leads, {"delivered", "unconfirmed"}, _SOON)

    async def _break(self, offer: str, place: Place) -> None:
        mishap = place.mishap
        if mishap.settings is not None:
            await self._put(offer, place, mishap.settings)
        if mishap.state is not None:
            self._stage.sandbox.stand_in(mishap.state[0]).choose(mishap.state[1])
        found = await self._validate(offer, place)
        if found["ok"] is not False:
            raise Refused(
                _(
                    "%(connection)s passed its validation although %(mishap)s.",
                    connection=f"{offer}/{place.connection}",
                    mishap=_(mishap.what),
                )
            )
        self._screen.say(_("%(where)s: %(mishap)s.", where=title_text(place.title), mishap=_(mishap.what)), indent="  ")
        self._screen.say(f"    {summary({'diagnosis': found['diagnosis']})}", "yellow")
        for number, step in enumerate(found["diagnosis"]["steps"], start=1):
            self._screen.say(f"    {number}. {step}")

    async def _fix(self, offer: str, place: Place) -> None:
        mishap = place.mishap
        if mishap.state is not None:
            self._stage.sandbox.stand_in(mishap.state[0]).choose("ok")
        if mishap.settings is not None:
            await self._put(offer, place, place.settings)
        test = await self._prove(offer, place)
        text = _(
            "%(where)s: %(fix)s; test lead %(outcome)s",
            where=title_text(place.title),
            fix=_(mishap.fixed),
            outcome=_short(test),
        )
        self._screen.say(text, "green", indent="    ")

    async def _failing(self) -> None:
        self._screen.heading(_("7. A destination answers 500 for a while: only its own leads wait, and are sent again"))
        offer = "fabrikam.insights"
        self._endpoints[offer].down = True
        before = len(self.handed_in)
        await self._hand_in(cast.lead(offer, "AzurePortal", "Create"))
        leads = {lead.id for lead in self.handed_in[before:]}
        if not await self._settled(leads, {"waiting", "delivered"}, _SOON):
            raise Refused(_("The lead did not wait within %(seconds)s s.", seconds=round(_SOON)))
        self._screen.sum_up(self._board.of(leads))
        self._endpoints[offer].down = False
        self._screen.say(_("It has recovered; the next try takes the lead there."), indent="  ")
        await self._settled(leads, {"delivered"})

    async def _published(self) -> None:
        count = len(cast.PUBLISHED)
        self._screen.heading(_("8. %(count)s offers are published: customers see them in the storefront", count=count))
        await publish_offers(self._hub, self._screen)
        self.accounts = await invite_people(self._hub)

    async def _put(self, offer: str, place: Place, settings: Mapping[str, Any]) -> None:
        await self._hub.ask("PUT", f"{_path(offer)}/connections/{place.connection}", settings)

    async def _validate(self, offer: str, place: Place) -> Any:
        return await self._hub.ask("POST", f"{_path(offer)}/connections/{place.connection}/validate")

    async def _prove(self, offer: str, place: Place) -> Any:
        """The test lead that the connection took. Raises :class:`Refused` when it does not work."""
        found = await self._validate(offer, place)
        if found["ok"] is False:
            message = found["diagnosis"]
            where, why = f"{offer}/{place.connection}", f"{message['summary']} {message['evidence']}"
            raise Refused(_("%(connection)s does not work: %(why)s", connection=where, why=why))
        test = found["testLead"]
        lead_source = f"{test['marker']}-{test['marker']}|{cast.OFFERS[offer]}"
        self.handed_in.append(HandedIn(test["id"], lead_source, f"{test['marker']}@test.com", (place,), test=True))
        return test

    async def _hand_in(self, lead: dict[str, Any]) -> None:
        self._acknowledged((await self._hub.ask("POST", "/v1/leads", lead))["id"], lead)
        await self._pause()

    def _acknowledged(self, lead_id: str, lead: dict[str, Any]) -> None:
        offer = f"{lead['publisherId']}.{lead['offerId']}"
        lead_source = f"{lead['source']}-{lead['action']}|{offer}"
        self.handed_in.append(HandedIn(lead_id, lead_source, lead["customer"]["email"], tuple(self._places[offer])))

    def _refused(self, what: str, answer: Answer) -> None:
        if not answer.refused:
            raise Refused(_("It was taken, and ought to have been refused: %(what)s.", what=what))
        self._screen.say(join_lazily((what, f"{answer.status} {answer.body['detail']}"), ": "), "yellow", indent="  ")

    async def _settled(self, leads: Collection[str], states: Collection[str], seconds: float = _A_MOMENT) -> bool:
        """Wait until every delivery of the leads is seen in one of ``states``; false if that takes too long."""
        expected = sum(len(lead.places) for lead in self.handed_in if lead.id in leads)

        def there(lines: Mapping[str, Line]) -> bool:
            return sum(line.lead in leads and line.state in states for line in lines.values()) == expected

        return await self._board.until(there, seconds)

    async def _pause(self) -> None:
        if self._screen.live:
            await asyncio.sleep(_PAUSE)


def _short(test: Mapping[str, Any]) -> str:
    """What became of a test lead."""
    receipt = test["receipt"]
    result = RECEIPT_WORDS.get(receipt["result"], receipt["result"])
    return result if receipt["confirmed"] else join_lazily((result, DELIVERIES["unconfirmed"]), ", ")


def _path(offer: str) -> str:
    publisher_id, _, offer_id = offer.partition(".")
    return f"/v1/publishers/{publisher_id}/offers/{offer_id}"
