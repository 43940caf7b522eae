"""What one publisher may take: so many connections, hooks, offers, addresses; leads and validations by the minute."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from leadkeeper.access.quotas import NAMES
from leadkeeper.doors.api.schemas import QuotasBody
from leadkeeper.intake.new_lead import NewLead
from leadkeeper.offer import OfferRef
from leadkeeper.problem import Problem
from leadkeeper.storage import tables as t
from tests.contracts.installation import CRM
from tests.in_process import (
    DESTINATION,
    ENDPOINT,
    OFFER,
    Answer,
    Installation,
    Visitor,
    batch,
    installation,
    lead,
    lines,
)

PAYLOAD = {"UserDetails": {"Email": "ada@contoso.example"}, "LeadSource": "AzureMarketplace", "ActionCode": "INS"}


@asynccontextmanager
async def bounded(database_url: str, **quotas: int) -> AsyncIterator[tuple[Installation, Visitor, Visitor]]:
    """An installation with these quotas, its operator, and its publisher."""
    settings: dict[str, Any] = {f"quota_{name}": value for name, value in quotas.items()}
    async with installation(database_url, **settings) as home:
        yield home, await home.visitor("operator"), await home.visitor("publisher:contoso")


def refused(answer: Answer, quota: str, limit: int) -> None:
    """The answer names the quota, its limit, and who can raise it."""
    problem = answer.problem(409, "quota-exceeded")
    assert quota in [error["field"] for error in problem["errors"]]
    assert str(limit) in problem["detail"]
    assert "operator" in problem["detail"]


def too_many(answer: Answer, quota: str) -> int:
    """The answer says when to come again, and what is used up; that many seconds."""
    problem = answer.problem(429, "too-many-requests")
    assert [error["field"] for error in problem["errors"]] == [quota]
    assert "operator" in problem["detail"]
    return int(answer.headers["Retry-After"])


async def hook(visitor: Visitor, offer: str = OFFER) -> str:
    answer = await visitor.post(f"{offer}/hooks")
    assert answer.status == 201, answer.body
    return f"/hooks/{answer.json()['token']}"


async def test_connections_per_offer_and_in_all(database_url: str) -> None:
    async with bounded(database_url, connections_per_offer=2, connections=3) as (_, operator, publisher):
        other = "/v1/publishers/contoso/offers/other"
        assert (await operator.put(other, {"title": "Other"})).status == 201
        for name in ("a", "b"):
            assert (await publisher.put(f"{OFFER}/connections/{name}", DESTINATION)).status == 201
        refused(await publisher.put(f"{OFFER}/connections/c", DESTINATION), "connectionsPerOffer", 2)
        refused(await publisher.put(f"{OFFER}/customer-leads", DESTINATION), "connectionsPerOffer", 2)
        assert (await publisher.put(f"{OFFER}/connections/a", DESTINATION)).status == 200
        assert (await publisher.put(f"{other}/connections/a", DESTINATION)).status == 201
        refused(await publisher.put(f"{other}/connections/b", DESTINATION), "connections", 3)
        assert (await publisher.delete(f"{OFFER}/connections/a")).status == 204
        assert (await publisher.put(f"{other}/connections/b", DESTINATION)).status == 201


async def test_names_of_removed_connections_do_not_gather_for_ever(database_url: str) -> None:
    async with bounded(database_url, connections_per_offer=2, connections=2) as (home, _, publisher):
        statuses = []
        for number in range(40):
            at = f"{OFFER}/connections/c{number}"
            statuses.append((await publisher.put(at, DESTINATION)).status)
            await publisher.delete(at)
        assert statuses[:10] == [201] * 10
        count = sa.select(sa.func.count()).select_from(t.connection)
        assert await home.services.storage.read(lambda conn: conn.scalar(count) or 0) <= 20


async def test_hooks_per_offer_and_in_all(database_url: str) -> None:
    async with bounded(database_url, hooks_per_offer=2, hooks=3) as (home, operator, publisher):
        other = "/v1/publishers/contoso/offers/other"
        assert (await operator.put(other, {"title": "Other"})).status == 201
        for _ in range(2):
            await hook(publisher)
        refused(await publisher.post(f"{OFFER}/hooks"), "hooksPerOffer", 2)
        await hook(publisher, other)
        refused(await publisher.post(f"{other}/hooks"), "hooks", 3)
        for _ in range(20):
            (first, *_rest) = (await publisher.get(f"{OFFER}/hooks")).json()["hooks"]
            assert (await publisher.delete(f"{OFFER}/hooks/{first['id']}")).status == 204
            await hook(publisher)
        count = sa.select(sa.func.count()).select_from(t.hook)
        assert await home.services.storage.read(lambda conn: conn.scalar(count) or 0) <= 4


async def test_offers(database_url: str) -> None:
    async with bounded(database_url, offers=2) as (_, operator, publisher):
        at = "/v1/publishers/contoso/offers"
        assert (await publisher.put(f"{at}/second", {"title": "Second"})).status == 201
        refused(await publisher.put(f"{at}/third", {"title": "Third"}), "offers", 2)
        assert (await publisher.put(f"{at}/second", {"title": "Second of two"})).status == 200
        body = {"offerTypeId": "saas", "definition": {"displayText": "Third", "offer": {}, "plans": []}}
        answer = await publisher.put("/api/publishers/contoso/offers/third?api-version=2017-10-31", body)
        assert answer.status == 400
        assert "offers" in answer.json()["error"]["message"]
        assert (await operator.get(f"{at}/third")).status == 404


async def test_contact_addresses_per_connection_and_in_all(database_url: str) -> None:
    def summary(*names: str) -> dict[str, Any]:
        addresses = [f"{name}@contoso.example" for name in names]
        given = ENDPOINT | {"contactEmail": addresses}
        return DESTINATION | {"httpsEndpointLeadConfiguration": given}

    async with bounded(database_url, contacts_per_connection=2, contacts=3) as (_, _operator, publisher):
        at = f"{OFFER}/connections"
        refused(await publisher.put(f"{at}/a", summary("x", "y", "z")), "contactsPerConnection", 2)
        assert (await publisher.put(f"{at}/a", summary("x", "y"))).status == 201
        assert (await publisher.put(f"{at}/b", summary("X", "z"))).status == 201
        refused(await publisher.put(f"{at}/c", summary("v")), "contacts", 3)
        assert (await publisher.put(f"{at}/c", summary("z"))).status == 201
        refused(await publisher.put(f"{at}/c", summary("v")), "contacts", 3)


async def test_an_operator_raises_one_publishers_quota(database_url: str) -> None:
    async with bounded(database_url, hooks_per_offer=1) as (_, operator, publisher):
        await hook(publisher)
        refused(await publisher.post(f"{OFFER}/hooks"), "hooksPerOffer", 1)
        body = {"displayName": "Contoso", "quotas": {"hooksPerOffer": 3}}
        raised = await operator.put("/v1/publishers/contoso", body)
        assert raised.status == 200, raised.body
        assert raised.json()["quotas"]["hooksPerOffer"] == 3
        for _ in range(2):
            await hook(publisher)
        refused(await publisher.post(f"{OFFER}/hooks"), "hooksPerOffer", 3)
        # What is left out stays; null goes back to the installation's.
        assert (await operator.put("/v1/publishers/contoso", {"displayName": "C"})).json()["quotas"] == raised.json()[
            "quotas"
        ]
        back = {"displayName": "C", "quotas": {"hooksPerOffer": None}}
        assert (await operator.put("/v1/publishers/contoso", back)).json()["quotas"]["hooksPerOffer"] == 1
        wrong: dict[str, Any] = {"hooksPerOffer": -1, "hooks": True, "offers": "5", "contacts": 5.5, "nothing": 1}
        problem = (await operator.put("/v1/publishers/contoso", {"displayName": "C", "quotas": wrong})).problem(
            422, "invalid-request"
        )
        assert {error["field"] for error in problem["errors"]} == {f"quotas.{name}" for name in wrong}


@pytest.mark.parametrize("stored", ['["offers"]', "7", '{"offers"', "null"])
async def test_damaged_quotas_count_as_none_and_can_be_set_anew(database_url: str, stored: str) -> None:
    async with bounded(database_url, hooks_per_offer=1) as (home, operator, _):
        await operator.put("/v1/publishers/contoso", {"displayName": "C"})
        storage = home.services.storage
        await storage.write(lambda conn: conn.execute(sa.update(t.publisher).values(quotas=stored)) and None)
        body = {"displayName": "C", "quotas": {"hooksPerOffer": 3}}
        answer = await operator.put("/v1/publishers/contoso", body)
        assert answer.status == 200, answer.body
        assert answer.json()["quotas"]["hooksPerOffer"] == 3


async def test_leads_a_minute_by_hook(database_url: str) -> None:
    async with bounded(database_url, hook_leads_a_minute=3) as (home, operator, publisher):
        first, second = await hook(publisher), await hook(publisher)
        taken = [await home.anyone.post(at, PAYLOAD) for at in (first, second, first)]
        assert [answer.status for answer in taken] == [200] * 3
        # All hooks of the publisher together.
        for at in (first, second):
            assert 1 <= too_many(await home.anyone.post(at, PAYLOAD), "hookLeadsAMinute") <= 60
        # Neither what a marketplace hands in, nor another publisher, nor a customer.
        assert (await operator.post("/v1/leads", lead())).status == 202
        assert (await operator.put("/v1/publishers/fabrikam", {"displayName": "F"})).status == 201
        fabrikam = "/v1/publishers/fabrikam/offers/o"
        assert (await operator.put(fabrikam, {"title": "O"})).status == 201
        assert (await home.anyone.post(await hook(operator, fabrikam), PAYLOAD)).status == 200
        for _ in range(10):
            await home.services.intake.keep(NewLead(CRM, "SPZA", "PLT"))
        count = sa.select(sa.func.count()).select_from(t.lead)
        assert await home.services.storage.read(lambda conn: conn.scalar(count) or 0) == 15


async def test_leads_a_day_by_hook_hold_over_a_restart(database_url: str) -> None:
    quotas = {"hook_leads_a_day": 3}
    async with bounded(database_url, **quotas) as (home, _, publisher):
        at = await hook(publisher)
        for _ in range(3):
            assert (await home.anyone.post(at, PAYLOAD)).status == 200
        assert too_many(await home.anyone.post(at, PAYLOAD), "hookLeadsADay") > 0
        await home.services.access.rates.settled()
    async with bounded_again(database_url, **quotas) as home:
        statuses = {(await home.anyone.post(at, PAYLOAD)).status for _ in range(6)}
        assert 429 in statuses


@asynccontextmanager
async def bounded_again(database_url: str, **quotas: int) -> AsyncIterator[Installation]:
    """The same installation in another process."""
    import aiohttp
    from pydantic import SecretStr

    from leadkeeper.app import open_services
    from leadkeeper.entrances import open_doors
    from leadkeeper.settings import Settings
    from tests.in_process import SECRET_KEY, listening

    named: dict[str, Any] = {f"quota_{name}": value for name, value in quotas.items()}
    settings = Settings(
        database_url=database_url, secret_key=SecretStr(SECRET_KEY), public_url="https://leads.example", **named
    )
    async with (
        open_services(settings, worker=False) as opened,
        listening(open_doors(settings, opened)) as url,
        aiohttp.ClientSession() as session,
    ):
        yield Installation(opened.services, url, session)


async def test_two_processes_count_together(database_url: str) -> None:
    quotas = {"hook_leads_a_minute": 20}
    async with (
        bounded(database_url, **quotas) as (home, _, publisher),
        bounded_again(database_url, **quotas) as other,
    ):
        at = await hook(publisher)
        taken = 0
        for _ in range(10):
            for process in (home, other):
                for _ in range(3):
                    taken += (await process.anyone.post(at, PAYLOAD)).status == 200
                await process.services.access.rates.settled()
        # Each may let through what the other took since it last told.
        assert 20 <= taken <= 26


async def test_leads_a_minute_by_keys_that_may_hand_in(database_url: str) -> None:
    async with bounded(database_url, key_leads_a_minute=3) as (home, operator, _):
        marketplace = await home.visitor("marketplace")
        answers = lines(
            await batch(
                marketplace,
                b"\n".join([b'{"publisherId":"contoso","offerId":"crm-pro","source":"SPZA","action":"PLT"}'] * 5),
            )
        )
        assert ["problem" in answer for answer in answers] == [False] * 3 + [True] * 2
        assert answers[3]["problem"]["type"] == "/docs/reference/problems.html#too-many-requests"
        too_many(await operator.post("/v1/leads", lead()), "keyLeadsAMinute")
        # A lead of an offer that is not there is refused as such and uses nothing.
        assert (await operator.post("/v1/leads", lead(publisherId="nobody"))).status == 404


async def test_validations_a_minute(database_url: str) -> None:
    async with bounded(database_url, validations_a_minute=2) as (home, operator, publisher):
        assert (await operator.put(f"{OFFER}/customer-leads", DESTINATION)).status == 201
        at = f"{OFFER}/customer-leads/validate"
        for visitor in (publisher, operator):
            assert (await visitor.post(at)).status == 200
        assert 1 <= too_many(await publisher.post(at), "validationsAMinute") <= 60
        too_many(await publisher.post(f"{OFFER}/connections/primary/validate"), "validationsAMinute")
        with pytest.raises(Problem, match="validationsAMinute"):
            await home.services.validator.validate(CRM, "primary", by="cli")
        # What nobody asked for is shared by the worker, and refused to nobody.
        assert not (await home.services.validator.validate(CRM, "primary", by="worker")).ok
        leads = sa.select(sa.func.count()).select_from(t.lead)
        assert await home.services.storage.read(lambda conn: conn.scalar(leads) or 0) == 0


async def test_validations_at_once(database_url: str) -> None:
    # It takes connections and says nothing, so that a check waits for the TLS handshake.
    hanging = socket.create_server(("127.0.0.1", 0))
    port = hanging.getsockname()[1]
    hosts, public = f"crm.example=127.0.0.1:{port}", "https://hub.test"
    async with installation(database_url, quota_validations_at_once=2, hosts=hosts, public_url=public) as home:
        publisher = await home.visitor("publisher:contoso")
        assert (await publisher.put(f"{OFFER}/customer-leads", DESTINATION)).status == 201
        at = f"{OFFER}/customer-leads/validate"
        running = [asyncio.create_task(publisher.post(at)) for _ in range(2)]
        answer = None
        for _ in range(10):
            # Refused at once where the two are under way; before that it would wait with them.
            answer = await _quick(publisher, at)
            if answer is not None:
                break
        assert answer is not None
        assert too_many(answer, "validationsAtOnce") >= 1
        hanging.close()
        assert {(await task).status for task in running} <= {200, 429}
        assert (await publisher.post(at)).status == 200


async def _quick(visitor: Visitor, at: str) -> Answer | None:
    """The answer, if it comes at once."""
    try:
        async with asyncio.timeout(20):
            return await visitor.post(at)
    except TimeoutError:
        return None


async def test_unknown_tokens_cost_little_and_drive_nothing_out(database_url: str) -> None:
    from tests.contracts.plans import statements

    async with bounded(database_url) as (home, _, publisher):
        at = await hook(publisher)
        assert (await home.anyone.post(at, PAYLOAD)).status == 200
        known = home.services.access.hooks
        with statements() as seen:
            for number in range(3):
                for _ in range(5):
                    assert await known.hook_of(f"lh_unknown{number}") is None
        assert len([one for one in seen if "hook" in one[0]]) == 3
        with statements() as seen:
            for number in range(40):
                assert await known.hook_of(f"not a token {number}") is None
        assert not seen
        found = await known.hook_of(at.removeprefix("/hooks/"))
        assert found is not None
        assert found.offer == OfferRef("contoso", "crm-pro")


def test_every_quota_can_be_given_to_one_publisher() -> None:
    assert set(QuotasBody.model_fields) == set(NAMES)
