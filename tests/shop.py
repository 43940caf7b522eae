"""A storefront for tests: published offers, a cross-listed pair, a preview; and forms filled out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.offer import OfferRef
from leadkeeper.publishing.publication import enter_production
from leadkeeper.services import Services
from leadkeeper.storage import tables as t

PLANNER: Final = OfferRef("contoso", "planner")
PARTNER: Final = OfferRef("fabrikam", "rollout.help")
ANSWERS: Final = {
    "firstName": "Ada",
    "lastName": "Lovelace",
    "email": "ada@analytical.example",
    "phone": "+44 20 7946 0958",
    "country": "GB",
    "company": "Analytical Engines",
    "title": "CTO",
    "notes": "Please call in the morning.",
}
EVERY_CALL: Final = ("get-it-now", "contact-me", "free-trial", "test-drive", "create")


async def define(
    services: Services, ref: OfferRef, title: str, calls: Sequence[str] = EVERY_CALL, kind: str = "saas"
) -> None:
    """An offer's draft."""
    properties: dict[str, Any] = {
        "microsoft-azure-marketplace.summary": f"What {title} does, in one sentence.",
        "microsoft-azure-marketplace.description": "First paragraph, with <b>markup</b> & signs.\n\nSecond paragraph.",
        "microsoft-azure-marketplace.callToAction": list(calls),
    }
    definition = {"displayText": title, "offer": properties, "plans": []}
    await services.offers.catalogue.put_definition(
        ref, offer_type=kind, definition=definition, lead_settings=None, by="test"
    )


async def put_in_slots(
    services: Services, ref: OfferRef, *, preview: int | None = None, production: int | None = None
) -> None:
    """As publishing would leave the offer."""
    values = {"preview_version": preview, "production_version": production, "live": production is not None}

    def transaction(conn: sa.Connection) -> None:
        if production is not None:
            enter_production(conn, ref, production, services.clock())
        conn.execute(sa.update(t.offer).where(t.offer.c.ref == str(ref)).values(values))

    await services.storage.write(transaction)


async def open_shop(services: Services) -> None:
    """Two publishers with an offer each, shown on one another's pages."""
    for id, name in (("contoso", "Contoso"), ("fabrikam", "Fabrikam & Sons")):
        await services.offers.catalogue.put_publisher(id, name, by="test")
    await define(services, PLANNER, "Contoso Planner")
    await define(services, PARTNER, "Rollout Help", ["contact-me"], "consulting-services")
    for ref in (PLANNER, PARTNER):
        await put_in_slots(services, ref, production=1)

    def transaction(conn: sa.Connection) -> None:
        first, second = sorted((str(PLANNER), str(PARTNER)))
        pair = {"first_ref": first, "second_ref": second, "first_agreed_at": 1, "second_agreed_at": 1}
        conn.execute(sa.insert(t.cross_listing).values(pair))

    await services.storage.write(transaction)


async def new_preview(services: Services) -> str:
    """A changed version of the planner in its preview; the preview's key."""
    await define(services, PLANNER, "Contoso Planner, next")
    await put_in_slots(services, PLANNER, preview=2, production=1)
    return (await services.offers.catalogue.offer(PLANNER)).preview_key
