"""A Monday: an operator opens the first page, learns what went wrong at the weekend, and settles it. Both databases.

The destinations are not called: what came of the leads at the weekend is written down as a worker writes it.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.access.permissions import Role
from leadkeeper.catalogue import diagnose, to_stored
from leadkeeper.clock import new_id
from leadkeeper.diagnosis import Kind
from leadkeeper.inbox.oversight.tally import Tally
from leadkeeper.mail.mailer import Mailer
from leadkeeper.notices.sender import Sender
from leadkeeper.notices.telling import Telling
from leadkeeper.storage import tables as t
from tests.contracts.mailbox import mailbox
from tests.contracts.test_email import server_of
from tests.in_process import DESTINATION, Installation, batch, installation, lead, lines
from tests.journeys.customer import Customer, Page
from tests.people import add, signed_in

SATURDAY: Final = int(datetime(2026, 3, 7, 9, 30, tzinfo=UTC).timestamp() * 1000)
HOUR: Final = 3_600_000
MONDAY: Final = SATURDAY + 46 * HOUR
LEADS: Final = {"contoso": 60, "fabrikam": 50, "tailspin": 89}
MOST_CLICKS: Final = 15


async def handed_in(home: Installation) -> None:
    """Three publishers, 200 leads, one of them ``.edu``."""
    operator = await home.visitor("operator")
    for name in LEADS:
        assert (await operator.put(f"/v1/publishers/{name}", {"displayName": name.title()})).status in (200, 201)
        at = f"/v1/publishers/{name}/offers/crm"
        assert (await operator.put(at, {"title": f"{name.title()} CRM", "offerType": "saas"})).status == 201
        assert (await operator.put(f"{at}/customer-leads", DESTINATION)).status == 201
    handed = [
        lead(
            publisherId=name,
            offerId="crm",
            customer={"lastName": f"Customer {number}", "email": f"c{number}@a.example"},
        )
        for name, count in LEADS.items()
        for number in range(count)
    ]
    handed.append(lead(publisherId="tailspin", offerId="crm", customer={"lastName": "S", "email": "s@college.edu"}))
    answers = lines(await batch(operator, "\n".join(map(json.dumps, handed))))
    assert len([each for each in answers if "id" in each]) == 200


async def weekend(home: Installation) -> None:
    """What is handed in, and: two broken connections, one lead refused, one perhaps arrived."""
    await handed_in(home)
    await home.services.storage.write(_happened)


def _happened(conn: sa.Connection, until: int = MONDAY) -> None:
    """What came of the leads until then (ms)."""
    c, d = t.connection.c, t.delivery.c
    ids = {row.offer_ref.partition(".")[0]: row.id for row in conn.execute(sa.select(c.offer_ref, c.id))}
    for name, kind, since in (
        ("contoso", Kind.ADDRESS_NOT_FOUND, SATURDAY),
        ("fabrikam", Kind.TLS_FAILED, SATURDAY + 20 * HOUR),
    ):
        broken = {"paused": True, "failing_since": since, "diagnosis": to_stored(diagnose(kind))}
        if since <= until:
            conn.execute(sa.update(t.connection).where(c.id == ids[name]).values(broken))
    those = sa.select(d.id).where(d.connection_id == ids["tailspin"], d.state != "withheld").order_by(d.id)
    refused, maybe, *arrived = conn.scalars(those).all()
    conn.execute(sa.update(t.delivery).where(d.id.in_(arrived)).values(state="delivered"))
    for id_, reason, at in (
        (refused, "refused", SATURDAY + 5 * HOUR),
        (maybe, "mayHaveArrived", SATURDAY + 30 * HOUR),
    ):
        this = sa.update(t.delivery).where(d.id == id_, d.state == "pending")
        aside = {"state": "setAside", "set_aside_for": reason, "changed_at": at}
        if at > until or not conn.execute(this.values(aside)).rowcount:
            continue
        answer = to_stored(diagnose(Kind.ADDRESS_NOT_FOUND))
        row = {"id": new_id(), "delivery_id": id_, "at": at, "took_ms": 90, "outcome": reason[:16], "late": False}
        conn.execute(sa.insert(t.attempt).values(**row, answer=answer))


@dataclass
class Counted:
    """An operator whose clicks are counted: each link followed and each button pressed."""

    visitor: Customer
    clicks: int = 0

    async def follow(self, address: str) -> Page:
        """Follow a link."""
        self.clicks += 1
        page = await self.visitor.open(address)
        assert page.status == 200, page.text
        return page

    async def press(self, page: Page, end: str) -> Page:
        """Press the one button whose form goes to an address that ends so."""
        (form,) = [form for form in page.forms if form.action.endswith(end)]
        self.clicks += 1
        answer = await self.visitor.send(form, {})
        assert answer.status == 200, answer.text
        return answer

    async def send_again(self, lead_id: str) -> None:
        """To a lead, and send it again."""
        page = await self.follow(f"/portal/leads/{lead_id}")
        await self.press(page, "/retry")


def needs(page: Page) -> list[str]:
    """The causes on the first page, each as it is read."""
    found = re.findall(r'<li class="need .*?</li>', page.html, re.DOTALL)
    return [" ".join(re.sub(r"<[^>]+>", " ", each).split()) for each in found]


async def lead_ids(home: Installation, reason: str) -> list[str]:
    """The leads that were set aside for this."""
    d = t.delivery.c
    query = sa.select(d.lead_id).where(d.set_aside_for == reason)
    return list(await home.services.storage.read(lambda conn: conn.scalars(query).all()))


async def test_on_monday_all_is_named_on_the_first_page_and_settled_in_few_clicks(database_url: str) -> None:
    async with installation(database_url, public_url="http://leads.example") as home:
        await weekend(home)
        await Tally(home.services.storage, home.services.clock).look()
        async with signed_in(home, Role.OPERATOR, None) as visitor:
            operator = Counted(visitor)
            page = await operator.follow("/portal")
            told = needs(page)
            expected: tuple[tuple[str, ...], ...] = (
                ("contoso.crm/primary", "is broken", "60 leads", "since 2026-03-07 09:30 UTC", "Who acts:"),
                ("fabrikam.crm/primary", "is broken", "50 leads", "since 2026-03-08 05:30 UTC", "Who acts:"),
                ("tailspin.crm/primary", "refused leads", "1 lead", "since 2026-03-07 14:30 UTC", "Who acts:"),
                ("tailspin.crm/primary", "may have arrived", "1 lead", "since 2026-03-08 15:30 UTC", "Who acts:"),
                ("tailspin", "Leads were withheld", "1 lead", "Who acts: nobody"),
            )
            assert len(told) == len(expected), told
            for words, entry in zip(expected, told, strict=True):
                assert [word for word in words if word not in entry] == [], entry
            day = next(row for row in page.html.split("<tr>") if 'scope="row"' in row)
            assert re.findall(r"<td[^>]*>([\d,]+)</td>", day) == ["200", "87", "0", "110", "2", "1"], "one is withheld"

            for name in ("contoso", "fabrikam"):
                repair = f"/portal/offers/{name}/crm/connections/primary"
                assert repair in page.html
                await operator.press(await operator.follow(repair), "/resume")
            for reason in ("refused", "mayHaveArrived"):
                (lead_id,) = await lead_ids(home, reason)
                assert f"/portal/leads/{lead_id}?list=" in page.html, "the one lead, and not a list of one"
                await operator.send_again(lead_id)
            await operator.press(await operator.follow("/portal"), "/withheld-seen")
            assert needs(await operator.follow("/portal")) == []
        assert operator.clicks <= MOST_CLICKS
        states = await home.services.storage.read(_states)
        assert states == {"pending": 110, "waiting": 2, "delivered": 87}


def _states(conn: sa.Connection) -> dict[str, int]:
    d = t.delivery.c
    rows: Any = conn.execute(sa.select(d.state, sa.func.count()).where(d.state != "withheld").group_by(d.state))
    return {row[0]: row[1] for row in rows}


async def test_the_mailboxes_hold_one_mail_for_each_person_and_cause(database_url: str) -> None:
    """Contoso and Tailspin have owners; nobody of Fabrikam can be told, so that operators are."""
    async with installation(database_url, public_url="http://leads.example") as home:
        await handed_in(home)
        owners = [await add(home, Role.OWNER, name) for name in ("contoso", "tailspin")]
        operator = await add(home, Role.OPERATOR, None)
        with mailbox() as box:
            now, storage, base_url = SATURDAY, home.services.storage, "http://leads.example"
            mailer = Mailer(server_of(box))
            telling = Telling(storage, mailer.sender, base_url, home.services.operator_addresses, clock=lambda: now)
            sender = Sender(storage, mailer, base_url, clock=lambda: now)

            async def look() -> None:
                await telling.look()
                while await sender.look():
                    pass

            while now <= MONDAY:
                await storage.write(_happened, now)
                await look()
                now += HOUR
            told = {to: Counter(str(mail["Subject"]) for mail in box.sent_to(to)) for to in (*owners, operator)}
            broken, refused, maybe = "Connections are broken", "Leads were refused", "Leads may have arrived"
            withheld = "Leads were withheld for privacy (“Tailspin”)"
            assert told == {
                owners[0]: Counter([f"{broken} (“Contoso”)", f"Still so: {broken} (“Contoso”)"]),
                owners[1]: Counter(
                    [f"{refused} (“Tailspin”)", f"Still so: {refused} (“Tailspin”)", f"{maybe} (“Tailspin”)", withheld]
                ),
                operator: Counter([broken, f"Still so: {broken}"]),
            }
            assert [mail for mail in box.mails if "@a.example" in mail.as_string()] == []
            (mail, _again) = box.sent_to(operator)
            assert "(fabrikam.crm/primary): 50" in mail.get_content()
            assert "2026-03-08 05:30 UTC" in mail.get_content()
            before = len(box.mails)
            await storage.write(_settled)
            await look()
            settled = sorted((to[0], str(mail["Subject"])) for to, mail in zip(box.recipients, box.mails, strict=True))
            assert len(settled) == before + 4
            assert [each for each in settled if each[1].startswith("Settled: ")] == sorted(
                [
                    (owners[0], f"Settled: {broken} (“Contoso”)"),
                    (owners[1], f"Settled: {maybe} (“Tailspin”)"),
                    (owners[1], f"Settled: {refused} (“Tailspin”)"),
                    (operator, f"Settled: {broken}"),
                ]
            )


def _settled(conn: sa.Connection) -> None:
    c, d = t.connection.c, t.delivery.c
    well = {"paused": False, "failing_since": None, "diagnosis": None}
    conn.execute(sa.update(t.connection).where(c.paused).values(well))
    conn.execute(sa.update(t.delivery).where(d.state == "setAside").values(state="delivered"))
