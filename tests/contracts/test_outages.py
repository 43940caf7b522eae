"""A connection that fails for long: its contacts are told after fifteen minutes, daily, and when it is over.

Once per outage however many workers run, whatever is killed in between, within the publisher's bound on mails.
"""

from __future__ import annotations

import asyncio

import pytest
import sqlalchemy as sa

from leadkeeper.catalogue import diagnose, to_stored
from leadkeeper.connections.outbox import CONNECTION_WORKS, connection_paused
from leadkeeper.destinations.https_endpoint.diagnoses import HttpsEndpointKind
from leadkeeper.diagnosis import Kind, Receipt
from leadkeeper.mail.address import MailRules
from leadkeeper.offer import OfferRef
from leadkeeper.storage import tables as t
from leadkeeper.storage.database_clock import agree
from tests.contracts.installation import lead
from tests.contracts.outages import BOSS, DAY, FAILED, HOUR, MINUTE, NEVER, SECOND, plight

ERP = OfferRef("contoso", "erp")
THROTTLED = diagnose(Kind.THROTTLED)
DATABASES = ("sqlite", "postgresql", "pgbouncer-transaction")


async def test_told_after_fifteen_minutes_daily_and_when_it_is_over(database_url: str) -> None:
    async with plight(database_url) as p:
        await p.connect(BOSS, "Boss <boss@contoso.example>")
        await p.installation.intake.keep_many([lead(number) for number in range(3)])
        await p.fails(12 * MINUTE)
        assert p.mails() == [], "a short trouble is none of theirs"
        await p.fails(20 * MINUTE)
        (first,) = p.mails()
        assert "“Contoso CRM Pro”" in first["Subject"]
        text = first.get_content()
        assert "3 leads wait" in text
        assert "3 leads aguardam" in text
        entry = diagnose(Kind.SERVER_ERROR)
        assert entry.summary in text, "what is wrong"
        assert all(step in text for step in entry.steps), "and the remedy"
        assert "customer.example" not in text, "no evidence, which may hold personal data"
        await p.fails(22 * HOUR, every=HOUR)
        assert p.mails() == []
        await p.fails(3 * HOUR, every=HOUR)
        assert len(p.mails()) == 1
        await p.fails(24 * HOUR, every=HOUR)
        assert len(p.mails()) == 1
        p.installation.now += DAY
        assert await p.works_for_good() == 3
        await p.passes(5 * MINUTE)
        (over,) = p.mails()
        assert "Contoso CRM Pro" in over["Subject"]
        assert over["Subject"] != first["Subject"]
        await p.passes(2 * DAY)
        assert p.mails() == []


async def test_a_short_trouble_tells_nobody(database_url: str) -> None:
    async with plight(database_url) as p:
        await p.connect()
        await p.installation.intake.keep_many([lead(number) for number in range(3)])
        await p.fails(10 * MINUTE)
        assert await p.works_for_good() == 3
        await p.passes(DAY)
        assert p.mails() == []


async def test_trouble_again_and_again_is_one_outage_and_works_in_between_end_none(database_url: str) -> None:
    """A remote system that takes one lead and fails again is told of once, not with every lead."""
    async with plight(database_url) as p:
        made = await p.connect()
        await p.installation.intake.keep_many([lead(number) for number in range(30)])
        await p.fails(20 * MINUTE)
        assert len(p.mails()) == 1
        for _ in range(4):
            p.installation.now += 20 * MINUTE
            assert await p.answers(Receipt(), only=made.id, most=1) == 1
            await p.passes(5 * SECOND, mails=False)
            await p.answers(FAILED)
            await p.passes(5 * SECOND)
        assert p.mails() == []


async def test_told_once_by_many_workers_and_after_a_kill_at_any_step(database_url: str) -> None:
    async with plight(database_url) as p:
        await p.connect()
        await p.installation.intake.keep(lead())
        await p.fails(14 * MINUTE)
        p.installation.now += 5 * MINUTE
        await asyncio.gather(*(p.housekeeping.look() for _ in range(8)))
        # All of those workers are killed before any mail went out; others start.
        await asyncio.gather(*(p.housekeeping.look() for _ in range(8)))
        await asyncio.gather(*(p.sender.look() for _ in range(4)))
        await p.passes(5 * MINUTE)
        assert len(p.mails()) == 1


async def test_one_mail_for_all_connections_that_fail_for_one_cause(database_url: str) -> None:
    async with plight(database_url) as p:
        await p.connect(BOSS, "second@contoso.example")
        await p.connect(BOSS, "second@contoso.example", offer=ERP)
        await p.installation.intake.keep_many([lead(0), lead(1, offer=ERP)])
        await p.fails(25 * MINUTE)
        (mail,) = p.mails()
        assert "“Contoso CRM Pro”" in mail.get_content()
        assert "“Erp”" in mail.get_content()
        await p.fails(25 * HOUR, every=HOUR)
        assert len(p.mails()) == 1
        p.installation.now += DAY
        assert await p.works_for_good() == 2
        await p.passes(5 * MINUTE)
        assert len(p.mails()) == 1


