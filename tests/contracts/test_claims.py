"""Claims, leases, fencing and recording, on both databases."""

from __future__ import annotations

import asyncio

import sqlalchemy as sa

from leadkeeper.catalogue import diagnose
from leadkeeper.connections.health import OPEN_AFTER
from leadkeeper.delivery.breaker import BROKEN_AFTER
from leadkeeper.delivery.claim import Work, give_back, in_calls
from leadkeeper.delivery.lease import FORGET, close_lease, open_lease, renew_lease, sweep_leases
from leadkeeper.delivery.sent import Sent
from leadkeeper.diagnosis import Answer, Kind, Receipt
from leadkeeper.offer import OfferRef
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage, open_storage
from tests.conftest import EVERY_WAY
from tests.contracts.claiming import LEASE, end, take
from tests.contracts.installation import CRM, TestInstallation, furnished, lead

DATABASES = EVERY_WAY


async def begin(installation: TestInstallation, storage: Storage | None = None) -> str:
    return await (storage or installation.storage).write(open_lease, installation.now + LEASE)


def ends(work: Work, lease_id: str, answer: Answer, now: int) -> list[Sent]:
    return [
        Sent(
            c.id,
            work.connection_id,
            work.row.generation,
            lease_id,
            c.attempts,
            c.crash_count,
            True,
            work.half_open,
            now,
            5,
            answer,
        )
        for c in work.claimed
    ]


async def test_nobody_claims_twice(database_url: str) -> None:
    async with furnished(database_url) as installation:
        await installation.connect()
        await installation.intake.keep_many([lead(i) for i in range(200)])
        others = [open_storage(database_url) for _ in range(3)]
        taken: list[str] = []

        async def work(storage: Storage) -> None:
            lease_id = await begin(installation, storage)
            while works := await take(installation, lease_id, 7, storage):
                taken.extend(c.id for w in works for c in w.claimed)

        await asyncio.gather(*(work(storage) for storage in others))
        assert len(taken) == len(set(taken)) == 200
        for storage in others:
            await storage.close()


async def test_each_connection_gets_its_share_oldest_first(database_url: str) -> None:
    async with furnished(database_url) as installation:
        await installation.connect("busy")
        quiet = OfferRef("contoso", "quiet")
        await installation.catalogue.put_offer(quiet, title="Quiet", offer_type="saas", live=True, by="test")
        await installation.connect(offer=quiet)
        kept = await installation.intake.keep_many([lead(i) for i in range(100)])
        await installation.intake.keep(lead(0, offer=quiet))
        works = await take(installation, await begin(installation), 10)
        assert sorted(len(work.claimed) for work in works) == [1, 10]
        busy = max(works, key=lambda work: len(work.claimed))
        assert [c.lead.id for c in busy.claimed] == [k.id for k in kept[:10]]  # type: ignore[union-attr]


async def test_a_delivered_lead_is_done(database_url: str) -> None:
    async with furnished(database_url) as installation:
        await installation.connect()
        await installation.intake.keep(lead())
        lease_id = await begin(installation)
        (work,) = await take(installation, lease_id)
        assert await installation.states() == {"sending": 1}
        recorded = await end(installation, ends(work, lease_id, Receipt(), installation.now))
        assert recorded.health == {}
        assert await installation.states() == {"delivered": 1}
        assert await installation.count(t.attempt) == 1
        await installation.storage.write(close_lease, lease_id, installation.now)
        assert await installation.count(t.lease) == 0


async def test_a_dead_workers_leads_come_back_and_its_late_answer_moves_nothing(database_url: str) -> None:
    async with furnished(database_url) as installation:
        await installation.connect()
        await installation.intake.keep(lead())
        dead = await begin(installation)
        (first,) = await take(installation, dead)
        assert await installation.storage.write(sweep_leases, installation.now) == 0
        installation.now += LEASE + 1
        assert not await installation.storage.write(renew_lease, dead, installation.now + LEASE, installation.now)
        assert await installation.storage.write(sweep_leases, installation.now) == 1
        alive = await begin(installation)
        (second,) = await take(installation, alive)
        assert second.claimed[0].crash_count == 1
        late = ends(first, dead, diagnose(Kind.CREDENTIALS_REJECTED), installation.now)
        assert (await end(installation, late)).health == {}
        assert await installation.states() == {"sending": 1}
        await end(installation, ends(second, alive, Receipt(), installation.now))
        assert await installation.states() == {"delivered": 1}
        assert await installation.count(t.attempt, t.attempt.c.late) == 1
        installation.now += FORGET
        assert await installation.storage.write(sweep_leases, installation.now) == 0
        assert await installation.count(t.lease) == 1


