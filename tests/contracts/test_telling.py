"""Whoever must act hears of a cause once, daily while it lasts, and when it is over: in real mailboxes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any

import sqlalchemy as sa

from leadkeeper.access.operator_addresses import OperatorAddresses
from leadkeeper.access.permissions import Role
from leadkeeper.catalogue import diagnose, to_stored
from leadkeeper.channels.channels import Wanted
from leadkeeper.channels.events import ChannelKind
from leadkeeper.channels.subscriptions import Subscriptions
from leadkeeper.channels.why_off import WhyOff, off_remedy, off_summary
from leadkeeper.clock import new_id, to_datetime
from leadkeeper.connections.outbox import connection_paused
from leadkeeper.diagnosis import Kind
from leadkeeper.languages import installed
from leadkeeper.mail.address import MailRules, parse_vouched
from leadkeeper.mail.fates import Fate
from leadkeeper.mail.mailer import Mailer
from leadkeeper.notices.quiet import Quiet
from leadkeeper.notices.sender import Sender
from leadkeeper.notices.telling import EVERY_MS, Telling
from leadkeeper.notices.turns import AGAIN_MS, HOUR_MS
from leadkeeper.storage import tables as t
from leadkeeper.storage.damage import Damage, Record, remember
from leadkeeper.storage.engine import Storage
from tests.contracts.mailbox import Mailbox, mailbox
from tests.contracts.test_email import server_of
from tests.in_process import Installation, hand_in, installation
from tests.people import add

PERSONAL = ("Lovelace", "ada@contoso.example")
RULES = MailRules(parse_vouched("contoso.example"))
START = 1_790_000_000_000


@dataclass
class Office:
    """An installation whose mails arrive in ``box``, at a time that the test sets."""

    home: Installation
    box: Mailbox
    subscriptions: Subscriptions
    now: int = START

    def __post_init__(self) -> None:
        mailer, self.seen = Mailer(server_of(self.box)), 0
        rest: dict[str, Any] = {"clock": lambda: self.now, "rules": RULES}
        addresses = OperatorAddresses(self.storage, ("ops@market.example",))
        at = "https://leads.example"
        self.telling = Telling(
            self.storage, mailer.sender, at, addresses, subscriptions=self.subscriptions, keep_days=5, **rest
        )
        self.sender = Sender(self.storage, mailer, at, **rest)

    @property
    def storage(self) -> Storage:
        return self.home.services.storage

    async def pass_time(self, ms: int = EVERY_MS) -> list[tuple[str, EmailMessage]]:
        """Time passes; what arrived since, with whom it was for."""
        self.now += ms
        await self.telling.look()
        while await self.sender.look():
            pass
        found = [(to[0], mail) for to, mail in zip(self.box.recipients, self.box.mails, strict=True)][self.seen :]
        self.seen = len(self.box.mails)
        return found

    async def connect(self, name: str, *contacts: str) -> None:
        """A connection of Contoso's offer."""
        config = {"httpsEndpointUrl": f"https://{name}.crm.example/h", "contactEmail": list(contacts)}
        body = {"leadDestination": "httpsEndpoint", "httpsEndpointLeadConfiguration": config}
        publisher = await self.home.visitor("publisher:contoso")
        at = f"/v1/publishers/contoso/offers/crm-pro/connections/{name}"
        assert (await publisher.put(at, body)).status == 201

    async def aside(self, why: str, *, test: bool = False, preview: bool = False) -> str:
        """A lead that is set aside over all connections."""
        lead_id = await hand_in(await self.home.visitor("operator"))

        def write(conn: sa.Connection) -> None:
            aside = {"state": "setAside", "set_aside_for": why, "changed_at": self.now}
            conn.execute(sa.update(t.delivery).where(t.delivery.c.lead_id == lead_id).values(aside))
            conn.execute(sa.update(t.lead).where(t.lead.c.id == lead_id).values(test=test, preview=preview))

        await self.storage.write(write)
        return lead_id

    async def settle(self) -> None:
        """All that was set aside arrives."""
        d = t.delivery.c
        await self.storage.write(
            lambda conn: conn.execute(sa.update(t.delivery).where(d.state == "setAside").values(state="delivered"))
        )


@asynccontextmanager
async def office(database_url: str) -> AsyncIterator[Office]:
    async with installation(database_url) as home:
        with mailbox() as box:
            yield Office(home, box, Subscriptions())


def told(mails: list[tuple[str, EmailMessage]]) -> list[tuple[str, str]]:
    """To whom, and the subjects."""
    return sorted((to, str(mail["Subject"])) for to, mail in mails)


