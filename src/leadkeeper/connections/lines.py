"""From a connection's row to the adapter that serves it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from leadkeeper.catalogue import diagnose
from leadkeeper.connections.connections import Connection
from leadkeeper.connections.resource import restored
from leadkeeper.destinations.destination import Check, CheckStep, Config, Destination, OutgoingLead
from leadkeeper.destinations.http import Network
from leadkeeper.destinations.registry import BY_NAME, open_destination
from leadkeeper.diagnosis import Answer, Diagnosis, Evidence, Kind


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


def open_line(connection: Connection, network: Network) -> Any:
    """The adapter for a stored connection; one that answers with a diagnosis when its settings cannot be used."""
    destination = BY_NAME[connection.stored.destination]
    try:
        config = restored(destination, connection.stored.settings, connection.stored.secrets)
        return open_destination(destination, config, network)
    except ValidationError as error:
        fields = ", ".join(sorted({str(e["loc"][0]) for e in error.errors(include_input=False) if e["loc"]}))
        return Unusable(destination, _invalid(f"{destination.config_key}: {fields}"))


def _invalid(text: str) -> Diagnosis:
    return diagnose(Kind.SETTINGS_INVALID, Evidence(text=text))
