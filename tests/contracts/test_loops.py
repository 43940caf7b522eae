"""Leads that come back: our own addresses are no destination, and a lead that was passed on often is passed on no more.

A relay stands between, as a flow or another vendor's service would; it drops the headers or keeps them. Both databases.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.faults import Exchange, FaultServer, answer
from leadkeeper.storage import tables as t
from tests.in_process import OFFER, Installation, hand_in, installation
from tests.ports import free_port

MANY = 20
"""More than any lead may be passed on; a relay that has seen so many ends the experiment."""


def endpoint(url: str) -> dict[str, Any]:
    return {"leadDestination": "httpsEndpoint", "httpsEndpointLeadConfiguration": {"httpsEndpointUrl": url}}


@dataclass
class Relay:
    """Posts what it gets to ``to``, with the headers or without."""

    authority: Authority
    keeps_headers: bool
    to: str = ""
    home: Installation | None = None
    bodies: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.server = FaultServer(self._act)

    async def _act(self, exchange: Exchange) -> None:
        self.bodies.append(json.loads(exchange.request.body))
        if self.home is not None and len(self.bodies) < MANY:
            named = ("content-type", "leadkeeper-hops") if self.keeps_headers else ("content-type",)
            headers = {name: exchange.request.headers[name] for name in named if name in exchange.request.headers}
            await self.home.anyone.call("POST", self.to, data=exchange.request.body, headers=headers)
        await answer(200)(exchange)


@asynccontextmanager
async def relay(authority: Authority, keeps_headers: bool) -> AsyncIterator[Relay]:
    made = Relay(authority, keeps_headers)
    await made.server.start(authority.server_context("relay0.example", "relay1.example"))
    try:
        yield made
    finally:
        await made.server.aclose()


def reaching(*relays: Relay) -> dict[str, Any]:
    """The settings of an installation that reaches these relays as ``relay<n>.example``."""
    hosts = ",".join(f"relay{number}.example=127.0.0.1:{one.server.port}" for number, one in enumerate(relays))
    return {"hosts": hosts, "ca_file": relays[0].authority.ca_file}


async def looped(home: Installation, through: Relay, name: str, back_to: Installation) -> None:
    """Let the installation's leads go through the relay to a hook of ``back_to``."""
    operator = await home.visitor("operator")
    body = endpoint(f"https://{name}/leads")
    assert (await operator.put(f"{OFFER}/customer-leads", body)).status == 201
    made = await (await back_to.visitor("operator")).post(f"{OFFER}/hooks")
    through.to, through.home = f"/hooks/{made.json()['token']}", back_to


async def ended(*homes: Installation) -> list[dict[str, Any]]:
    """What is left once no lead is on its way any more: the deliveries that are set aside, as they are shown."""
    d = t.delivery.c
    moving = sa.select(sa.func.count()).select_from(t.delivery).where(d.state.not_in(["delivered", "setAside"]))
    aside = sa.select(d.lead_id).where(d.state == "setAside")
    for _ in range(3_000):
        left = [await home.services.storage.read(lambda conn: conn.scalar(moving) or 0) for home in homes]
        found = [(home, await home.services.storage.read(lambda conn: conn.scalars(aside).all())) for home in homes]
        if not any(left) and any(ids for _, ids in found):
            views = [await home.services.leads.inbox.get(id) for home, ids in found for id in ids]
            return [view.model_dump(by_alias=True) for view in views if view is not None]
        if await _leads(*homes) >= MANY:
            pytest.fail(f"one lead became {await _leads(*homes)}")
        await asyncio.sleep(0.02)
    pytest.fail("the loop did not end in 60 s")


async def arrived(through: Relay, count: int) -> None:
    """The relay has got so many."""
    for _ in range(3_000):
        if len(through.bodies) >= count:
            return
        await asyncio.sleep(0.02)
    pytest.fail(f"{len(through.bodies)} of {count} arrived in 60 s")


async def _leads(*homes: Installation) -> int:
    count = sa.select(sa.func.count()).select_from(t.lead)
    return sum([await home.services.storage.read(lambda conn: conn.scalar(count) or 0) for home in homes])


@pytest.mark.parametrize("keeps_headers", [True, False])
async def test_a_lead_that_comes_back_is_passed_on_a_few_times_only(
    database_url: str, authority: Authority, keeps_headers: bool
) -> None:
    async with (
        relay(authority, keeps_headers) as through,
        installation(database_url, worker=True, **reaching(through)) as home,
    ):
        await looped(home, through, "relay0.example", home)
        await hand_in(await home.visitor("operator"))
        (kept,) = await ended(home)
        assert await _leads(home) <= 8
        # It is kept, and a person sees why it went no further.
        (delivery,) = kept["deliveries"]
        assert delivery["state"] == "setAside"
        assert delivery["diagnosis"]["kind"] == "passedOnTooOften"
        assert kept["customer"]["email"] == "ada@contoso.example"
        # A person may send it all the same, once.
        before = len(through.bodies)
        await home.services.leads.redelivery.retry(delivery["id"], by="test")
        await arrived(through, before + 1)
        await ended(home)
        assert await _leads(home) <= 9


