"""What a claim may take, what it leaves to others, and what it does not wait for. Both databases."""

from __future__ import annotations

import asyncio

import pytest
import sqlalchemy as sa

from leadkeeper.delivery import claim as claims
from leadkeeper.delivery import worker as workers
from leadkeeper.delivery.claim import claim
from leadkeeper.delivery.lease import close_lease, open_lease
from leadkeeper.destinations.registry import OURS
from leadkeeper.offer import OfferRef
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import open_storage
from tests.contracts.claiming import LEASE, begin_with, take
from tests.contracts.installation import furnished, lead
from tests.contracts.stopped import SECONDS, Stopped
from tests.services.postgres import Postgres


async def test_one_claim_is_bounded_and_every_connection_has_its_turn(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "AT_ONCE", 10)
    async with furnished(database_url) as installation:
        lease_id = await installation.storage.write(open_lease, installation.now + LEASE)
        for number in range(6):
            offer = OfferRef("contoso", f"offer-{number}")
            await installation.catalogue.put_offer(offer, title="Offer", offer_type="saas", live=True, by="test")
            await installation.connect(offer=offer)
            await installation.intake.keep_many([lead(one, offer=offer) for one in range(20)])
        first: set[str] = set()
        for turn in range(8):
            works = await installation.storage.write(claim, lease_id, {}, lambda _: 4, installation.now + turn, None)
            assert sum(len(work.claimed) for work in works) == 10
            first.add(works[0].connection_id)
        assert len(first) == 6


async def test_nothing_is_claimed_under_a_lease_that_is_forgotten(database_url: str) -> None:
    async with furnished(database_url) as installation:
        lease_id = await begin_with(installation, 3)
        await installation.storage.write(close_lease, lease_id, installation.now)
        assert await take(installation, lease_id) == []
        assert await installation.states() == {"pending": 3}


async def test_destinations_of_a_newer_version_are_left_to_it(database_url: str) -> None:
    async with furnished(database_url) as installation:
        lease_id = await begin_with(installation, 3)
        newer = sa.update(t.connection).values(destination="of-tomorrow")
        await installation.storage.write(lambda conn: conn.execute(newer).rowcount)
        works = await installation.storage.write(
            claim, lease_id, {}, lambda row: workers._share_of(row, 8, OURS), installation.now, None
        )
        assert works == []


async def test_claiming_waits_for_no_connections_row(postgres: Postgres) -> None:
    """Whoever writes health holds such rows and wants deliveries: waiting for each other would be a deadlock."""
    url = postgres.create_database()
    async with furnished(url) as installation, Stopped(url) as stopped:
        lease_id = await begin_with(installation, 3)
        failing = sa.update(t.connection).values(failures=9)
        await installation.storage.write(lambda conn: conn.execute(failing).rowcount)
        other = open_storage(url)

        def hold(conn: sa.Connection) -> None:
            conn.execute(sa.select(t.connection.c.id).with_for_update()).all()
            stopped.act(conn)

        holding = asyncio.create_task(other.write(hold))
        await stopped.until(1)
        assert await asyncio.wait_for(take(installation, lease_id), SECONDS) == []
        await stopped.__aexit__()
        await holding
        (work,) = await take(installation, lease_id)
        assert work.half_open
        await other.close()
