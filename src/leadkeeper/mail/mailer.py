"""Handing mails to the operator's mail server; every recipient has a result of its own.

Shared by the e-mail destination and notices. What a reply means stands in ``outcomes``.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import re
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import aiosmtplib

from leadkeeper.catalogue import diagnose
from leadkeeper.diagnosis import Diagnosis
from leadkeeper.mail.address import MailAddress, parse_address
from leadkeeper.mail.diagnoses import MailKind
from leadkeeper.mail.outcomes import MailStage, diagnose_loss, diagnose_reply
from leadkeeper.network.trust import trusting
from leadkeeper.texts import join_lazily, lazy_gettext

SECONDS: Final = 30.0
"""How long handing in one mail may take, for all its recipients."""
_PORTS: Final = {"smtp": 25, "smtps": 465}
_FAILURES: Final = (aiosmtplib.SMTPException, OSError, ValueError)
_HOST_NAME: Final = re.compile(
    r"(?!-)[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*|\[[0-9A-Fa-f.:]+\]|\[IPv6:[0-9A-Fa-f:]+\]"
)
_NOBODY: Final = MailAddress("leadkeeper", "localhost")
_LEADING_DOT: Final = re.compile(rb"(?m)^\.")

Results = Mapping[str, Diagnosis | None]
"""For each recipient as it was given: ``None`` once the server has taken its mail, or why not."""


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mails are handed in: ``smtp://`` (STARTTLS where offered) or ``smtps://`` (TLS from the start).

    ``hostname`` is the name that we greet it with, this machine's if ``None``.
    """

    host: str
    port: int
    tls: bool
    username: str | None = None
    password: str | None = None
    sender: MailAddress = _NOBODY
    ca_file: Path | None = None
    hostname: str | None = None


def parse_mail_server(
    url: str, sender: str | None = None, ca_file: Path | None = None, hostname: str | None = None
) -> MailServer:
    """Read ``smtp[s]://[user:password@]host[:port]``; raises ``ValueError`` in one line that repeats no secret."""
    usage = lazy_gettext("not a mail server; use smtp://user:password@host:port or smtps://...")
    if "#" in url or "?" in url:
        written = lazy_gettext("(in user and password # is written %%23, ? %%3F, / %%2F, @ %%40 and : %%3A)")
        raise ValueError(join_lazily((usage, written)))
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in _PORTS or not parts.hostname or parts.path not in ("", "/"):
        raise ValueError(usage)
    return MailServer(
        host=parts.hostname,
        port=port or _PORTS[parts.scheme],
        tls=parts.scheme == "smtps",
        username=None if parts.username is None else unquote(parts.username),
        password=None if parts.password is None else unquote(parts.password),
        sender=_default_sender(parts.hostname) if sender is None else parse_sender(sender),
        ca_file=ca_file,
        hostname=hostname,
    )


def parse_sender(text: str) -> MailAddress:
    """The address that mails come from, with a name or without. Raises ``ValueError`` in one line."""
    try:
        found = parse_address(text)
    except ValueError as error:
        usage = lazy_gettext("use leads@contoso.example or Contoso Leads <leads@contoso.example>")
        raise ValueError(join_lazily((*error.args, usage), "; ")) from None
    if found.needs_utf8:
        raise ValueError(
            lazy_gettext("the sender's address must be ASCII before the @, since few mail servers take others")
        )
    return found


def parse_hostname(text: str) -> str:
    """A name to greet mail servers with: a host name in ASCII, or an address in brackets. Raises ``ValueError``."""
    if not _HOST_NAME.fullmatch(text) or len(text) > 253:
        raise ValueError(
            lazy_gettext("is no host name; use the full name of this machine, such as leads.contoso.example")
        )
    return text


def _default_sender(host: str) -> MailAddress:
    try:
        return parse_address(f"leadkeeper@{host}")
    except ValueError:
        return _NOBODY


@dataclass(slots=True)
class _Progress:
    """How far one handing in has come, and what each recipient's result is so far."""

    stage: MailStage = MailStage.CONNECT
    results: dict[str, Diagnosis | None] = field(default_factory=dict)
    in_doubt: list[str] = field(default_factory=list)
    """Whose mail was sent and not yet answered for."""

    def end(self, recipients: Iterable[str], summary: Diagnosis | None) -> None:
        """This is the result of those of ``recipients`` who have none yet."""
        for recipient in recipients:
            self.results.setdefault(recipient, summary)


