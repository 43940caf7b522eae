"""``leadkeeper offers``: what customers can show interest in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

import typer

from leadkeeper.doors.cli.installation import BY, with_services
from leadkeeper.doors.cli.offers import publishing
from leadkeeper.doors.cli.remote.chosen import ask, offer_path
from leadkeeper.doors.cli.showing import AsJson, print_json, print_table, say
from leadkeeper.doors.cli.telling import spoken_language
from leadkeeper.doors.cli.values import Offer, checked
from leadkeeper.texts import ENGLISH
from leadkeeper.texts import _ as gettext
from leadkeeper.texts import lazy_gettext as _

if TYPE_CHECKING:
    from leadkeeper.doors.api.offers import OfferView
    from leadkeeper.doors.cli.remote.client import Remote
    from leadkeeper.inbox.cost import CostEstimate

commands = typer.Typer(name="offers", help="What customers can show interest in.", no_args_is_help=True)
commands.add_typer(publishing.commands)


@commands.command()
def put(
    offer: Offer,
    title: Annotated[str | None, typer.Option(help="The title that people read; at first the id.")] = None,
    offer_type: Annotated[str | None, typer.Option("--type", help="What kind of offer it is; saas if new.")] = None,
    live: Annotated[
        bool | None, typer.Option("--live/--not-live", help="Only a live offer takes leads; live if new.")
    ] = None,
    category: Annotated[str | None, typer.Option(help="Where customers find it in the storefront.")] = None,
    price: Annotated[str | None, typer.Option(help="What it costs, in one line for customers.")] = None,
    support: Annotated[str | None, typer.Option(help="Where customers find help: an address, or a page.")] = None,
    privacy: Annotated[str | None, typer.Option(help="The page on what becomes of customers' data.")] = None,
    json: AsJson = False,
) -> None:
    """Make an offer, or change it. Its publisher must be there."""
    from leadkeeper.doors.api.offers import OfferView
    from leadkeeper.doors.api.schemas import OfferBody

    given = {"title": title, "offerType": offer_type, "live": live}
    body = checked(
        OfferBody,
        given | {"category": category, "price": price, "support": support, "privacy": privacy},
        gettext("The offer cannot be taken: %(errors)s"),
    )

    async def there(remote: Remote) -> tuple[OfferView, bool]:
        path = f"/v1/publishers/{offer.publisher_id}/offers/{offer.offer_id}"
        untitled = not title and await remote.find(path, OfferView) is None
        wanted = body.model_copy(update={"title": offer.offer_id}) if untitled else body
        return await remote.put(path, OfferView, wanted.model_dump(mode="json", by_alias=True, exclude_none=True))

    def here() -> tuple[OfferView, bool]:
        wanted = body.model_dump() | {"untitled": offer.offer_id, "by": BY}
        made = with_services(lambda services: services.offers.catalogue.put_offer(offer, **wanted))
        return OfferView.model_validate(made[0]), made[1]

    made, is_new = ask(here, there)
    if json:
        print_json(made)
    else:
        say(
            _("The offer %(offer)s is made.", offer=offer)
            if is_new
            else _("The offer %(offer)s is changed.", offer=offer)
        )


@commands.command("list")
def list_(
    publisher: Annotated[str | None, typer.Option(help="Only this publisher's offers.")] = None, json: AsJson = False
) -> None:
    """List the offers."""
    from leadkeeper.doors.api.offers import OfferList, OfferView

    async def there(remote: Remote) -> Sequence[OfferView]:
        from leadkeeper.doors.cli.remote.catalogue import publisher_ids

        found: list[OfferView] = []
        for each in await publisher_ids(remote) if publisher is None else [publisher]:
            path = f"/v1/publishers/{quote(each, safe='')}/offers"
            found += [remote.read(OfferView, offer) for offer in await remote.every(path, "offers")]
        return found

    def here() -> Sequence[OfferView]:
        found = with_services(lambda services: services.offers.catalogue.offers(publisher))
        return [OfferView.model_validate(offer) for offer in found]

    found = ask(here, there)
    if json:
        print_json(OfferList(offers=list(found)))
        return
    rows = [(f"{o.publisher_id}.{o.id}", o.title, o.offer_type, _("yes") if o.live else _("no")) for o in found]
    print_table(
        (_("Offer"), _("Title"), _("Type"), _("Live")), rows, empty=_("There are no offers: leadkeeper offers put.")
    )


@commands.command()
def cost(offer: Offer, json: AsJson = False) -> None:
    """Estimate what an offer's leads cost a month at its destinations."""
    language = ENGLISH if json else spoken_language()

    async def there(remote: Remote) -> CostEstimate:
        from leadkeeper.inbox.cost import CostEstimate

        return await remote.get(f"{offer_path(offer)}/cost", CostEstimate, language="en" if json else None)

    found = ask(lambda: with_services(lambda services: services.leads.costs.of(offer, language)), there)
    if json:
        print_json(found)
        return
    rows = [(one.connection_title or one.connection, one.destination, one.message) for one in found.connections]
    print_table((_("Connection"), _("Destination"), _("Estimate")), rows, empty=_("The offer has no lead destination."))
