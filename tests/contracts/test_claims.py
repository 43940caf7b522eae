"""Claims, leases, fencing and recording, on both databases."""

from __future__ import annotations

import asyncio

import sqlalchemy as sa

from leadkeeper.catalogue import diagnose
from leadkeeper.connections.health import OPEN_AFTER
from leadkeeper.delivery.breaker import BROKEN_AFTER
from leadkeeper.delivery.claim import Work, claim, give_back, in_calls
from leadkeeper.delivery.lease import FORGET, close_lease, open_lease, renew_lease, sweep_leases
from leadkeeper.delivery.record import Recorded, record
from leadkeeper.delivery.sent import Sent
from leadkeeper.diagnosis import Answer, Kind, Receipt
from leadkeeper.offer import OfferRef
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage, open_storage
from tests.conftest import EVERY_WAY
from tests.contracts.house import CRM, TestHouse, furnished, lead

DATABASES = EVERY_WAY

LEASE = 15_000


async def begin(house: TestHouse, storage: Storage | None = None) -> str:
    return await (storage or house.storage).write(open_lease, house.now + LEASE)


async def take(house: TestHouse, lease_id: str, share: int = 8, storage: Storage | None = None) -> list[Work]:
    return await (storage or house.storage).write(claim, lease_id, {}, lambda _: share, house.now, None)


def ends(work: Work, lease_id: str, answer: Answer, now: int) -> list[Sent]:
    return [
        Sent(c.id, work.connection_id, work.row.epoch, lease_id, c.attempts, c.lost, True, work.trial, now, 5, answer)
        for c in work.claimed
    ]


async def end(house: TestHouse, sends: list[Sent]) -> Recorded:
    return await house.storage.write(record, sends, house.now, 0.5)


async def test_nobody_claims_twice(database_url: str) -> None:
    async with furnished(database_url) as house:
        await house.connect()
        await house.intake.keep_many([lead(i) for i in range(200)])
        others = [open_storage(database_url) for _ in range(3)]
        taken: list[str] = []

        async def work(storage: Storage) -> None:
            lease_id = await begin(house, storage)
            while works := await take(house, lease_id, 7, storage):
                taken.extend(c.id for w in works for c in w.claimed)

        await asyncio.gather(*(work(storage) for storage in others))
        assert len(taken) == len(set(taken)) == 200
        for storage in others:
            await storage.close()


async def test_each_connection_gets_its_share_oldest_first(database_url: str) -> None:
    async with furnished(database_url) as house:
        await house.connect("busy")
        quiet = OfferRef("contoso", "quiet")
        await house.catalogue.put_offer(quiet, title="Quiet", offer_type="saas", live=True, by="test")
        await house.connect(offer=quiet)
        kept = await house.intake.keep_many([lead(i) for i in range(100)])
        await house.intake.keep(lead(0, offer=quiet))
        works = await take(house, await begin(house), 10)
        assert sorted(len(work.claimed) for work in works) == [1, 10]
        busy = max(works, key=lambda work: len(work.claimed))
        assert [c.lead.id for c in busy.claimed] == [k.id for k in kept[:10]]  # type: ignore[union-attr]


async def test_a_delivered_lead_is_done(database_url: str) -> None:
    async with furnished(database_url) as house:
        await house.connect()
        await house.intake.keep(lead())
        lease_id = await begin(house)
        (work,) = await take(house, lease_id)
        assert await house.states() == {"sending": 1}
        recorded = await end(house, ends(work, lease_id, Receipt(), house.now))
        assert recorded.health == {}
        assert await house.states() == {"delivered": 1}
        assert await house.count(t.attempt) == 1
        await house.storage.write(close_lease, lease_id, house.now)
        assert await house.count(t.lease) == 0


async def test_a_dead_workers_leads_come_back_and_its_late_answer_moves_nothing(database_url: str) -> None:
    async with furnished(database_url) as house:
        await house.connect()
        await house.intake.keep(lead())
        dead = await begin(house)
        (first,) = await take(house, dead)
        assert await house.storage.write(sweep_leases, house.now) == 0
        house.now += LEASE + 1
        assert not await house.storage.write(renew_lease, dead, house.now + LEASE, house.now)
        assert await house.storage.write(sweep_leases, house.now) == 1
        alive = await begin(house)
        (second,) = await take(house, alive)
        assert second.claimed[0].lost == 1
        late = ends(first, dead, diagnose(Kind.CREDENTIALS_REJECTED), house.now)
        assert (await end(house, late)).health == {}
        assert await house.states() == {"sending": 1}
        await end(house, ends(second, alive, Receipt(), house.now))
        assert await house.states() == {"delivered": 1}
        assert await house.count(t.attempt, t.attempt.c.late) == 1
        house.now += FORGET
        assert await house.storage.write(sweep_leases, house.now) == 0
        assert await house.count(t.lease) == 1


