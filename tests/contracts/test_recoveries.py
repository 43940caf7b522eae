"""A connection that recovers makes all that waits due, in steps that a process may die between; and who is blamed."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import sqlalchemy as sa

from leadkeeper.catalogue import diagnose
from leadkeeper.clock import new_id
from leadkeeper.connections.deliveries import try_anew
from leadkeeper.connections.health import health_of
from leadkeeper.delivery.breaker import BROKEN_AFTER
from leadkeeper.delivery.claim import claim
from leadkeeper.delivery.lease import open_lease
from leadkeeper.delivery.record import attempt_row, record_answers
from leadkeeper.delivery.schedule import GIVE_UP_AFTER, MOST_ATTEMPTS
from leadkeeper.diagnosis import Answer, Kind, Receipt
from leadkeeper.storage import tables as t
from leadkeeper.storage.database_clock import agree
from leadkeeper.storage.evidence import insert_attempts
from tests.contracts.installation import lead, sent
from tests.contracts.outages import DAY, FAILED, HOUR, MINUTE, SECOND, Plight, plight

MANY = 3_500
STEP = 1_000
"""The most that may become due in one transaction."""
REFUSED = diagnose(Kind.LEAD_REFUSED)


async def recovering(p: Plight, waiting: int) -> None:
    """A connection that was throttled has ``waiting`` leads due in hours, and one that is due now."""
    await p.connect()
    await p.installation.intake.keep_many([lead(number) for number in range(waiting)])
    await p.run(sa.update(t.delivery).values(state="waiting", due_at=p.installation.now + 6 * HOUR, attempts=3))
    await p.run(sa.update(t.connection).values(throttles=1))
    p.installation.now += MINUTE
    await p.installation.intake.keep(lead(waiting))


async def soon(p: Plight) -> int:
    """How many leads are due within a second."""
    return await p.installation.count(t.delivery, t.READY, t.delivery.c.due_at <= p.installation.now + SECOND)


async def test_what_waits_for_a_connection_that_recovers_becomes_due_in_steps(database_url: str) -> None:
    async with plight(database_url) as p:
        await recovering(p, MANY)
        assert await p.answers(Receipt(), most=1) == 1
        assert 0 < await soon(p) <= STEP, "one transaction holds no more than this"
        # Every step is another worker's: whoever began may have died.
        for _ in range(3 * MANY // STEP):
            before = await soon(p)
            await p.passes(SECOND, mails=False)
            assert await soon(p) >= before
        assert await soon(p) == MANY
        assert await p.works_for_good() == MANY
        assert await p.installation.states() == {"delivered": MANY + 1}


async def test_what_fails_after_the_recovery_keeps_its_delay(database_url: str) -> None:
    async with plight(database_url) as p:
        await recovering(p, MANY)
        await p.answers(Receipt(), most=1)
        p.installation.now += SECOND
        await p.installation.intake.keep(lead(90_000))
        mine = sa.select(t.lead.c.id).where(t.lead.c.email == "ada90000@contoso.example").scalar_subquery()
        later = p.installation.now + 3 * HOUR
        put_off = {"state": "waiting", "due_at": later, "attempts": 6, "changed_at": p.installation.now}
        await p.run(sa.update(t.delivery).where(t.delivery.c.lead_id == mine).values(put_off))
        for _ in range(3 * MANY // STEP):
            await p.passes(SECOND, mails=False)
        (left,) = await p.rows(sa.select(t.delivery.c.due_at).where(t.delivery.c.lead_id == mine))
        assert left.due_at == later


async def test_what_failed_just_before_by_a_clock_that_is_ahead_becomes_due_as_well(database_url: str) -> None:
    """Another process wrote the failure down; whatever its clock says, it came before the recovery."""
    async with plight(database_url) as p:
        await recovering(p, 3)
        await p.run(
            sa.update(t.delivery).where(t.delivery.c.attempts > 0).values(changed_at=p.installation.now + 2 * SECOND)
        )
        assert await p.answers(Receipt(), most=1) == 1
        assert await soon(p) == 3


async def test_a_clock_set_back_between_two_steps_keeps_none_waiting(database_url: str) -> None:
    """What waits since before the recovery still does; what failed after it, before or after the jump, does not."""
    async with plight(database_url) as p:
        await p.run(sa.update(t.clock).values(seen_at=p.installation.now))
        await recovering(p, MANY)
        await p.answers(Receipt(), most=1)
        p.installation.now += SECOND
        before = p.installation.now
        p.installation.now -= HOUR
        await p.installation.storage.write(agree, before, p.installation.now)
        await p.installation.intake.keep(lead(90_000))
        mine = sa.select(t.lead.c.id).where(t.lead.c.email == "ada90000@contoso.example").scalar_subquery()
        later = p.installation.now + 3 * HOUR
        put_off = {"state": "waiting", "due_at": later, "attempts": 6, "changed_at": p.installation.now + SECOND}
        await p.run(sa.update(t.delivery).where(t.delivery.c.lead_id == mine).values(put_off))
        for _ in range(3 * MANY // STEP):
            await p.passes(SECOND, mails=False)
        assert await soon(p) == MANY
        (left,) = await p.rows(sa.select(t.delivery.c.due_at).where(t.delivery.c.lead_id == mine))
        assert left.due_at == later


async def test_what_is_tried_anew_becomes_due_in_steps(database_url: str) -> None:
    """By a person's word, too, one transaction holds no more than others can wait for."""
    async with plight(database_url) as p:
        await recovering(p, MANY)
        (connection,) = await p.rows(sa.select(t.connection.c.id))
        await p.installation.storage.write(try_anew, connection.id, p.installation.now)
        assert 0 < await soon(p) <= STEP + 1
        for _ in range(3 * MANY // STEP):
            await p.passes(SECOND, mails=False)
        assert await soon(p) == MANY + 1


async def test_what_a_broken_connection_refused_is_taken_back_in_steps(database_url: str) -> None:
    async with plight(database_url) as p:
        await p.connect()
        await p.installation.intake.keep_many([lead(number) for number in range(MANY)])
        aside = {"state": "setAside", "changed_at": p.installation.now, "attempts": 1}
        await p.run(sa.update(t.delivery).values(aside))
        refused = attempt_row("", p.installation.now, 5, REFUSED, late=False)
        rows = await p.rows(sa.select(t.delivery.c.id))
        attempts = [refused | {"id": new_id(), "delivery_id": r.id} for r in rows]
        await p.installation.storage.write(insert_attempts, attempts)
        await p.run(sa.update(t.connection).values(refused_since=p.installation.now, refusals=BROKEN_AFTER - 1))
        await p.installation.intake.keep(lead(MANY))
        assert await p.answers(REFUSED, most=1) == 1
        assert 0 < (await p.installation.states())["waiting"] <= STEP
        for _ in range(3 * MANY // STEP):
            await p.passes(SECOND, mails=False)
        assert await p.installation.states() == {"waiting": MANY + 1}


async def test_a_second_recovery_meanwhile_loses_none(database_url: str) -> None:
    async with plight(database_url) as p:
        await recovering(p, MANY)
        await p.answers(Receipt(), most=1)
        await p.run(sa.update(t.connection).values(throttles=1))
        p.installation.now += SECOND
        assert await p.answers(Receipt(), most=1) == 1
        for _ in range(3 * MANY // STEP):
            await p.passes(SECOND, mails=False)
        assert await p.works_for_good() == MANY - 1
        assert await p.installation.states() == {"delivered": MANY + 1}


# Who is blamed for what is given up.


async def last_tries(p: Plight, leads: int) -> None:
    """So many leads wait that have been tried for two weeks; the next failure is their last."""
    await p.installation.intake.keep_many([lead(number) for number in range(leads)])
    long_ago = {"attempts": MOST_ATTEMPTS, "created_at": p.installation.now - GIVE_UP_AFTER - DAY, "state": "waiting"}
    await p.run(sa.update(t.delivery).where(t.READY).values(long_ago))


async def ends(p: Plight, *answers: Answer) -> Sequence[str | None]:
    """The leads that are due end so, in the order in which they came, written down together; why each was set aside."""
    lease_id = await p.installation.storage.write(open_lease, p.installation.now + HOUR)
    (work,) = await p.installation.storage.write(claim, lease_id, {}, lambda _: 100, p.installation.now, None)
    sends = [
        sent(work, claimed, lease_id, answer, p.installation.now)
        for claimed, answer in zip(work.claimed, answers, strict=True)
    ]
    await p.installation.storage.write(record_answers, sends, p.installation.now, 0.5)
    query = sa.select(t.delivery.c.set_aside_for).where(t.delivery.c.lease_id.is_(None)).order_by(t.delivery.c.id)
    return [row.set_aside_for for row in await p.rows(query)]


async def failing(p: Plight, *, summary: bool) -> None:
    """The connection has failed for twenty minutes."""
    await p.connect()
    since = p.installation.now - 20 * MINUTE
    values = {"failing_since": since, "failures": 2, "notified_at": since + 15 * MINUTE if summary else None}
    await p.run(sa.update(t.connection).values(values))


async def test_a_relapse_of_a_told_outage_is_the_outage_s_fault(database_url: str) -> None:
    """A check passed a moment ago, and yet nothing gets through: the lead's last try fails with all the others."""
    async with plight(database_url) as p:
        await failing(p, summary=True)
        await p.run(sa.update(t.connection).values(works_since=p.installation.now - 5 * SECOND, failures=0))
        await last_tries(p, 1)
        assert await ends(p, FAILED) == ["outage"]


async def test_what_fails_after_another_got_through_in_the_same_moment_fails_alone(database_url: str) -> None:
    async with plight(database_url) as p:
        await failing(p, summary=False)
        await last_tries(p, 2)
        assert await ends(p, Receipt(), FAILED) == [None, "gaveUp"]


async def test_what_failed_before_another_got_through_in_the_same_moment_is_the_outage_s_fault(
    database_url: str,
) -> None:
    async with plight(database_url) as p:
        await failing(p, summary=False)
        await last_tries(p, 2)
        assert await ends(p, FAILED, Receipt()) == ["outage", None]


# A lead's own refusal.


async def test_a_lead_that_is_refused_in_the_end_leaves_no_failing_connection_behind(database_url: str) -> None:
    async with plight(database_url) as p:
        await p.connect()
        await p.installation.intake.keep(lead(0))
        assert await p.answers(FAILED) == 1
        p.installation.now += MINUTE
        assert await p.answers(REFUSED) == 1
        (row,) = await p.rows(sa.select(t.connection))
        assert health_of(row).failing_since is None
        # A week later one lead fails once: that is no outage of a week.
        p.installation.now += 7 * DAY
        await last_tries(p, 1)
        assert await p.answers(FAILED) == 1
        (row,) = await p.rows(sa.select(t.connection))
        assert health_of(row).failing_since == p.installation.now
        aside = await p.rows(sa.select(t.delivery.c.set_aside_for).order_by(t.delivery.c.id))
        assert [each.set_aside_for for each in aside] == ["refused", "gaveUp"]
        await p.passes(MINUTE)
        assert not p.mails()


@pytest.mark.parametrize("summary", [True, False])
async def test_every_lead_refused_is_an_outage_all_the_same(database_url: str, summary: bool) -> None:
    """And whoever was told of an outage is not told by a mere refusal that it is over."""
    async with plight(database_url) as p:
        await failing(p, summary=summary)
        await p.installation.intake.keep_many([lead(number) for number in range(5)])
        assert await p.answers(REFUSED, most=1) == 1
        (row,) = await p.rows(sa.select(t.connection))
        assert (health_of(row).failing_since is not None, health_of(row).works_since) == (summary, None)
        while await p.answers(REFUSED):
            p.installation.now += SECOND
        (row,) = await p.rows(sa.select(t.connection))
        health = health_of(row)
        assert health.paused
        assert health.failing_since is not None
        assert health.works_since is None
