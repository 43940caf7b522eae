"""Links by mail: an invitation, a new password. Nobody learns who is here, and nothing personal stands in a mail."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from leadkeeper.access.people.mailing import ASKED
from leadkeeper.access.permissions import Role
from leadkeeper.app import open_services
from leadkeeper.settings import Settings
from leadkeeper.storage import tables as t
from tests.contracts.mailbox import Mailbox, mailbox
from tests.in_process import SECRET_KEY, Installation, installation
from tests.journeys.customer import Customer
from tests.people import PASSWORD, add, sign_in, signed_in

NEW = "harbour violin teapot 31"


@pytest.fixture
def box() -> Iterator[Mailbox]:
    """A mail server."""
    with mailbox() as running:
        yield running


@pytest.fixture
async def home(database_url: str, box: Mailbox) -> AsyncIterator[Installation]:
    """An installation with that mail server."""
    url = f"smtp://127.0.0.1:{box.port}"
    async with installation(database_url, public_url="http://leads.example", smtp_url=url, mails_per_hour=50) as opened:
        yield opened


def link_of(box: Mailbox, number: int, kind: str) -> str:
    """The link in a mail, in English."""
    text = box.mails[number].get_content()
    found = re.search(rf"http://leads\.example(/portal/{kind}/lko_[\w-]+)\r?\n", text)
    assert found, text
    return found[1]


async def test_an_invitation_is_mailed_and_can_be_copied(home: Installation, box: Mailbox) -> None:
    async with signed_in(home, Role.OWNER) as owner, Customer(home.url) as guest:
        page = await owner.open("/portal/publishers/contoso/members")
        page = await owner.send(page.form("email"), {"email": "grace@far.example"}, "role")
        assert "It was mailed, too" in page.text
        assert box.recipients[0] == ["grace@far.example"]
        text = box.mails[0].get_content()
        assert "“Contoso”" in text
        assert "convite" in text, "in every language"
        assert "Ada" not in text
        assert "owner@" not in str(box.mails[0])
        link = link_of(box, 0, "invitation")
        assert link in page.html
        page = await guest.open(link)
        page = await guest.send(page.form("name"), {"name": "Grace", "password": NEW})
        assert page.url == f"{home.url}/portal"


async def test_where_the_mail_is_not_taken_the_page_says_so_and_the_link_stays(
    home: Installation, box: Mailbox
) -> None:
    box.reply["RCPT"] = "550 no such user"
    async with signed_in(home, Role.OWNER) as owner:
        page = await owner.open("/portal/publishers/contoso/members")
        page = await owner.send(page.form("email"), {"email": "grace@far.example"}, "role")
        assert "No mail was sent" in page.text
        assert "/portal/invitation/lko_" in page.html


async def test_a_mailbox_that_wants_nothing_gets_nothing(home: Installation, box: Mailbox) -> None:
    declined = sa.insert(t.declined_mailbox).values(mailbox="grace@far.example", at=1)
    await home.services.storage.write(lambda conn: conn.execute(declined) and None)
    async with signed_in(home, Role.OWNER) as owner:
        page = await owner.open("/portal/publishers/contoso/members")
        page = await owner.send(page.form("email"), {"email": "grace+x@far.example"}, "role")
        assert "No mail was sent" in page.text
    assert box.mails == []


async def test_a_forgotten_password(home: Installation, box: Mailbox) -> None:
    email = await add(home, Role.OWNER)
    async with Customer(home.url) as visitor, Customer(home.url) as other:
        await sign_in(other, email)
        answers = []
        for address in (email.upper(), "nobody@contoso.example", "no address"):
            page = await visitor.open("/portal/forgot")
            page = await visitor.send(page.form("email"), {"email": address})
            answers.append((page.status, page.text))
        assert len(set(answers)) == 1, "the answer tells nothing"
        await home.services.accounts.mail.aclose()
        assert box.recipients == [[email]]
        link = link_of(box, 0, "password")
        page = await visitor.open(link)
        assert (await visitor.send(page.form("password"), {"password": "owner contoso"})).status == 422
        page = await visitor.send(page.form("password"), {"password": NEW})
        assert "in effect" in page.text
        assert (await visitor.open(link)).status == 404
        assert (await other.open("/portal")).form("email", "password"), "all sessions ended"
        assert (await sign_in(visitor, email)).status == 401
        assert (await sign_in(visitor, email, NEW)).status == 200
    rows = await home.services.storage.read(lambda conn: conn.execute(sa.select(t.audit)).all())
    assert "owner@" not in str(rows)
    assert PASSWORD not in str(rows)


async def test_nobody_is_flooded_with_links(home: Installation, box: Mailbox) -> None:
    email = await add(home, Role.OWNER)
    async with Customer(home.url) as visitor:
        page = await visitor.open("/portal/forgot")
        for _ in range(6):
            page = await visitor.send(
                page.form("email") if page.forms else (await visitor.open("/portal/forgot")).form("email"),
                {"email": email},
            )
            assert page.status == 200
        await home.services.accounts.mail.aclose()
    assert len(box.mails) == 3
    newest = link_of(box, 2, "password")
    async with Customer(home.url) as visitor:
        page = await visitor.open(newest)
        await visitor.send(page.form("password"), {"password": NEW})
        assert (await visitor.open(link_of(box, 0, "password"))).status == 404, "the others are over with it"


async def test_links_to_a_new_password_are_counted_over_all_processes(
    home: Installation, box: Mailbox, database_url: str
) -> None:
    email = await add(home, Role.OWNER)
    server = f"smtp://127.0.0.1:{box.port}"
    settings = Settings(database_url=database_url, secret_key=SecretStr(SECRET_KEY), smtp_url=SecretStr(server))
    async with open_services(settings, worker=False) as other:
        for number in range(ASKED[0]):
            for services in (home.services, other.services):
                services.accounts.mail.ask_new_password(email, f"203.0.113.{number}")
                await services.accounts.mail.aclose()
    assert len(box.mails) == ASKED[0]