async def test_what_is_given_back_is_due_and_uncharged(database_url: str) -> None:
    async with furnished(database_url) as installation:
        await installation.connect()
        await installation.intake.keep_many([lead(i) for i in range(3)])
        lease_id = await begin(installation)
        (work,) = await take(installation, lease_id)
        await installation.storage.write(give_back, lease_id, [c.id for c in work.claimed], installation.now)
        (again,) = await take(installation, lease_id)
        assert [(c.attempts, c.crash_count) for c in again.claimed] == [(0, 0)] * 3


async def test_the_breaker_half_opens_with_one_lead_for_one_worker(database_url: str) -> None:
    async with furnished(database_url) as installation:
        await installation.connect()
        await installation.intake.keep_many([lead(i) for i in range(50)])
        lease_id = await begin(installation)
        (work,) = await take(installation, lease_id, OPEN_AFTER)
        await end(installation, ends(work, lease_id, diagnose(Kind.SERVER_ERROR), installation.now))
        assert await take(installation, lease_id) == []
        installation.now += 1_500
        (half_open,) = await take(installation, lease_id)
        assert half_open.half_open
        assert len(half_open.claimed) == 1
        assert await take(installation, await begin(installation)) == []
        await end(installation, ends(half_open, lease_id, Receipt(), installation.now))
        (after,) = await take(installation, lease_id, 100)
        assert not after.half_open
        installation.now += 2_000
        (retried,) = await take(installation, lease_id, 100)
        assert len(after.claimed) + len(retried.claimed) == 49
        assert sorted(c.attempts for w in (after, retried) for c in w.claimed) == [0] * 44 + [1] * 5


async def test_broken_pauses_at_once_and_charges_nobody(database_url: str) -> None:
    async with furnished(database_url) as installation:
        await installation.connect()
        await installation.intake.keep_many([lead(i) for i in range(5)])
        lease_id = await begin(installation)
        (work,) = await take(installation, lease_id, 3)
        recorded = await end(installation, ends(work, lease_id, diagnose(Kind.CREDENTIALS_REJECTED), installation.now))
        assert list(recorded.paused_now) == [work.connection_id]
        assert await installation.count(t.notice) == 1
        assert await installation.count(t.delivery, t.delivery.c.attempts > 0) == 0
        assert await take(installation, lease_id) == []
        await installation.connect()
        (healed,) = await take(installation, lease_id)
        assert len(healed.claimed) == 5
        late = ends(work, lease_id, diagnose(Kind.CREDENTIALS_REJECTED), installation.now)
        await end(installation, late)
        assert await installation.count(t.connection, t.connection.c.paused) == 0


async def test_when_every_lead_is_refused_none_is_to_blame(database_url: str) -> None:
    async with furnished(database_url) as installation:
        await installation.connect()
        await installation.intake.keep_many([lead(i) for i in range(BROKEN_AFTER)])
        lease_id = await begin(installation)
        (work,) = await take(installation, lease_id)
        for sent in ends(work, lease_id, diagnose(Kind.LEAD_REFUSED), installation.now):
            await end(installation, [sent])
        assert await installation.states() == {"waiting": BROKEN_AFTER}
        assert await installation.count(t.connection, t.connection.c.paused) == 1


async def test_a_removed_connection_holds_its_leads_until_it_is_made_again(database_url: str) -> None:
    async with furnished(database_url) as installation:
        await installation.connect()
        await installation.intake.keep_many([lead(i) for i in range(4)])
        assert await installation.connections.remove(CRM, "primary", by="test")
        lease_id = await begin(installation)
        assert await take(installation, lease_id) == []
        row = await installation.storage.read(lambda conn: conn.execute(sa.select(t.connection)).one())
        assert "leads.example" not in row.settings + row.secrets
        await installation.connect()
        (work,) = await take(installation, lease_id)
        assert len(work.claimed) == 4


def test_a_lead_whose_workers_vanish_goes_alone() -> None:
    class Claim:
        def __init__(self, crash_count: int) -> None:
            self.crash_count = crash_count

    calls = in_calls([Claim(crash_count) for crash_count in (0, 2, 0, 5, 1)], 2)  # type: ignore[misc]
    assert [[c.crash_count for c in call] for call in calls] == [[0, 0], [1], [2], [5]]
