"""How ``leadkeeper leads`` shows a lead: as a line of a table, or whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadkeeper.doors.cli.showing import Cell, print_line, state_text
from leadkeeper.doors.cli.telling import print_diagnosis

if TYPE_CHECKING:
    from leadkeeper.inbox.lists.counted import LeadCounts
    from leadkeeper.texts import Language
    from leadkeeper.views import CustomerView, DeliveryView, LeadSummary, LeadView

_WORST = ("withheld", "delivered", "sending", "pending", "unconfirmed", "waiting", "held", "setAside")


def lead_row(lead: LeadSummary) -> tuple[str | Cell, ...]:
    text = ", ".join(f"{d.connection}: {d.state}" for d in lead.deliveries) or "no connection yet"
    worst = max((d.state for d in lead.deliveries), key=_WORST.index, default="")
    return (lead.created_time, lead.id, lead.lead_source, _who(lead.customer), state_text(worst, text))


def _who(customer: CustomerView) -> str:
    name = " ".join(part for part in (customer.first_name, customer.last_name) if part)
    return f"{name} <{customer.email}>" if customer.email else name


def print_lead(lead: LeadView, language: Language) -> None:
    facts = {
        "Lead": f"{lead.id}{' (test lead)' if lead.test else ''}",
        "Received": lead.created_time,
        "Lead source": lead.lead_source,
        **{name.capitalize().replace("_", " "): value for name, value in lead.customer.model_dump().items()},
        "Description": lead.description,
        "Campaign": lead.campaign,
        **{f"+ {name}": str(value) for name, value in lead.extra.items()},
    }
    for name, value in facts.items():
        if value:
            print_line(f"{name:<12} {value}")
    for note in lead.notes:
        print_line(note.text)
    for delivery in lead.deliveries:
        _print_delivery(delivery, language)


def _print_delivery(delivery: DeliveryView, language: Language) -> None:
    why = f" ({delivery.set_aside_for})" if delivery.set_aside_for else ""
    due = f", sent next at {delivery.due_at}" if delivery.due_at else ""
    print()
    print_line(f"{delivery.connection} ({delivery.destination}): {delivery.state}{why}{due}")
    print_line(f"  delivery {delivery.id}")
    for attempt in delivery.attempts:
        late = ", too late to count" if attempt.late else ""
        print_line(f"  {attempt.at}  {attempt.outcome}, {attempt.took_ms} ms{late}")
    if delivery.receipt is not None:
        summary = [f"{name} {value}" for name, value in delivery.receipt.model_dump(exclude_none=True).items()]
        print_line(f"  receipt: {', '.join(summary)}")
    if delivery.diagnosis is not None:
        print_diagnosis(delivery.diagnosis, language, "  ")


def print_counts(found: LeadCounts) -> None:
    """A line for each tab, by the state that ``leads list`` is asked for; of more than are counted it says so."""
    from leadkeeper.inbox.lists.narrowing import COUNTED

    for tab, count in found.model_dump(by_alias=True).items():
        print_line(f"{tab:<10} {f'more than {COUNTED}' if count > COUNTED else count}")
