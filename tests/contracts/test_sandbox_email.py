"""The stand-in for a mail server keeps RFC 5321, as seen by a mail library and by hand."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib
import pytest
import pytest_asyncio

from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.email.stand_in import PASSWORD, USER, Email

SENDER = "leadkeeper@marketplace.example"
TO = "leads@contoso.example"


def a_mail(text: str = "A lead came.\n.hidden dot\n") -> EmailMessage:
    """A mail to :data:`TO`."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"], message["Message-ID"] = SENDER, TO, "Olá", "<1@x.example>"
    message.set_content(text)
    return message


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Signs for the server."""
    return Authority(tmp_path)


@pytest_asyncio.fixture
async def server(authority: Authority) -> AsyncIterator[Email]:
    """One that offers STARTTLS and wants a sign-in."""
    email = Email(authority.server_context("127.0.0.1"))
    await email.start()
    yield email
    await email.aclose()


def client(server: Email, authority: Authority, password: str = PASSWORD) -> aiosmtplib.SMTP:
    """A caller that signs in."""
    context = ssl.create_default_context(cafile=authority.ca_file)
    return aiosmtplib.SMTP(
        hostname="127.0.0.1",
        port=server.port,
        username=USER,
        password=password,
        tls_context=context,
        timeout=10,
    )


async def by_hand(server: Email, *lines: str) -> list[str]:
    """What plain lines are answered with: the last line of each answer, the greeting left out."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    await reader.readline()
    answers = []
    for line in lines:
        writer.write(f"{line}\r\n".encode())
        while (answer := (await reader.readline()).decode().strip())[3:4] == "-":
            pass
        answers.append(answer)
    writer.close()
    return answers


async def test_a_mail_is_kept_as_it_came(server: Email, authority: Authority) -> None:
    async with client(server, authority) as caller:
        await caller.send_message(a_mail())
    (mail,) = server.mails
    assert (mail.sender, mail.recipients, mail.message["Subject"]) == (SENDER, (TO,), "Olá")
    assert mail.text.splitlines() == ["A lead came.", ".hidden dot"]
    (shown,) = server.received()
    assert shown["id"] == "<1@x.example>"
    assert shown["to"] == [TO]


async def test_nobody_signs_in_without_tls_or_with_another_password(server: Email, authority: Authority) -> None:
    assert (await by_hand(server, "EHLO me", "AUTH PLAIN AGEAYg=="))[1].startswith("538")
    with pytest.raises(aiosmtplib.SMTPAuthenticationError):
        async with client(server, authority, "wrong"):
            pass
    assert (await by_hand(server, "EHLO me", f"MAIL FROM:<{SENDER}>"))[1].startswith("530")


async def test_commands_come_in_order_and_in_form() -> None:
    email = Email(username=None)
    await email.start()
    message = await by_hand(
        email,
        "MAIL FROM:<a@b.example>",
        "EHLO",
        "EHLO me",
        f"RCPT TO:<{TO}>",
        "DATA",
        "MAIL TO:<a@b.example>",
        "MAIL FROM:<a@b.example> SIZE=99999999",
        "MAIL FROM:<a@b.example> SIZE=99",
        "RCPT TO:nobody",
        "BREW coffee",
        "RSET",
        f"RCPT TO:<{TO}>",
        "QUIT",
    )
    await email.aclose()
    assert [answer[:3] for answer in message] == (
        ["503", "501", "250", "503", "503", "501", "552", "250", "501", "500", "250", "503", "221"]
    )


@pytest.mark.parametrize(
    ("state", "error", "code"),
    [
        ("signInRefused", aiosmtplib.SMTPAuthenticationError, 535),
        ("senderRefused", aiosmtplib.SMTPSenderRefused, 550),
        ("busy", aiosmtplib.SMTPSenderRefused, 451),
        ("mailRefused", aiosmtplib.SMTPDataError, 554),
        ("recipientRefused", aiosmtplib.SMTPRecipientsRefused, 550),
        ("greetingRefused", aiosmtplib.SMTPRecipientsRefused, 504),
        ("mailboxFull", aiosmtplib.SMTPRecipientsRefused, 452),
    ],
)
async def test_each_state_refuses_at_its_stage(
    server: Email, authority: Authority, state: str, error: type[aiosmtplib.SMTPException], code: int
) -> None:
    server.choose(state)
    with pytest.raises(error) as caught:
        async with client(server, authority) as caller:
            await caller.send_message(a_mail())
    if isinstance(caught.value, aiosmtplib.SMTPRecipientsRefused):
        assert caught.value.recipients[0].code == code
    elif isinstance(caught.value, aiosmtplib.SMTPResponseException):
        assert caught.value.code == code
    assert not server.mails
    server.reset()
    async with client(server, authority) as caller:
        await caller.send_message(a_mail())
    assert len(server.mails) == 1


def test_every_state_is_tried_above() -> None:
    tried = next(
        mark.args[1]
        for mark in test_each_state_refuses_at_its_stage.pytestmark  # type: ignore[attr-defined]
        if mark.name == "parametrize"
    )
    assert {"ok", *(state for state, _, _ in tried)} == set(Email.states)
