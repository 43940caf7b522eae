"""``leadkeeper cross-listings``: offers shown on one another's pages."""

from __future__ import annotations

import typer

from leadkeeper.doors.cli.failing import Failed
from leadkeeper.doors.cli.installation import BY, with_services
from leadkeeper.doors.cli.showing import AsJson, print_json, print_table, say
from leadkeeper.doors.cli.values import Offer, Partner

commands = typer.Typer(name="cross-listings", help="Offers shown on one another's pages.", no_args_is_help=True)


@commands.command()
def agree(offer: Offer, partner: Partner) -> None:
    """Agree for OFFER that it and PARTNER are shown on one another's pages. The partner agrees in the same way."""
    found = with_services(lambda services: services.offers.cross_listings.agree(offer, partner, by=BY))
    waits = "" if found.agreed else f" It is shown once {partner} agrees too."
    say(f"{offer} agrees to be shown with {partner}.{waits}")


@commands.command()
def withdraw(offer: Offer, partner: Partner) -> None:
    """Withdraw OFFER's word: neither is shown on the other's page any more."""
    if not with_services(lambda services: services.offers.cross_listings.withdraw(offer, partner, by=BY)):
        raise Failed(f"{offer} has not agreed to be shown with {partner}.")
    say(f"{offer} is no longer shown with {partner}.")


@commands.command("list")
def list_(offer: Offer, json: AsJson = False) -> None:
    """List the offers that OFFER is or may be shown with."""
    found = with_services(lambda services: services.offers.cross_listings.of(offer))
    if json:
        from leadkeeper.doors.api.cross_listings import CrossListingView

        print_json({"crossListings": [CrossListingView.of(each) for each in found]})
        return
    rows = [
        (str(each.partner), each.agreed_at or "not yet", each.partner_agreed_at or "not yet", _yes(each.agreed))
        for each in found
    ]
    empty = "No cross-listing: leadkeeper cross-listings agree."
    print_table(("Partner", "Agreed", "Partner agreed", "Shown"), rows, empty=empty)


def _yes(value: bool) -> str:
    return "yes" if value else "no"