async def test_refused_leads_are_told_once_daily_and_when_they_are_settled(database_url: str) -> None:
    async with office(database_url) as it:
        owner = await add(it.home, Role.OWNER)
        await add(it.home, Role.READER)
        await it.connect("primary", "sales@contoso.example", "asked@fabrikam.example")
        for _ in range(3):
            await it.aside("refused")
        mails = await it.pass_time()
        both = sorted((owner, "sales@contoso.example"))
        assert told(mails) == [(to, "Leads were refused (“Contoso”)") for to in both], "nobody who has not confirmed"
        for _to, mail in mails:
            text = mail.get_content()
            assert "  “Contoso CRM Pro” (contoso.crm-pro/primary): 3" in text
            assert "https://leads.example/portal/leads?state=setAside&publisher=contoso" in text
            assert [word for word in PERSONAL if word in mail.as_string()] == []
            for language in installed():
                assert language.ngettext("%(count)s lead", "%(count)s leads", 3) in text
                assert language.gettext("What to do:") in text
        assert await it.pass_time() == []
        await it.aside("refused")
        assert await it.pass_time() == [], "one more lead is no other cause"
        assert told(await it.pass_time(AGAIN_MS)) == [(to, "Still so: Leads were refused (“Contoso”)") for to in both]
        await it.settle()
        assert told(await it.pass_time()) == [(to, "Settled: Leads were refused (“Contoso”)") for to in both]
        assert await it.pass_time(AGAIN_MS) == []


async def test_a_hundred_connections_are_one_mail_for_each_address_and_cause(database_url: str) -> None:
    async with office(database_url) as it:
        await it.connect("primary", "sales@contoso.example")
        await it.connect("second", "Sales@contoso.example", "two@contoso.example")
        await it.storage.write(_hundred)
        await it.aside("refused")
        await it.aside("mayHaveArrived")
        mails = await it.pass_time()
        subjects = [f"{each} (“Contoso”)" for each in ("Leads may have arrived", "Leads were refused")]
        addresses = ("sales@contoso.example", "two@contoso.example")
        assert told(mails) == [(to, subject) for to in addresses for subject in subjects]
        texts = {to: mail.get_content() for to, mail in mails if "refused" in mail["Subject"]}
        assert "100 leads" in texts["sales@contoso.example"]
        assert "99 leads" in texts["two@contoso.example"], "the first connection is not theirs"
        assert "… +80" in texts["sales@contoso.example"]


def _hundred(conn: sa.Connection) -> None:
    """98 more connections like the second."""
    c = t.connection.c
    row = conn.execute(sa.select(t.connection).where(c.name == "second")).one()._mapping
    rows = [{**row, "id": new_id(), "name": f"c{number}"} for number in range(98)]
    conn.execute(sa.insert(t.connection), rows)


async def test_test_leads_are_called_test_leads_and_previews_previews(database_url: str) -> None:
    async with office(database_url) as it:
        await it.connect("primary", "sales@contoso.example")
        await it.aside("mayHaveArrived", test=True)
        ((_to, mail),) = await it.pass_time()
        assert mail["Subject"] == "Test leads may have arrived (“Contoso”)"
        assert "Waiting: 1 test lead\r\n" in mail.get_content()
        await it.aside("mayHaveArrived", preview=True)
        await it.aside("mayHaveArrived")
        ((_to, mail),) = await it.pass_time(AGAIN_MS)
        assert mail["Subject"] == "Still so: Leads may have arrived (“Contoso”)"
        assert "Waiting: 1 lead, 1 test lead, 1 lead of a preview\r\n" in mail.get_content()


async def test_operators_hear_what_nobody_of_the_publisher_can_be_told(database_url: str) -> None:
    async with office(database_url) as it:
        await it.connect("primary", "asked@fabrikam.example")
        await it.aside("refused")
        ((to, mail),) = await it.pass_time()
        assert (to, mail["Subject"]) == ("ops@market.example", "Leads were refused")
        assert "nobody of the publisher can be told" in mail.get_content()
        assert "“Contoso CRM Pro” (contoso.crm-pro/primary): 1" in mail.get_content()
        await add(it.home, Role.OWNER)
        mails = await it.pass_time()
        assert told(mails)[0] == ("ops@market.example", "Settled: Leads were refused"), "now somebody is there"
        assert len(mails) == 2


async def test_operators_hear_what_only_they_can_settle_at_addresses_of_their_own(database_url: str) -> None:
    async with office(database_url) as it:
        await add(it.home, Role.OPERATOR, None)
        await it.home.services.operator_addresses.enter(["Night <night@market.example>"], by="test")
        await it.storage.write(remember, [Damage(Record.NOTICE, ("x",))], it.now)
        mails = await it.pass_time()
        assert told(mails) == [(f"{who}@market.example", "Records cannot be read") for who in ("night", "ops")]


