"""``leadkeeper leads``: what came in, and what became of it. Shows personal data: for people signed in here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from leadkeeper.doors.cli import found_lead, selected_leads
from leadkeeper.doors.cli.failing import Failed
from leadkeeper.doors.cli.installation import BY, with_services
from leadkeeper.doors.cli.ordering import InState, OfEmail, OfOffer, Search, Sort, given_text, ordering
from leadkeeper.doors.cli.reading import with_reading
from leadkeeper.doors.cli.remote.chosen import ask
from leadkeeper.doors.cli.showing import AsJson, Cell, busy, print_json, print_line, print_table, say, state_text
from leadkeeper.doors.cli.telling import print_diagnosis, spoken_language
from leadkeeper.doors.cli.values import (
    DEFAULT_NAME,
    ConnectionName,
    Offer,
    Since,
    Until,
    checked,
    known_states,
    milliseconds,
    moment_text,
    parse_offer,
    read_json_file,
)
from leadkeeper.lead import canonical_action, canonical_source
from leadkeeper.offer import OfferRef

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from leadkeeper.doors.cli.remote.client import Remote
    from leadkeeper.inbox.trace import Traced
    from leadkeeper.intake.keep import NewLead
    from leadkeeper.services import Services
    from leadkeeper.texts import Language
    from leadkeeper.views import CustomerView, DeliveryView, LeadPage, LeadSummary, LeadView, Replayed

commands = typer.Typer(name="leads", help="What came in, and what became of it.", no_args_is_help=True)
commands.add_typer(selected_leads.commands)
commands.command("found")(found_lead.found)

_WORST = ("withheld", "delivered", "sending", "pending", "unconfirmed", "waiting", "held", "setAside")
_DONE = frozenset({"delivered", "unconfirmed", "sending", "withheld"})


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
def list_(
    offer: OfOffer = None,
    publisher: Annotated[str | None, typer.Option(help="Only this publisher's.")] = None,
    state: InState = None,
    source: Annotated[str | None, typer.Option(help="Only from this source: AzureMarketplace, ...")] = None,
    action: Annotated[str | None, typer.Option(help="Only of this action: INS, PLT, ...")] = None,
    email: OfEmail = None,
    search: Search = None,
    sort: Sort = None,
    test: Annotated[bool | None, typer.Option("--test/--no-test", help="Only test leads, or none.")] = None,
    since: Since = None,
    until: Until = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="The most leads to show.")] = 50,
    cursor: Annotated[str | None, typer.Option(help="Go on from here: the last answer's nextCursor.")] = None,
    json: AsJson = False,
) -> None:
    """List leads, newest first unless sorted otherwise.

    What you type may stand in your shell's history: an address is better handed over by standard input.
    """
    from leadkeeper.inbox.inbox import LeadFilter

    filters = LeadFilter(
        publisher_id=offer.publisher_id if offer else publisher,
        offer_id=offer.offer_id if offer else None,
        state=state,
        source=None if source is None else canonical_source(source),
        action=None if action is None else canonical_action(action),
        test=test,
        email=given_text(email),
        since_ms=milliseconds(since),
        until_ms=milliseconds(until),
        **ordering(search, sort),
    )

    async def there(remote: Remote) -> LeadPage:
        from leadkeeper.doors.cli.remote.leads import list_leads

        return await list_leads(remote, filters, cursor, limit)

    page = ask(lambda: with_reading(lambda reading: reading.leads(filters, cursor, limit, by=BY)), there)
    if json:
        print_json(page)
        return
    _print_page(page)


@commands.command()
def show(lead: Annotated[str, typer.Argument(metavar="ID", help="The lead's id.")], json: AsJson = False) -> None:
    """Show a lead whole: as it was handed in, and every attempt to deliver it."""
    language = spoken_language()

    async def there(remote: Remote) -> LeadView | None:
        return await _read(remote, lead)

    found = ask(
        lambda: with_reading(lambda reading: reading.lead(lead, by=BY, publisher_id=None, language=language)), there
    )
    if found is None:
        raise Failed(f"There is no lead {lead!r}.")
    if json:
        print_json(found)
    else:
        _print_lead(found, language)


@commands.command()
def record(
    delivery: Annotated[str, typer.Argument(metavar="DELIVERY", help="The delivery's id, as `leads show` names it.")],
    json: AsJson = False,
) -> None:
    """Show what a destination gets of a lead: made anew, with the connection's settings as they are now."""
    language = spoken_language()
    found = with_services(lambda services: services.leads.sent_records.of(delivery, by=BY, language=language))
    if json:
        print_json(found)
        return
    for name, value in found.record.items():
        print_line(f"{name:<24} {value}")
    for note in found.notes:
        say(note)
    if found.settings_changed:
        say("The connection was changed after the lead was last sent: what was sent then may differ.")


