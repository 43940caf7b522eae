"""``leadkeeper connections reconcile | missing | ...``: what is not at its destination any more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from leadkeeper.doors.cli.installation import BY, with_services
from leadkeeper.doors.cli.showing import AsJson, print_json, print_line, print_table, say
from leadkeeper.doors.cli.telling import print_diagnosis, spoken_language
from leadkeeper.doors.cli.values import DEFAULT_NAME, ConnectionName, Offer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leadkeeper.offer import OfferRef
    from leadkeeper.reconciliation.views import MissingLead, ReconciliationView
    from leadkeeper.services import Services
    from leadkeeper.texts import Language


def reconcile(offer: Offer, name: ConnectionName = DEFAULT_NAME, json: AsJson = False) -> None:
    """Have a worker look whether delivered leads are still there. Nothing is written there; missing says what it found.

    Each connection that can be asked is looked at once a day anyway.
    """
    language = spoken_language()
    view = with_services(lambda services: services.reconciliation.ask(offer, name, by=BY, language=language))
    if json:
        print_json(view)
        return
    say(view.message)
    say(f"See what it found: leadkeeper connections missing {offer} {name}")


def missing(offer: Offer, name: ConnectionName = DEFAULT_NAME, json: AsJson = False) -> None:
    """List delivered leads that are not at their destination any more, and say how the last look went."""
    language = spoken_language()
    view, leads = with_services(lambda services: _all_missing(services, offer, name, language))
    if json:
        print_json({"reconciliation": view, "leads": leads})
    else:
        _print(view, leads, language)


def send_missing(
    offer: Offer,
    name: ConnectionName = DEFAULT_NAME,
    lead: Annotated[list[UUID] | None, typer.Option(help="Only this lead; may be given several times.")] = None,
    json: AsJson = False,
) -> None:
    """Send leads that are missing at their destination again: all of them, or those named, and no others."""
    ids = None if lead is None else [str(each) for each in lead]
    done = with_services(lambda services: services.reconciliation.send_again(offer, name, ids, by=BY))
    if json:
        print_json(done)
    else:
        say(f"Leads on the way again: {done.leads}.")


def accept_missing(
    offer: Offer,
    name: ConnectionName,
    lead: Annotated[list[UUID], typer.Option(help="This lead; may be given several times.")],
    json: AsJson = False,
) -> None:
    """Say that records were removed at their destination on purpose: they are not listed as missing any more."""
    ids = [str(each) for each in lead]
    done = with_services(lambda services: services.reconciliation.accept(offer, name, ids, by=BY))
    if json:
        print_json(done)
    else:
        say(f"Leads not listed as missing any more: {done.leads}.")


async def _all_missing(
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


def _print(view: ReconciliationView, leads: Sequence[MissingLead], language: Language) -> None:
    """How the last look went, and a line for each lead."""
    print_line(view.message)
    if view.started_at is not None:
        print_line(f"Looked for: {view.looked}. Not there: {view.missing}. Not known: {view.unknown}.")
    if view.diagnosis is not None:
        print_diagnosis(view.diagnosis, language)
    rows = [
        (each.lead_id, _minute(each.created_time), _minute(each.delivered_at), _minute(each.found_at)) for each in leads
    ]
    print_table(("Lead", "Came", "Delivered", "Found missing"), rows, empty="No lead is missing.")


def _minute(moment: str) -> str:
    """A moment as the API writes it, to the minute."""
    return f"{moment[:10]} {moment[11:16]} UTC"