async def test_owners_hear_of_a_broken_connection_and_its_contacts_by_the_notice_alone(database_url: str) -> None:
    async with office(database_url) as it:
        owner = await add(it.home, Role.OWNER)
        await it.connect("primary", "sales@contoso.example")
        broken = {"paused": True, "failing_since": it.now, "diagnosis": to_stored(diagnose(Kind.TLS_FAILED))}
        await it.storage.write(lambda conn: conn.execute(sa.update(t.connection).values(broken)))
        ((to, mail),) = await it.pass_time()
        assert (to, mail["Subject"]) == (owner, "Connections are broken (“Contoso”)")
        assert "What to do:" in mail.get_content()


async def test_a_cause_goes_to_channels_once_for_a_publisher(database_url: str) -> None:
    async with office(database_url) as it:
        row = {"id": "h", "publisher_id": "contoso", "kind": "slack", "name": "n", "events": "[]", "language": "en"}
        more = {"host": "", "sealed": "", "created_at": it.now}
        await it.storage.write(lambda conn: conn.execute(sa.insert(t.channel).values(row | more)))
        it.subscriptions.learn([("h", "contoso", json.dumps(["attention.needed", "attention.over"]))])
        await it.connect("primary")
        await it.connect("second")
        await it.aside("refused")
        await it.pass_time()
        await it.pass_time()
        await it.settle()
        await it.pass_time()
        e = t.channel_event.c
        query = sa.select(e.kind, e.body).order_by(e.id)
        events = await it.storage.read(lambda conn: [(row.kind, json.loads(row.body)) for row in conn.execute(query)])
        assert [kind for kind, _ in events] == ["attention.needed", "attention.over"]
        data = events[0][1]
        assert (data["cause"], data["waiting"], data["reminder"]) == ("leadsRefused", 2, False)


async def test_each_mail_keeps_its_fate_and_is_tried_again(database_url: str) -> None:
    async with office(database_url) as it:
        await it.connect("primary", "sales@contoso.example")
        await it.aside("refused")
        it.box.reply["RCPT"] = "451 4.7.1 greylisted, come back"
        assert await it.pass_time() == []
        m = t.mail.c
        query = sa.select(m.state, m.tries, m.code, m.words, m.due_at)
        state, tries, code, words, due_at = await it.storage.read(lambda conn: conn.execute(query).one())
        assert (state, tries, code) == (Fate.QUEUED, 1, 451)
        assert "greylisted" in words
        assert it.now < due_at <= it.now + HOUR_MS
        it.box.reply.clear()
        assert len(await it.pass_time(due_at - it.now)) == 1
        row = await it.storage.read(lambda conn: conn.execute(query).one())
        assert (row.state, row.tries, row.code) == (Fate.ACCEPTED, 2, None)


async def test_old_mails_are_removed_with_their_addresses(database_url: str) -> None:
    async with office(database_url) as it:
        await it.connect("primary", "sales@contoso.example")
        await it.aside("refused")
        await it.pass_time()
        await it.settle()
        await it.pass_time()
        subjects = sa.select(sa.func.count()).select_from(t.mail)
        assert await it.storage.read(lambda conn: conn.scalar(subjects)) == 2
        await it.pass_time(400 * AGAIN_MS)
        left = await it.storage.read(lambda conn: conn.scalars(sa.select(t.mail.c.subject)).all())
        assert [subject for subject in left if "refused" in subject] == []


async def test_one_process_looks_at_a_time(database_url: str) -> None:
    async with office(database_url) as it:
        await it.connect("primary", "sales@contoso.example")
        await it.aside("refused")
        assert await it.telling.look() > 0
        await it.storage.write(lambda conn: conn.execute(sa.delete(t.notified_cause)))
        assert await it.telling.look() == 0, "another process has just looked"
        it.now += EVERY_MS
        assert await it.telling.look() > 0


async def test_connections_that_one_cause_breaks_are_one_mail(database_url: str) -> None:
    async with office(database_url) as it:
        await it.connect("primary", "sales@contoso.example")
        await it.connect("second", "sales@contoso.example")
        await it.storage.write(_hundred)
        c = t.connection.c
        ids = await it.storage.read(lambda conn: conn.scalars(sa.select(c.id)).all())
        stored = to_stored(diagnose(Kind.TLS_FAILED))
        rows = [connection_paused(id_, stored, it.now) for id_ in ids]
        await it.storage.write(lambda conn: conn.execute(sa.update(t.connection).values(paused=True)) and None)
        await it.storage.write(lambda conn: conn.execute(sa.insert(t.notice), rows))
        ((to, mail),) = await it.pass_time()
        assert (to, mail["Subject"]) == ("sales@contoso.example", "Leads for 100 connections are held")
        text = mail.get_content()
        assert "“Contoso CRM Pro”, connection primary" in text
        assert "… +80" in text
        assert "What to do:" in text