@commands.command()
def send(
    offer: Annotated[
        OfferRef | None, typer.Argument(metavar="PUBLISHER.OFFER", parser=parse_offer, help="Which offer.")
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
    body = {**_ids(offer), **typed} if offer else read_json_file(file or "-")
    lead = _new_lead(body, idempotency_key)
    kept = with_services(lambda services: services.intake.keep(lead))
    if json:
        print_json(
            {"id": kept.id, "deliveries": [{"connection": d.connection, "state": d.state} for d in kept.deliveries]}
        )
        return
    print(kept.id)
    over = ", ".join(f"{d.connection} ({d.state})" for d in kept.deliveries)
    say(f"Kept{' before' if kept.repeat else ''}: {over or 'its offer has no connection yet'}.")


@commands.command()
def retry(
    id_: Annotated[
        str, typer.Argument(metavar="ID", help="A delivery, or a lead: then all that wait or were set aside.")
    ],
    json: AsJson = False,
) -> None:
    """Send again now."""
    language = spoken_language()

    async def here(services: Services) -> _Sent:
        async def again(delivery: str) -> DeliveryView:
            return await services.leads.redelivery.retry(delivery, by=BY, language=language)

        return await _retry(
            id_, await services.leads.inbox.get(id_), again
        )  # only its deliveries' ids and states are used

    async def there(remote: Remote) -> _Sent:
        async def again(delivery: str) -> DeliveryView:
            from leadkeeper.views import DeliveryView

            return await remote.post(f"/v1/deliveries/{quote(delivery, safe='')}/retry", DeliveryView)

        return await _retry(id_, await _read(remote, id_), again)

    sent, others = ask(lambda: with_services(here), there)
    if json:
        print_json({"deliveries": sent})
        return
    for delivery in sent:
        say(f"{delivery.connection}: {delivery.state}")
    if not sent:
        states = ", ".join(f"{delivery.connection}: {delivery.state}" for delivery in others) or "it has none"
        say(f"No delivery of this lead waits ({states}); to send one again, name the delivery: leadkeeper leads show.")


@commands.command()
def replay(
    offer: Offer,
    name: ConnectionName = DEFAULT_NAME,
    state: Annotated[
        list[str] | None,
        typer.Option(help="Which deliveries; several times for several: setAside, waiting, delivered, unconfirmed."),
    ] = None,
    since: Since = None,
    until: Until = None,
    missing: Annotated[
        bool, typer.Option("--missing", help="Also leads from before the connection was there.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
    json: AsJson = False,
) -> None:
    """Send a connection's deliveries again, by time and state. Without --state: those set aside."""
    states = known_states(state)

    async def work(services: Services) -> Replayed:
        return await services.leads.redelivery.replay(
            offer,
            name,
            since_ms=milliseconds(since),
            until_ms=milliseconds(until),
            states=states,
            missing=missing,
            dry_run=dry_run,
            by=BY,
        )

    async def there(remote: Remote) -> Replayed:
        from leadkeeper.doors.cli.remote.catalogue import path_of
        from leadkeeper.views import Replayed

        moments = {"since": moment_text(since), "until": moment_text(until)}
        body = {**moments, "states": [each.value for each in states], "missing": missing, "dryRun": dry_run}
        return await remote.post(f"{path_of(offer, name)}/replay", Replayed, body)

    with busy("Marking deliveries"):
        found = ask(lambda: with_services(work), there)
    if json:
        print_json(found)
    else:
        say(f"{found.deliveries} deliveries {'would be' if found.dry_run else 'are'} sent again.")


def _print_page(page: LeadPage) -> None:
    columns = ("Received", "Id", "Lead source", "Customer", "Deliveries")
    print_table(columns, [_row(lead) for lead in page.leads], empty="There are no such leads.")
    if page.next_cursor:
        say(f"There are more: --cursor {page.next_cursor}")


def _new_lead(body: dict[str, Any], key: str | None) -> NewLead:
    from leadkeeper.doors.api.schemas import INVALID_LEAD, LeadBody, parse_idempotency_key

    return checked(LeadBody, body, INVALID_LEAD).lead(parse_idempotency_key(key.encode() if key is not None else None))


def _ids(offer: OfferRef) -> dict[str, str]:
    return {"publisherId": offer.publisher_id, "offerId": offer.offer_id}


async def _read(remote: Remote, lead_id: str) -> LeadView | None:
    from leadkeeper.views import LeadView

    return await remote.find(f"/v1/leads/{quote(lead_id, safe='')}", LeadView)


_Sent = tuple[list["DeliveryView"], list["DeliveryView"]]
"""The deliveries that are sent again, and the lead's others."""


async def _retry(id_: str, lead: LeadView | None, again: Callable[[str], Awaitable[DeliveryView]]) -> _Sent:
    if lead is None:
        return [await again(id_)], []
    others = [delivery for delivery in lead.deliveries if delivery.state in _DONE]
    open_ones = [delivery for delivery in lead.deliveries if delivery.state not in _DONE]
    return [await again(delivery.id) for delivery in open_ones], others


def _row(lead: LeadSummary) -> tuple[str | Cell, ...]:
    text = ", ".join(f"{d.connection}: {d.state}" for d in lead.deliveries) or "no connection yet"
    worst = max((d.state for d in lead.deliveries), key=_WORST.index, default="")
    return (lead.created_time, lead.id, lead.lead_source, _who(lead.customer), state_text(worst, text))


def _who(customer: CustomerView) -> str:
    name = " ".join(part for part in (customer.first_name, customer.last_name) if part)
    return f"{name} <{customer.email}>" if customer.email else name


def _print_lead(lead: LeadView, language: Language) -> None:
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
