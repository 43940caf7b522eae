"""What a connection's long failure set aside goes out by itself once it works again; nothing else does."""

from __future__ import annotations

import asyncio

import pytest
import sqlalchemy as sa

from leadkeeper.catalogue import diagnose
from leadkeeper.clock import new_id
from leadkeeper.connections.deliveries import new_delivery
from leadkeeper.diagnosis import Kind, Receipt
from leadkeeper.offer import OfferRef
from leadkeeper.storage import tables as t
from tests.contracts.installation import lead
from tests.contracts.outages import DAY, FAILED, HOUR, MINUTE, SECOND, Plight, plight

ERP = OfferRef("contoso", "erp")
AMBIGUOUS = diagnose(Kind.MAY_HAVE_ARRIVED)
MANY = 5_000
BATCH = 1_000
"""The most that may change in one transaction."""


async def given_up(p: Plight, leads: int = 3) -> None:
    """The connection has failed for more than two weeks, and its leads have been set aside."""
    await p.connect()
    await p.installation.intake.keep_many([lead(number) for number in range(leads)])
    await p.fails_until_given_up()
    assert await p.installation.states() == {"setAside": leads}
    p.installation.now += MINUTE  # the next half-open send may be made


async def test_once_it_works_again_what_was_given_up_goes_out_by_itself(database_url: str) -> None:
    async with plight(database_url) as p:
        await given_up(p)
        await p.installation.intake.keep(lead(100))
        assert await p.works_for_good() == 4
        assert await p.installation.states() == {"delivered": 4}


async def test_a_quiet_connection_finds_out_by_itself_that_it_works_again(database_url: str) -> None:
    """No new lead comes: now and then one that was given up is tried."""
    async with plight(database_url) as p:
        await given_up(p)
        tries = 0
        for _ in range(24):
            await p.passes(20 * MINUTE, mails=False)
            tries += await p.answers(FAILED)
        assert 3 <= tries <= 10, "tried now and then, one at a time"
        assert await p.installation.states() == {"setAside": 3}
        await p.passes(2 * HOUR, mails=False)
        assert await p.works_for_good() == 3


@pytest.mark.parametrize("how", ["resumed", "settings entered anew"])
async def test_mended_by_hand_they_go_out_at_once(database_url: str, how: str) -> None:
    async with plight(database_url) as p:
        await given_up(p)
        if how == "resumed":
            connection = (await p.installation.connections.list())[0]
            await p.installation.connections.resume(connection.offer, connection.name, by="test")
        else:
            await p.connect()
        await p.passes(2 * SECOND, mails=False)
        assert await p.works_for_good() == 3


async def test_while_a_person_has_paused_it_nothing_goes_out(database_url: str) -> None:
    async with plight(database_url) as p:
        await given_up(p)
        connection = (await p.installation.connections.list())[0]
        await p.installation.connections.pause(connection.offer, connection.name, by="test")
        await p.passes(2 * DAY, mails=False)
        assert await p.installation.states() == {"setAside": 3}


async def test_what_a_lead_s_own_refusal_set_aside_stays(database_url: str) -> None:
    async with plight(database_url) as p:
        await p.connect()
        await p.installation.intake.keep(lead(0))
        assert await p.answers(diagnose(Kind.LEAD_REFUSED)) == 1
        await p.installation.intake.keep_many([lead(number) for number in range(1, 4)])
        await p.fails_until_given_up()
        await p.installation.intake.keep(lead(100))
        assert await p.works_for_good() == 4
        assert await p.installation.states() == {"delivered": 4, "setAside": 1}


async def test_a_lead_that_fails_alone_for_two_weeks_stays(database_url: str) -> None:
    """Others pass meanwhile: the connection is not to blame."""
    async with plight(database_url) as p:
        made = await p.connect()
        await p.installation.intake.keep(lead(0))
        for number in range(60):
            await p.answers(FAILED)
            await p.installation.intake.keep(lead(1_000 + number))
            p.installation.now += 2 * SECOND
            await p.run(
                sa.update(t.delivery)
                .where(t.delivery.c.attempts > 0, t.READY)
                .values(due_at=p.installation.now + 8 * HOUR)
            )
            assert await p.answers(Receipt(), only=made.id) >= 1
            p.installation.now += 9 * HOUR
            if (await p.installation.states()).get("setAside"):
                break
        assert (await p.installation.states())["setAside"] == 1
        await p.installation.intake.keep(lead(5_000))
        await p.works_for_good()
        await p.passes(2 * HOUR, mails=False)
        assert (await p.installation.states())["setAside"] == 1