async def test_other_causes_are_told_apart(database_url: str) -> None:
    async with plight(database_url) as p:
        crm = await p.connect()
        erp = await p.connect(offer=ERP)
        await p.installation.intake.keep_many([lead(0), lead(1, offer=ERP)])
        for _ in range(6):
            await p.answers(FAILED, only=crm.id)
            await p.answers(diagnose(Kind.NO_ANSWER), only=erp.id)
            await p.passes(4 * MINUTE)
        assert len(p.mails()) == 2


async def test_nothing_gets_through_for_throttling_is_told_too(database_url: str) -> None:
    async with plight(database_url) as p:
        await p.connect()
        await p.installation.intake.keep(lead())
        await p.fails(30 * MINUTE, answer=THROTTLED)
        assert len(p.mails()) == 1


@pytest.mark.parametrize("confirmed", [False, True])
async def test_an_outage_by_time_outs_is_told_where_twice_makes_two(database_url: str, confirmed: bool) -> None:
    """Each lead may have arrived and is set aside at once: nothing waits, and yet nothing gets through."""
    async with plight(database_url) as p:
        await p.connect()
        await p.installation.intake.keep_many([lead(number) for number in range(2)])
        await p.answers(diagnose(Kind.MAY_HAVE_ARRIVED), repeatable=False)
        await p.passes(HOUR)
        p.mails()
        await p.run(sa.update(t.connection).values(failing_since=None, notified_at=None, tell_at=None, failures=0))
        p.installation.now += HOUR  # what was set aside before this outage is no part of it
        await p.installation.intake.keep_many([lead(number) for number in range(2, 5)])
        for _ in range(3):
            await p.answers(diagnose(Kind.NO_ANSWER), repeatable=False)
            await p.passes(5 * MINUTE)
        assert await p.installation.states() == {"setAside": 5}
        await p.passes(10 * MINUTE)
        (first,) = p.mails()
        text = first.get_content()
        assert "3 may have arrived: look there, then retry them" in text
        assert "No lead is lost" not in text
        await p.installation.intake.keep(lead(9))
        p.installation.now += HOUR
        assert await p.answers(Receipt(confirmed=confirmed), repeatable=False) == 1
        await p.passes(5 * MINUTE)
        (over,) = p.mails()
        assert "3 may have arrived" in over.get_content()
        assert ("unconfirmed" in over["Subject"]) is not confirmed
        assert ("a lead was sent, unconfirmed" in over.get_content()) is not confirmed


async def test_a_test_lead_that_was_not_found_is_told_of_without_false_promises(database_url: str) -> None:
    async with plight(database_url) as p:
        made = await p.connect()
        summary, now = to_stored(diagnose(HttpsEndpointKind.ENDPOINT_LEAD_NOT_FOUND)), p.installation.now
        held = {"paused": True, "diagnosis": summary, "failing_since": now, "notified_at": now, "tell_at": now + DAY}
        await p.run(sa.update(t.connection).values(**held))
        await p.run(sa.insert(t.notice).values(connection_paused(made.id, summary, now)))
        await p.installation.intake.keep(lead())
        for ms in (SECOND, DAY):
            await p.passes(ms)
            (mail,) = p.mails()
            text = mail.get_content()
            assert "held until a test lead is found" in text
            assert "replay the leads in the state unconfirmed" in text
            assert "is lost" not in text
            assert "se perde" not in text


async def test_a_paused_connection_is_told_of_daily_and_when_it_is_over(database_url: str) -> None:
    async with plight(database_url) as p:
        made = await p.connect()
        await p.installation.intake.keep(lead())
        await p.answers(diagnose(Kind.CREDENTIALS_REJECTED))
        await p.run(sa.update(t.connection).values(probe_at=2**61 + 1))
        await p.passes(SECOND)
        (paused,) = p.mails()
        assert "held" in paused["Subject"]
        await p.passes(20 * MINUTE)
        assert p.mails() == [], "told already"
        await p.passes(DAY)
        (daily,) = p.mails()
        assert diagnose(Kind.CREDENTIALS_REJECTED).summary in daily.get_content()
        await p.installation.connections.resume(made.offer, made.name, by="test")
        assert await p.works_for_good() == 1
        await p.passes(5 * MINUTE)
        assert len(p.mails()) == 1


async def test_what_is_over_before_it_was_told_is_told_to_nobody(database_url: str) -> None:
    async with plight(database_url) as p:
        made = await p.connect()
        await p.installation.intake.keep(lead())
        await p.answers(diagnose(Kind.CREDENTIALS_REJECTED))
        await p.run(sa.update(t.connection).values(probe_at=NEVER))
        await p.installation.connections.resume(made.offer, made.name, by="test")
        assert await p.answers(Receipt()) == 1, "it works before anybody was told that it does not"
        for _ in range(3):
            await p.passes(5 * MINUTE)
        assert p.mails() == []
        (over,) = await p.rows(sa.select(t.notice.c.relayed).where(t.notice.c.kind == CONNECTION_WORKS))
        assert over.relayed is False, "channels, which hear at once, hear that it is over"
        assert not await p.installation.count(t.notice, t.WAITING_NOTICE)


