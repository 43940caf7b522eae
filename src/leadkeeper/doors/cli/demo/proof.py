"""What the demo handed in, and the proof that it arrived: read from the destinations themselves, not from the hub."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from leadkeeper.doors.cli.demo.hub import Hub
from leadkeeper.doors.cli.demo.stage import TABLE, MoodyEndpoint, Stage, read_rows


@dataclass(frozen=True, slots=True)
class Place:
    """A destination of an offer. ``endpoint`` is ``None`` for Azure Table."""

    connection: str
    endpoint: MoodyEndpoint | None = None


@dataclass(frozen=True, slots=True)
class HandedIn:
    """A lead that the hub acknowledged: its id, where it must arrive, and what must arrive."""

    id: str
    lead_source: str
    email: str
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Arrival:
    """One lead at one destination: the receipt as the destination itself shows it, or what is wrong."""

    lead: HandedIn
    place: Place
    receipt: str = ""
    wrong: str = ""

    @property
    def where(self) -> str:
        """The destination as a person knows it."""
        kind = "Azure Table" if self.place.endpoint is None else "HTTPS endpoint"
        return f"{self.place.connection} ({kind})"


async def arrivals(stage: Stage, hub: Hub, leads: Sequence[HandedIn]) -> list[Arrival]:
    """Each lead at each of its destinations, as found there at this moment; the hub must know of it too."""
    rows = {row["RowKey"]: row for row in await read_rows(stage.connection_string)}
    found = []
    for lead in leads:
        told = await hub.ask("GET", f"/v1/leads/{lead.id}")
        states = {delivery["connection"]: delivery["state"] for delivery in told["deliveries"]}
        for place in lead.places:
            arrival = (
                _in_table(lead, place, rows) if place.endpoint is None else at_endpoint(lead, place, place.endpoint)
            )
            state = states.get(place.connection, "unknown")
            if not arrival.wrong and state != "delivered":
                arrival = Arrival(lead, place, wrong=f"it is there, but the hub says: {state}")
            found.append(arrival)
    return found


def _in_table(lead: HandedIn, place: Place, rows: Mapping[str, Mapping[str, Any]]) -> Arrival:
    row = rows.get(lead.id)
    if row is None:
        return Arrival(lead, place, wrong=f"there is no row {lead.id} in {TABLE}")
    if (row["LeadSource"], row["Email"]) != (lead.lead_source, lead.email):
        return Arrival(lead, place, wrong=f"the row {lead.id} in {TABLE} says something else than was handed in")
    return Arrival(lead, place, f"row {row['PartitionKey']}/{row['RowKey']}")


def at_endpoint(lead: HandedIn, place: Place, endpoint: MoodyEndpoint) -> Arrival:
    """The lead as the endpoint's own record shows it."""
    arrived = endpoint.received.get(lead.id)
    if arrived is None:
        return Arrival(lead, place, wrong=f"the endpoint never took {lead.id}")
    details = arrived.body["UserDetails"]
    email = details["Email"] if isinstance(details, dict) else None
    if (arrived.body["LeadSource"], email) != (lead.lead_source, lead.email):
        return Arrival(lead, place, wrong=f"what the endpoint took as {lead.id} says something else than was handed in")
    times = "" if arrived.count == 1 else f", {arrived.count} times"
    return Arrival(lead, place, f"took {lead.id}, signature valid{times}")
