"""``leadkeeper cross-listings``: offers shown on one another's pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from leadkeeper.doors.cli.failing import Failed
from leadkeeper.doors.cli.installation import BY, with_services
from leadkeeper.doors.cli.remote.chosen import ask, offer_path
from leadkeeper.doors.cli.showing import AsJson, print_json, print_table, say
from leadkeeper.doors.cli.values import Offer, Partner
from leadkeeper.texts import lazy_gettext as _

if TYPE_CHECKING:
    from leadkeeper.doors.api.cross_listings import CrossListingList, CrossListingView
    from leadkeeper.doors.cli.remote.client import Remote
    from leadkeeper.offer import OfferRef
    from leadkeeper.services import Services

commands = typer.Typer(name="cross-listings", help="Offers shown on one another's pages.", no_args_is_help=True)


@commands.command()
def agree(offer: Offer, partner: Partner) -> None:
    """Agree for OFFER that it and PARTNER are shown on one another's pages. The partner agrees in the same way."""

    async def here(services: Services) -> CrossListingView:
        from leadkeeper.doors.api.cross_listings import CrossListingView

        return CrossListingView.of(await services.offers.cross_listings.agree(offer, partner, by=BY))

    async def there(remote: Remote) -> CrossListingView:
        from leadkeeper.doors.api.cross_listings import CrossListingView

        return (await remote.put(_path(offer, partner), CrossListingView, None))[0]

    found = ask(lambda: with_services(here), there)
    say(_("The offer %(offer)s agrees to be shown with %(partner)s.", offer=offer, partner=partner))
    if not found.agreed:
        say(_("It is shown once %(partner)s agrees too.", partner=partner))


@commands.command()
def withdraw(offer: Offer, partner: Partner) -> None:
    """Withdraw OFFER's word: neither is shown on the other's page any more."""

    async def there(remote: Remote) -> bool:
        return await remote.take_away(_path(offer, partner))

    def here() -> bool:
        return with_services(lambda services: services.offers.cross_listings.withdraw(offer, partner, by=BY))

    if not ask(here, there):
        raise Failed(
            _("The offer %(offer)s has not agreed to be shown with %(partner)s.", offer=offer, partner=partner)
        )
    say(_("The offer %(offer)s is no longer shown with %(partner)s.", offer=offer, partner=partner))


@commands.command("list")
def list_(offer: Offer, json: AsJson = False) -> None:
    """List the offers that OFFER is or may be shown with."""

    async def here(services: Services) -> CrossListingList:
        from leadkeeper.doors.api.cross_listings import CrossListingList, CrossListingView

        found = await services.offers.cross_listings.of(offer)
        return CrossListingList(cross_listings=tuple(CrossListingView.of(each) for each in found))

    async def there(remote: Remote) -> CrossListingList:
        from leadkeeper.doors.api.cross_listings import CrossListingList

        return await remote.get(f"{offer_path(offer)}/cross-listings", CrossListingList)

    found = ask(lambda: with_services(here), there)
    if json:
        print_json(found)
        return
    rows = [
        (
            f"{each.partner_publisher_id}.{each.partner_offer_id}",
            each.agreed_time or _("not yet"),
            each.partner_agreed_time or _("not yet"),
            _yes(each.agreed),
        )
        for each in found.cross_listings
    ]
    empty = _("The offer is shown with no other: leadkeeper cross-listings agree.")
    print_table((_("Partner"), _("Agreed"), _("Partner agreed"), _("Shown")), rows, empty=empty)


def _path(offer: OfferRef, partner: OfferRef) -> str:
    return f"{offer_path(offer)}/cross-listings/{partner.publisher_id}/{partner.offer_id}"


def _yes(value: bool) -> str:
    return _("yes") if value else _("no")
