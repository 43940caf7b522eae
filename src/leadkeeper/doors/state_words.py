"""How deliveries, attempts, publishing and channels stand, in the words that pages and commands share. Pure.

By the values of the enumerations that name these states: commands read this at their start, those take long to read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from leadkeeper.texts import lazy_gettext as _

DELIVERIES: Final[Mapping[str, str]] = {
    "pending": _("pending"),
    "sending": _("being sent"),
    "delivered": _("delivered"),
    "unconfirmed": _("unconfirmed"),
    "waiting": _("waiting, sent again by itself"),
    "held": _("held"),
    "setAside": _("set aside"),
    "withheld": _("withheld for privacy"),
}
"""How a lead's delivery stands."""
STATUSES: Final[Mapping[str, str]] = {
    "neverPublished": _("never published"),
    "waitingForPublisherReview": _("preview ready: waits for you"),
    "running": _("running"),
    "succeeded": _("published"),
    "canceled": _("canceled"),
    "failed": _("failed"),
}
"""How an offer's publishing stands."""
STEPS: Final[Mapping[str, str]] = {
    "notStarted": _("not started"),
    "inProgress": _("in progress"),
    "waitingForPublisherReview": _("waits for you"),
    "waitingForApproval": _("waits for an operator"),
    "blocked": _("failed"),
    "rejected": _("refused"),
    "complete": _("done"),
    "canceled": _("canceled"),
}
"""How a step of publishing stands."""
CHANNELS: Final[Mapping[str, str]] = {
    "notTried": _("not tried"),
    "working": _("working"),
    "failing": _("failing"),
    "off": _("switched off"),
}
"""How a channel stands."""
CHANNEL_EVENTS: Final[Mapping[str, str]] = {"waiting": _("waits"), "taken": _("taken"), "givenUp": _("given up")}
"""What became of a channel's event."""
FOLLOW_UPS: Final[Mapping[str, str]] = {
    "new": _("new"),
    "active": _("active"),
    "won": _("won"),
    "lost": _("lost"),
    "declined": _("declined"),
    "expired": _("expired"),
}
"""How far the follow-up of a lead came."""
STANDINGS: Final[Mapping[str, str]] = {
    "confirmed": _("gets notices"),
    "asked": _("was asked whether it wants notices, and has not answered yet"),
    "waiting": _("is about to be asked whether it wants notices"),
    "declined": _("wants no notices"),
}
"""What a contact address wants."""
ASIDE: Final[Mapping[str, str]] = {
    "outage": _("Nothing got through there for long. It goes out by itself once the connection works."),
    "refused": _(
        "The destination refused this one lead. Correct what it names, there or in the connection, then send it again."
    ),
    "mayHaveArrived": _(
        "It may have arrived: the answer was lost. Look for it there first; send it again only if it is not there."
    ),
    "gaveUp": _("It failed for two weeks while others got through. Look at the cause, then send it again."),
    "damaged": _("What is stored of it cannot be read, so it cannot be sent."),
}
"""Why a delivery was set aside, and what then helps."""
ATTEMPTS: Final[Mapping[str, str]] = {
    "delivered": _("The destination took it."),
    "unconfirmed": _("It was sent; the destination does not say whether it keeps it."),
    "refused": _("The destination refused it."),
    "broken": _("The connection does not work."),
    "throttled": _("The destination asked to wait."),
    "failed": _("It failed for now."),
    "ambiguous": _("The answer was lost: it may have arrived."),
    "ours": _("It was interrupted on our side."),
}
"""How an attempt to deliver a lead ended."""
RECEIPTS: Final[Mapping[str, str]] = {
    "created": _("It was created there."),
    "updated": _("A record that was there was updated."),
    "duplicate": _("It was there already."),
    "sent": _("It was sent; the destination does not confirm that it keeps it."),
}
"""What the destination said when it took the lead."""
