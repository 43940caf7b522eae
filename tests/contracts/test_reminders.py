"""People are reminded of leads that nobody turned to: the lead's owner, then the publisher's; one mail a turn."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from leadkeeper.access.permissions import Role
from leadkeeper.clock import least_id, now_ms
from leadkeeper.inbox.follow_up.follow_ups import Change
from leadkeeper.languages import installed
from leadkeeper.mail.address import parse_address
from leadkeeper.notices.reminders import HOUR_MS, TURN_MS, Reminders
from leadkeeper.storage import tables as t
from tests.in_process import Installation, hand_in, installation
from tests.people import add

SENDER = parse_address("leads@market.example")


class Days:
    """An installation whose time the test sets; leads come now."""

    def __init__(self, home: Installation) -> None:
        self.home, self.now, self.seen = home, now_ms() - TURN_MS, ""
        self.reminders = Reminders(
            home.services.storage, SENDER, "https://leads.example", (24, 24), clock=lambda: self.now
        )

    async def pass_hours(self, hours: float) -> list[tuple[str, str, str]]:
        """Hours pass, in turns; to whom was written since, the subject, and the text."""
        end = self.now + hours * HOUR_MS
        while self.now < end:
            self.now = int(min(end, self.now + TURN_MS / 2))
            await self.reminders.look()
        m = t.mail.c
        query = sa.select(m.id, m.address, m.subject, m.text).where(m.id > self.seen).order_by(m.id)
        rows = await self.home.services.storage.read(lambda conn: conn.execute(query).all())
        self.seen = rows[-1].id if rows else self.seen
        return sorted((row.address, row.subject, row.text) for row in rows)

    async def give(self, lead_ids: Sequence[str], email: str) -> None:
        """Somebody owns these leads."""
        members = await self.home.services.accounts.people.members("contoso")
        (person,) = [each.id for each in members if each.email == email]
        for lead_id in lead_ids:
            change = Change(owner_id=person)
            await self.home.services.leads.follow_ups.change(lead_id, change, by="test", publisher_id="contoso")


async def test_the_owner_of_a_lead_is_reminded_and_then_the_publishers(database_url: str) -> None:
    async with installation(database_url) as home:
        days = Days(home)
        assert await days.pass_hours(4) == [], "the first turn"
        boss = await add(home, Role.OWNER)
        seller = await add(home, Role.CONTRIBUTOR)
        operator = await home.visitor("operator")
        own = [await hand_in(operator) for _ in range(3)]
        touched = await hand_in(operator)
        await hand_in(operator)  # nobody's
        await hand_in(operator, action="DNC")
        tested = await hand_in(operator)
        this = sa.update(t.lead).where(t.lead.c.id == tested).values(test=True)
        await home.services.storage.write(lambda conn: conn.execute(this) and None)
        await days.give([*own, touched], seller)
        active = Change(state="active")
        await home.services.leads.follow_ups.change(touched, active, by="test", publisher_id="contoso")

        ((to, subject, text),) = await days.pass_hours(28)
        assert (to, subject) == (seller, "3 leads wait for an answer")
        assert "https://leads.example/portal/leads?publisher=contoso&follow=overdue&owner=" in text
        assert "Lovelace" not in text
        assert "ada@" not in text
        for language in installed():
            assert language.gettext("A lead is off this list as soon as its follow-up state is changed.") in text
        ((to, subject, text),) = await days.pass_hours(24)
        assert (to, subject) == (boss, "4 leads wait for an answer"), "also the one that is nobody's"
        assert "“Contoso”: 4 leads: https://leads.example/portal/leads?publisher=contoso&follow=overdue\n" in text
        assert await days.pass_hours(72) == [], "each lead is told of once"


async def test_one_mail_holds_all_that_a_person_is_told_in_a_turn(database_url: str) -> None:
    async with installation(database_url) as home:
        days = Days(home)
        await days.pass_hours(4)
        boss = await add(home, Role.OWNER)
        operator = await home.visitor("operator")
        late, due = await hand_in(operator), await hand_in(operator)
        earlier = least_id(now_ms() - 24 * HOUR_MS)
        assert late < due

        def came_earlier(conn: sa.Connection) -> None:
            conn.execute(sa.update(t.lead).where(t.lead.c.id == late).values(id=earlier))

        await home.services.storage.write(came_earlier)
        await days.give([due], boss)
        ((to, subject, text),) = await days.pass_hours(28)
        assert (to, subject) == (boss, "2 leads wait for an answer")
        assert text.count("https://leads.example/portal/leads?publisher=contoso&follow=overdue") == 2 * len(installed())


async def test_whoever_may_no_longer_work_on_leads_is_not_reminded(database_url: str) -> None:
    async with installation(database_url) as home:
        days = Days(home)
        await days.pass_hours(4)
        seller = await add(home, Role.CONTRIBUTOR)
        await days.give([await hand_in(await home.visitor("operator"))], seller)
        leaves = sa.update(t.membership).values(role="reader")
        await home.services.storage.write(lambda conn: conn.execute(leaves) and None)
        assert await days.pass_hours(28) == []
