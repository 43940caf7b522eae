"""One process of an installation, as its doors and its commands are given it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from leadkeeper.delivery.worker import Worker
from leadkeeper.destinations.interface import Context
from leadkeeper.doors.api.metrics import Metrics
from leadkeeper.network.client import Network
from leadkeeper.publisher_turns import PublisherTurns
from leadkeeper.services import Services
from leadkeeper.storage.database_clock import DatabaseClock


@dataclass(frozen=True, slots=True)
class Installation:
    """One process of an installation: its services and, where it carries leads, its worker."""

    services: Services
    metrics: Metrics
    network: Network
    worker: Worker | None
    clock: DatabaseClock
    context: Context
    turns: PublisherTurns = field(default_factory=PublisherTurns)
    """What publishers do in this process takes turns by these, whichever way it comes."""
    ending: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the program ends: what would last for ever ends by itself then."""
