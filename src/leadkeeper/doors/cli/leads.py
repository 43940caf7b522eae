"""``leadkeeper leads``: what came in, and what became of it. Shows personal data: for people signed in here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from leadkeeper.doors.cli.connections import print_diagnosis
from leadkeeper.doors.cli.failing import Failed
from leadkeeper.doors.cli.house import BY, with_rooms
from leadkeeper.doors.cli.showing import AsJson, print_json, print_table, say
from leadkeeper.doors.cli.values import DEFAULT_NAME, ConnectionName, Offer, Since, Until, milliseconds, parse_offer, read_json
from leadkeeper.offer import OfferRef

if TYPE_CHECKING:
    from leadkeeper.rooms import Rooms
    from leadkeeper.views import CustomerView, DeliveryView, LeadSummary, LeadView

commands = typer.Typer(name="leads", help="What came in, and what became of it.", no_args_is_help=True)

_ARRIVED = frozenset({"delivered", "unconfirmed"})


@commands.command("list")
def list_(
    offer: Annotated[
        OfferRef | None, typer.Option(metavar="PUBLISHER.OFFER", parser=parse_offer, help="Only this offer's.")
    ] = None,
    publisher: Annotated[str | None, typer.Option(help="Only this publisher's.")] = None,
    state: Annotated[
        str | None, typer.Option(help="Only with a delivery in this state: delivered, waiting, held, setAside, ...")
    ] = None,
    source: Annotated[str | None, typer.Option(help="Only from this source: AzureMarketplace, ...")] = None,
    action: Annotated[str | None, typer.Option(help="Only of this action: INS, PLT, ...")] = None,
    email: Annotated[str | None, typer.Option(help="Only of the customer with this address.")] = None,
    test: Annotated[bool | None, typer.Option("--test/--no-test", help="Only test leads, or none.")] = None,
    since: Since = None,
    until: Until = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="The most leads to show.")] = 50,
    cursor: Annotated[str | None, typer.Option(help="Go on from here: the last answer's nextCursor.")] = None,
    json: AsJson = False,
) -> None:
    """List leads, newest first."""
    from leadkeeper.inbox.inbox import LeadFilter

    filters = LeadFilter(
        publisher_id=offer.publisher_id if offer else publisher,
        offer_id=offer.offer_id if offer else None,
        state=state,
        source=source,
        action=action,
        test=test,
        email=email,
        since_ms=milliseconds(since),
        until_ms=milliseconds(until),
    )
    page = with_rooms(lambda rooms: rooms.inbox.list(filters, cursor, limit))
    if json:
        print_json(page)
        return
    columns = ("Came", "Id", "Lead source", "Customer", "Deliveries")
    print_table(columns, [_row(lead) for lead in page.leads], empty="There are no such leads.")
    if page.next_cursor:
        say(f"There are more: --cursor {page.next_cursor}")


@commands.command()
def show(lead: Annotated[str, typer.Argument(metavar="ID", help="The lead's id.")], json: AsJson = False) -> None:
    """Show a lead whole: as it was handed in, and every attempt to deliver it."""
    found = with_rooms(lambda rooms: rooms.inbox.get(lead))
    if found is None:
        raise Failed(f"There is no lead {lead!r}.")
    if json:
        print_json(found)
    else:
        _print_lead(found)


@commands.command()
def send(
    offer: Annotated[
        OfferRef | None, typer.Argument(metavar="[PUBLISHER.OFFER]", parser=parse_offer, help="Which offer.")
    ] = None,
    file: Annotated[
        str | None, typer.Option(help="The lead as JSON, as POST /v1/leads takes it; - is standard input.")
    ] = None,
    source: Annotated[str, typer.Option(help="Where the customer acted.")] = "AzureMarketplace",
    action: Annotated[str, typer.Option(help="What the customer did.")] = "PLT",
    first_name: Annotated[str, typer.Option(help="The customer's first name.")] = "",
    last_name: Annotated[str, typer.Option(help="The customer's last name.")] = "",
    email: Annotated[str, typer.Option(help="The customer's address.")] = "",
    phone: Annotated[str, typer.Option(help="The customer's telephone.")] = "",
    country: Annotated[str, typer.Option(help="The customer's country: two letters.")] = "",
    company: Annotated[str, typer.Option(help="The customer's company.")] = "",
    title: Annotated[str, typer.Option(help="The customer's title there.")] = "",
    description: Annotated[str, typer.Option(help="What else there is to say.")] = "",
    campaign: Annotated[str, typer.Option(help="The campaign that brought the customer.")] = "",
    idempotency_key: Annotated[str | None, typer.Option(help="Makes a repeat give the first answer again.")] = None,
    json: AsJson = False,
) -> None:
    """Hand in a lead. It is on disk when this returns, and goes out as soon as a worker runs."""
    if (offer is None) == (file is None):
        raise typer.BadParameter("say which PUBLISHER.OFFER, or give the whole lead as --file")
    customer = {
        "firstName": first_name,
        "lastName": last_name,
        "email": email,
        "phone": phone,
        "country": country,
        "company": company,
        "title": title,
    }
    typed = {"source": source, "action": action, "customer": customer, "description": description, "campaign": campaign}
    body = {**_ids(offer), **typed} if offer else read_json(file or "-")
    kept = with_rooms(lambda rooms: _keep(rooms, body, idempotency_key))
    ...


def _ids(offer: OfferRef) -> dict[str, str]:
    return {"publisherId": offer.publisher_id, "offerId": offer.offer_id}
