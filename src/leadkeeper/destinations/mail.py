"""Handing a mail to the operator's mail server, and what may go wrong on the way. Shared by ``email`` and notices."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import aiosmtplib

from leadkeeper.catalogue import diagnose
from leadkeeper.diagnosis import Diagnosis, Evidence, Kind, Outcome, masked

SECONDS: Final = 30.0
"""How long one mail may take."""
_PORTS: Final = {"smtp": 25, "smtps": 465}


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mails are handed in: ``smtp://`` (STARTTLS where offered) or ``smtps://`` (TLS from the start)."""

    host: str
    port: int
    tls: bool
    username: str | None = None
    password: str | None = None
    sender: str = "leadkeeper@localhost"
    ca_file: Path | None = None


def parse_mail_server(url: str, sender: str | None = None, ca_file: Path | None = None) -> MailServer:
    """Read ``smtp[s]://[user:password@]host[:port]``; raises ``ValueError`` in one line that repeats no secret."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in _PORTS or not parts.hostname or parts.path not in ("", "/") or parts.query:
        raise ValueError("not a mail server; use smtp://user:password@host:port or smtps://...")
    return MailServer(
        host=parts.hostname,
        port=port or _PORTS[parts.scheme],
        tls=parts.scheme == "smtps",
        username=None if parts.username is None else unquote(parts.username),
        password=None if parts.password is None else unquote(parts.password),
        sender=sender or f"leadkeeper@{parts.hostname}",
        ca_file=ca_file,
    )


class Mailer:
    """Hands mails to one server, one connection for each."""

    def __init__(self, server: MailServer) -> None:
        self._server = server
        self._tls = ssl.create_default_context()
        if server.ca_file is not None:
            self._tls.load_verify_locations(server.ca_file)

    @property
    def sender(self) -> str:
        """The address that mails come from."""
        return self._server.sender

    async def send(self, message: EmailMessage, recipients: Sequence[str]) -> Diagnosis | None:
        """Hand ``message`` in for all ``recipients``; why that failed, or ``None`` once the server has taken it.

        When it takes the mail for some of them only, that counts as taken: sending again would reach those twice.
        """
        signed_in = False
        try:
            async with self._client() as client:
                signed_in = True
                await client.send_message(message, sender=self._server.sender, recipients=list(recipients))
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            return diagnose_mail(error, sent=signed_in)
        return None

    async def probe(self) -> Diagnosis | None:
        """Connect and sign in, send nothing; why that failed, or ``None``."""
        try:
            async with self._client():
                return None
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            return diagnose_mail(error, sent=False)

    def _client(self) -> aiosmtplib.SMTP:
        server = self._server
        return aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            use_tls=server.tls,
            start_tls=False if server.tls else None,
            tls_context=self._tls,
            username=server.username,
            password=server.password,
            timeout=SECONDS,
        )


def diagnose_mail(error: BaseException, *, sent: bool) -> Diagnosis:
    """Why the mail server did not take a mail, by class of error and reply code (RFC 5321), never by its words.

    ``sent`` says whether the mail itself may have gone out.
    """
    if isinstance(error, aiosmtplib.SMTPAuthenticationError):
        return diagnose(Kind.MAIL_SIGN_IN_REJECTED, _evidence(error))
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        codes = {refused.code for refused in error.recipients}
        first = error.recipients[0]
        kind = Kind.MAIL_SERVER_BUSY if all(400 <= code < 500 for code in codes) else Kind.MAIL_RECIPIENT_REFUSED
        return diagnose(kind, Evidence(status=first.code, text=masked(first.message)))
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return diagnose(_kind_of_reply(error), _evidence(error))
    if isinstance(error, ssl.SSLError):
        return diagnose(Kind.TLS_FAILED)
    if isinstance(error, aiosmtplib.SMTPTimeoutError):
        return diagnose(Kind.NO_ANSWER if sent else Kind.CONNECTION_FAILED)
    if isinstance(error, aiosmtplib.SMTPConnectError) or not sent:
        cause = error.__cause__
        return diagnose(Kind.TLS_FAILED if isinstance(cause, ssl.SSLError) else Kind.CONNECTION_FAILED)
    return diagnose(Kind.CONNECTION_LOST, outcome=Outcome.AMBIGUOUS)


def _kind_of_reply(error: aiosmtplib.SMTPResponseException) -> Kind:
    if 400 <= error.code < 500:
        return Kind.MAIL_SERVER_BUSY
    if isinstance(error, aiosmtplib.SMTPSenderRefused):
        return Kind.MAIL_SENDER_REFUSED
    return Kind.MAIL_SIGN_IN_REJECTED if error.code in (530, 534, 535) else Kind.MAIL_REFUSED


def _evidence(error: aiosmtplib.SMTPResponseException) -> Evidence:
    return Evidence(status=error.code, text=masked(error.message))
