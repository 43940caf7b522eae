"""How a connection is doing, as its row says it; what changes it is decided in ``delivery.breaker``."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.storage import tables as t

OPEN_AFTER: Final = 5
"""This many failures in a row open the breaker: nothing is sent until it half-opens with one lead."""


class Trouble(StrEnum):
    """What a connection meets that is not paused: it passes, or it grows into more."""

    FAILING = "failing"
    THROTTLED = "throttled"


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
    notified_at: int | None = None
    tell_at: int | None = None

    def trouble(self, now: int) -> Trouble | None:
        """The trouble of one that is not paused, at ``now``."""
        if self.paused or self.paused_by_person:
            return None
        if self.throttles and self.closed_until > now:
            return Trouble.THROTTLED
        return Trouble.FAILING if self.failures or self.refusals or self.throttles else None

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