async def test_what_may_have_arrived_stays(database_url: str) -> None:
    """Where a destination cannot tell twice from once, a lead that may be there is for a person."""
    async with plight(database_url) as p:
        made = await p.connect()
        await p.run(sa.update(t.connection).values(repeatable=False))
        await p.installation.intake.keep(lead(0))
        assert await p.answers(AMBIGUOUS, repeatable=False) == 1
        # This one may have arrived long ago, when its connection still could tell.
        await p.installation.intake.keep(lead(1))
        assert await p.answers(AMBIGUOUS, repeatable=True) == 1
        await p.installation.intake.keep(lead(2))
        for _ in range(400):
            await p.answers(FAILED, repeatable=False)
            if await p.installation.states() == {"setAside": 3}:
                break
            p.installation.now += 2 * HOUR
        assert await p.installation.states() == {"setAside": 3}
        await p.installation.intake.keep(lead(3))
        assert await p.works_for_good() == 2
        assert await p.installation.states() == {"delivered": 2, "setAside": 2}
        assert made.offer


async def test_what_a_person_set_aside_or_an_older_version_did_stays(database_url: str) -> None:
    """Whoever set it aside otherwise, for whatever reason, decides."""
    async with plight(database_url) as p:
        await given_up(p, leads=2)
        made = (await p.installation.connections.list())[0]
        await p.installation.intake.keep(lead(100))
        row = new_delivery(new_id(), made.id, p.installation.now) | {"state": "setAside"}
        await p.run(sa.insert(t.delivery).values(row))
        assert await p.works_for_good() == 3
        assert await p.installation.states() == {"delivered": 3, "setAside": 1}


async def test_a_lead_that_was_sent_again_by_hand_and_refused_stays(database_url: str) -> None:
    async with plight(database_url) as p:
        await given_up(p, leads=2)
        d = t.delivery.c
        first = sa.select(d.id).order_by(d.id).limit(1).scalar_subquery()
        await p.run(
            sa.update(t.delivery).where(d.id == first).values(state="waiting", due_at=p.installation.now, attempts=0)
        )
        await p.run(sa.update(t.connection).values(closed_until=0))
        assert await p.answers(diagnose(Kind.LEAD_REFUSED)) == 1
        await p.installation.intake.keep(lead(100))
        assert await p.works_for_good() == 2
        assert await p.installation.states() == {"delivered": 2, "setAside": 1}


async def test_very_many_go_out_in_batches_and_delay_no_other(database_url: str) -> None:
    async with plight(database_url) as p:
        await given_up(p, leads=1)
        made = (await p.installation.connections.list())[0]
        template = (await p.rows(sa.select(t.delivery)))[0]._asdict()
        rows = [template | {"id": new_id(), "lead_id": template["lead_id"]} for _ in range(MANY)]
        await p.installation.storage.write(lambda conn: conn.execute(sa.insert(t.delivery), rows) and None)
        await p.installation.intake.keep(lead(100))
        await p.answers(Receipt(), only=made.id, most=1)
        changed = 0
        for _ in range(30):
            p.installation.now += SECOND
            before = await p.installation.count(t.delivery, t.SET_ASIDE)
            await p.housekeeping.look()
            step = before - await p.installation.count(t.delivery, t.SET_ASIDE)
            assert step <= BATCH
            changed += step
            assert await p.installation.count(t.delivery, t.READY) <= 2 * BATCH, (
                "a new lead would wait behind all of them"
            )
            await p.answers(Receipt())
        assert changed == MANY + 1
        assert await p.installation.states() == {"delivered": MANY + 2}


async def test_many_workers_send_none_twice(database_url: str) -> None:
    async with plight(database_url) as p:
        await given_up(p, leads=6)
        await p.installation.intake.keep(lead(100))
        await p.answers(Receipt(), most=1)
        p.installation.now += SECOND
        await asyncio.gather(*(p.housekeeping.look() for _ in range(6)))
        assert await p.works_for_good() <= 7
        assert await p.installation.states() == {"delivered": 7}
        assert await p.installation.count(t.attempt, t.attempt.c.outcome == "delivered") == 7


async def test_another_failure_on_the_way_out_costs_nothing(database_url: str) -> None:
    """It takes one lead and fails again: those that were called back are not given up at the first failure."""
    async with plight(database_url) as p:
        await given_up(p, leads=8)
        await p.installation.intake.keep(lead(100))
        await p.answers(Receipt(), most=1)
        await p.passes(2 * SECOND, mails=False)
        await p.answers(FAILED)
        await p.passes(20 * MINUTE, mails=False)
        await p.answers(FAILED)
        for _ in range(4):
            await p.passes(HOUR, mails=False)
        assert await p.works_for_good() == 8
        assert await p.installation.states() == {"delivered": 9}
