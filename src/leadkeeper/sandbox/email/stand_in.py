"""A mail server that takes mails and keeps them: RFC 5321 as far as a sender needs it, as strict as a real one.

Commands come in order and end with CRLF; with a TLS context it offers STARTTLS and lets nobody sign in before it; with
a user it takes mail only from who signed in. Nothing is passed on.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
import ssl
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from typing import Final

from leadkeeper.sandbox.stand_in import OK, Answer, Request

USER: Final = "leadkeeper"
PASSWORD: Final = "sandbox mail password"
"""Who may hand mails in; opens nothing elsewhere."""
SIZE: Final = 10 * 1024 * 1024
KEPT: Final = 10_000
"""Most mails that are remembered."""

_LINE: Final = 2_048
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
_PATH: Final = re.compile(r"(?:FROM|TO):\s?<(?P<address>[^<>\s]*)>(?P<options>(?: \S+)*)", re.IGNORECASE)


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
    """The stand-in. ``context`` makes it offer STARTTLS; without ``username`` anybody may hand mails in."""

    name: Final = "email"
    hosts: Final[tuple[str, ...]] = ()
    states: Final[Mapping[str, str]] = {OK: "takes every mail"} | {
        state: f"{command} is answered {reply}" for state, (command, reply) in _REFUSALS.items()
    }

    def __init__(
        self, context: ssl.SSLContext | None = None, username: str | None = USER, password: str = PASSWORD
    ) -> None:
        self.context = context
        self.username = username
        self.password = password
        self.mails: deque[Mail] = deque(maxlen=KEPT)
        self.port = 0
        self._state = OK
        self._server: asyncio.Server | None = None
        self._talks: set[asyncio.Task[None]] = set()

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; ``port`` tells where when none was asked for. Raises :class:`OSError` when the port is taken."""
        self._server = await asyncio.start_server(self._talk, host, port, limit=_LINE)
        self.port = self._server.sockets[0].getsockname()[1]

    async def aclose(self) -> None:
        """Stop listening and drop every connection."""
        if self._server is not None:
            self._server.close()
        talks = list(self._talks)
        for talk in talks:
            talk.cancel()
        await asyncio.gather(*talks, return_exceptions=True)

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

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._talks.add(task)
        try:
            await _Talk(self, reader, writer).run()
        except (OSError, EOFError, asyncio.LimitOverrunError, TimeoutError, asyncio.CancelledError):
            pass  # who talks to us went away, or we close
        finally:
            self._talks.discard(task)
            writer.close()


