"""How ``leadkeeper connections missing`` tells what is not at its destination any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadkeeper.doors.cli.showing import print_line, print_table
from leadkeeper.doors.cli.telling import print_diagnosis

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leadkeeper.offer import OfferRef
    from leadkeeper.reconciliation.views import MissingLead, ReconciliationView
    from leadkeeper.services import Services
    from leadkeeper.texts import Language


async def all_missing(
    services: Services, offer: OfferRef, name: str, language: Language
) -> tuple[ReconciliationView, Sequence[MissingLead]]:
    """The last look, and all that is missing. Raises :class:`Problem` for an unknown offer or connection."""
    view = await services.reconciliation.report(offer, name, language)
    found: list[MissingLead] = []
    after: str | None = ""
    while after is not None:
        page = await services.reconciliation.missing(offer, name, after=after)
        found += page.leads
        after = page.next_cursor
    return view, found


def print_reconciliation(view: ReconciliationView, leads: Sequence[MissingLead], language: Language) -> None:
    """How the last look went, and a line for each lead."""
    print_line(view.message)
    if view.started_at is not None:
        print_line(f"Looked for: {view.looked}. Not there: {view.missing}. Not known: {view.unknown}.")
    if view.diagnosis is not None:
        print_diagnosis(view.diagnosis, language)
    rows = [
        (each.lead_id, _minute(each.created_time), _minute(each.delivered_at), _minute(each.found_at)) for each in leads
    ]
    print_table(("Lead", "Received", "Delivered", "Found missing"), rows, empty="No lead is missing.")


def _minute(moment: str) -> str:
    """A moment as the API writes it, to the minute."""
    return f"{moment[:10]} {moment[11:16]} UTC"