async def test_two_installations_that_feed_each_other_end(
    database_url: str, authority: Authority, tmp_path: Path
) -> None:
    second = f"sqlite+aiosqlite:///{tmp_path / 'second.db'}"
    async with (
        relay(authority, False) as there,
        relay(authority, True) as back,
        installation(database_url, worker=True, **reaching(there, back)) as one,
        installation(second, worker=True, **reaching(there, back)) as other,
    ):
        await looped(one, there, "relay0.example", other)
        await looped(other, back, "relay1.example", one)
        await hand_in(await one.visitor("operator"))
        await ended(one, other)
        assert await _leads(one, other) <= 8


async def test_leads_of_strangers_look_as_before(database_url: str, authority: Authority) -> None:
    async with (
        relay(authority, True) as through,
        installation(database_url, worker=True, **reaching(through)) as home,
    ):
        operator = await home.visitor("operator")
        body = endpoint("https://relay0.example/leads")
        assert (await operator.put(f"{OFFER}/customer-leads", body)).status == 201
        await hand_in(operator)
        await arrived(through, 1)
        assert "Hops" not in through.bodies[0]


async def test_a_lead_that_waited_for_its_first_connection_goes_no_further_either(database_url: str) -> None:
    async with installation(database_url) as home:
        operator = await home.visitor("operator")
        made = await operator.post(f"{OFFER}/hooks")
        headers = {"Content-Type": "application/json", "Leadkeeper-Hops": "99"}
        at = f"/hooks/{made.json()['token']}"
        assert (await home.anyone.call("POST", at, {"LeadSource": "SPZA"}, headers=headers)).status == 200
        assert (await operator.put(f"{OFFER}/customer-leads", endpoint("https://relay.example/"))).status == 201
        (view,) = await ended(home)
        assert view["deliveries"][0]["diagnosis"]["kind"] == "passedOnTooOften"


async def test_hops_are_read_at_the_api_too_and_wrong_ones_are_none(database_url: str) -> None:
    async with installation(database_url) as home:
        operator = await home.visitor("operator")
        assert (await operator.put(f"{OFFER}/customer-leads", endpoint("https://relay.example/"))).status == 201
        body = {"publisherId": "contoso", "offerId": "crm-pro", "source": "SPZA", "action": "INS"}
        states = []
        for hops in ("6", "5", "-7", "1e9", "999999999999999999999999", "many", ""):
            headers = {"Content-Type": "application/json", "Leadkeeper-Hops": hops}
            answer = await operator.call("POST", "/v1/leads", body, headers=headers)
            assert answer.status == 202, answer.body
            states.append(answer.json()["deliveries"][0]["state"])
        assert states == ["setAside", "pending", "pending", "pending", "setAside", "pending", "pending"]


async def validated(home: Installation, url: str) -> dict[str, Any]:
    operator = await home.visitor("operator")
    assert (await operator.put(f"{OFFER}/customer-leads", endpoint(url))).status in (200, 201)
    answer = await operator.post(f"{OFFER}/customer-leads/validate")
    assert answer.status == 200, answer.body
    found: dict[str, Any] = answer.json()
    return found


async def test_our_own_public_address_is_no_destination(database_url: str, authority: Authority) -> None:
    async with relay(authority, True) as through:
        port = through.server.port
        settings = reaching(through) | {
            "public_url": "https://relay0.example/leads",
            "hosts": f"relay0.example=127.0.0.1:{port}",
        }
        async with installation(database_url, **settings) as home:
            for url in ("https://relay0.example/hooks/lh_x", "https://RELAY0.example.:443/else"):
                found = await validated(home, url)
                assert not found["ok"]
                assert found["diagnosis"]["kind"] == "ownAddress"
        assert through.bodies == []


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
async def test_what_we_listen_on_is_no_destination_whatever_it_is_called(database_url: str, host: str) -> None:
    port = free_port()
    settings: dict[str, Any] = {"host": host, "port": port, "hosts": f"harmless.example=127.0.0.1:{port}"}
    async with installation(database_url, **settings) as home:
        for url in (f"https://harmless.example:{port}/hooks/lh_x", "https://harmless.example/hooks/lh_x"):
            assert (await validated(home, url))["diagnosis"]["kind"] == "ownAddress"
    # Allowed as a private address, but ours all the same.
    async with installation_again(database_url, settings | {"allow_addresses": "127.0.0.0/8"}) as home:
        found = await validated(home, f"https://127.0.0.1:{port}/hooks/lh_x")
        assert found["diagnosis"]["kind"] == "ownAddress"


@asynccontextmanager
async def installation_again(database_url: str, settings: dict[str, Any]) -> AsyncIterator[Installation]:
    """The same installation with other settings."""
    import aiohttp
    from pydantic import SecretStr

    from leadkeeper.app import open_services
    from leadkeeper.entrances import open_doors
    from leadkeeper.settings import Settings
    from tests.in_process import SECRET_KEY, listening

    named: dict[str, Any] = {"public_url": "https://leads.example"} | settings
    whole = Settings(database_url=database_url, secret_key=SecretStr(SECRET_KEY), **named)
    async with (
        open_services(whole, worker=False) as opened,
        listening(open_doors(whole, opened)) as url,
        aiohttp.ClientSession() as session,
    ):
        yield Installation(opened.services, url, session)


async def test_an_operator_may_want_it(database_url: str) -> None:
    port = free_port()
    settings: dict[str, Any] = {"port": port, "hosts": f"harmless.example=127.0.0.1:{port}"}
    async with installation(database_url, allow_own_addresses=True, **settings) as home:
        found = await validated(home, "https://harmless.example/hooks/lh_x")
        assert found["diagnosis"]["kind"] == "connectionFailed"
