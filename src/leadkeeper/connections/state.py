"""The one word for a connection: what is known of it, never more. The same word through every door. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from leadkeeper.connections.health import OPEN_AFTER, Health, Trouble
from leadkeeper.texts import _


class ConnectionState(StrEnum):
    """What is known of a connection with just its present settings.

    ``notTried``: no lead was sent. ``unconfirmed``: leads were sent, the destination does not say whether it keeps
    them, and nobody has found one. ``working``: the destination confirmed a lead, or somebody found the test lead.
    ``broken``: leads do not arrive, or the test lead did not. ``paused``: a person holds its leads.
    """

    NOT_TRIED = "notTried"
    WORKING = "working"
    UNCONFIRMED = "unconfirmed"
    BROKEN = "broken"
    PAUSED = "paused"


STATE_WORDS: Final[Mapping[ConnectionState, str]] = {
    ConnectionState.NOT_TRIED: _("not tried"),
    ConnectionState.WORKING: _("working"),
    ConnectionState.UNCONFIRMED: _("unconfirmed"),
    ConnectionState.BROKEN: _("broken"),
    ConnectionState.PAUSED: _("paused"),
}
"""The states as people read them; ``Language.gettext`` tells them in a language."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the settings in effect: whether leads were sent and taken with them (``tried``), whether one
    is known to be there (``proven``), and why the last validation failed (``failed``, as it is stored).
    """

    tried: bool = False
    proven: bool = False
    failed: str | None = None


NOT_KNOWN: Final = Known()
"""Of settings that nobody has tried."""


def since_of(health: Health, known: Known, now: int) -> int | None:
    """Since when (ms) a connection is broken or fails at ``now``, as far as that was recorded; ``None`` for others."""
    if state_of(health, known) is not ConnectionState.BROKEN and health.trouble(now) is not Trouble.FAILING:
        return None
    return health.failing_since if health.failing_since is not None else health.refused_since


def state_of(health: Health, known: Known) -> ConnectionState:
    """The state of a connection. A person's pause tells more than what was known before it."""
    if health.paused_by_person:
        return ConnectionState.PAUSED
    summary = health.notified_at is not None and health.works_since is None  # people know that nothing gets through
    if health.paused or summary or health.failures >= OPEN_AFTER or known.failed is not None:
        return ConnectionState.BROKEN
    if known.proven:
        return ConnectionState.WORKING
    return ConnectionState.UNCONFIRMED if known.tried else ConnectionState.NOT_TRIED
