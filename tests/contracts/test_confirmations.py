"""The mail that confirms a customer's request: where the operator wants it, once, bounded, without what they wrote."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from leadkeeper.clock import new_id
from leadkeeper.languages import installed
from leadkeeper.mail.address import MailRules, parse_address
from leadkeeper.notices.confirmations import PER_MAILBOX, PER_SENDER, Confirmation, Confirmations
from leadkeeper.privacy.expiry import _remove_personal
from leadkeeper.storage import tables as t
from leadkeeper.texts import ENGLISH
from tests.in_process import Installation, hand_in, installation
from tests.journeys.customer import Customer, Page
from tests.shop import ANSWERS, PARTNER, open_shop

AT = "/store/offers/contoso/planner"
SERVER = {"smtp_url": "smtp://127.0.0.1:9", "mail_from": "leads@market.example"}  # nothing is sent without a worker

SENDER = parse_address("leads@market.example")


@asynccontextmanager
async def shop(database_url: str, **more: Any) -> AsyncIterator[Installation]:
    """An open shop whose operator wants confirmations."""
    async with installation(database_url, **({"confirmation_mails": True} | SERVER | more)) as home:
        await open_shop(home.services)
        yield home


async def ask(home: Installation, path: str = f"{AT}/contact-me", language: str = "en", **changed: str) -> Page:
    """A form filled out and sent."""
    async with Customer(home.url, language) as visitor:
        page = await visitor.open(path)
        return await visitor.send(page.form("email"), ANSWERS | changed, "consent")


async def mails(home: Installation) -> list[sa.Row[Any]]:
    """The mails that are written down, oldest first."""
    query = sa.select(t.mail).order_by(t.mail.c.id)
    return [*await home.services.storage.read(lambda conn: conn.execute(query).all())]


async def test_it_thanks_and_names_the_offer_the_reference_and_help(database_url: str) -> None:
    async with shop(database_url) as home:
        await home.services.offers.catalogue.put_offer(
            PARTNER, title="Rollout Help", support="https://fabrikam.example/help", by="test"
        )
        page = await ask(home, "/store/offers/contoso/planner/partners/fabrikam/rollout.help")
        (mail,) = await mails(home)
        assert mail.address == ANSWERS["email"]
        assert mail.publisher_id == "fabrikam"
        assert mail.subject == "Your request about “Rollout Help”"
        reference = page.url.partition("reference=")[2]
        for part in ("“Rollout Help”", "“Fabrikam & Sons”", reference):
            assert part in mail.text
        for own in ("Ada", "Lovelace", "Analytical", "7946", "morning", "CTO"):
            assert own not in mail.subject + mail.text
        shown = await home.services.notices.mails.one(mail.id, "fabrikam")
        assert shown is not None
        assert shown.fate == "queued"


async def test_it_is_in_the_customers_language(database_url: str) -> None:
    async with shop(database_url) as home:
        await ask(home, language="pt")
        (mail,) = await mails(home)
        assert mail.languages == "pt"
        portuguese = installed().find("pt")
        assert portuguese is not None
        assert mail.subject == portuguese.gettext("Your request about %(title)s", title="“Contoso Planner”")
        assert mail.subject != "Your request about “Contoso Planner”"


@pytest.mark.parametrize("more", [{"confirmation_mails": False}, {"smtp_url": None}], ids=["off", "no server"])
async def test_there_is_none_unless_the_operator_wants_it_and_can_mail(database_url: str, more: dict[str, Any]) -> None:
    async with shop(database_url, **more) as home:
        assert (await ask(home)).status == 200
        assert await mails(home) == []


async def test_what_the_publisher_may_not_have_confirms_nothing(database_url: str) -> None:
    async with shop(database_url, withheld_domains=".edu") as home:
        await ask(home, email="ada@college.edu")
        assert await mails(home) == []


async def test_a_lead_is_confirmed_once_and_nobody_is_flooded(home: Installation) -> None:
    operator = await home.visitor("operator")
    leads = [await hand_in(operator) for _ in range(PER_SENDER[0] + 2)]
    made = Confirmations(home.services.storage, SENDER, "Market", MailRules(), home.services.clock)

    async def confirm(lead_id: str, email: str, client: str) -> bool:
        wanted = Confirmation(lead_id, email, "CRM", "contoso", "Contoso", "", ENGLISH)
        return await made.confirm(wanted, client)

    assert await confirm(leads[0], "ada@contoso.example", "a")
    assert not await confirm(leads[0], "ada@contoso.example", "b")
    assert not await confirm(new_id(), "bob@contoso.example", "b"), "there is no such lead"
    for number in range(1, PER_MAILBOX[0] - 1):
        assert await confirm(leads[number], f"ada+{number}@contoso.example", "c")
    assert not await confirm(leads[PER_MAILBOX[0]], "Ada+more@contoso.example", "d"), "the same mailbox"
    for number in range(PER_SENDER[0]):
        await confirm(new_id(), f"c{number}@contoso.example", "e")
    assert not await confirm(leads[-1], "new@contoso.example", "e"), "the same sender"
    assert await confirm(leads[-1], "new@contoso.example", "f")
    assert not await confirm(leads[-2], "no address", "g")


async def test_a_publishers_offers_do_not_use_up_its_mails(home: Installation) -> None:
    operator = await home.visitor("operator")
    leads = [await hand_in(operator) for _ in range(3)]
    made = Confirmations(home.services.storage, SENDER, "Market", MailRules(mails=20), home.services.clock)
    answers = [
        await made.confirm(Confirmation(lead, f"c{n}@x.example", "CRM", "contoso", "Contoso", "", ENGLISH), str(n))
        for n, lead in enumerate(leads)
    ]
    assert answers == [True, True, False]


async def test_whoever_wants_no_mail_gets_none_and_it_goes_when_the_lead_goes(home: Installation) -> None:
    lead, other = [await hand_in(await home.visitor("operator")) for _ in range(2)]
    made = Confirmations(home.services.storage, SENDER, "Market", MailRules(), home.services.clock)
    declined = sa.insert(t.declined_mailbox).values(mailbox="no@contoso.example", at=1)
    await home.services.storage.write(lambda conn: conn.execute(declined).rowcount)
    assert not await made.confirm(Confirmation(lead, "no@contoso.example", "C", "contoso", "C", "", ENGLISH), "a")
    assert await made.confirm(Confirmation(other, "yes@contoso.example", "C", "contoso", "C", "", ENGLISH), "a")
    await home.services.storage.write(_remove_personal, [other], home.services.clock())
    assert await mails(home) == []


async def test_several_processes_have_the_bounds_once(home: Installation) -> None:
    """Each of these is what a process of its own has; all count in one database."""
    operator = await home.visitor("operator")
    most = PER_SENDER[0]
    leads = [await hand_in(operator) for _ in range(2 * most)]
    rules = MailRules(mails=10 * 2 * most)

    def process() -> Confirmations:
        return Confirmations(home.services.storage, SENDER, "Market", rules, home.services.clock)

    async def confirm(number: int, email: str, client: str) -> bool:
        return await process().confirm(
            Confirmation(leads[number], email, "CRM", "contoso", "Contoso", "", ENGLISH), client
        )

    from_one_address = [await confirm(number, f"c{number}@x.example", "192.0.2.1") for number in range(most + 1)]
    assert from_one_address == [True] * most + [False]
    to_one_mailbox = [
        await confirm(most + 1 + number, "ada@x.example", f"192.0.2.{number + 10}") for number in range(4)
    ]
    assert to_one_mailbox == [True] * PER_MAILBOX[0] + [False]
    of_one_publisher = [await confirm(most + 5 + n, f"d{n}@x.example", f"198.51.100.{n}") for n in range(5)]
    left = rules.mails // 10 - (most + 1) - 4
    assert of_one_publisher == [True] * left + [False] * (5 - left)


async def test_what_is_counted_names_nobody(home: Installation) -> None:
    lead = await hand_in(await home.visitor("operator"))
    made = Confirmations(home.services.storage, SENDER, "Market", MailRules(), home.services.clock)
    assert await made.confirm(Confirmation(lead, "ada@x.example", "C", "contoso", "C", "", ENGLISH), "192.0.2.77")
    rows = await home.services.storage.read(lambda conn: conn.execute(sa.select(t.guess)).all())
    assert len(rows) >= 3
    assert not [row for row in rows if "ada" in str(row) or "192.0.2.77" in str(row)]
