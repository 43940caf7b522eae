"""E-mail notices: the operator's mail server, by its reply codes (RFC 5321)."""

from __future__ import annotations

from typing import Final

from leadkeeper.destinations.email.provider import EMAIL
from leadkeeper.mail.diagnoses import MailKind
from leadkeeper.sandbox.email.stand_in import PASSWORD
from leadkeeper.sandbox.mishaps import Match
from tests.contracts.cases.case import BROKEN, FAILED, NOBODY, OPERATOR, PUBLISHER, UNCONFIRMED, Line, State

LINES: Final = (
    Line(
        name="email",
        destination=EMAIL,
        settings={"contactEmail": ["sales@contoso.example"]},
        stand_in="email",
        carries=Match(),
        states=(
            State("signInRefused", "535", BROKEN, MailKind.SIGN_IN_REJECTED, OPERATOR),
            State("senderRefused", "550 to MAIL", BROKEN, MailKind.SENDER_REFUSED, OPERATOR, check=False),
            State("recipientRefused", "550 to RCPT", BROKEN, MailKind.RECIPIENT_REFUSED, PUBLISHER, check=False),
            State("greetingRefused", "504", BROKEN, MailKind.GREETING_REFUSED, OPERATOR, check=False),
            State("mailboxFull", "452 to RCPT", FAILED, MailKind.SERVER_BUSY, NOBODY, check=False),
            State("mailRefused", "554 to DATA", BROKEN, MailKind.REFUSED, OPERATOR, check=False),
            State("busy", "451 to MAIL", FAILED, MailKind.SERVER_BUSY, NOBODY, check=False),
        ),
        differs={},
        secrets=(PASSWORD,),
        taken=UNCONFIRMED,
        speaks_http=False,
    ),
)
