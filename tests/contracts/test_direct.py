"""Leads that go straight from intake to the worker of the same process, on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from leadkeeper.clock import now_ms
from leadkeeper.delivery.claim import LEAD_COLUMNS, Claimed, outgoing_lead
from leadkeeper.delivery.direct import Grant, Handover, Space
from leadkeeper.delivery.lease import close_lease, open_lease
from leadkeeper.intake.keep import Intake
from leadkeeper.lead import TEST_PREFIX, Customer
from leadkeeper.sandbox.authority import Authority
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import StorageAway
from tests.contracts.installation import TestInstallation, furnished, lead
from tests.contracts.test_worker import Scene, scene


class Carrier:
    """Grants what it is told to, and remembers what it was given."""

    def __init__(self, grant: Grant) -> None:
        self.granted = grant
        self.taken: dict[str, list[Claimed]] = {}
        self.ends: list[str] = []

    def grant(self, connection_ids: Collection[str]) -> Grant:
        spaces = {id: room for id, room in self.granted.spaces.items() if id in connection_ids}
        return Grant(self.granted.lease_id, spaces) if spaces else Grant()

    def extend(self, grant: Grant, connection_ids: Collection[str]) -> None:
        grant.spaces.update({id: room for id, room in self.granted.spaces.items() if id in connection_ids})

    def take(self, grant: Grant, claimed: Mapping[str, Sequence[Claimed]]) -> None:
        self.ends.append("taken")
        for connection_id, mine in claimed.items():
            self.taken.setdefault(connection_id, []).extend(mine)

    def doubt(self, grant: Grant) -> None:
        self.ends.append("doubted")


class Office:
    """Intake beside a carrier that has room for three of the connection's deliveries."""

    def __init__(self, installation: TestInstallation, connection_id: str, lease_id: str) -> None:
        self.installation = installation
        self.connection_id = connection_id
        self.lease_id = lease_id
        self.carrier = Carrier(Grant(lease_id, {connection_id: Space(self.generation, 3)}))
        handover = Handover()
        handover.carrier = self.carrier
        self.woken: list[str] = []
        self.intake = Intake(installation.storage, self.woken.extend, installation.clock, handover=handover)

    generation = 0

    async def change(self, **values: Any) -> None:
        this = sa.update(t.connection).where(t.connection.c.id == self.connection_id)
        await self.installation.storage.write(lambda conn: conn.execute(this.values(values)) and None)

    @property
    def taken(self) -> list[str]:
        return [one.id for one in self.carrier.taken.get(self.connection_id, [])]


async def office(installation: TestInstallation) -> Office:
    connection = await installation.connect()
    lease_id = await installation.storage.write(open_lease, installation.now + 60_000)
    query = sa.select(t.connection.c.generation)
    Office.generation = await installation.storage.read(lambda conn: conn.scalar(query) or 0)
    made = Office(installation, connection.id, lease_id)
    await made.intake.keep(lead())  # of an offer nobody knows where its first lead goes
    made.woken.clear()
    return made


async def test_what_there_is_room_for_is_claimed_as_it_is_kept(database_url: str) -> None:
    async with furnished(database_url) as installation:
        s = await office(installation)
        kept = await s.intake.keep_many([lead(number) for number in range(3)])
        assert await installation.states() == {"pending": 1, "sending": 3}
        assert await installation.count(t.delivery, t.delivery.c.lease_id == s.lease_id) == 3
        assert s.taken == [answer.deliveries[0].id for answer in kept]  # type: ignore[union-attr]
        assert s.woken == []


async def test_what_there_is_no_room_for_waits_for_a_claim(database_url: str) -> None:
    async with furnished(database_url) as installation:
        s = await office(installation)
        await s.intake.keep_many([lead(number) for number in range(5)])
        assert await installation.states() == {"pending": 3, "sending": 3}
        assert len(s.taken) == 3
        assert s.woken == [s.connection_id]


CHANGES: dict[str, Callable[[int], dict[str, Any]]] = {
    "paused": lambda _: {"paused": True},
    "paused by a person": lambda _: {"paused_by_person": True},
    "its breaker open": lambda now: {"closed_until": now + 1},
    "half-open": lambda now: {"failures": 5, "closed_until": now - 1},
    "resumed by a probe": lambda _: {"probes": 1},
    "of newer settings": lambda _: {"generation": 99},
}


@pytest.mark.parametrize("what", CHANGES)
async def test_over_a_connection_that_changed_meanwhile_nothing_is_claimed(database_url: str, what: str) -> None:
    async with furnished(database_url) as installation:
        s = await office(installation)
        await s.change(**CHANGES[what](installation.now))
        await s.intake.keep(lead(1))
        assert (await installation.states(), s.taken) == ({"pending": 2}, [])


