"""Mails of certification and of credentials that end: in a real mailbox, in both languages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from leadkeeper.clock import to_datetime
from leadkeeper.connections.expiry import remind
from leadkeeper.connections.outbox import DAY_MS
from leadkeeper.inbox.attention.attention import Attention
from leadkeeper.languages import installed
from leadkeeper.mail.address import MailRules, parse_vouched
from leadkeeper.mail.mailer import Mailer
from leadkeeper.notices.sender import Sender
from leadkeeper.publishing.steps import OperationState
from leadkeeper.sandbox.authority import Authority
from tests.contracts.installation import CRM, TestInstallation, furnished
from tests.contracts.mailbox import mailbox
from tests.contracts.market import market
from tests.contracts.test_email import server_of

SECRET = "topsecretsignature"


async def test_a_refusal_says_why_and_where_to_go_on(database_url: str, authority: Authority) -> None:
    async with market(database_url, authority, by_operator=True) as opened:
        await opened.define()
        await opened.connect()
        await opened.published()
        await opened.publication.certify(CRM, approved=False, message="The name is another's.", by="op")
        assert (await opened.worked()).state is OperationState.FAILED
        with mailbox() as box:
            rules = MailRules(parse_vouched("*"))
            sender = Sender(opened.storage, Mailer(server_of(box)), "https://leads.example", rules=rules)
            while await sender.look():
                pass
            mails = [
                (to, mail) for to, mail in zip(box.recipients, box.mails, strict=True) if "stopped" in mail["Subject"]
            ]
        ((to, mail),) = mails
        text = mail.get_content()
        assert to == ["ops@contoso.example"]
        assert "The name is another's." in text
        assert "https://leads.example/portal/offers/contoso/crm-pro" in text
        assert mail["Content-Language"] == "en, pt"
        for language in installed():
            step = language.gettext("Certification")
            message = language.gettext(
                "Publishing %(offer)s stopped at the step “%(step)s”.", offer=mail["Subject"][11:-8], step=step
            )
            assert message in text
            assert language.gettext("Then publish it again: %(page)s", page="").strip() in text


def ends_in(installation: TestInstallation, days: float) -> dict[str, object]:
    """An Azure Table whose signature ends so many days from the installation's now."""
    end = f"{to_datetime(installation.now).astimezone(UTC) + timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}".replace(
        ":", "%3A"
    )
    signed = f"sv=2022-11-02&ss=t&srt=sco&sp=rwlacu&se={end}&sig={SECRET}"
    where = f"TableEndpoint=https://contoso.table.core.windows.net/;SharedAccessSignature={signed}"
    config = {"storageAccountConnectionString": where, "contactEmail": ["sales@contoso.example"]}
    return {"leadDestination": "table", "tableLeadConfiguration": config}


async def test_credentials_that_end_are_told_once_each_time(database_url: str) -> None:
    async with furnished(database_url) as installation:
        put, _, _ = await installation.connections.put(CRM, "table", ends_in(installation, 40), by="test", trusted=True)
        assert put is not None
        with mailbox() as box:
            sender = Sender(installation.storage, Mailer(server_of(box)), "https://leads.example", installation.clock)
            summary = []
            for _ in range(42):
                await installation.storage.write(remind, put.id, put.stored, installation.now)
                while await sender.look():
                    pass
                summary.append(len(box.mails))
                installation.now += DAY_MS
            at = [
                day for day, (before, after) in enumerate(zip([0, *summary], summary, strict=False)) if after > before
            ]
            assert [40 - day for day in at] == [30, 7, 1]
            for mail in box.mails:
                text = mail.get_content()
                assert SECRET not in mail.as_string()
                assert mail["Subject"] == "Credentials for “Contoso CRM Pro” end soon"
                assert "https://leads.example/portal/offers/contoso/crm-pro/connections/table" in text
                assert f"{datetime.fromtimestamp(installation.now / 1000, UTC) - timedelta(days=2):%Y-%m-%d}" in text
                for language in installed():
                    message = "From then on its leads are held until somebody enters new ones. None is lost."
                    assert language.gettext(message) in text


async def test_a_row_from_before_learns_when_its_credentials_end(database_url: str) -> None:
    async with furnished(database_url) as installation:
        put, _, _ = await installation.connections.put(CRM, "table", ends_in(installation, 20), by="test", trusted=True)
        assert put is not None
        attention = Attention(installation.storage)

        async def told() -> list[tuple[str, str | None]]:
            found = await attention.list("contoso", installation.now)
            return [(entry.cause, entry.until) for entry in found.entries]

        ((cause, until),) = await told()
        assert cause == "credentialsEnd"
        assert until is not None
        await installation.storage.write(_forget)
        assert await told() == []
        await installation.storage.write(remind, put.id, put.stored, installation.now)
        assert await told() == [(cause, until)]


def _forget(conn: sa.Connection) -> None:
    conn.execute(sa.text("UPDATE connection SET ends_at = NULL"))
