"""What one publisher has done in the database keeps nobody else waiting: routes, connections, the writer."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa

from leadkeeper.gate import on_behalf_of
from leadkeeper.intake.new_lead import NewLead
from leadkeeper.offer import OfferRef
from leadkeeper.problem import ProblemType
from leadkeeper.storage.engine import Storage, change_all_routes
from tests.contracts.stopped import SECONDS, Stopped
from tests.in_process import Installation, installation

OFFER = OfferRef("contoso", "crm-pro")
OTHER = OfferRef("fabrikam", "planner")


@contextlib.asynccontextmanager
async def two_publishers(database_url: str) -> AsyncIterator[Installation]:
    """An installation with an offer of each."""
    async with installation(database_url) as home:
        operator = await home.visitor("operator")
        for offer in (OFFER, OTHER):
            await operator.put(f"/v1/publishers/{offer.publisher_id}", {"displayName": offer.publisher_id})
            at = f"/v1/publishers/{offer.publisher_id}/offers/{offer.offer_id}"
            body = {"title": "An offer", "live": True}
            assert (await operator.put(at, body)).status in (200, 201)
        yield home


def lead(offer: OfferRef, key: str) -> NewLead:
    return NewLead(offer, "AzureMarketplace", "CTM", idempotency_key=key)


@pytest.mark.databases("postgresql")
async def test_leads_of_others_are_kept_while_a_publisher_changes_its_offers(database_url: str) -> None:
    async with two_publishers(database_url) as home, Stopped(database_url) as stopped:
        changing = asyncio.create_task(home.services.storage.write(stopped.act, "contoso"))
        await stopped.until(1)
        own = asyncio.create_task(home.services.intake.keep(lead(OFFER, "own")))
        many = asyncio.create_task(
            home.services.intake.keep_many([lead(OFFER, "a"), lead(OTHER, "b"), lead(OFFER, "c")])
        )
        async with asyncio.timeout(SECONDS):
            for number in range(20):
                kept = await home.services.intake.keep(lead(OTHER, f"k{number}"))
                assert not kept.repeat
        assert not changing.done()
        await stopped.until_somebody_waits()
        assert not own.done()
        await stopped.__aexit__()
        async with asyncio.timeout(SECONDS):
            await changing
            assert not (await own).repeat
            assert all(not getattr(answer, "repeat", True) for answer in await many)


async def test_a_lead_sees_what_its_publisher_changed_before(database_url: str) -> None:
    """A lead that waits for a change gets the connections that are there afterwards, and is refused where it must."""
    async with two_publishers(database_url) as home:
        body = {
            "leadDestination": "httpsEndpoint",
            "httpsEndpointLeadConfiguration": {"httpsEndpointUrl": "https://crm.example/hook"},
        }
        for number in range(20):
            put = home.services.connections.put(OFFER, f"line-{number}", body, by="cli")
            ((_, is_new, _), kept) = await asyncio.gather(put, home.services.intake.keep(lead(OFFER, f"n{number}")))
            assert is_new
            found = await home.services.leads.inbox.get(kept.id)
            assert found is not None
            # Those that were there before the lead, and the first of all for one that came before it.
            assert len(found.deliveries) in (max(number, 1), number + 1)


@pytest.mark.databases("postgresql")
async def test_one_publishers_acts_leave_connections_for_others(database_url: str) -> None:
    async with two_publishers(database_url) as home, Stopped(database_url) as stopped:
        storage: Storage = home.services.storage

        def wait(conn: sa.Connection) -> None:
            stopped.act(conn)

        def look(conn: sa.Connection) -> int:
            return int(conn.scalar(sa.select(sa.literal(7))) or 0)

        with on_behalf_of("contoso"):
            waiting = [asyncio.create_task(storage.write(wait)) for _ in range(60)]
        await stopped.until(4)
        async with asyncio.timeout(SECONDS):
            for who in ("fabrikam", ""):
                with on_behalf_of(who):
                    assert await storage.read(look) == 7
            await home.services.intake.keep(lead(OTHER, "k"))
        assert stopped.begun < 16  # all the connections that the process has
        await stopped.__aexit__()
        async with asyncio.timeout(SECONDS):
            await asyncio.gather(*waiting)


@pytest.mark.databases("sqlite")
async def test_one_publishers_acts_do_not_line_up_before_others(database_url: str) -> None:
    async with two_publishers(database_url) as home, Stopped(database_url) as stopped:
        storage: Storage = home.services.storage
        order: list[str] = []

        async def write(who: str) -> None:
            with on_behalf_of(who):
                await storage.write(lambda _: order.append(who))

        first = asyncio.create_task(storage.write(stopped.act))
        await stopped.until(1)
        lined_up = [asyncio.create_task(write("contoso")) for _ in range(50)]
        await asyncio.sleep(0)
        others = [asyncio.create_task(write(who)) for who in ("", "fabrikam")]
        await asyncio.sleep(0)
        await stopped.__aexit__()
        async with asyncio.timeout(SECONDS):
            await asyncio.gather(first, *lined_up, *others)
        assert max(order.index("fabrikam"), order.index("")) <= 3
        assert len(order) == 52


async def test_a_group_is_charged_to_nobody(database_url: str) -> None:
    """Leads that many handed in are written together, although the first of them came on behalf of a publisher."""
    async with two_publishers(database_url) as home, Stopped(database_url) as stopped:
        if database_url.startswith("postgresql"):
            with on_behalf_of("contoso"):
                held = [asyncio.create_task(home.services.storage.write(stopped.act)) for _ in range(12)]
            await stopped.until(4)
        else:
            held = []
        async with asyncio.timeout(SECONDS):
            with on_behalf_of("contoso"):
                await home.services.intake.keep(lead(OTHER, "k"))
        await stopped.__aexit__()
        await asyncio.gather(*held)


@pytest.mark.databases("postgresql", "pgbouncer-transaction")
async def test_all_routes_can_be_held_at_once(database_url: str) -> None:
    async with two_publishers(database_url) as home:
        await home.services.storage.write(change_all_routes)
        await home.services.intake.keep(lead(OTHER, "k"))


@pytest.mark.databases("sqlite", "postgresql", "pgbouncer-transaction")
async def test_a_publishers_requests_a_minute(database_url: str) -> None:
    async with installation(database_url, quota_requests_a_minute=5) as home:
        operator = await home.visitor("operator")
        await operator.put("/v1/publishers/contoso", {"displayName": "Contoso"})
        await operator.put("/v1/publishers/fabrikam", {"displayName": "Fabrikam"})
        publisher, other = await home.visitor("publisher:contoso"), await home.visitor("publisher:fabrikam")
        answers = [await publisher.get("/v1/leads") for _ in range(7)]
        assert [answer.status for answer in answers[:5]] == [200] * 5
        refused = answers[-1].problem(429, ProblemType.TOO_MANY_REQUESTS.value)
        assert [error["field"] for error in refused["errors"]] == ["requestsAMinute"]
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
        assert (await other.get("/v1/leads")).status == 200
        assert (await operator.get("/v1/leads")).status == 200


async def test_a_place_is_held_until_the_act_has_ended_although_its_caller_is_gone(database_url: str) -> None:
    """Whoever begins and goes away, again and again, has no more transactions under way than whoever stays."""
    async with two_publishers(database_url) as home, Stopped(database_url) as stopped:
        storage: Storage = home.services.storage
        for _ in range(8):
            with on_behalf_of("contoso"):
                going = [asyncio.create_task(storage.read(stopped.act)) for _ in range(6)]
            await asyncio.sleep(0.1)
            for task in going:
                task.cancel()
            await asyncio.gather(*going, return_exceptions=True)
        assert 1 <= stopped.begun <= 4
        with on_behalf_of("fabrikam"):
            async with asyncio.timeout(SECONDS):
                assert await storage.read(lambda conn: conn.scalar(sa.select(sa.literal(7)))) == 7
        await stopped.__aexit__()
        # The places come back with the transactions' ends.
        with on_behalf_of("contoso"):
            async with asyncio.timeout(SECONDS):
                for _ in range(20):
                    assert await storage.read(lambda conn: conn.scalar(sa.select(sa.literal(7)))) == 7


async def test_an_act_that_fails_gives_its_place_back(database_url: str) -> None:
    async with two_publishers(database_url) as home:
        storage: Storage = home.services.storage

        def fail(_: sa.Connection) -> None:
            raise LookupError

        with on_behalf_of("contoso"):
            async with asyncio.timeout(SECONDS):
                for _ in range(20):
                    with pytest.raises(LookupError):
                        await storage.write(fail)
