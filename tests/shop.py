"""A storefront for tests: published offers, a cross-listed pair, a preview; and forms filled out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.offer import OfferRef
from leadkeeper.publishing.publication import enter_production
from leadkeeper.rooms import Rooms
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
    rooms: Rooms, ref: OfferRef, title: str, calls: Sequence[str] = EVERY_CALL, kind: str = "saas"
) -> None:
    """An offer's draft."""
    properties: dict[str, Any] = {
        "microsoft-azure-marketplace.summary": f"What {title} does, in one sentence.",
        "microsoft-azure-marketplace.description": "First paragraph, with <b>markup</b> & signs.\n\nSecond paragraph.",
        "microsoft-azure-marketplace.callToAction": list(calls),
    }
    definition = {"displayText": title, "offer": properties, "plans": []}
    await rooms.catalogue.put_definition(ref, offer_type=kind, definition=definition, lead_settings=None, by="test")


async def put_in_slots(
    rooms: Rooms, ref: OfferRef, *, preview: int | None = None, production: int | None = None
) -> None:
    """As publishing would leave the offer."""
    values = {"preview_version": preview, "production_version": production, "live": production is not None}

    def act(conn: sa.Connection) -> None:
        if production is not None:
            enter_production(conn, ref, production, rooms.clock())
        conn.execute(sa.update(t.offer).where(t.offer.c.ref == str(ref)).values(values))

    await rooms.storage.write(act)


async def open_shop(rooms: Rooms) -> None:
    """Two publishers with an offer each, shown on one another's pages."""
    for id, name in (("contoso", "Contoso"), ("fabrikam", "Fabrikam & Sons")):
        await rooms.catalogue.put_publisher(id, name, by="test")
    await define(rooms, PLANNER, "Contoso Planner")
    await define(rooms, PARTNER, "Rollout Help", ["contact-me"], "consulting-services")
    for ref in (PLANNER, PARTNER):
        await put_in_slots(rooms, ref, production=1)

    def act(conn: sa.Connection) -> None:
        first, second = sorted((str(PLANNER), str(PARTNER)))
        pair = {"first_ref": first, "second_ref": second, "first_agreed_at": 1, "second_agreed_at": 1}
        conn.execute(sa.insert(t.cross_listing).values(pair))

    await rooms.storage.write(act)


async def new_preview(rooms: Rooms) -> str:
    """A changed version of the planner in its preview; the preview's key."""
    await define(rooms, PLANNER, "Contoso Planner, next")
    await put_in_slots(rooms, PLANNER, preview=2, production=1)
    return (await rooms.catalogue.offer(PLANNER)).preview_key
