"""How a connection is doing, as its row says it; what changes it is decided in ``delivery.breaker``."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from leadkeeper.storage import tables as t


class HealthState(StrEnum):
    """The word for a connection's health."""

    HEALTHY = "healthy"
    FAILING = "failing"
    THROTTLED = "throttled"
    PAUSED = "paused"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Health:
    """The health of one connection. Times in milliseconds.

    ``failures``, ``refusals`` and ``throttles`` count in a row; nothing is claimed before ``closed_until`` or while
    ``paused`` (by us, when it is broken) or ``paused_by_person``. A paused connection is probed at ``probe_at``.
    ``diagnosis`` is the JSON text of the last diagnosis that closed or paused it.
    The last four are those of an outage: see ``connections.outage``.
    """

    failures: int = 0
    refusals: int = 0
    refused_since: int | None = None
    throttles: int = 0
    closed_until: int = 0
    paused: bool = False
    paused_by_person: bool = False
    probes: int = 0
    probe_at: int | None = None
    diagnosis: str | None = None
    failing_since: int | None = None
    works_since: int | None = None
    told_at: int | None = None
    tell_at: int | None = None

    def state(self, now: int) -> HealthState:
        """The word for it at ``now``."""
        if self.paused or self.paused_by_person:
            return HealthState.PAUSED
        if self.throttles and self.closed_until > now:
            return HealthState.THROTTLED
        if self.failures or self.refusals or self.throttles:
            return HealthState.FAILING
        return HealthState.HEALTHY

    def columns(self) -> dict[str, Any]:
        """The values of the health columns."""
        return {name: getattr(self, name) for name in HEALTH_COLUMNS}


HEALTH_COLUMNS = tuple(Health.__dataclass_fields__)


def health_of(row: sa.Row[Any]) -> Health:
    """The health in a row that holds the health columns of ``connection``."""
    return Health(**{name: getattr(row, name) for name in HEALTH_COLUMNS})


def health_selected() -> list[sa.Column[Any]]:
    """The health columns, for a select."""
    return [t.connection.c[name] for name in HEALTH_COLUMNS]
