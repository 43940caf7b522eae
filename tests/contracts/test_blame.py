"""Who is to blame for what fails: the lead, its connection, or nobody. Both databases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from leadkeeper.catalogue import diagnose
from leadkeeper.clock import new_id
from leadkeeper.delivery.breaker import BROKEN_AFTER
from leadkeeper.delivery.claim import Claimed
from leadkeeper.delivery.schedule import GIVE_UP_AFTER, HOUR, MOST_ATTEMPTS
from leadkeeper.delivery.sent import Sent
from leadkeeper.diagnosis import Answer, Kind, Outcome, Receipt
from leadkeeper.storage import tables as t
from tests.contracts.claiming import begin_with, carry, end, take
from tests.contracts.installation import TestInstallation, furnished, lead, sent


def unobserved(outcome: Outcome) -> Answer:
    return diagnose(Kind.MAY_HAVE_ARRIVED, outcome=outcome)


async def test_what_may_have_arrived_is_not_taken_back_with_what_was_refused(database_url: str) -> None:
    async with furnished(database_url) as installation:
        lease_id = await begin_with(installation, BROKEN_AFTER + 3)
        (work,) = await take(installation, lease_id)
        answers = [
            diagnose(Kind.LEAD_REFUSED),
            diagnose(Kind.NO_ANSWER),
            unobserved(Outcome.OURS),
            *[diagnose(Kind.LEAD_REFUSED)] * BROKEN_AFTER,
        ]
        pairs = zip(work.claimed, answers, strict=True)
        sends = [sent(work, one, lease_id, answer, installation.now, repeatable=False) for one, answer in pairs]
        assert (await end(installation, sends)).paused_now
        assert await installation.states() == {"waiting": BROKEN_AFTER + 1, "setAside": 2}


async def test_interrupted_sends_that_may_have_arrived_charge_nobody(database_url: str) -> None:
    async with furnished(database_url) as installation:
        lease_id = await begin_with(installation, 8)
        (work,) = await take(installation, lease_id)
        sends = [
            sent(work, one, lease_id, unobserved(Outcome.OURS), installation.now, repeatable=False)
            for one in work.claimed
        ]
        assert (await end(installation, sends)).health == {}
        assert await installation.states() == {"setAside": 8}


async def test_leads_that_can_never_be_taken_do_not_hold_up_the_others(database_url: str) -> None:
    """A few of them in a row pause their connection; a probe must try another lead, and then they are set aside."""
    async with furnished(database_url) as installation:
        lease_id = await begin_with(installation, BROKEN_AFTER, lease=HOUR)
        never = {one.delivery_id for one in await _deliveries(installation)}
        await carry(installation, lease_id, lambda _: diagnose(Kind.LEAD_REFUSED))
        assert await installation.states() == {"waiting": BROKEN_AFTER}
        installation.now += 1
        await installation.intake.keep_many([lead(100 + number) for number in range(3)])
        for _ in range(BROKEN_AFTER + 4):
            await _probe(installation)
            await carry(installation, lease_id, lambda c: diagnose(Kind.LEAD_REFUSED) if c.id in never else Receipt())
            installation.now += 1_000
        assert await installation.states() == {"setAside": BROKEN_AFTER, "delivered": 3}
        assert await installation.count(t.connection, t.connection.c.paused) == 0
        assert await installation.count(t.notice) == 1


async def _deliveries(installation: TestInstallation) -> Sequence[Any]:
    query = sa.select(t.delivery.c.id.label("delivery_id"), t.delivery.c.attempts)
    return await installation.storage.read(lambda conn: conn.execute(query).all())


async def _probe(installation: TestInstallation) -> None:
    """A probe of what is paused passes."""
    c = t.connection.c
    passed = sa.update(t.connection).where(c.paused).values(paused=False, probe_at=None, probes=c.probes + 1)
    await installation.storage.write(lambda conn: conn.execute(passed).rowcount)


async def test_a_connection_that_recovers_every_second_does_not_use_up_fourteen_days(database_url: str) -> None:
    async with furnished(database_url) as installation:
        lease_id = await begin_with(installation, 1, lease=HOUR)
        (failing,) = [one.delivery_id for one in await _deliveries(installation)]
        throttled: set[str] = set()

        def answer(one: Claimed) -> Answer:
            if one.id == failing:
                return diagnose(Kind.SERVER_ERROR)
            if one.id in throttled:
                return Receipt()
            throttled.add(one.id)
            return diagnose(Kind.THROTTLED, retry_after=1)

        for number in range(60):
            await installation.intake.keep(lead(number))
            await carry(installation, lease_id, answer)
            installation.now += 500
        (attempts,) = [one.attempts for one in await _deliveries(installation) if one.delivery_id == failing]
        assert attempts < 12
        work_row = replace(_sent_last(failing), since=installation.now - GIVE_UP_AFTER + HOUR)
        assert (await _after(installation, work_row)) == "waiting"
        assert (await _after(installation, replace(work_row, since=installation.now - GIVE_UP_AFTER))) == "setAside"


def _sent_last(delivery_id: str) -> Sent:
    return Sent(delivery_id, "none", 1, "", MOST_ATTEMPTS, 0, True, False, 0, 5, diagnose(Kind.SERVER_ERROR))


async def _after(installation: TestInstallation, last: Sent) -> str:
    """The state of the delivery of ``last`` after it."""
    d = t.delivery.c
    holds = sa.update(t.delivery).where(d.id == last.delivery_id).values(state="sending", lease_id=last.lease_id)
    await installation.storage.write(lambda conn: conn.execute(holds).rowcount)
    await end(installation, [replace(last, attempt_id=new_id())])
    state = sa.select(d.state).where(d.id == last.delivery_id)
    return await installation.storage.read(lambda conn: str(conn.scalar(state)))
