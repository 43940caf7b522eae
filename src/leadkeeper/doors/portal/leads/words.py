"""What stands on the pages of leads, in the words of people who sell."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from leadkeeper.clock import to_datetime
from leadkeeper.doors import state_words
from leadkeeper.doors.portal.labels import Label
from leadkeeper.texts import lazy_gettext as _
from leadkeeper.views import AttemptView, LeadEventView, LeadSummary, LeadView

FOLLOW_UPS: Final[Mapping[str, Label]] = {
    "new": Label(state_words.FOLLOW_UPS["new"], "info", "bell"),
    "active": Label(state_words.FOLLOW_UPS["active"], "wait", "clock"),
    "won": Label(state_words.FOLLOW_UPS["won"], "ok", "circle-check"),
    "lost": Label(state_words.FOLLOW_UPS["lost"], "calm", "x"),
    "declined": Label(state_words.FOLLOW_UPS["declined"], "calm", "x"),
    "expired": Label(state_words.FOLLOW_UPS["expired"], "calm", "archive"),
}
FOLLOW_UP_FILTERS: Final[Mapping[str, str]] = {
    "new": _("new"),
    "overdue": _("overdue: nobody turned to the customer in time"),
    "active": _("active"),
    "closed": _("closed, all of them"),
    "won": _("won"),
    "lost": _("lost"),
    "declined": _("declined"),
    "expired": _("expired"),
}
COLUMN_WORDS: Final[Mapping[str, str]] = {
    "mail": _("E-mail"),
    "country": _("Country"),
    "offer": _("Offer and action"),
    "destinations": _("Destinations"),
    "owner": _("Owner"),
    "follow": _("Follow-up"),
}
"""The columns of the list that a reader may hide and move."""
_BY_COLUMN: Final[Mapping[str, tuple[str, str]]] = {
    "customer": (_("customer, A to Z"), _("customer, Z to A")),
    "company": (_("company, A to Z"), _("company, Z to A")),
    "country": (_("country, A to Z"), _("country, Z to A")),
    "offer": (_("offer, A to Z"), _("offer, Z to A")),
    "owner": (_("owner, A to Z"), _("owner, Z to A")),
    "follow": (_("follow-up, new ones first"), _("follow-up, closed ones first")),
    "due": (_("due first"), _("due last")),
}
SORT_WORDS: Final[Mapping[str, str]] = {"": _("newest first"), "oldest": _("oldest first")} | {
    f"{sign}{column}": word for column, words in _BY_COLUMN.items() for sign, word in zip(("", "-"), words, strict=True)
}
"""The orders in which the list can stand."""
TABS: Final[Mapping[str, str]] = {
    "": _("All"),
    "attention": _("Needs attention"),
    "waiting": _("Waiting"),
    "held": _("Held"),
    "setAside": _("Set aside"),
}


def attempt_words(attempt: AttemptView) -> str:
    """How an attempt ended."""
    return outcome_words(attempt.outcome)


def outcome_words(outcome: str) -> str:
    """How a send with this outcome ended; an outcome that is not known stays as it is."""
    return state_words.ATTEMPTS.get(outcome, outcome)


def event_words(event: LeadEventView) -> str:
    """What somebody did to a lead; a note, a state or a name follows it."""
    by = event.by
    if event.kind == "again":
        return _("%(by)s sent it again.", by=by)
    if event.kind == "againMissing":
        return _("%(by)s sent it again, since it was not there any more.", by=by)
    if event.kind == "acceptMissing":
        return _("%(by)s said that it was removed there on purpose.", by=by)
    if event.kind == "foundThere":
        return _("%(by)s looked for it, and found it there.", by=by)
    if event.kind == "confirmed":
        return _("Reconciliation found it there.")
    if event.kind == "note":
        return _("%(by)s wrote:", by=by)
    if event.kind == "state":
        return _("%(by)s set it to:", by=by)
    return _("%(by)s gave it to:", by=by) if event.text else _("%(by)s gave it to nobody.", by=by)


def overdue(lead: LeadSummary | LeadView, now: int) -> bool:
    """Whether nobody turned to the customer in time."""
    follow = lead.follow_up
    if follow is None or follow.state != "new" or follow.touched_at is not None:
        return False
    return datetime.fromisoformat(follow.due_at).astimezone(UTC) < to_datetime(now)