async def test_what_breaks_again_before_it_was_told_is_told_once(database_url: str) -> None:
    async with plight(database_url) as p:
        made = await p.connect()
        await p.installation.intake.keep_many([lead(0), lead(1)])
        await p.answers(diagnose(Kind.CREDENTIALS_REJECTED), most=1)
        await p.run(sa.update(t.connection).values(probe_at=NEVER))
        await p.installation.connections.resume(made.offer, made.name, by="test")
        assert await p.answers(Receipt(), most=1) == 1
        p.installation.now += 15 * SECOND
        await p.sender.look()
        assert p.mails() == [], "it works just now"
        await p.answers(diagnose(Kind.CREDENTIALS_REJECTED))
        await p.run(sa.update(t.connection).values(probe_at=NEVER))
        for _ in range(2):
            await p.passes(MINUTE)
        assert len(p.mails()) == 1


async def test_a_connection_that_a_person_paused_reminds_nobody(database_url: str) -> None:
    async with plight(database_url) as p:
        made = await p.connect()
        await p.installation.intake.keep(lead())
        await p.fails(25 * MINUTE)
        assert len(p.mails()) == 1
        await p.installation.connections.pause(made.offer, made.name, by="test")
        await p.passes(2 * DAY)
        assert p.mails() == []


async def test_nobody_is_reminded_of_a_connection_over_which_nothing_waits(database_url: str) -> None:
    async with plight(database_url) as p:
        await p.connect()
        await p.installation.intake.keep(lead())
        await p.fails(25 * MINUTE)
        assert len(p.mails()) == 1
        await p.run(sa.delete(t.delivery))  # its one lead was erased
        await p.passes(2 * DAY)
        assert p.mails() == []


async def test_the_publisher_s_bound_on_mails_holds_and_the_news_comes_later(database_url: str) -> None:
    crowd = [f"c{number}@contoso.example" for number in range(6)]
    async with plight(database_url, MailRules(mails=4)) as p:
        await p.connect(*crowd)
        await p.installation.intake.keep(lead())
        await p.fails(25 * MINUTE)
        assert sum(map(len, p.box.recipients)) == 4
        await p.fails(2 * HOUR, every=15 * MINUTE)
        assert sorted(each for to in p.box.recipients for each in to) == crowd


async def test_what_waits_for_the_mail_server_is_told_as_it_is_by_then(database_url: str) -> None:
    """Mails that could not go out for days do not come all at once."""
    async with plight(database_url) as p:
        await p.connect()
        await p.installation.intake.keep(lead())
        p.box.reply["MAIL"] = "451 later"
        await p.fails(3 * DAY, every=HOUR)
        del p.box.reply["MAIL"]
        await p.passes(2 * HOUR)
        assert len(p.mails()) == 1
        p.box.reply["MAIL"] = "451 later"
        await p.fails(DAY, every=HOUR)
        p.installation.now += DAY
        assert await p.works_for_good() == 1
        await p.passes(5 * MINUTE)
        del p.box.reply["MAIL"]
        await p.passes(2 * HOUR)
        (over,) = p.mails()
        assert "again" in over["Subject"]


async def test_a_pause_that_nobody_could_be_told_of_is_told_as_it_is_by_then(database_url: str) -> None:
    async with plight(database_url) as p:
        await p.connect()
        await p.installation.intake.keep(lead())
        p.box.reply["MAIL"] = "451 later"
        await p.answers(diagnose(Kind.ADDRESS_NOT_FOUND))
        for _ in range(3):
            await p.passes(DAY)
        del p.box.reply["MAIL"]
        await p.passes(2 * HOUR)
        assert len(p.mails()) == 1


@pytest.mark.parametrize("back", [HOUR, 3 * DAY])
async def test_a_clock_set_back_makes_no_outage_longer(database_url: str, back: int) -> None:
    """The moments that an outage is counted from move along with the clock."""
    async with plight(database_url) as p:
        await p.connect()
        await p.installation.intake.keep(lead())
        await p.installation.storage.write(agree, p.installation.now, p.installation.now)
        await p.fails(10 * MINUTE, every=MINUTE)
        await p.installation.storage.write(agree, p.installation.now, p.installation.now)
        p.installation.now -= back
        await p.installation.storage.write(agree, p.installation.now + back, p.installation.now)
        await p.run(sa.update(t.connection).values(closed_until=0))
        for _ in range(20):
            await p.fails(MINUTE, every=MINUTE)
            await p.installation.storage.write(agree, p.installation.now, p.installation.now)
        assert len(p.mails()) == 1
