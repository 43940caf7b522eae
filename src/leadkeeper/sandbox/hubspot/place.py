"""HubSpot in the demo."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from leadkeeper.sandbox.hubspot.stand_in import HubSpot
from leadkeeper.sandbox.place import FoundLead, Mishap, Place, Scene


def places(scene: Scene) -> list[Place]:
    """The connections to it."""
    return [hubspot(scene)]


def hubspot(scene: Scene) -> Place:
    """HubSpot over its REST API, with a lead tied to a contact."""
    there = scene.sandbox.stand_in(HubSpot)

    async def look() -> Mapping[str, FoundLead]:
        return in_hubspot(there.received())

    own = {"accessToken": there.account.token, "leadFields": {"marketplace_note": "{leadSource}"}}
    right = own
    mishap = Mishap("its token lost a scope", "the scope is given back", state=("hubspot", "leadWriteScopeMissing"))
    return Place("hubspot", "HubSpot", right, look, mishap)


def in_hubspot(received: Iterable[Mapping[str, Any]]) -> dict[str, FoundLead]:
    """Leads by our id, with the address of the contact that each is tied to."""
    records = list(received)
    people = {each["id"]: each["properties"].get("email") for each in records if each["object"] == "contacts"}
    leads = {}
    for each in records:
        if each["object"] == "leads" and (id_ := each["properties"].get("marketplace_lead_id")):
            address = next((people.get(number) for number in each["contacts"]), None)
            source = each["properties"].get("marketplace_note")
            leads[str(id_)] = FoundLead(f"lead {each['id']}", source, address, each["times"])
    return leads
