"""``leadkeeper leads``: what came in, and what became of it. Shows personal data: for people signed in here."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

import typer

from leadkeeper.doors.cli.failing import Failed
from leadkeeper.doors.cli.installation import BY, with_services
from leadkeeper.doors.cli.leads import download, found, selected, sent, upload, views
from leadkeeper.doors.cli.leads.filters import LeadOptions, filtered
from leadkeeper.doors.cli.leads.ordering import OfOffer, Sort, ordering
from leadkeeper.doors.cli.leads.printing import listed_lead, print_counts, print_lead
from leadkeeper.doors.cli.reading import with_listing, with_reading
from leadkeeper.doors.cli.remote.chosen import ask
from leadkeeper.doors.cli.showing import AsJson, print_json, print_line, print_table, say
from leadkeeper.doors.cli.telling import spoken_language
from leadkeeper.texts import lazy_gettext as _

if TYPE_CHECKING:
    from leadkeeper.doors.cli.remote.client import Remote
    from leadkeeper.inbox.as_sent import SentView
    from leadkeeper.inbox.listing import LeadListing
    from leadkeeper.inbox.lists.counted import LeadCounts
    from leadkeeper.inbox.trace import Traced
    from leadkeeper.views import LeadPage, LeadView

commands = typer.Typer(name="leads", help="What came in, and what became of it.", no_args_is_help=True)
commands.add_typer(sent.commands)
commands.add_typer(found.commands)
commands.add_typer(download.commands)
commands.add_typer(upload.commands)
commands.add_typer(selected.commands)
commands.add_typer(views.commands)


@commands.command()
def find(
    text: Annotated[
        str, typer.Argument(metavar="TEXT", help="An e-mail address, a test lead's marker, a lead's id, or an offer.")
    ],
    json: AsJson = False,
) -> None:
    """Tell what became of a lead, and why you may not see it. `-` reads the text from standard input.

    What you type may stand in your shell's history: an address is better handed over by standard input.
    """
    import sys

    from leadkeeper.doors.readable import require_storable

    wanted = sys.stdin.readline() if text == "-" else text
    require_storable(wanted)
    language = spoken_language()

    async def there(remote: Remote) -> Traced:
        from leadkeeper.inbox.trace import Traced

        return await remote.post("/v1/find", Traced, {"text": wanted})

    found = ask(
        lambda: with_services(
            lambda services: services.leads.reading.find(wanted, by=BY, publisher_id=None, language=language)
        ),
        there,
    )
    if json:
        print_json(found)
        return
    for lead in found.leads:
        print_line(f"{lead.created_time}  {lead.lead_source}  {lead.id}")
        for line in lead.message:
            print_line(f"  {line}")
        for number, step in enumerate(lead.steps, start=1):
            print_line(f"    {number}. {step}")
    for line in found.message:
        print_line(line)


@commands.command("list")
@filtered
def list_(
    wanted: LeadOptions,
    sort: Sort = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="The most leads to show.")] = 50,
    cursor: Annotated[str | None, typer.Option(help="Go on from here: the last answer's nextCursor.")] = None,
    json: AsJson = False,
) -> None:
    """List leads, newest first unless sorted otherwise.

    What you type may stand in your shell's history: an address is better handed over by standard input.
    """
    filters = wanted.filters()
    if sort is not None:
        filters = replace(filters, **ordering(sort))

    async def there(remote: Remote) -> LeadPage:
        from leadkeeper.doors.cli.remote.leads import list_leads

        return await list_leads(remote, filters, cursor, limit)

    page = ask(lambda: with_listing(lambda listing: listing.leads(filters, cursor, limit, by=BY)), there)
    if json:
        print_json(page)
        return
    columns = (_("Received"), _("Id"), _("Lead source"), _("Customer"), _("Deliveries"))
    print_table(columns, [listed_lead(lead) for lead in page.leads], empty=_("There are no such leads."))
    if page.next_cursor:
        say(_("There are more: --cursor %(cursor)s", cursor=page.next_cursor))


@commands.command()
def counts(
    offer: OfOffer = None,
    publisher: Annotated[str | None, typer.Option(help="Only this publisher's.")] = None,
    json: AsJson = False,
) -> None:
    """Count the leads that wait, are held, were set aside, or need attention; test leads are left out."""
    whose, offer_id = (offer.publisher_id, offer.offer_id) if offer else (publisher, None)

    async def here(listing: LeadListing) -> LeadCounts:
        from leadkeeper.inbox.lists.counted import LeadCounts

        return LeadCounts.of(await listing.counts(whose, offer_id))

    async def there(remote: Remote) -> LeadCounts:
        from leadkeeper.inbox.lists.counted import LeadCounts

        return await remote.get("/v1/leads/counts", LeadCounts, {"publisherId": whose, "offerId": offer_id})

    found = ask(lambda: with_listing(here), there)
    if json:
        print_json(found)
    else:
        print_counts(found)


@commands.command()
def show(lead: Annotated[str, typer.Argument(metavar="ID", help="The lead's id.")], json: AsJson = False) -> None:
    """Show a lead whole: as it was handed in, and every attempt to deliver it."""
    language = spoken_language()

    async def there(remote: Remote) -> LeadView | None:
        from leadkeeper.doors.cli.remote.leads import read_lead

        return await read_lead(remote, lead)

    found = ask(
        lambda: with_reading(lambda reading: reading.lead(lead, by=BY, publisher_id=None, language=language)), there
    )
    if found is None:
        raise Failed(_("There is no lead %(lead)s.", lead=repr(lead)))
    if json:
        print_json(found)
    else:
        print_lead(found, language)


@commands.command()
def record(
    delivery: Annotated[str, typer.Argument(metavar="DELIVERY", help="The delivery's id, as `leads show` names it.")],
    json: AsJson = False,
) -> None:
    """Show what a destination gets of a lead, made again with the connection's settings as they are now."""
    language = spoken_language()

    async def there(remote: Remote) -> SentView:
        from leadkeeper.inbox.as_sent import SentView

        return await remote.get(f"/v1/deliveries/{quote(delivery, safe='')}/record", SentView)

    def here() -> SentView:
        return with_services(lambda services: services.leads.sent_records.of(delivery, by=BY, language=language))

    found = ask(here, there)
    if json:
        print_json(found)
        return
    for name, value in found.record.items():
        print_line(f"{name:<24} {value}")
    for note in found.notes:
        say(note)
    if found.settings_changed:
        say(_("The connection was changed after the lead was last sent: what was sent then may differ."))