async def test_under_a_lease_that_is_forgotten_nothing_is_claimed(database_url: str) -> None:
    async with furnished(database_url) as installation:
        s = await office(installation)
        await installation.storage.write(close_lease, s.lease_id, installation.now)
        await s.intake.keep(lead(1))
        assert (await installation.states(), s.taken) == ({"pending": 2}, [])


async def test_what_was_kept_before_is_not_claimed_again(database_url: str) -> None:
    async with furnished(database_url) as installation:
        s = await office(installation)
        first = await s.intake.keep(lead(1, key="a"))
        again = await s.intake.keep(lead(1, key="a"))
        assert (again.repeat, again.id) == (True, first.id)
        assert s.taken == [first.deliveries[0].id]


async def test_what_goes_in_circles_is_not_claimed(database_url: str) -> None:
    async with furnished(database_url) as installation:
        s = await office(installation)
        await s.intake.keep(replace(lead(1), hops=99))
        assert (await installation.states(), s.taken) == ({"pending": 1, "setAside": 1}, [])


async def test_adapters_get_the_same_lead_as_from_its_row(database_url: str) -> None:
    async with furnished(database_url) as installation:
        s = await office(installation)
        marker = f"{TEST_PREFIX}636573304831318844"
        odd = Customer("Zoë \U0001f600", "O'Neil\n", " Ada <ada@contoso.example>. ", "", "", "\u200bContoso", "")
        leads = [lead(1, key="k"), replace(lead(2), source=marker, action=marker, customer=odd, hops=2)]
        await s.intake.keep_many([replace(one, campaign="spring", extra={"a": [1]}) for one in leads])
        names = sa.select(t.offer.c.title, t.publisher.c.display_name).join(t.publisher)

        def stored(conn: sa.Connection) -> dict[str, Any]:
            title, name = conn.execute(names).one()
            return {row.id: outgoing_lead(row, title, name) for row in conn.execute(sa.select(*LEAD_COLUMNS))}

        found = await installation.storage.read(stored)
        taken = [one.lead for one in s.carrier.taken[s.connection_id]]
        assert len(taken) == 2
        assert taken == [found[one.id] for one in taken]


async def test_every_grant_ends(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that is away leaves it in doubt what was committed; a transaction that fails was undone."""
    async with furnished(database_url) as installation:
        s = await office(installation)
        s.carrier.ends.clear()
        write = installation.storage.write
        for error, end in ((StorageAway("gone"), "doubted"), (ValueError("wrong"), "taken")):

            async def fail(*_: Any, error: Exception = error, **__: Any) -> None:
                raise error

            monkeypatch.setattr(installation.storage, "write", fail)
            with pytest.raises(type(error)):
                await s.intake.keep(lead(1))
            assert s.carrier.ends == [end]
            s.carrier.ends.clear()
        monkeypatch.setattr(installation.storage, "write", write)
        await s.intake.keep(lead(2))
        assert s.carrier.ends == ["taken"]


class Counting:
    """The scene's worker, and how many deliveries it was handed."""

    def __init__(self, s: Scene) -> None:
        self.worker = s.worker.direct
        self.grant, self.extend, self.doubt = self.worker.grant, self.worker.extend, self.worker.doubt
        self.handed = 0

    def take(self, grant: Grant, claimed: Mapping[str, Sequence[Claimed]]) -> None:
        self.handed += sum(map(len, claimed.values()))
        self.worker.take(grant, claimed)


def direct(s: Scene) -> tuple[Intake, Counting]:
    """Intake that hands over to the scene's worker."""
    handover, counting = Handover(), Counting(s)
    handover.carrier = counting
    return Intake(s.installation.storage, s.worker.wake, now_ms, handover=handover), counting


async def test_a_worker_carries_what_it_is_handed(database_url: str, authority: Authority) -> None:
    async with scene(database_url, authority) as s:
        await s.connect()
        intake, counting = direct(s)
        for number in range(40):
            await intake.keep(lead(number))
            await s.until(lambda states, want=number + 1: states == {"delivered": want})  # type: ignore[misc]
        assert counting.handed >= 30  # all but what came as it looked at the database
        await intake.keep_many([lead(number) for number in range(200)])
        await s.until(lambda states: states == {"delivered": 240})
        assert len(s.remote.received) == 240


async def test_a_worker_that_stops_gives_back_what_comes_too_late(database_url: str, authority: Authority) -> None:
    async with scene(database_url, authority) as s:
        await s.connect()
        intake, _ = direct(s)
        await intake.keep(lead())
        await s.until(lambda states: states == {"delivered": 1})
        late = asyncio.gather(*[intake.keep(lead(number)) for number in range(20)])
        await asyncio.sleep(0)
        await s.worker.stop(10)
        await late
        await intake.drained()
        states = await s.installation.states()
        assert states.get("sending", 0) == 0
        assert sum(states.values()) == 21
        assert await s.installation.count(t.lease) == 0
