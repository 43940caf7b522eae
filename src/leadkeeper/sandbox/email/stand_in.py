"""A mail server that takes mails and keeps them, as strict as RFC 5321 lets one be. Nothing is passed on.

aiosmtpd reads what comes; here stands what is answered, and what aiosmtpd lets pass though strict servers do not.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import ssl
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP as AS_SENT
from typing import Final

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session, TLSSetupException

from leadkeeper.sandbox.stand_in import OK, Answer, Request

USER: Final = "leadkeeper"
PASSWORD: Final = "sandbox mail password"
"""Who may hand mails in; opens nothing elsewhere."""
SIZE: Final = 10 * 1024 * 1024
RECIPIENTS: Final = 100
"""Most of one mail."""
KEPT: Final = 10_000
"""Most mails that are remembered."""

_PATIENCE: Final = 300.0
_REFUSALS: Final[Mapping[str, tuple[str, str]]] = {
    "signInRefused": ("AUTH", "535 5.7.8 Authentication credentials invalid"),
    "senderRefused": ("MAIL", "550 5.7.1 Sender address rejected: not owned by user"),
    "recipientRefused": ("RCPT", "550 5.1.1 Recipient address rejected: user unknown"),
    "greetingRefused": ("RCPT", "504 5.5.2 Helo command rejected: need fully-qualified hostname"),
    "mailboxFull": ("RCPT", "452 4.2.2 Mailbox full"),
    "mailRefused": ("DATA", "554 5.7.1 Message rejected by policy"),
    "busy": ("MAIL", "451 4.3.2 System not accepting messages, try again later"),
}
"""In each state, the command that is refused and the reply; ``DATA`` after the text has come."""
_NO_SENDER: Final = "<>"
_PATH: Final = re.compile(r"(?:FROM|TO):\s?<[^<>\s]*>(?: \S+)*", re.IGNORECASE)
_BARE_LF: Final = re.compile(rb"(?<!\r)\n")

# It warns of names of its own with each sign-in, and names the addresses of each mail.
logging.getLogger("mail.log").setLevel(logging.CRITICAL)


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail that was taken: the envelope, and the message as it came."""

    sender: str
    recipients: tuple[str, ...]
    message: EmailMessage

    @property
    def text(self) -> str:
        """The plain text of the message."""
        body = self.message.get_body(("plain",))
        return "" if body is None else str(body.get_content())


