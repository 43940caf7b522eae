"""How ``leadkeeper leads`` shows a lead: as a line of a table, or whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadkeeper.doors.cli.installation import quiet_settings
from leadkeeper.doors.cli.showing import Cell, print_line, print_named, spoken, state_text
from leadkeeper.doors.cli.telling import print_diagnosis
from leadkeeper.doors.state_words import ASIDE, ATTEMPTS, DELIVERIES, RECEIPTS
from leadkeeper.offer import connection_called
from leadkeeper.texts import join_lazily
from leadkeeper.texts import lazy_gettext as _

if TYPE_CHECKING:
    from leadkeeper.inbox.lists.counted import LeadCounts
    from leadkeeper.texts import Language
    from leadkeeper.views import (
        AttemptView,
        CustomerView,
        DeliverySummary,
        DeliveryView,
        LeadSummary,
        LeadView,
        ReceiptView,
    )

_WORST = ("withheld", "delivered", "sending", "pending", "unconfirmed", "waiting", "held", "setAside")
_FIELDS = {
    "first_name": _("First name"),
    "last_name": _("Last name"),
    "email": _("E-mail"),
    "phone": _("Phone"),
    "country": _("Country"),
    "company": _("Company"),
    "title": _("Job title"),
}


def called(delivery: DeliverySummary | DeliveryView) -> str:
    """What people call its connection; an installation elsewhere that is older tells the name alone."""
    return called_so(delivery.connection_title or delivery.connection, delivery.destination)


def called_so(title: str, destination: str) -> str:
    """The same of a connection with this title and kind of destination, by either of the names that the kind has."""
    destinations = quiet_settings().destinations
    return connection_called(title, spoken(destinations.title(destinations.name_of(destination) or destination)))


def listed_lead(lead: LeadSummary) -> tuple[str | Cell, ...]:
    """Of the inbox: when it came, what it is, whose it is, and how its deliveries stand."""
    states = [f"{called(each)}: {spoken(DELIVERIES[each.state])}" for each in lead.deliveries]
    worst = max((each.state for each in lead.deliveries), key=_WORST.index, default="")
    text = ", ".join(states) or _("no connection yet")
    return (lead.created_time, lead.id, lead.lead_source, _who(lead.customer), state_text(worst, text))


def _who(customer: CustomerView) -> str:
    name = " ".join(part for part in (customer.first_name, customer.last_name) if part)
    return f"{name} <{customer.email}>" if customer.email else name


def print_lead(lead: LeadView, language: Language) -> None:
    """All that was handed in, what people noted, and every attempt to deliver it."""
    print_named(
        (
            (_("Lead"), _("%(lead)s (test lead)", lead=lead.id) if lead.test else lead.id),
            (_("Received"), lead.created_time),
            (_("Lead source"), lead.lead_source),
            *((_FIELDS[name], value) for name, value in lead.customer.model_dump().items()),
            (_("Description"), lead.description),
            (_("Campaign"), lead.campaign),
            *((f"+ {name}", str(value)) for name, value in lead.extra.items()),
        )
    )
    for note in lead.notes:
        print_line(note.text)
    for delivery in lead.deliveries:
        _print_delivery(delivery, language)


def _print_delivery(delivery: DeliveryView, language: Language) -> None:
    print()
    print_line(f"{called(delivery)}: {spoken(DELIVERIES[delivery.state])}")
    delivery_id = _("delivery %(id)s", id=delivery.id)
    print_line(f"  {spoken(delivery_id)}")
    if delivery.set_aside_for:
        print_line(f"  {spoken(ASIDE.get(delivery.set_aside_for, delivery.set_aside_for))}")
    if delivery.due_at:
        due = _("It is sent next at %(moment)s.", moment=delivery.due_at)
        print_line(f"  {spoken(due)}")
    for attempt in delivery.attempts:
        print_line(f"  {attempt.at}  {spoken(_attempt(attempt))}")
    if delivery.receipt is not None:
        print_line(f"  {spoken(_receipt(delivery.receipt))}")
    if delivery.diagnosis is not None:
        print_diagnosis(delivery.diagnosis, language, "  ")


def _attempt(attempt: AttemptView) -> str:
    parts = [
        _(
            "%(outcome)s It took %(took)s ms.",
            outcome=ATTEMPTS.get(attempt.outcome, attempt.outcome),
            took=attempt.took_ms,
        )
    ]
    return join_lazily([*parts, *([_("The answer came too late to count.")] if attempt.late else [])])


def _receipt(receipt: ReceiptView) -> str:
    named = [_("Its id there: %(id)s.", id=receipt.remote_id)] if receipt.remote_id else []
    link = [receipt.link] if receipt.link else []
    return join_lazily(
        [RECEIPTS.get(receipt.result, receipt.result), *named, *link, *([receipt.note] if receipt.note else [])]
    )


def print_counts(found: LeadCounts) -> None:
    """A line for each tab; of more than are counted it says so."""
    from leadkeeper.inbox.lists.narrowing import COUNTED

    words = {
        "all": _("All"),
        "attention": _("Need attention"),
        "waiting": _("Waiting"),
        "held": _("Held"),
        "set_aside": _("Set aside"),
    }
    counts = found.model_dump()
    more = _("more than %(most)s", most=COUNTED)
    print_named([(word, more if counts[tab] > COUNTED else str(counts[tab])) for tab, word in words.items()])
