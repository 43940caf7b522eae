"""The stand-in for a mail server keeps RFC 5321, as seen by a mail library and by hand."""

from __future__ import annotations

import asyncio
import gc
import logging
import ssl
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib
import pytest
import pytest_asyncio

from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.email.stand_in import PASSWORD, RECIPIENTS, SIZE, USER, Email

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
        timeout=60,
    )


async def answer_to(reader: asyncio.StreamReader) -> str:
    """The last line of the next answer; empty when the connection has ended."""
    while (answer := (await reader.readline()).decode().strip())[3:4] == "-":
        pass
    return answer


async def by_hand(server: Email, *lines: str) -> list[str]:
    """What plain lines are answered with, without the greeting. A line with an end of its own is sent as it is."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    await reader.readline()
    answers = []
    for line in lines:
        writer.write((line if line.endswith("\n") else f"{line}\r\n").encode())
        answers.append(await answer_to(reader))
    writer.close()
    return answers


def codes(answers: list[str]) -> list[str]:
    return [answer[:3] for answer in answers]


@pytest_asyncio.fixture
async def open_server() -> AsyncIterator[Email]:
    """One without TLS, to which anybody may hand in."""
    email = Email()
    await email.start()
    yield email
    await email.aclose()


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


async def test_commands_come_in_order_and_in_form(open_server: Email) -> None:
    message = await by_hand(
        open_server,
        "MAIL FROM:<a@b.example>",
        "EHLO",
        "EHLO me",
        f"RCPT TO:<{TO}>",
        "DATA",
        "MAIL TO:<a@b.example>",
        "MAIL FROM:a@b.example",
        "MAIL FROM:<a@b.example> SIZE=99999999",
        "MAIL FROM:<a@b.example> SIZE=99",
        "MAIL FROM:<a@b.example>",
        "RCPT TO:nobody",
        f"RCPT TO:{TO}",
        "RCPT TO:<nobody>",
        "BREW coffee",
        "RSET",
        f"RCPT TO:<{TO}>",
        "QUIT",
    )
    assert codes(message) == [
        *("503", "501", "250", "503", "503", "501", "501", "552", "250", "503"),
        *("501", "501", "501", "500", "250", "503", "221"),
    ]


async def test_nobody_signs_in_where_tls_is_not_offered(open_server: Email) -> None:
    assert codes(await by_hand(open_server, "EHLO me", "STARTTLS", "AUTH PLAIN AGEAYg=="))[1:] == ["454", "538"]


HEAD = ("EHLO me", f"MAIL FROM:<{SENDER}>", f"RCPT TO:<{TO}>", "DATA")


async def test_a_mail_may_come_from_nobody(open_server: Email) -> None:
    answers = await by_hand(open_server, "EHLO me", "MAIL FROM:<>", f"RCPT TO:<{TO}>", "DATA", "A: b\r\n\r\nc\r\n.\r\n")
    assert codes(answers) == ["250", "250", "250", "354", "250"]
    assert (open_server.mails[0].sender, open_server.mails[0].recipients) == ("", (TO,))


async def test_lines_end_with_crlf(open_server: Email) -> None:
    assert codes(await by_hand(open_server, *HEAD, "A: b\nB: c\r\n\r\nd\r\n.\r\n", "NOOP"))[-2:] == ["554", "250"]
    assert codes(await by_hand(open_server, *HEAD, "A: b\r\n\r\nc\r\n.\r\n", "NOOP\n"))[-2:] == ["250", "521"]
    assert codes(await by_hand(open_server, "EHLO me\nMAIL FROM:<a@b.example>\r\n", "NOOP")) == ["521", ""]
    assert len(open_server.mails) == 1


async def test_what_is_too_much_is_refused(open_server: Email) -> None:
    recipients = [f"RCPT TO:<{number}@contoso.example>" for number in range(RECIPIENTS + 1)]
    assert codes(await by_hand(open_server, *HEAD[:2], *recipients))[-2:] == ["250", "452"]
    line = f"{'x' * 900}\r\n"
    text = line * (SIZE // len(line) + 1) + ".\r\n"
    assert codes(await by_hand(open_server, *HEAD, text, "NOOP"))[-2:] == ["552", "250"]
    assert codes(await by_hand(open_server, *HEAD, f"{'x' * 1_001}\r\n.\r\n", "NOOP"))[-2:] == ["500", "250"]
    assert not open_server.mails


async def test_tls_begins_once_and_what_was_said_before_does_not_count(server: Email, authority: Authority) -> None:
    context = ssl.create_default_context(cafile=authority.ca_file)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    await reader.readline()
    writer.write(b"EHLO me\r\n")
    assert (await answer_to(reader))[:3] == "250"
    writer.write(b"STARTTLS\r\n")
    assert (await answer_to(reader))[:3] == "220"
    await writer.start_tls(context, server_hostname="127.0.0.1")
    answers = []
    for line in ("AUTH PLAIN AGEAYg==", "EHLO me", "STARTTLS", "AUTH PLAIN !", "AUTH PLAIN AGEAYg=="):
        writer.write(f"{line}\r\n".encode())
        answers.append(await answer_to(reader))
    writer.close()
    assert codes(answers) == ["503", "250", "503", "501", "535"]


async def test_it_ends_with_callers_in_every_stage(authority: Authority, caplog: pytest.LogCaptureFixture) -> None:
    email = Email(authority.server_context("127.0.0.1"))
    await email.start()
    plain, shaking = [await asyncio.open_connection("127.0.0.1", email.port) for _ in range(2)]
    shaking[1].write(b"STARTTLS\r\n")
    assert [await answer_to(shaking[0]) for _ in range(2)] == ["220 sandbox ESMTP", "220 Ready to start TLS"]
    async with client(email, authority) as caller:
        await caller.send_message(a_mail())
        await asyncio.wait_for(email.aclose(), 60)
    with pytest.raises(OSError, match="Connect call failed"):
        await asyncio.open_connection("127.0.0.1", email.port)
    assert [await plain[0].read(), await shaking[0].read()] == [b"220 sandbox ESMTP\r\n", b""]
    for _, writer in (plain, shaking):
        writer.close()
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_a_caller_that_does_not_trust_it_is_let_go(server: Email, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        await aiosmtplib.SMTP(hostname="127.0.0.1", port=server.port, timeout=60).connect()
    await asyncio.wait_for(server.aclose(), 60)
    gc.collect()
    await asyncio.sleep(0)
    assert caplog.records == []


async def test_what_is_written_down_names_nobody(
    server: Email, authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        async with client(server, authority) as caller:
            await caller.send_message(a_mail())
    assert not [record for record in caplog.records if "@" in record.getMessage() or "login" in record.getMessage()]


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