class Mailer:
    """Hands mails to one server, one connection for each."""

    def __init__(self, server: MailServer) -> None:
        self._server = server
        self._tls = trusting(server.ca_file)

    @property
    def sender(self) -> MailAddress:
        """The address that mails come from."""
        return self._server.sender

    async def send(self, message: EmailMessage, recipients: Sequence[str]) -> Results:
        """Hand ``message`` in for all ``recipients``, who also become its ``To``; what came of it for each.

        A result of outcome ``ambiguous`` says that the mail may have arrived; any other that it has not.
        """
        known, progress = {text: parse_address(text) for text in recipients}, _Progress()
        try:
            async with asyncio.timeout(SECONDS), self._open(progress) as client:
                for utf8 in (False, True):
                    group = {text: address for text, address in known.items() if address.needs_utf8 is utf8}
                    if utf8 and not client.supports_extension("smtputf8"):
                        progress.end(group, diagnose(MailKind.ADDRESS_UNSUPPORTED))
                    elif group:
                        await self._hand_in(client, message, group, progress)
        except aiosmtplib.SMTPResponseException as error:
            progress.end(known, diagnose_reply(progress.stage, error.code, error.message))
        except _FAILURES as error:
            progress.end(progress.in_doubt, diagnose_loss(progress.stage, error))
            before = MailStage.RECIPIENT if progress.stage is MailStage.TEXT else progress.stage
            progress.end(known, diagnose_loss(before, error))
        return {text: progress.results[text] for text in recipients}

    async def probe(self) -> Diagnosis | None:
        """Connect and sign in, send nothing; why that failed, or ``None``."""
        progress = _Progress()
        try:
            async with asyncio.timeout(SECONDS), self._open(progress):
                return None
        except aiosmtplib.SMTPResponseException as error:
            return diagnose_reply(progress.stage, error.code, error.message)
        except _FAILURES as error:
            return diagnose_loss(progress.stage, error)

    @contextlib.asynccontextmanager
    async def _open(self, progress: _Progress) -> AsyncIterator[aiosmtplib.SMTP]:
        """A connection that has greeted the server and signed in; that it ends well is nobody's concern any more."""
        server = self._server
        client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            use_tls=server.tls,
            start_tls=False,
            tls_context=self._tls,
            local_hostname=server.hostname,
            timeout=SECONDS,
        )
        try:
            await client.connect()
            progress.stage = MailStage.GREETING
            await _greet(client)
            if not server.tls and client.supports_extension("starttls"):
                progress.stage = MailStage.TLS
                await client.starttls()
                progress.stage = MailStage.GREETING
                await _greet(client)
            if server.username is not None:
                progress.stage = MailStage.SIGN_IN
                await client.login(server.username, server.password or "")
            yield client
            with contextlib.suppress(*_FAILURES):
                await client.quit()
        finally:
            client.close()

    async def _hand_in(
        self, client: aiosmtplib.SMTP, message: EmailMessage, group: Mapping[str, MailAddress], progress: _Progress
    ) -> None:
        """One mail transaction (RFC 5321, 3.3) for recipients who need SMTPUTF8, or who do not."""
        utf8 = any(address.needs_utf8 for address in group.values())
        options = (b"SMTPUTF8", b"BODY=8BITMIME") if utf8 else ()
        progress.stage = MailStage.SENDER
        code, words = await client.execute_command(
            b"MAIL", f"FROM:<{self.sender.wire}>".encode(), *options, timeout=SECONDS
        )
        if code != 250:
            progress.end(group, diagnose_reply(MailStage.SENDER, code, words, qualified=self.sender.is_qualified))
            return
        accepted = await self._name_recipients(client, group, progress)
        if accepted:
            addressed = _addressed(message, [group[text].wire for text in accepted], utf8=utf8)
            await self._hand_over(client, addressed, accepted, progress)
        elif client.is_connected:
            await client.execute_command(b"RSET", timeout=SECONDS)

    async def _name_recipients(
        self, client: aiosmtplib.SMTP, group: Mapping[str, MailAddress], progress: _Progress
    ) -> list[str]:
        progress.stage = MailStage.RECIPIENT
        accepted = []
        for text, address in group.items():
            code, words = await client.execute_command(b"RCPT", f"TO:<{address.wire}>".encode(), timeout=SECONDS)
            if code in (250, 251, 252):
                accepted.append(text)
            else:
                summary = diagnose_reply(MailStage.RECIPIENT, code, words, qualified=address.is_qualified)
                progress.end([text] if code != 421 else group, summary)
            if code == 421:
                return []  # the server ends the connection
        return accepted

    async def _hand_over(
        self, client: aiosmtplib.SMTP, content: bytes, accepted: Sequence[str], progress: _Progress
    ) -> None:
        progress.stage = MailStage.START
        code, words = await client.execute_command(b"DATA", timeout=SECONDS)
        if code == 354 and client.protocol is not None:
            progress.stage, progress.in_doubt = MailStage.TEXT, list(accepted)
            client.protocol.write(content)
            code, words = await client.protocol.read_response(timeout=SECONDS)
            progress.in_doubt = []
        taken = progress.stage is MailStage.TEXT and code == 250
        progress.end(accepted, None if taken else diagnose_reply(progress.stage, code, words))


async def _greet(client: aiosmtplib.SMTP) -> None:
    try:
        await client.ehlo()
    except aiosmtplib.SMTPHeloError as error:
        if error.code not in (500, 502):
            raise
        await client.helo()  # a server that knows no extensions (RFC 5321, 4.1.4)


def _addressed(message: EmailMessage, to: Sequence[str], *, utf8: bool) -> bytes:
    """The message to these addresses, as it goes over the wire: every line ends with CRLF, a dot alone ends it."""
    own = copy.deepcopy(message)
    del own["To"]
    own["To"] = ", ".join(to)
    content = own.as_bytes(policy=SMTP.clone(utf8=utf8, cte_type="7bit"))
    return _LEADING_DOT.sub(b"..", content).rstrip(b"\r\n") + b"\r\n.\r\n"
