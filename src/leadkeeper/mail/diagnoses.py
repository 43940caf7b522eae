"""What can go wrong with mail."""

from __future__ import annotations

from typing import Final

from leadkeeper.catalogue import declare
from leadkeeper.diagnoses.entry import RESUME, SEARCH_AGAIN, VALIDATE, WAIT, Entry
from leadkeeper.diagnosis import AnyKind, Outcome, Who
from leadkeeper.texts import _


class MailKind(AnyKind):
    """Causes that a mail does not arrive."""

    NOT_SET_UP = "mailNotSetUp"
    SIGN_IN_REJECTED = "mailSignInRejected"
    SENDER_REFUSED = "mailSenderRefused"
    RECIPIENT_REFUSED = "mailRecipientRefused"
    ADDRESS_UNSUPPORTED = "mailAddressUnsupported"
    GREETING_REFUSED = "mailGreetingRefused"
    CONTACT_UNCONFIRMED = "mailContactUnconfirmed"
    CONTACT_DECLINED = "mailContactDeclined"
    BOUND_REACHED = "mailBoundReached"
    REFUSED = "mailRefused"
    SERVER_BUSY = "mailServerBusy"
    NOTICE_NOT_FOUND = "mailNoticeNotFound"


ENTRIES: Final[dict[AnyKind, Entry]] = {
    MailKind.NOT_SET_UP: Entry(
        Outcome.BROKEN,
        Who.OPERATOR,
        _("This installation has no mail server, so it cannot send notices."),
        (_("Set LEADKEEPER_SMTP_URL (smtp://user:password@host:port) and restart every process."), VALIDATE),
    ),
    MailKind.SIGN_IN_REJECTED: Entry(
        Outcome.BROKEN,
        Who.OPERATOR,
        _("The mail server does not accept the user name and password."),
        (
            _("Correct them in LEADKEEPER_SMTP_URL (in them @ is written %%40, : %%3A, / %%2F, # %%23) and restart."),
            VALIDATE,
        ),
    ),
    MailKind.SENDER_REFUSED: Entry(
        Outcome.BROKEN,
        Who.OPERATOR,
        _("The mail server does not let this installation send from its address."),
        (_("Set LEADKEEPER_MAIL_FROM to an address that the mail server permits, and restart."), VALIDATE),
    ),
    MailKind.RECIPIENT_REFUSED: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _("The mail server does not take mail for the contact e-mails."),
        (_("Compare the contact e-mails in the settings with real mailboxes; look for typing errors."), RESUME),
    ),
    MailKind.ADDRESS_UNSUPPORTED: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _("The mail server cannot send to an address with such letters before the @ (it lacks SMTPUTF8)."),
        (_("Enter a contact e-mail whose part before the @ is written in plain letters (a to z)."), RESUME),
    ),
    MailKind.GREETING_REFUSED: Entry(
        Outcome.BROKEN,
        Who.OPERATOR,
        _("The mail server does not accept the name by which this installation greets it."),
        (_("Set LEADKEEPER_MAIL_HOSTNAME to the full name of this machine, such as leads.contoso.example."), VALIDATE),
    ),
    MailKind.CONTACT_UNCONFIRMED: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _("No contact e-mail has been confirmed yet, so leads wait."),
        (
            _(
                "Open the mail that asks whether the address wants notices (look among unwanted mail too), follow its "
                "link and confirm; leads then go out by themselves."
            ),
            _(
                "If it did not come, compare the contact e-mails with real mailboxes, or ask the operator to vouch for "
                "them."
            ),
        ),
    ),
    MailKind.CONTACT_DECLINED: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _("Whoever reads the contact e-mails has declined mail from this installation."),
        (_("Enter contact e-mails of people who want the notices."), RESUME),
    ),
    MailKind.BOUND_REACHED: Entry(
        Outcome.THROTTLED,
        Who.NOBODY,
        _("The publisher's mails of this hour are used up."),
        (WAIT, _("If it happens often, choose daily notices or fewer contacts, or ask the operator for more.")),
    ),
    MailKind.REFUSED: Entry(
        Outcome.BROKEN,
        Who.OPERATOR,
        _("The mail server refuses the mail."),
        (_("Read the evidence: it holds the mail server's reply."), _("Change the mail server's rule."), VALIDATE),
    ),
    MailKind.SERVER_BUSY: Entry(
        Outcome.FAILED,
        Who.NOBODY,
        _("The mail server does not take mail just now."),
        (WAIT, _("If it lasts, look at the mail server's queue and log.")),
    ),
    MailKind.NOTICE_NOT_FOUND: Entry(
        Outcome.BROKEN,
        Who.PUBLISHER,
        _(
            "The mail of the test lead was not found: a mail server that takes a mail does not say which mailbox keeps "
            "it."
        ),
        (
            _(
                "Look once more, in the spam folder and in the quarantine of your mail system too; mark the mail as "
                "wanted, and its sender as known."
            ),
            _(
                "Look for a rule in the mailbox or on the mail server that moves, forwards or deletes mail of this "
                "sender."
            ),
            _(
                "Compare the contact e-mails in the settings with real mailboxes; look for typing errors, and for "
                "lists that take no mail from outside."
            ),
            _(
                "Ask the operator whether the mail server sends for this sender's domain (SPF, DKIM), and what its log "
                "says of the mail."
            ),
            SEARCH_AGAIN,
        ),
    ),
}

declare(MailKind, ENTRIES)
