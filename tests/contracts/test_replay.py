"""Leads are sent again by time and state, in parts and each once. Both databases."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from leadkeeper.connections import deliveries
from leadkeeper.delivery.hasten import hasten
from leadkeeper.delivery.schedule import State
from leadkeeper.inbox import redelivery
from leadkeeper.intake.keep import Intake
from leadkeeper.lead import MOST_HOPS, Customer
from leadkeeper.privacy.withholding import Withholding
from leadkeeper.storage import tables as t
from tests.contracts.installation import CRM, furnished, lead


async def test_a_long_replay_is_done_in_parts_each_lead_once(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redelivery, "BACKFILL", 3)
    async with furnished(database_url) as installation:
        await installation.connect("early")
        await installation.intake.keep_many([lead(number) for number in range(9)])
        delivered = sa.update(t.delivery).values(state="delivered")
        await installation.storage.write(lambda conn: conn.execute(delivered).rowcount)
        await installation.connect("late")
        await installation.intake.keep(lead(9))
        services = redelivery.Redelivery(installation.storage, clock=installation.clock)

        async def replay(name: str, *states: State, missing: bool) -> int:
            summary = [
                await services.replay(
                    *(CRM, name),
                    since_ms=None,
                    until_ms=None,
                    states=states,
                    missing=missing,
                    dry_run=dry,
                    by="test",
                )
                for dry in (True, False)
            ]
            assert summary[0].deliveries == summary[1].deliveries
            return summary[1].deliveries

        assert await replay("late", missing=True) == 9
        assert await replay("late", missing=True) == 0
        assert await replay("early", State.DELIVERED, missing=False) == 9
        assert await installation.states() == {"pending": 11, "waiting": 9}


async def test_what_is_kept_or_delivered_since_it_began_goes_out_once(database_url: str) -> None:
    """Ids do not tell what came before: the clocks of the machines that give them differ."""
    async with furnished(database_url) as installation:
        await installation.connect()
        early = [await installation.intake.keep(lead(number)) for number in range(4)]
        began = installation.now
        installation.now += 1_000
        late = await installation.intake.keep(lead(4))
        d = t.delivery.c
        for at, ids in ((began, [each.id for each in early[1:]]), (installation.now, [early[0].id, late.id])):
            values = {"state": State.DELIVERED.value, "changed_at": at}
            delivered = sa.update(t.delivery).where(d.lead_id.in_(ids)).values(values)
            await installation.storage.write(sa.Connection.execute, delivered)
        # It began before the last lead came and the first was delivered, and comes to both now.
        services = redelivery.Redelivery(installation.storage, clock=lambda: began)
        whole: dict[str, Any] = {"since_ms": None, "until_ms": None, "states": [State.DELIVERED], "missing": True}
        assert (await services.replay(CRM, "primary", **whole, dry_run=False, by="test")).deliveries == 3
        assert await installation.states() == {"waiting": 3, "delivered": 2}


async def test_what_never_goes_out_is_not_missing(database_url: str) -> None:
    """A lead that is withheld, or was passed on too often, goes out over no connection that came later, either."""
    async with furnished(database_url) as installation:
        await installation.connect("early")
        withheld = replace(lead(0), customer=Customer(email="ada@mit.edu"))
        intake = Intake(installation.storage, clock=installation.clock, withholding=Withholding.parse(".edu"))
        await intake.keep_many([withheld, replace(lead(1), hops=MOST_HOPS + 1), lead(2)])
        await installation.connect("late")
        services = redelivery.Redelivery(installation.storage, clock=installation.clock)
        whole: dict[str, Any] = {"since_ms": None, "until_ms": None, "states": [], "missing": True, "by": "test"}
        for dry in (True, False):
            assert (await services.replay(CRM, "late", **whole, dry_run=dry)).deliveries == 1
        assert await installation.states() == {"withheld": 1, "setAside": 1, "pending": 2}


async def test_what_a_first_connection_takes_over_gets_no_second_delivery(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with furnished(database_url) as installation:
        await installation.intake.keep_many([lead(number) for number in range(5)])
        monkeypatch.setattr(deliveries, "_UNROUTED", deliveries._UNROUTED.limit(2))
        connection = await installation.connect("first")
        services = redelivery.Redelivery(installation.storage, clock=installation.clock)
        whole: dict[str, Any] = {"since_ms": None, "until_ms": None, "states": [], "missing": True, "by": "test"}
        assert (await services.replay(CRM, "first", **whole, dry_run=False)).deliveries == 0
        while await installation.storage.write(hasten, connection.id, installation.now):
            pass
        assert await installation.states() == {"pending": 5}
