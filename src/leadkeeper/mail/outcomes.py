"""What a mail server's reply, or its silence, means: by stage and code (RFC 5321), never by its words. Pure."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import aiosmtplib

from leadkeeper.catalogue import diagnose
from leadkeeper.diagnosis import AnyKind, Diagnosis, Evidence, Kind, Outcome, masked
from leadkeeper.mail.diagnoses import MailKind
from leadkeeper.texts import lazy_gettext


class MailStage(StrEnum):
    """How far the handing in of a mail has come, in order."""

    CONNECT = "connect"
    GREETING = "EHLO"
    TLS = "STARTTLS"
    SIGN_IN = "AUTH"
    SENDER = "MAIL"
    RECIPIENT = "RCPT"
    START = "DATA"
    TEXT = "text"
    """The text was sent: from here on the mail may be on its way although no reply has come."""


_FINAL: Final[Mapping[MailStage, AnyKind]] = {
    MailStage.CONNECT: MailKind.REFUSED,
    MailStage.GREETING: MailKind.GREETING_REFUSED,
    MailStage.TLS: Kind.TLS_FAILED,
    MailStage.SIGN_IN: MailKind.SIGN_IN_REJECTED,
    MailStage.SENDER: MailKind.SENDER_REFUSED,
    MailStage.RECIPIENT: MailKind.RECIPIENT_REFUSED,
    MailStage.START: MailKind.REFUSED,
    MailStage.TEXT: MailKind.REFUSED,
}
"""What a reply of 5xx at each stage means, unless its code says otherwise."""

_BY_CODE: Final[Mapping[tuple[MailStage, int], AnyKind]] = {
    **{
        (stage, code): MailKind.SIGN_IN_REJECTED
        for stage in (MailStage.SENDER, MailStage.RECIPIENT, MailStage.START)
        for code in (530, 534, 535, 538)
    },
    # A parameter that is not one: of these commands only the greeting's name is left, which servers judge this late.
    (MailStage.SENDER, 504): MailKind.GREETING_REFUSED,
    (MailStage.RECIPIENT, 504): MailKind.GREETING_REFUSED,
    (MailStage.SENDER, 552): MailKind.REFUSED,
    (MailStage.SENDER, 555): MailKind.REFUSED,
    (MailStage.SIGN_IN, 432): MailKind.SIGN_IN_REJECTED,
}


def diagnose_reply(stage: MailStage, code: int, words: str, *, qualified: bool = True) -> Diagnosis:
    """Why a mail server refused at ``stage``. It has answered, so nothing was taken.

    ``qualified`` says whether the address that the command named has a full domain: 504 is about that before it is
    about the greeting.
    """
    kind = _BY_CODE.get((stage, code))
    if code == 504 and not qualified:
        kind = None
    if kind is None:
        kind = MailKind.SERVER_BUSY if 400 <= code < 500 else _FINAL[stage]
    return diagnose(kind, Evidence(status=code, text=masked(words)))


def diagnose_loss(stage: MailStage, error: BaseException) -> Diagnosis:
    """Why no reply came at ``stage``: only a mail whose text was sent may have arrived."""
    if isinstance(error, ssl.SSLError) or isinstance(error.__cause__, ssl.SSLError):
        return diagnose(Kind.TLS_FAILED)
    if isinstance(error, aiosmtplib.SMTPNotSupported):
        return diagnose(_FINAL[stage], Evidence(text=lazy_gettext("The mail server does not offer it.")))
    if stage is not MailStage.TEXT:
        return diagnose(Kind.CONNECTION_FAILED)
    kind = Kind.NO_ANSWER if isinstance(error, TimeoutError) else Kind.CONNECTION_LOST
    return diagnose(kind, outcome=Outcome.AMBIGUOUS)
