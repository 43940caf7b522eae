"""Every mail can be read on a page, with its fate: operators see all, a publisher's owners theirs, others none."""

from __future__ import annotations

import sqlalchemy as sa

from leadkeeper.access.permissions import Role
from leadkeeper.catalogue import diagnose
from leadkeeper.diagnosis import Evidence
from leadkeeper.languages import installed
from leadkeeper.mail.address import parse_address
from leadkeeper.mail.diagnoses import MailKind
from leadkeeper.mail.fates import record_sent
from leadkeeper.mail.people import new_password
from leadkeeper.mail.text import question
from tests.in_process import Installation, connected
from tests.people import signed_in

NOW = 1_790_000_000_000
TOKEN = "lko_verysecrettoken"
SENDER = parse_address("leads@market.example")


async def write(home: Installation) -> None:
    """A question of Contoso that was refused, one of Fabrikam that was put off, and a password that was taken."""
    base, all_ = "http://leads.example", installed()
    refused = diagnose(MailKind.RECIPIENT_REFUSED, Evidence(status=550, text="5.1.1 no such mailbox"))
    later = diagnose(MailKind.SERVER_BUSY, Evidence(status=451, text="4.7.1 greylisted"))
    contoso = question("contoso", TOKEN, "Market", base, SENDER, all_)
    fabrikam = question("fabrikam", TOKEN, "Market", base, SENDER, all_)
    password = new_password(f"{base}/portal/password/{TOKEN}", "Market", base, SENDER, all_, "x")

    def transaction(conn: sa.Connection) -> None:
        record_sent(conn, contoso, {"Ops@contoso.example": refused}, "contoso", NOW, NOW + 60_000)
        record_sent(conn, fabrikam, {"ops@fabrikam.example": later}, "fabrikam", NOW, NOW + 60_000)
        record_sent(conn, password, {"ada@market.example": None}, "", NOW, None)

    await home.services.storage.write(transaction)


async def test_operators_read_every_mail_and_its_fate_and_no_secret(database_url: str) -> None:
    async with connected(database_url) as home, signed_in(home, Role.OPERATOR, None) as operator:
        await write(home)
        page = await operator.open("/portal/mails")
        for words in ("ops@contoso.example", "refused by the mail server", "550", "ops@fabrikam.example"):
            assert words in page.text, page.text
        assert "put off by the mail server" in page.text
        assert "tried again:" in page.text
        assert "accepted by the mail server" in page.text
        for subject in ("Do you want notices from Market?", "A new password for Market"):
            one = await operator.open(page.links[subject])
            assert "What it says" in one.text
            assert TOKEN not in one.html
            assert "…" in one.text
        assert "no such mailbox" in (await operator.open(await newest(home, "contoso"))).text
        chosen = await operator.open("/portal/mails?fate=accepted")
        assert "ops@contoso.example" not in chosen.text
        assert "ada@market.example" in chosen.text


async def newest(home: Installation, publisher_id: str) -> str:
    """The page of a publisher's newest mail."""
    found = await home.services.notices.mails.list(publisher_id)
    return f"/portal/mails/{found.mails[0].id}"


async def test_owners_read_their_own_and_others_none(database_url: str) -> None:
    async with connected(database_url) as home:
        await write(home)
        theirs, others = await newest(home, "contoso"), await newest(home, "fabrikam")
        async with signed_in(home, Role.OWNER) as owner:
            page = await owner.open("/portal/mails")
            assert "ops@contoso.example" in page.text
            assert "ops@fabrikam.example" not in page.text
            assert "ada@market.example" not in page.text
            assert "Where operators are told" not in page.text
            assert (await owner.open(theirs)).status == 200
            assert (await owner.open(others)).status == 404
        async with signed_in(home, Role.CONTRIBUTOR) as contributor:
            assert (await contributor.open("/portal/mails")).status == 403
            assert (await contributor.open(theirs)).status == 403
            assert "/portal/mails" not in (await contributor.open("/portal")).html


async def test_operators_say_where_they_are_told(database_url: str) -> None:
    async with connected(database_url) as home, signed_in(home, Role.OPERATOR, None) as operator:
        page = await operator.open("/portal/mails")
        form = page.form("addresses")
        wrong = await operator.send(form, {"addresses": "night@market.example\nnobody"})
        assert wrong.status == 422
        assert "is no e-mail address" in wrong.text
        assert await home.services.operator_addresses.entered() == []
        saved = await operator.send(form, {"addresses": "Night <night@market.example>\r\nDay@market.example, "})
        assert "Saved." in saved.text
        assert await home.services.operator_addresses.entered() == ["night@market.example", "day@market.example"]
        assert await operator.send(page.form("addresses"), {"addresses": ""})
        assert await home.services.operator_addresses.entered() == []