async def test_what_is_given_back_is_due_and_uncharged(database_url: str) -> None:
    async with furnished(database_url) as house:
        await house.connect()
        await house.intake.keep_many([lead(i) for i in range(3)])
        lease_id = await begin(house)
        (work,) = await take(house, lease_id)
        await house.storage.write(give_back, lease_id, [c.id for c in work.claimed], house.now)
        (again,) = await take(house, lease_id)
        assert [(c.attempts, c.lost) for c in again.claimed] == [(0, 0)] * 3


async def test_the_breaker_half_opens_with_one_lead_for_one_worker(database_url: str) -> None:
    async with furnished(database_url) as house:
        await house.connect()
        await house.intake.keep_many([lead(i) for i in range(50)])
        lease_id = await begin(house)
        (work,) = await take(house, lease_id, OPEN_AFTER)
        await end(house, ends(work, lease_id, diagnose(Kind.SERVER_ERROR), house.now))
        assert await take(house, lease_id) == []
        house.now += 1_500
        (trial,) = await take(house, lease_id)
        assert trial.trial
        assert len(trial.claimed) == 1
        assert await take(house, await begin(house)) == []
        await end(house, ends(trial, lease_id, Receipt(), house.now))
        (after,) = await take(house, lease_id, 100)
        assert not after.trial
        house.now += 2_000
        (retried,) = await take(house, lease_id, 100)
        assert len(after.claimed) + len(retried.claimed) == 49
        assert sorted(c.attempts for w in (after, retried) for c in w.claimed) == [0] * 44 + [1] * 5


async def test_broken_pauses_at_once_and_charges_nobody(database_url: str) -> None:
    async with furnished(database_url) as house:
        await house.connect()
        await house.intake.keep_many([lead(i) for i in range(5)])
        lease_id = await begin(house)
        (work,) = await take(house, lease_id, 3)
        recorded = await end(house, ends(work, lease_id, diagnose(Kind.CREDENTIALS_REJECTED), house.now))
        assert list(recorded.paused_now) == [work.connection_id]
        assert await house.count(t.notice) == 1
        assert await house.count(t.delivery, t.delivery.c.attempts > 0) == 0
        assert await take(house, lease_id) == []
        await house.connect()
        (healed,) = await take(house, lease_id)
        assert len(healed.claimed) == 5
        late = ends(work, lease_id, diagnose(Kind.CREDENTIALS_REJECTED), house.now)
        await end(house, late)
        assert await house.count(t.connection, t.connection.c.paused) == 0


async def test_when_every_lead_is_refused_none_is_to_blame(database_url: str) -> None:
    async with furnished(database_url) as house:
        await house.connect()
        await house.intake.keep_many([lead(i) for i in range(BROKEN_AFTER)])
        lease_id = await begin(house)
        (work,) = await take(house, lease_id)
        for sent in ends(work, lease_id, diagnose(Kind.LEAD_REFUSED), house.now):
            await end(house, [sent])
        assert await house.states() == {"waiting": BROKEN_AFTER}
        assert await house.count(t.connection, t.connection.c.paused) == 1


async def test_a_removed_connection_holds_its_leads_until_it_is_made_again(database_url: str) -> None:
    async with furnished(database_url) as house:
        await house.connect()
        await house.intake.keep_many([lead(i) for i in range(4)])
        assert await house.connections.remove(CRM, "primary", by="test")
        lease_id = await begin(house)
        assert await take(house, lease_id) == []
        row = await house.storage.read(lambda conn: conn.execute(sa.select(t.connection)).one())
        assert "leads.example" not in row.settings + row.secrets
        await house.connect()
        (work,) = await take(house, lease_id)
        assert len(work.claimed) == 4


def test_a_lead_whose_workers_vanish_goes_alone() -> None:
    class Claim:
        def __init__(self, lost: int) -> None:
            self.lost = lost

    calls = in_calls([Claim(lost) for lost in (0, 2, 0, 5, 1)], 2)  # type: ignore[misc]
    assert [[c.lost for c in call] for call in calls] == [[0, 0], [1], [2], [5]]