class Email:
    """The stand-in. With a ``context`` it offers STARTTLS and takes mails only from who then signs in.

    Without one anybody may hand mails in, and nobody can sign in.
    """

    name: Final = "email"
    hosts: Final[tuple[str, ...]] = ()
    states: Final[Mapping[str, str]] = {OK: "takes every mail"} | {
        state: f"{command} is answered {reply}" for state, (command, reply) in _REFUSALS.items()
    }

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.context = context
        self.username = USER
        self.password = PASSWORD
        self.mails: deque[Mail] = deque(maxlen=KEPT)
        self.port = 0
        self._state = OK
        self._server: asyncio.Server | None = None
        self._talks: set[_Talk] = set()

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; ``port`` tells where when none was asked for. Raises :class:`OSError` when the port is taken."""
        self._server = await asyncio.get_running_loop().create_server(lambda: _Talk(self, self._talks), host, port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def aclose(self) -> None:
        """Stop listening and drop every connection."""
        if self._server is not None:
            self._server.close()
        await asyncio.gather(*(talk.drop() for talk in self._talks))

    @property
    def state(self) -> str:
        return self._state

    def choose(self, state: str) -> None:
        """Be in ``state`` from the next command on."""
        self._state = state

    def reset(self) -> None:
        """Take every mail again, and forget those that came."""
        self._state = OK
        self.mails.clear()

    def received(self) -> Sequence[Mapping[str, object]]:
        """Every mail: its id, envelope, subject and text."""
        return [
            {
                "id": str(mail.message["Message-ID"] or ""),
                "from": mail.sender,
                "to": list(mail.recipients),
                "subject": str(mail.message["Subject"] or ""),
                "text": mail.text,
            }
            for mail in self.mails
        ]

    async def handle(self, request: Request) -> Answer:
        """It speaks no HTTP."""
        return Answer.text(404, "a mail server has no pages")

    def refusal(self, command: str) -> str | None:
        """The reply by which the chosen state refuses ``command``."""
        refused, reply = _REFUSALS.get(self._state, ("", ""))
        return reply if refused == command else None


class _Replies:
    """What is answered to commands that aiosmtpd has found in order and in form."""

    def __init__(self, email: Email) -> None:
        self._email = email

    def sign_in(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: LoginPassword
    ) -> AuthResult:
        refusal = self._email.refusal("AUTH")
        right = data == LoginPassword(self._email.username.encode(), self._email.password.encode())
        return AuthResult(success=right and refusal is None, handled=False, message=refusal)

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        refusal = self._email.refusal("MAIL")
        if refusal is None:
            envelope.mail_from = address
        return refusal or "250 2.1.0 Sender OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if "@" not in address:
            return "501 5.5.4 RCPT TO:<address>"
        if len(envelope.rcpt_tos) >= RECIPIENTS:
            return "452 4.5.3 Too many recipients"
        refusal = self._email.refusal("RCPT")
        if refusal is None:
            envelope.rcpt_tos.append(address)
        return refusal or "250 2.1.5 Recipient OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.original_content or b""
        if _BARE_LF.search(content):
            return "554 5.6.0 Lines end with CRLF"
        refusal = self._email.refusal("DATA")
        if refusal is not None:
            return refusal
        sender = envelope.mail_from or ""
        message = message_from_bytes(content, _class=EmailMessage, policy=AS_SENT)
        mails = self._email.mails
        mails.append(Mail("" if sender == _NO_SENDER else sender, tuple(envelope.rcpt_tos), message))
        return f"250 2.0.0 Taken as {len(mails)}"


class _Talk(SMTP):
    """One connection, which is in ``talks`` until it ends."""

    AuthLoginUsernameChallenge = "Username:"
    AuthLoginPasswordChallenge = "Password:"

    def __init__(self, email: Email, talks: set[_Talk]) -> None:
        replies = _Replies(email)
        super().__init__(
            replies,
            data_size_limit=SIZE,
            hostname="sandbox",
            ident="ESMTP",
            tls_context=email.context,
            timeout=_PATIENCE,
            auth_required=email.context is not None,
            authenticator=replies.sign_in,
            loop=asyncio.get_running_loop(),
        )
        self._talks = talks
        self._line: asyncio.BaseTransport | None = None
        self._ended: asyncio.Future[None] = self.loop.create_future()
        self._in_text = False
        self._last = b""

    async def drop(self) -> None:
        """End the connection; it has ended when this returns."""
        if isinstance(self._line, asyncio.Transport):
            self._line.abort()
            await self._ended

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A caller is there; once more when it has TLS."""
        if self._line is None:
            self._line = transport
            self._talks.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        """The caller has gone, or is dropped."""
        super().connection_lost(error)
        self._end()

    def data_received(self, data: bytes) -> None:
        """Take ``data``. A command without CRLF ends the connection; a text is judged when it is whole."""
        if not self._in_text and _BARE_LF.search(self._last + data, len(self._last)):
            assert isinstance(self.transport, asyncio.Transport)
            self.transport.write(b"521 5.5.2 Lines end with CRLF\r\n")
            self.transport.close()
            return
        self._last = data[-1:]
        super().data_received(data)

    async def smtp_STARTTLS(self, arg: str) -> None:
        """Once."""
        assert self.session is not None
        if self.session.ssl is not None:
            await self.push("503 5.5.1 TLS is on already")
            return
        with contextlib.suppress(TLSSetupException):
            await super().smtp_STARTTLS(arg)
        if self._line is None or self._line.is_closing():
            # The caller went during the handshake: aiosmtpd would wait for it, or close what is not there.
            self._end()
            raise asyncio.CancelledError

    async def smtp_MAIL(self, arg: str | None) -> None:
        """With the address in its brackets."""
        await super().smtp_MAIL(_in_form(arg))

    async def smtp_RCPT(self, arg: str | None) -> None:
        """With the address in its brackets."""
        await super().smtp_RCPT(_in_form(arg))

    async def smtp_DATA(self, arg: str) -> None:
        """Then the text, whose lines are no commands."""
        self._in_text = True
        try:
            await super().smtp_DATA(arg)
        finally:
            self._in_text = False

    def _end(self) -> None:
        self._talks.discard(self)
        if not self._ended.done():
            self._ended.set_result(None)


def _in_form(arg: str | None) -> str | None:
    """The argument of MAIL and RCPT when it is in form, else none, which is refused in its turn."""
    return arg if arg is not None and _PATH.fullmatch(arg) else None
