"""From a connection's row to the adapter that serves it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa
import structlog
from pydantic import ValidationError

from leadkeeper.catalogue import diagnose
from leadkeeper.clock import Clock, now_ms
from leadkeeper.connections.connections import Connection
from leadkeeper.connections.recipients import Recipients
from leadkeeper.connections.resource import restored
from leadkeeper.destinations.destination import Check, CheckStep, Config, Destination, OutgoingLead
from leadkeeper.destinations.http import Network
from leadkeeper.destinations.registry import BY_NAME, open_destination
from leadkeeper.destinations.trouble import diagnose_network
from leadkeeper.diagnosis import Answer, Diagnosis, Evidence, Kind
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage, one_of

log: Final = structlog.get_logger(__name__)


class Unusable:
    """Stands for an adapter whose settings cannot be used: every check and send gives the same diagnosis."""

    title = "Unusable connection"
    lead_destination = ""
    config_key = ""
    config: type[Config] = Config

    def __init__(self, destination: type[Destination], diagnosis: Diagnosis) -> None:
        self.name = destination.name
        self.batch = destination.batch
        self.repeatable = destination.repeatable
        self._diagnosis = diagnosis

    async def check(self) -> Check:
        """The settings step has failed."""
        return Check((CheckStep("settings", False, self._diagnosis.evidence.text or ""),), self._diagnosis)

    async def deliver(self, leads: Sequence[OutgoingLead]) -> Sequence[Answer]:
        """Nothing is sent."""
        return [self._diagnosis] * len(leads)

    async def aclose(self) -> None:
        """Nothing is held."""


def open_line(connection: Connection, network: Network, storage: Storage) -> Any:
    """The adapter for a stored connection; one that answers with a diagnosis when its settings cannot be used."""
    destination = BY_NAME[connection.stored.destination]
    try:
        config = restored(destination, connection.stored.settings, connection.stored.secrets)
        contacts = Recipients(storage, connection, network.policy.mail_rules)
        return open_destination(destination, config, network, Usage(storage, connection), contacts)
    except ValidationError as error:
        fields = ", ".join(sorted({str(e["loc"][0]) for e in error.errors(include_input=False) if e["loc"]}))
        return Unusable(destination, _invalid(f"{destination.config_key}: {fields}"))
    except Exception as error:
        # One connection that cannot be opened must not keep a worker from all the others.
        log.error("connection not opened", connection=connection.id, error=type(error).__name__)
        return Unusable(destination, diagnose_network(error, sent=False))


class Usage:
    """What was sent to one Web-to-Lead organization: the limit is its own, whichever offer's connection sends."""

    def __init__(self, storage: Storage, connection: Connection, clock: Clock = now_ms) -> None:
        self._storage = storage
        self._destination = connection.stored.destination
        self._account = connection.stored.settings.get("objectIdentifier")
        self._clock = clock

    async def used(self, hours: int) -> int:
        """How many leads of the last ``hours`` arrived there, or may have."""
        return await self._storage.read(self._count, self._clock() - hours * 3_600_000)

    def _count(self, conn: sa.Connection, since: int) -> int:
        d, c = t.delivery.c, t.connection.c
        rows = conn.execute(sa.select(c.id, c.settings).where(c.destination == self._destination))
        ids = [row.id for row in rows if json.loads(row.settings).get("objectIdentifier") == self._account]
        those = (one_of(conn, d.connection_id, ids), d.changed_at >= since)
        return sum(
            conn.scalar(sa.select(sa.func.count()).select_from(t.delivery).where(*those, state)) or 0
            for state in (t.UNCONFIRMED, t.SET_ASIDE)
        )


def _invalid(text: str) -> Diagnosis:
    return diagnose(Kind.SETTINGS_INVALID, Evidence(text=text))
