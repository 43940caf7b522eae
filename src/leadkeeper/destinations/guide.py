"""What a publisher is told of a kind of destination: when to choose it, its ways, where to find each value.

A way is one manner of connecting that a destination's settings allow, with the settings that it needs. What a guide
does not name (a setting that was added) has a place in the form all the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Way:
    """One manner of connecting. ``tells`` is the setting by which one that is stored is known again."""

    id: str
    title: str
    message: str
    fields: tuple[str, ...]
    steps: tuple[str, ...]
    more: tuple[str, ...] = ()
    fixed: Mapping[str, str] = field(default_factory=dict)
    tells: str = ""
    needed: tuple[str, ...] = ()
    """What this way cannot do without though the settings can."""


@dataclass(frozen=True, slots=True)
class Guide:
    """A destination as its card and its form tell it."""

    icon: str
    choose: str
    ways: tuple[Way, ...]
    instead: str = ""
    """The name of the destination to choose instead of this one."""
    place: int = 1_000
    """Where its card stands among the others: those with smaller numbers first."""
