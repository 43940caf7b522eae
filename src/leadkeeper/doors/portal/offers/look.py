"""An offer as customers would see it: saved, or while somebody types."""

from __future__ import annotations

from collections.abc import Mapping

from leadkeeper.offer import OfferRef
from leadkeeper.problem import FieldError
from leadkeeper.publishing.links import is_page, is_reachable
from leadkeeper.publishing.listing import CallToAction, Listing
from leadkeeper.publishing.showcase import ShowcaseOffer
from leadkeeper.publishing.steps import missing_for_publication
from leadkeeper.services import Services


def typed(form: Mapping[str, str], logo: str = "") -> Listing:
    """What the form of an offer says so far; a link that is none yet is left out."""
    support, privacy = (form.get(name, "").strip() for name in ("support", "privacy"))
    return Listing(
        title=form.get("title", "").strip(),
        summary=form.get("summary", "").strip(),
        description=form.get("description", "").strip(),
        category=form.get("category", "").strip(),
        price=form.get("price", "").strip(),
        support=support if is_reachable(support) else "",
        privacy=privacy if is_page(privacy) else "",
        logo=logo,
        calls_to_action=tuple(call for call in CallToAction if form.get(f"call.{call.value}") == "yes"),
    )


async def look_of(services: Services, ref: OfferRef, offer_type: str, listing: Listing) -> ShowcaseOffer:
    """An offer as customers would see it."""
    publisher = await services.offers.catalogue.publisher(ref.publisher_id)
    return ShowcaseOffer(ref, offer_type or "saas", publisher.display_name, listing)


async def lacks_of(services: Services, look: ShowcaseOffer) -> tuple[FieldError, ...]:
    """What the offer would lack before it can be published; a destination that its type needs is named too."""
    connected = bool((await services.connections.page(look.ref)).connections)
    return missing_for_publication(look.offer_type, look.listing, has_connection=connected)
