"""From a connection's row to the adapter that serves it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import sqlalchemy as sa
import structlog
from pydantic import ValidationError

from leadkeeper.catalogue import diagnose
from leadkeeper.check import Check, CheckStep
from leadkeeper.clock import Clock, now_ms
from leadkeeper.connections.connection import DAMAGED, Connection
from leadkeeper.connections.own import of_publisher
from leadkeeper.connections.recipients import Recipients
from leadkeeper.connections.resource import Stored, read_settings, restored
from leadkeeper.destinations.absent import NOT_INSTALLED
from leadkeeper.destinations.interface import Adapter, Context, Provider
from leadkeeper.diagnosis import Answer, Diagnosis, Evidence, Kind, Outcome
from leadkeeper.lead import OutgoingLead
from leadkeeper.network.trouble import diagnose_network
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage
from leadkeeper.storage.unshared import Unshared

log: Final = structlog.get_logger(__name__)


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
        return provider.open(config, replace(context, quota=Usage(storage, connection), contacts=contacts))
    except ValidationError as error:
        fields = ", ".join(sorted({str(e["loc"][0]) for e in error.errors(include_input=False) if e["loc"]}))
        return _invalid(f"{provider.config_key}: {fields}")
    except Exception as error:
        # One connection that cannot be opened must not keep a worker from all the others.
        log.error("connection not opened", connection=connection.id, error=type(error).__name__)
        return diagnose_network(error, sent=False)


class Usage:
    """What a publisher sent to one Web-to-Lead organization, over all its connections that name it at the same host.

    The organization's id is public: what another publisher sends there is neither shown nor counted.
    """

    def __init__(self, storage: Storage, connection: Connection, clock: Clock = now_ms) -> None:
        self._storage = Unshared(storage)  # delivery has bounds of its own
        self._publisher = connection.offer.publisher_id
        self._destination = connection.stored.destination
        self._settings = connection.stored.provider.account
        self._account = self._account_in(connection.stored.settings)
        self._clock = clock

    @property
    def owner(self) -> str:
        """The publisher: what is used is counted for each by itself, so that none learns of another's volume."""
        return self._publisher

    async def used(self, hours: int) -> int:
        """How many leads of the last ``hours`` arrived there, or may have. What was refused used nothing."""
        return await self._storage.read(self._count, self._clock() - hours * 3_600_000)

    def _account_in(self, settings: Mapping[str, Any]) -> tuple[Any, ...]:
        return tuple(settings.get(name) for name in self._settings)

    def _count(self, conn: sa.Connection, since: int) -> int:
        d, c = t.delivery.c, t.connection.c
        own = (of_publisher(conn, self._publisher), c.destination == self._destination)
        rows = conn.execute(sa.select(c.id, c.settings).where(*own))
        ids = [row.id for row in rows if self._account_in(read_settings(row.settings) or {}) == self._account]
        those = (d.connection_id.in_(ids), d.changed_at >= since)
        counted = sa.select(sa.func.count()).select_from(t.delivery).where(*those)
        sent = conn.scalar(counted.where(t.UNCONFIRMED)) or 0
        return sent + (conn.scalar(counted.where(t.SET_ASIDE, _MAY_HAVE_ARRIVED)) or 0)


_MAY_HAVE_ARRIVED: Final = (
    sa.select(t.attempt.c.outcome)
    .where(t.attempt.c.delivery_id == t.delivery.c.id)
    .order_by(t.attempt.c.id.desc())
    .limit(1)
    .correlate(t.delivery)
    .scalar_subquery()
    .in_([Outcome.AMBIGUOUS.value, Outcome.OURS.value])
)


def _invalid(text: str) -> Diagnosis:
    return diagnose(Kind.SETTINGS_INVALID, Evidence(text=text))
