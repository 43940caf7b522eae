"""What channels are told of: the closed list of events, and what each holds. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Final

from leadkeeper.texts import _


class ChannelKind(StrEnum):
    """To what a channel leads."""

    WEBHOOK = "webhook"
    TEAMS = "teams"
    SLACK = "slack"


class Event(StrEnum):
    """What can be told; names are stable for whoever reads them."""

    LEAD_RECEIVED = "lead.received"
    LEAD_DELIVERED = "lead.delivered"
    LEAD_HELD = "lead.held"
    LEAD_SET_ASIDE = "lead.set_aside"
    LEAD_WITHHELD = "lead.withheld"
    CONNECTION_BROKEN = "connection.broken"
    CONNECTION_RECOVERED = "connection.recovered"
    CONNECTION_EXPIRING = "connection.expiring"
    OFFER_PUBLISHED = "offer.published"
    OFFER_FAILED = "offer.failed"
    ATTENTION_NEEDED = "attention.needed"
    ATTENTION_OVER = "attention.over"


TEST: Final = "channel.test"
"""Sent when somebody asks for it, whatever the channel is told otherwise."""

MEANINGS: Final[Mapping[Event, str]] = {
    Event.LEAD_RECEIVED: _("A lead came and is kept."),
    Event.LEAD_DELIVERED: _("A destination took a lead."),
    Event.LEAD_HELD: _("A lead waits because its connection is paused or broken."),
    Event.LEAD_SET_ASIDE: _("A lead waits for a person: it was refused, or may have arrived."),
    Event.LEAD_WITHHELD: _("A lead came whose customer's data are neither stored nor passed on."),
    Event.CONNECTION_BROKEN: _("Nothing gets through a connection."),
    Event.CONNECTION_RECOVERED: _("A connection works again."),
    Event.CONNECTION_EXPIRING: _("A connection's credentials end soon."),
    Event.OFFER_PUBLISHED: _("An offer is live."),
    Event.OFFER_FAILED: _("An offer's publishing stopped."),
    Event.ATTENTION_NEEDED: _("Leads wait for a person: told once for each cause, and daily while it lasts."),
    Event.ATTENTION_OVER: _("No lead waits for a person any more for this cause."),
}
"""What each says."""
FOR_PEOPLE: Final = (
    Event.CONNECTION_BROKEN,
    Event.CONNECTION_RECOVERED,
    Event.CONNECTION_EXPIRING,
    Event.OFFER_PUBLISHED,
    Event.OFFER_FAILED,
    Event.ATTENTION_NEEDED,
    Event.ATTENTION_OVER,
)
"""What a chat is told: what people are told by mail. A message for each lead would bury it."""


def events_for(kind: ChannelKind) -> tuple[Event, ...]:
    """The events that a channel of this kind may be told."""
    return tuple(Event) if kind is ChannelKind.WEBHOOK else FOR_PEOPLE


def wrong_events(kind: ChannelKind, events: Collection[str]) -> list[str]:
    """Those of ``events`` that a channel of this kind cannot be told."""
    known = {event.value for event in events_for(kind)}
    return sorted({each for each in events if each not in known})
