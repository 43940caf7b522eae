"""``leadkeeper cross-listings``: offers shown on one another's pages."""

from __future__ import annotations

import typer

from leadkeeper.doors.cli.failing import Failed
from leadkeeper.doors.cli.installation import BY, with_services
from leadkeeper.doors.cli.showing import AsJson, print_json, print_table, say
from leadkeeper.doors.cli.values import Offer, Partner
from leadkeeper.texts import lazy_gettext as _

commands = typer.Typer(name="cross-listings", help="Offers shown on one another's pages.", no_args_is_help=True)


@commands.command()
def agree(offer: Offer, partner: Partner) -> None:
    """Agree for OFFER that it and PARTNER are shown on one another's pages. The partner agrees in the same way."""
    found = with_services(lambda services: services.offers.cross_listings.agree(offer, partner, by=BY))
    say(_("The offer %(offer)s agrees to be shown with %(partner)s.", offer=offer, partner=partner))
    if not found.agreed:
        say(_("It is shown once %(partner)s agrees too.", partner=partner))


@commands.command()
def withdraw(offer: Offer, partner: Partner) -> None:
    """Withdraw OFFER's word: neither is shown on the other's page any more."""
    if not with_services(lambda services: services.offers.cross_listings.withdraw(offer, partner, by=BY)):
        raise Failed(
            _("The offer %(offer)s has not agreed to be shown with %(partner)s.", offer=offer, partner=partner)
        )
    say(_("The offer %(offer)s is no longer shown with %(partner)s.", offer=offer, partner=partner))


@commands.command("list")
def list_(offer: Offer, json: AsJson = False) -> None:
    """List the offers that OFFER is or may be shown with."""
    found = with_services(lambda services: services.offers.cross_listings.of(offer))
    if json:
        from leadkeeper.doors.api.cross_listings import CrossListingView

        print_json({"crossListings": [CrossListingView.of(each) for each in found]})
        return
    rows = [
        (str(each.partner), each.agreed_at or _("not yet"), each.partner_agreed_at or _("not yet"), _yes(each.agreed))
        for each in found
    ]
    empty = _("The offer is shown with no other: leadkeeper cross-listings agree.")
    print_table((_("Partner"), _("Agreed"), _("Partner agreed"), _("Shown")), rows, empty=empty)


def _yes(value: bool) -> str:
    return _("yes") if value else _("no")
