"""``leadkeeper leads send | retry | replay``: leads handed in, and sent again."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from leadkeeper.doors.cli.failing import Failed
from leadkeeper.doors.cli.installation import BY, with_services
from leadkeeper.doors.cli.leads.printing import called, called_so
from leadkeeper.doors.cli.remote.chosen import ask
from leadkeeper.doors.cli.showing import AsJson, busy, print_json, say, spoken
from leadkeeper.doors.cli.telling import spoken_language
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
from leadkeeper.doors.state_words import DELIVERIES
from leadkeeper.offer import OfferRef
from leadkeeper.texts import lazy_gettext as _
from leadkeeper.texts import lazy_ngettext

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from leadkeeper.doors.api.hand_in import KeptLead
    from leadkeeper.doors.cli.remote.client import Remote
    from leadkeeper.intake.new_lead import NewLead
    from leadkeeper.services import Services
    from leadkeeper.views import DeliveryView, LeadView, Replayed

commands = typer.Typer()

_DONE = frozenset({"delivered", "unconfirmed", "sending", "withheld"})


@commands.command("send")
def send_lead(
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
    title: Annotated[str, typer.Option(help="The customer's job title in that company.")] = "",
    description: Annotated[str, typer.Option(help="What else there is to say.")] = "",
    campaign: Annotated[str, typer.Option(help="The campaign that brought the customer.")] = "",
    idempotency_key: Annotated[str | None, typer.Option(help="Makes a repeat give the first answer again.")] = None,
    json: AsJson = False,
) -> None:
    """Hand in a lead. It is on disk when this returns, and goes out as soon as a worker runs."""
    if (offer is None) == (file is None):
        raise typer.BadParameter(_("say which PUBLISHER.OFFER, or give the whole lead as --file"))
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
    _hand_in(body, idempotency_key, json=json)


def _hand_in(body: dict[str, Any], idempotency_key: str | None, *, json: bool) -> None:
    lead = _new_lead(body, idempotency_key)

    async def here(services: Services) -> _Handed:
        from leadkeeper.doors.api.hand_in import KeptLead, kept_content

        kept = await services.intake.keep(lead)
        connections = [] if json else await services.connections.list(lead.offer)
        names = {each.name: called_so(each.label, each.stored.destination) for each in connections}
        return KeptLead.model_validate(kept_content(kept)), kept.repeat, names

    async def there(remote: Remote) -> _Handed:
        from leadkeeper.doors.api.hand_in import KeptLead
        from leadkeeper.doors.cli.remote.catalogue import list_connections

        kept, repeat = await remote.hand_in(body, KeptLead, idempotency_key)
        names: dict[str, str] = {}
        with suppress(Failed):  # the lead is kept, though the key may not see where it goes
            connections = [] if json else await list_connections(remote, lead.offer)
            names = {each["name"]: called_so(each["title"], each["leadDestination"]) for each in connections}
        return kept, repeat, names

    kept, repeat, names = ask(lambda: with_services(here), there)
    if json:
        print_json(kept)
    else:
        _say_kept(kept, names, repeat=repeat)


def _say_kept(kept: KeptLead, names: Mapping[str, str], *, repeat: bool) -> None:
    """``names`` says what people call the connections, as far as that is known."""
    print(kept.id)
    say(_("The lead was kept before.") if repeat else _("The lead is kept."))
    for delivery in kept.deliveries:
        say(f"{names.get(delivery.connection, delivery.connection)}: {spoken(DELIVERIES[delivery.state])}")
    if not kept.deliveries:
        say(_("Its offer has no connection yet."))


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
        from leadkeeper.doors.cli.remote.leads import read_lead

        async def again(delivery: str) -> DeliveryView:
            from leadkeeper.views import DeliveryView

            return await remote.post(f"/v1/deliveries/{quote(delivery, safe='')}/retry", DeliveryView)

        return await _retry(id_, await read_lead(remote, id_), again)

    sent, others = ask(lambda: with_services(here), there)
    if json:
        print_json({"deliveries": sent})
        return
    for delivery in sent:
        say(f"{called(delivery)}: {spoken(DELIVERIES[delivery.state])}")
    if not sent:
        say(_("No delivery of this lead waits."))
        for delivery in others:
            say(f"{called(delivery)}: {spoken(DELIVERIES[delivery.state])}")
        if others:
            say(_("To send one again, name the delivery: leadkeeper leads show."))


@commands.command()
def replay(
    offer: Offer,
    name: ConnectionName = DEFAULT_NAME,
    state: Annotated[
        list[str] | None,
        typer.Option(help="The state of the deliveries: setAside, waiting, delivered or unconfirmed; may be repeated."),
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

    with busy(_("Marking deliveries")):
        found = ask(lambda: with_services(work), there)
    if json:
        print_json(found)
    else:
        say(_replayed(found))


def _replayed(found: Replayed) -> str:
    if found.dry_run:
        return lazy_ngettext(
            "%(count)s delivery would be sent again.", "%(count)s deliveries would be sent again.", found.deliveries
        )
    return lazy_ngettext("%(count)s delivery is sent again.", "%(count)s deliveries are sent again.", found.deliveries)


def _new_lead(body: dict[str, Any], key: str | None) -> NewLead:
    from leadkeeper.doors.api.schemas import INVALID_LEAD, LeadBody, parse_idempotency_key

    return checked(LeadBody, body, INVALID_LEAD).lead(parse_idempotency_key(key.encode() if key is not None else None))


def _ids(offer: OfferRef) -> dict[str, str]:
    return {"publisherId": offer.publisher_id, "offerId": offer.offer_id}


_Handed = tuple["KeptLead", bool, dict[str, str]]
"""The lead that is kept, whether it was before, and by name what people call its offer's connections."""

_Sent = tuple[list["DeliveryView"], list["DeliveryView"]]
"""The deliveries that are sent again, and the lead's others."""


async def _retry(id_: str, lead: LeadView | None, again: Callable[[str], Awaitable[DeliveryView]]) -> _Sent:
    if lead is None:
        return [await again(id_)], []
    others = [delivery for delivery in lead.deliveries if delivery.state in _DONE]
    open_ones = [delivery for delivery in lead.deliveries if delivery.state not in _DONE]
    return [await again(delivery.id) for delivery in open_ones], others
