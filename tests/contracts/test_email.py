"""E-mail notices over a real SMTP server: as a destination, and beside the others."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from structlog.testing import capture_logs

from leadkeeper.connections.outbox import DAY_MS, GATHER_MS
from leadkeeper.connections.recipients import Recipients
from leadkeeper.destinations.email.adapter import Email
from leadkeeper.destinations.email.settings import EmailConfig
from leadkeeper.diagnosis import AnyKind, Diagnosis, Kind, Outcome, Receipt
from leadkeeper.lead import Customer, OutgoingLead
from leadkeeper.mail.address import DEFAULT_RULES, masked_address
from leadkeeper.mail.diagnoses import MailKind
from leadkeeper.mail.mailer import Mailer, MailServer, parse_mail_server
from leadkeeper.mail.service import MailService
from leadkeeper.notices.sender import Sender
from leadkeeper.offer import OfferRef
from leadkeeper.sandbox.authority import Authority
from leadkeeper.storage import tables as t
from tests.contracts.installation import CRM, TestInstallation, endpoint, furnished, lead
from tests.contracts.mailbox import Mailbox, mailbox
from tests.in_process import OFFER, Installation, Visitor

LEAD = OutgoingLead(
    id="01a20796-6db8-77f6-90dd-50904133bd16",
    created_at=datetime(2026, 11, 23, tzinfo=UTC),
    source="SPZA",
    action="PLT",
    lead_source="SPZA-PLT|contoso.crm-pro",
    publisher_id="contoso",
    publisher_name="Contoso",
    offer_id="crm-pro",
    offer_title="Contoso CRM Pro",
    customer=Customer("Conceição", "Lovelace", "joao@exemplo.pt", "15550100", "PT", "Exemplo", "CTO"),
    description="please call me tomorrow",
)
PERSONAL = ("Conceição", "Lovelace", "joao@exemplo.pt", "15550100", "Exemplo", "call me")


async def deliver(server: MailServer | None) -> Receipt | Diagnosis:
    config = EmailConfig.model_validate({"contactEmail": ["sales@contoso.com", "boss@contoso.com"]})
    destination = Email(config, MailService(server, base_url="https://leads.example"))
    try:
        (answer,) = await destination.deliver([LEAD])
        return answer
    finally:
        await destination.aclose()


def server_of(box: Mailbox, user: str = "") -> MailServer:
    return parse_mail_server(f"smtp://{user}127.0.0.1:{box.port}", "leads@marketplace.example")


async def test_the_notice_names_the_offer_and_nobody() -> None:
    with mailbox() as box:
        answer = await deliver(server_of(box))
    assert isinstance(answer, Receipt)
    assert not answer.confirmed
    (mail,) = box.mails
    assert mail["Subject"] == "New lead for “Contoso CRM Pro”"
    assert mail["To"] == "sales@contoso.com, boss@contoso.com"
    text = mail.as_string() + mail.get_content()
    assert f"https://leads.example/portal/leads/{LEAD.id}" in text
    assert not [personal for personal in PERSONAL if personal in text]


@pytest.mark.parametrize(
    ("stage", "reply", "kind", "outcome"),
    [
        ("RCPT", "550 no such user sales@contoso.com", MailKind.RECIPIENT_REFUSED, Outcome.BROKEN),
        ("RCPT", "451 try later", MailKind.SERVER_BUSY, Outcome.FAILED),
        ("MAIL", "550 not you", MailKind.SENDER_REFUSED, Outcome.BROKEN),
        ("DATA", "452 full", MailKind.SERVER_BUSY, Outcome.FAILED),
        ("DATA", "554 spam", MailKind.REFUSED, Outcome.BROKEN),
        ("DATA", "421 going down", MailKind.SERVER_BUSY, Outcome.FAILED),
    ],
)
async def test_replies_by_code(stage: str, reply: str, kind: AnyKind, outcome: Outcome) -> None:
    with mailbox() as box:
        box.reply[stage] = reply
        answer = await deliver(server_of(box))
    assert isinstance(answer, Diagnosis)
    assert (answer.kind, answer.outcome) == (kind, outcome)
    assert "contoso.com" not in repr(answer)


async def test_without_a_server_the_operator_is_told() -> None:
    answer = await deliver(None)
    assert isinstance(answer, Diagnosis)
    assert answer.kind is MailKind.NOT_SET_UP
    gone = await deliver(parse_mail_server("smtp://127.0.0.1:9"))
    assert isinstance(gone, Diagnosis)
    assert gone.kind is Kind.CONNECTION_FAILED


async def test_starttls_and_sign_in(authority: Authority) -> None:
    context = authority.server_context("127.0.0.1")
    with mailbox(context, sign_in=True) as box:
        good = parse_mail_server(f"smtp://user:p%40ss@127.0.0.1:{box.port}", "a@b.example", authority.ca_file)
        assert isinstance(await deliver(good), Receipt)
        wrong = parse_mail_server(f"smtp://user:nope@127.0.0.1:{box.port}", "a@b.example", authority.ca_file)
        refused = await deliver(wrong)
        assert isinstance(refused, Diagnosis)
        assert refused.kind is MailKind.SIGN_IN_REJECTED
        assert "nope" not in repr(refused)
        stranger = parse_mail_server(f"smtp://user:p%40ss@127.0.0.1:{box.port}", "a@b.example")
        untrusted = await deliver(stranger)
        assert isinstance(untrusted, Diagnosis)
        assert untrusted.kind is Kind.TLS_FAILED


@pytest.mark.parametrize("url", ["", "http://x", "smtp://", "smtp://u:s3cret@h:port", "smtp://h/path"])
def test_a_wrong_address_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ValueError, match="not a mail server") as error:
        parse_mail_server(url)
    assert "s3cret" not in str(error.value)


async def announced(installation: TestInstallation, notice: str, offer: OfferRef = CRM) -> None:
    body = endpoint()
    body["httpsEndpointLeadConfiguration"] |= {"contactEmail": ["sales@contoso.com"], "notice": notice}  # type: ignore[operator]
    await installation.connections.put(offer, "primary", body, by="test", trusted=True)


async def test_leads_that_come_together_are_one_mail(database_url: str) -> None:
    async with furnished(database_url) as installation:
        await announced(installation, "each")
        with mailbox() as box:
            sender = Sender(installation.storage, Mailer(server_of(box)), "https://leads.example", installation.clock)
            await installation.intake.keep_many([lead(i) for i in range(30)])
            assert await sender.look() == 0
            installation.now += GATHER_MS
            assert await sender.look() == 1
            assert await sender.look() == 0
            (mail,) = box.mails
            assert mail["Subject"] == "30 new leads for “Contoso CRM Pro”"
            assert "and 10 more" in mail.get_content()
            assert "Lovelace" not in mail.as_string()


async def test_a_digest_comes_once_a_day(database_url: str) -> None:
    async with furnished(database_url) as installation:
        await announced(installation, "daily")
        with mailbox() as box:
            sender = Sender(installation.storage, Mailer(server_of(box)), "https://leads.example", installation.clock)
            await installation.intake.keep(lead(1))
            installation.now += 1000
            await installation.intake.keep(lead(2))
            assert await sender.look() == 0
            installation.now += DAY_MS
            assert await sender.look() == 1
            assert box.mails[0]["Subject"] == "2 new leads for “Contoso CRM Pro”"


async def test_a_notice_waits_for_the_mail_server(database_url: str) -> None:
    async with furnished(database_url) as installation:
        await announced(installation, "each")
        await installation.intake.keep(lead())
        installation.now += GATHER_MS
        with mailbox() as box:
            box.reply["DATA"] = "452 full"
            sender = Sender(installation.storage, Mailer(server_of(box)), "https://leads.example", installation.clock)
            assert await sender.look() == 0
            box.reply.clear()
            assert await sender.look() == 0
            installation.now += 10_000
            assert await sender.look() == 1
        assert await installation.count(t.notice, t.WAITING_NOTICE) == 0


async def test_nobody_is_told_who_did_not_ask(database_url: str) -> None:
    async with furnished(database_url) as installation:
        await installation.connect()
        await installation.intake.keep(lead())
        assert await installation.count(t.notice) == 0


async def test_a_contact_that_is_refused_while_another_is_served_is_told(home: Installation, operator: Visitor) -> None:
    """The lead is delivered; whoever can fix the address sees what is wrong with it, and the log names it masked."""
    settings = {"contactEmail": ["sales@contoso.com", "gone@contoso.com"]}
    body = {"leadDestination": "email", "emailLeadConfiguration": settings}
    assert (await operator.put(f"{OFFER}/connections/primary", body)).status == 201
    (connection,) = await home.services.connections.list(CRM)
    with mailbox() as box:
        box.reply["RCPT gone@contoso.com"] = "550 no such user gone@contoso.com"
        mail = MailService(server_of(box), base_url="https://leads.example")
        contacts = Recipients(home.services.storage, connection, DEFAULT_RULES)
        with capture_logs() as logs:
            (answer,) = await Email(EmailConfig.model_validate(settings), mail, contacts).deliver([LEAD])
        assert box.recipients == [["sales@contoso.com"]]
    assert isinstance(answer, Receipt)
    assert answer.note is not None
    assert "1 of 2" in answer.note
    (line,) = [each for each in logs if each["log_level"] == "warning"]
    assert (line["lead"], line["kind"], line["status"]) == (LEAD.id, "mailRecipientRefused", 550)
    assert line["address"] == masked_address("gone@contoso.com")
    assert "gone@" not in repr(logs)
    shown = (await operator.get(f"{OFFER}/connections/primary")).json()["contacts"]
    summary = {each["email"]: each["diagnosis"] for each in shown}
    assert summary["gone@contoso.com"]["kind"] == "mailRecipientRefused"
    assert summary["sales@contoso.com"] is None
