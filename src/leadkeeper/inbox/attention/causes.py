"""Why somebody is needed, in order of harm, and what is said of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from leadkeeper.texts import _

MOST: Final = 500
"""So many connections are looked at; beyond them the list says that it is not complete."""
MOST_COUNTED: Final = 10_000
"""More things of one kind are not counted: nobody needs their exact number."""


class Cause(StrEnum):
    """Why somebody is needed, in order of harm."""

    CONNECTION_BROKEN = "connectionBroken"
    CONNECTION_FAILING = "connectionFailing"
    WORKERS_AWAY = "workersAway"
    DISK_NEARLY_FULL = "diskNearlyFull"
    LEADS_DAMAGED = "leadsDamaged"
    RECORDS_DAMAGED = "recordsDamaged"
    LEADS_REFUSED = "leadsRefused"
    LEADS_MAY_HAVE_ARRIVED = "leadsMayHaveArrived"
    LEADS_GAVE_UP = "leadsGaveUp"
    LEADS_MISSING = "leadsMissing"
    CHANNEL_OFF = "channelOff"
    CREDENTIALS_END = "credentialsEnd"
    PUBLISHING_FAILED = "publishingFailed"
    MAIL_NOT_SENT = "mailNotSent"
    CERTIFICATION_WAITS = "certificationWaits"
    CONNECTION_PAUSED = "connectionPaused"
    TEST_LEAD_UNANSWERED = "testLeadUnanswered"
    LEADS_WITHHELD = "leadsWithheld"
    PUBLISHER_SUSPENDED = "publisherSuspended"
    """Told by mail alone: it stands on every page of the publisher's members."""


HARM: Final[Mapping[str, int]] = {cause: at for at, cause in enumerate(Cause)}
SUMMARIES: Final[Mapping[Cause, str]] = {
    Cause.CONNECTION_BROKEN: _("The connection is broken: no lead gets through until somebody repairs it."),
    Cause.CONNECTION_FAILING: _("Leads fail over this connection at present. Each is tried again by itself."),
    Cause.WORKERS_AWAY: _("No worker runs: leads are kept, and none is sent. Start one."),
    Cause.DISK_NEARLY_FULL: _(
        "The disk of the database is nearly full: once it is, no lead can be kept. Make room on it, or move the "
        "database to a larger one."
    ),
    Cause.LEADS_DAMAGED: _("Leads were set aside because what is stored of them cannot be read."),
    Cause.RECORDS_DAMAGED: _("Records in the database cannot be read. The command “leadkeeper doctor” names each."),
    Cause.LEADS_REFUSED: _("The destination refused leads for what they hold. Correct the cause and send them again."),
    Cause.LEADS_MAY_HAVE_ARRIVED: _(
        "Leads may have arrived, and nobody knows. Look for each at the destination before you send it again."
    ),
    Cause.LEADS_GAVE_UP: _("Leads failed for two weeks while others arrived. Look at the cause and send them again."),
    Cause.LEADS_MISSING: _(
        "Delivered leads are not at the destination any more. Send them again, or say that it was on purpose."
    ),
    Cause.CHANNEL_OFF: _("A channel was switched off: what happens meanwhile is not told over it."),
    Cause.CREDENTIALS_END: _(
        "The credentials of this connection end soon: leads stop then. Enter new ones before, and validate."
    ),
    Cause.PUBLISHING_FAILED: _(
        "Publishing this offer failed: customers do not see the newest version. Look at the step that failed."
    ),
    Cause.MAIL_NOT_SENT: _(
        "Mails that tell people of trouble are not going out. Look at the mail server and at its settings."
    ),
    Cause.CERTIFICATION_WAITS: _("Offers wait for an operator to approve or to refuse them."),
    Cause.CONNECTION_PAUSED: _("Somebody paused the connection, and leads wait. Resume it to let them go."),
    Cause.TEST_LEAD_UNANSWERED: _("Nobody has said whether the test lead arrived. Look for it and answer."),
    Cause.LEADS_WITHHELD: _(
        "Leads were withheld: the mail domains of these customers are private, so that nothing they entered was "
        "stored or passed on. Nothing is to be done; say that you have seen it."
    ),
    Cause.PUBLISHER_SUSPENDED: _(
        "An operator suspended the publisher: its members can only read, its offers take no leads, and leads that were "
        "kept before are held."
    ),
}