@dataclass(slots=True)
class _Talk:
    """One connection: what was said so far."""

    server: Email
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    greeted: bool = False
    secure: bool = False
    signed_in: bool = False
    sender: str | None = None
    recipients: list[str] = field(default_factory=list)

    async def run(self) -> None:
        """Until ``QUIT``, or until the other side is silent for too long."""
        await self._say("220 sandbox ESMTP")
        while True:
            line = await self._line()
            command, _, rest = line.partition(" ")
            if command.upper() == "QUIT":
                await self._say("221 2.0.0 Bye")
                return
            await self._obey(command.upper(), rest.strip())

    async def _obey(self, command: str, rest: str) -> None:
        match command:
            case "EHLO" | "HELO":
                await self._greet(command, rest)
            case "STARTTLS":
                await self._start_tls(rest)
            case "AUTH":
                await self._say(await self._sign_in(rest))
            case "MAIL":
                await self._say(self._mail(rest))
            case "RCPT":
                await self._say(self._recipient(rest))
            case "DATA":
                await self._data()
            case "RSET":
                self._forget()
                await self._say("250 2.0.0 OK")
            case "NOOP":
                await self._say("250 2.0.0 OK")
            case "VRFY":
                await self._say("252 2.5.2 Cannot VRFY user, but will take mail")
            case _:
                await self._say("500 5.5.2 Command not recognized")

    async def _greet(self, command: str, name: str) -> None:
        if not name:
            await self._say(f"501 5.5.4 {command} needs a name")
            return
        self.greeted = True
        self._forget()
        if command == "HELO":
            await self._say("250 sandbox")
            return
        offers = ["sandbox", f"SIZE {SIZE}", "8BITMIME", "ENHANCEDSTATUSCODES"]
        if self.server.context is not None and not self.secure:
            offers.append("STARTTLS")
        elif self.server.username is not None:
            offers.append("AUTH PLAIN LOGIN")
        await self._say(*(f"250{'-' if offer != offers[-1] else ' '}{offer}" for offer in offers))

    async def _start_tls(self, rest: str) -> None:
        if self.server.context is None or self.secure or rest:
            await self._say("503 5.5.1 STARTTLS is not possible now")
            return
        await self._say("220 2.0.0 Ready to start TLS")
        await self.writer.start_tls(self.server.context)
        self.secure, self.greeted, self.signed_in = True, False, False
        self._forget()

    async def _sign_in(self, rest: str) -> str:
        if self.server.context is not None and not self.secure:
            return "538 5.7.11 Encryption required for requested authentication mechanism"
        if self.server.username is None or not self.greeted or self.signed_in:
            return "503 5.5.1 Not now"
        mechanism, _, first = rest.partition(" ")
        try:
            match mechanism.upper():
                case "PLAIN":
                    _, user, password = (await self._summary(first, "")).split("\0")
                case "LOGIN":
                    user = await self._summary(first, "Username:")
                    password = await self._summary("", "Password:")
                case _:
                    return "504 5.5.4 Unrecognized authentication type"
        except ValueError:
            return "501 5.5.2 Cannot decode"
        refusal = self.server.refusal("AUTH")
        if refusal is not None or (user, password) != (self.server.username, self.server.password):
            return refusal or "535 5.7.8 Authentication credentials invalid"
        self.signed_in = True
        return "235 2.7.0 Authentication successful"

    async def _summary(self, given: str, question: str) -> str:
        """What the caller answers, decoded. Raises :class:`ValueError` when that is no base64 or was called off."""
        if not given:
            await self._say(f"334 {base64.b64encode(question.encode()).decode()}")
            given = await self._line()
        try:
            return base64.b64decode(given, validate=True).decode()
        except binascii.Error as error:
            raise ValueError from error

    def _mail(self, rest: str) -> str:
        if self.server.username is not None and not self.signed_in:
            return "530 5.7.0 Authentication required"
        found = _PATH.fullmatch(rest)
        if not self.greeted or self.sender is not None:
            return "503 5.5.1 Bad sequence of commands"
        if found is None or not rest.upper().startswith("FROM"):
            return "501 5.5.4 MAIL FROM:<address>"
        size = re.search(r"\bSIZE=(\d+)", found["options"], re.IGNORECASE)
        if size and int(size[1]) > SIZE:
            return "552 5.3.4 Message too big"
        refusal = self.server.refusal("MAIL")
        if refusal is None:
            self.sender = found["address"]
        return refusal or "250 2.1.0 Sender OK"

    def _recipient(self, rest: str) -> str:
        found = _PATH.fullmatch(rest)
        if self.sender is None:
            return "503 5.5.1 Bad sequence of commands"
        if found is None or not rest.upper().startswith("TO") or "@" not in found["address"]:
            return "501 5.5.4 RCPT TO:<address>"
        if len(self.recipients) >= 100:
            return "452 4.5.3 Too many recipients"
        refusal = self.server.refusal("RCPT")
        if refusal is None:
            self.recipients.append(found["address"])
        return refusal or "250 2.1.5 Recipient OK"

    async def _data(self) -> None:
        if not self.recipients or self.sender is None:
            await self._say("503 5.5.1 Bad sequence of commands")
            return
        await self._say("354 End data with <CR><LF>.<CR><LF>")
        lines, size = [], 0
        while (line := await self._raw_line()) != b".\r\n":
            size += len(line)
            if size <= SIZE:
                lines.append(line.removeprefix(b"."))
        await self._say(self._taken(b"".join(lines), size))
        self._forget()

    def _taken(self, content: bytes, size: int) -> str:
        if size > SIZE:
            return "552 5.3.4 Message too big"
        if b"\n" in content.replace(b"\r\n", b""):
            return "554 5.6.0 Lines end with CRLF"
        refusal = self.server.refusal("DATA")
        if refusal is None:
            message = message_from_bytes(content, _class=EmailMessage, policy=SMTP)
            self.server.mails.append(Mail(self.sender or "", tuple(self.recipients), message))
        return refusal or f"250 2.0.0 Taken as {len(self.server.mails)}"

    def _forget(self) -> None:
        self.sender = None
        self.recipients = []

    async def _line(self) -> str:
        return (await self._raw_line())[:-2].decode("utf-8", "replace")

    async def _raw_line(self) -> bytes:
        async with asyncio.timeout(_PATIENCE):
            return await self.reader.readuntil(b"\r\n")

    async def _say(self, *lines: str) -> None:
        self.writer.write("".join(f"{line}\r\n" for line in lines).encode())
        await self.writer.drain()
