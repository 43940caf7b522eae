"""From a connection's row to the adapter that serves it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import structlog
from pydantic import ValidationError

from leadkeeper.catalogue import diagnose
from leadkeeper.check import Check, CheckStep
from leadkeeper.connections.connection import DAMAGED, Connection
from leadkeeper.connections.recipients import Recipients
from leadkeeper.connections.resource import Stored, restored
from leadkeeper.connections.usage import Usage
from leadkeeper.destinations.absent import NOT_INSTALLED
from leadkeeper.destinations.interface import Adapter, Context, Provider
from leadkeeper.diagnosis import Answer, Diagnosis, Evidence, Kind
from leadkeeper.fault import where
from leadkeeper.lead import OutgoingLead
from leadkeeper.network.trouble import diagnose_network
from leadkeeper.storage.engine import Storage

log: Final = structlog.get_logger(__name__)

CLOSING_SECONDS: Final = 5.0
"""How long an adapter may take to close."""


class Unusable:
    """Stands for an adapter whose settings cannot be used: every check and send gives the same diagnosis."""

    def __init__(self, batch: int, diagnosis: Diagnosis, *, repeatable: bool) -> None:
        self.batch = batch
        self.repeatable = repeatable
        self._diagnosis = diagnosis

    async def check(self) -> Check:
        """The settings step has failed."""
        return Check((CheckStep("settings", False, self._diagnosis.evidence.text or ""),), self._diagnosis)

    async def deliver(self, leads: Sequence[OutgoingLead]) -> Sequence[Answer]:
        """Nothing is sent."""
        return [self._diagnosis] * len(leads)

    async def aclose(self) -> None:
        """Nothing is held."""


def open_adapter(connection: Connection, context: Context, storage: Storage) -> Adapter:
    """The adapter for a stored connection; one that answers with a diagnosis when its settings cannot be used."""
    provider = connection.stored.provider
    found = _opened(provider, connection, context, storage)
    if isinstance(found, Diagnosis):
        return Unusable(provider.least_batch, found, repeatable=connection.stored.repeatable)
    return found


async def let_go(adapter: Adapter) -> None:
    """Close it. One that cannot be closed, or takes longer than :data:`CLOSING_SECONDS`, is left, and the log tells."""
    try:
        async with asyncio.timeout(CLOSING_SECONDS):
            await adapter.aclose()
    except Exception as error:
        log.error("adapter not closed", adapter=type(adapter).__name__, error=where(error))


def can_be_read_back(stored: Stored) -> bool:
    """Whether the destination can be asked, with these settings, which leads are there."""
    if stored.damaged or not stored.provider.installed:
        return False
    try:
        return stored.provider.reads_back(restored(stored))
    except ValidationError:
        return False


def _opened(provider: Provider, connection: Connection, context: Context, storage: Storage) -> Adapter | Diagnosis:
    if connection.stored.damaged:
        log.error("connection not opened: its row is damaged", connection=connection.id)
        return DAMAGED
    if not provider.installed:
        return NOT_INSTALLED
    try:
        config = restored(connection.stored)
        contacts = Recipients(storage, connection, context.mail.rules)
        usage = Usage(storage, connection.offer.publisher_id, provider, config)
        return provider.open(config, replace(context, quota=usage, contacts=contacts))
    except ValidationError as error:
        fields = ", ".join(sorted({str(e["loc"][0]) for e in error.errors(include_input=False) if e["loc"]}))
        return _invalid(f"{provider.config_key}: {fields}")
    except Exception as error:
        # One connection that cannot be opened must not keep a worker from all the others.
        log.error("connection not opened", connection=connection.id, error=type(error).__name__)
        return diagnose_network(error, sent=False)


def _invalid(text: str) -> Diagnosis:
    return diagnose(Kind.SETTINGS_INVALID, Evidence(text=text))