async def choose(it: Office, email: str, quiet: Quiet) -> None:
    """A member of Contoso wants to be written to so."""
    (person,) = [each.id for each in await it.home.services.accounts.people.members("contoso") if each.email == email]
    await it.home.services.notices.quiet_hours.choose(person, quiet)


async def test_what_is_urgent_passes_quiet_hours_and_all_else_waits(database_url: str) -> None:
    async with office(database_url) as it:
        owner = await add(it.home, Role.OWNER)
        begins, ends = (f"{to_datetime(it.now + hours * HOUR_MS):%H:%M}" for hours in (-1, 2))
        await choose(it, owner, Quiet(begins, ends))
        await it.connect("primary")
        await it.aside("refused")
        assert await it.pass_time() == []
        broken = {"paused": True, "failing_since": it.now, "diagnosis": to_stored(diagnose(Kind.TLS_FAILED))}
        await it.storage.write(lambda conn: conn.execute(sa.update(t.connection).values(broken)))
        assert told(await it.pass_time()) == [(owner, "Connections are broken (“Contoso”)")]
        assert told(await it.pass_time(2 * HOUR_MS)) == [(owner, "Leads were refused (“Contoso”)")]


async def test_a_digest_is_one_mail_a_day(database_url: str) -> None:
    async with office(database_url) as it:
        owner = await add(it.home, Role.OWNER)
        then = f"{to_datetime(it.now + 3 * HOUR_MS):%H:%M}"
        await choose(it, owner, Quiet(then, then, digest=True))
        await it.connect("primary")
        await it.aside("refused")
        assert await it.pass_time() == []
        await it.aside("mayHaveArrived")
        assert await it.pass_time(HOUR_MS) == []
        ((to, mail),) = await it.pass_time(2 * HOUR_MS)
        assert (to, mail["Subject"]) == (owner, "2 notices")
        text = mail.get_content()
        assert "* Leads were refused (“Contoso”)" in text
        assert "* Leads may have arrived (“Contoso”)" in text
        states = await it.storage.read(lambda conn: conn.scalars(sa.select(t.mail.c.state)).all())
        assert set(states) == {Fate.ACCEPTED.value}


async def test_each_switching_off_of_a_channel_is_told_once_to_the_owners_or_to_operators(database_url: str) -> None:
    async with office(database_url) as it:
        owner, channels = await add(it.home, Role.OWNER), it.home.services.channels
        made = {}
        for name, whose in (("Sales", "contoso"), ("CRM", "contoso"), ("Ours", None)):
            wanted = Wanted(ChannelKind.WEBHOOK, name, "https://hooks.example/a")
            made[name] = (await channels.create(whose, wanted, by="t")).id

        async def switch_off(name: str, why: str) -> None:
            this = sa.update(t.channel).where(t.channel.c.id == made[name])
            off = this.values(disabled_at=it.now, disabled_for=why)
            await it.storage.write(lambda conn: conn.execute(off).close())

        await switch_off("Sales", "gone")
        await switch_off("Ours", "failed")
        mails = await it.pass_time()
        assert told(mails) == sorted(
            [(owner, "A channel was switched off (“Contoso”)"), ("ops@market.example", "A channel was switched off")]
        )
        text = next(mail.get_content() for to, mail in mails if to == owner)
        assert "“Sales”" in text
        assert f"https://leads.example/portal/channels/{made['Sales']}" in text
        for language in installed():
            assert off_summary(WhyOff.GONE, language) in text
            assert off_remedy(WhyOff.GONE, language) in text
        assert await it.pass_time(AGAIN_MS) == [], "once for each switching off"
        await switch_off("CRM", "tooManyWait")
        ((to, mail),) = await it.pass_time()
        assert to == owner
        assert "“CRM”" in mail.get_content()
        assert "“Sales”" not in mail.get_content()
        for name, whose in (("Sales", "contoso"), ("CRM", "contoso"), ("Ours", None)):
            await channels.switch_on(whose, made[name], by="t")
        assert await it.pass_time() == [], "whoever switched it on knows"
        await switch_off("CRM", "gone")
        assert told(await it.pass_time(HOUR_MS)) == [(owner, "A channel was switched off (“Contoso”)")]
