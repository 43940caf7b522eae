"""What can go wrong with mail."""

from __future__ import annotations

from typing import Final

from leadkeeper.diagnoses.entry import RESUME, VALIDATE, WAIT, Entry
from leadkeeper.diagnosis import Kind, Outcome, Who

ENTRIES: Final[dict[Kind, Entry]] = {
    Kind.MAIL_NOT_SET_UP: Entry(
        Outcome.BROKEN,
        Who.OPERATOR,
        "This installation has no mail server, so it cannot send notices.",
        ("Set LEADKEEPER_SMTP_URL (smtp://user:password@host:port) and restart every process.", VALIDATE),
    ),
    Kind.MAIL_SIGN_IN_REJECTED: Entry(
        Outcome.BROKEN,
        Who.OPERATOR,
        "The mail server does not accept the user name and password.",
        ("Correct them in LEADKEEPER_SMTP_URL (@ and : in them are written %40 and %3A) and restart.", VALIDATE),
    ),
    Kind.MAIL_SENDER_REFUSED: Entry(
        Outcome.BROKEN,
        Who.OPERATOR,
        "The mail server does not let this installation send from its address.",
        ("Set LEADKEEPER_MAIL_FROM to an address that the mail server permits, and restart.", VALIDATE),
    ),
    Kind.MAIL_RECIPIENT_REFUSED: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        "The mail server does not take mail for the contact e-mails.",
        ("Compare the contact e-mails in the settings with real mailboxes; look for typing errors.", RESUME),
    ),
    Kind.MAIL_REFUSED: Entry(
        Outcome.BROKEN,
        Who.OPERATOR,
        "The mail server refuses the mail.",
        ("Read the evidence: it holds the mail server's reply.", "Change the mail server's rule.", VALIDATE),
    ),
    Kind.MAIL_SERVER_BUSY: Entry(
        Outcome.FAILED,
        Who.NOBODY,
        "The mail server does not take mail just now.",
        (WAIT, "If it lasts, look at the mail server's queue and log."),
    ),
}
