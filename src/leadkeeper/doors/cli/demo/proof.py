"""What the demo handed in, and the proof that it arrived: read from the destinations themselves, not from the hub."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from leadkeeper.doors.cli.demo.hub import Hub
from leadkeeper.doors.cli.demo.mishap_words import receipt_text, title_text
from leadkeeper.lead import is_test_marker
from leadkeeper.sandbox.place import FoundLead, Place
from leadkeeper.texts import join_lazily, lazy_ngettext
from leadkeeper.texts import lazy_gettext as _


@dataclass(frozen=True, slots=True)
class HandedIn:
    """A lead that the hub acknowledged: its id, where it must arrive, and what must arrive."""

    id: str
    lead_source: str
    email: str
    places: tuple[Place, ...]
    test: bool = False


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
        return join_lazily((f"{self.place.connection} (", title_text(self.place.title), ")"), "")


async def arrivals(hub: Hub, leads: Sequence[HandedIn]) -> list[Arrival]:
    """Each lead at each of its destinations, as found there at this moment; the hub must know of it too."""
    looks = {place.look: place for lead in leads for place in lead.places}
    seen = {look: await look() for look in looks}
    found = []
    for lead in leads:
        summary = await hub.ask("GET", f"/v1/leads/{lead.id}")
        states = {delivery["connection"]: delivery["state"] for delivery in summary["deliveries"]}
        found += [
            _arrival(lead, place, _there(lead, seen[place.look]), states.get(place.connection, "unknown"))
            for place in lead.places
        ]
    return found


def _there(lead: HandedIn, seen: Mapping[str, FoundLead]) -> FoundLead | None:
    """The lead by its id; a test lead may have to do without it, and is known by its address."""
    return seen.get(lead.id) or (seen.get(lead.email) if is_test_marker(lead.email.partition("@")[0]) else None)


def _arrival(lead: HandedIn, place: Place, there: FoundLead | None, state: str) -> Arrival:
    if there is None:
        return Arrival(lead, place, wrong=_("it is not there; the hub says: %(state)s", state=state))
    if there.lead_source is not None and (there.lead_source, there.email) != (lead.lead_source, lead.email):
        return Arrival(lead, place, wrong=_("what is there says something else than was handed in"))
    if lead.email in there.open_text:
        return Arrival(lead, place, wrong=_("the customer's e-mail address stands where anybody may read it"))
    if there.times > 1 and place.once:
        return Arrival(lead, place, wrong=_times(there.times))
    expected = "delivered" if place.confirms else "unconfirmed"
    if state != expected:
        return Arrival(lead, place, wrong=_("it is there, but the hub says: %(state)s", state=state))
    notes = [] if there.times == 1 else [_times(there.times)]
    notes += [] if place.confirms else [_("for Leadkeeper it is unconfirmed")]
    return Arrival(lead, place, join_lazily((receipt_text(there.receipt), *notes), "; "))


def _times(count: int) -> str:
    return lazy_ngettext("it is there %(count)s time", "it is there %(count)s times", count)
