"""A real SMTP server in process, which refuses and fails as told."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.ports import free_port


class Mailbox:
    """What arrived, and what to answer instead: ``reply[stage]`` with stage ``MAIL``, ``RCPT`` or ``DATA``.

    ``reply["RCPT ops@contoso.example"]`` is for that recipient alone; at the stage ``cut`` the line is cut without a
    reply, ``DATA`` meaning once the text has come. ``recipients`` are those of each mail that arrived, as they were
    written in the envelope.
    """

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        self.senders: list[str] = []
        self.reply: dict[str, str] = {}
        self.cut = ""
        self.port = 0

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if "MAIL" in self.reply:
            return self.reply["MAIL"]
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self._cut_at("RCPT", server)
        refusal = self.reply.get(f"RCPT {address}", self.reply.get("RCPT"))
        if refusal is not None:
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self._cut_at("DATA", server)
        if "DATA" in self.reply:
            return self.reply["DATA"]
        self.recipients.append(list(envelope.rcpt_tos))
        self.senders.append(envelope.mail_from or "")
        content = envelope.original_content or b""
        self.mails.append(message_from_bytes(content, _class=EmailMessage, policy=default))
        return "250 taken"

    def sent_to(self, address: str) -> list[EmailMessage]:
        """The mails of which ``address`` was a recipient."""
        mails = list(self.mails)  # another thread takes mails meanwhile: each is there once its recipients are
        return [mail for mail, to in zip(mails, self.recipients, strict=False) if address in to]

    def _cut_at(self, stage: str, server: SMTP) -> None:
        if self.cut == stage:
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()


def _authenticate(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object) -> AuthResult:
    good = isinstance(data, LoginPassword) and data == LoginPassword(b"user", b"p@ss")
    return AuthResult(success=good, handled=False)


@contextmanager
def mailbox(context: ssl.SSLContext | None = None, *, sign_in: bool = False, utf8: bool = False) -> Iterator[Mailbox]:
    """A running server: plain, or with STARTTLS when a context is given; ``utf8`` offers SMTPUTF8."""
    box = Mailbox()
    controller = Controller(
        box,
        hostname="127.0.0.1",
        port=free_port(),
        tls_context=context,
        authenticator=_authenticate if sign_in else None,
        auth_required=sign_in,
        auth_require_tls=context is not None,
        enable_SMTPUTF8=utf8,
    )
    controller.start()
    try:
        box.port = controller.port
        yield box
    finally:
        controller.stop()
