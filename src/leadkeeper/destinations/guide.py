"""What a publisher is told of a kind of destination: when to choose it, its ways, where to find each value.

A way is one manner of connecting that a destination's settings allow, with the settings that it needs. What a guide
does not name (a setting that was added) has a place in the form all the same. Settings are named as in JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from leadkeeper.diagnosis import AnyKind


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


class Topic(StrEnum):
    """What a page is about, where a question is shown besides in help."""

    CONNECTION = "connection"
    CONNECT = "connect"
    DESTINATIONS = "destinations"
    LEADS = "leads"


@dataclass(frozen=True, slots=True)
class Question:
    """A question that publishers ask, and its answer; ``id`` is its anchor in help, ``topics`` the pages it is on."""

    id: str
    question: str
    answer: tuple[str, ...]
    topics: tuple[Topic, ...] = ()


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
    help: Mapping[str, str] = field(default_factory=dict)
    """What stands below a setting's field where its own text is written for all ways and doors at once."""
    examples: Mapping[str, str] = field(default_factory=dict)
    """What the value of a setting looks like."""
    choices: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """How the choices of a setting read, by the setting and the choice; one that is not here reads as itself."""
    made: tuple[str, ...] = ()
    """Secrets that are made where none is given."""
    address: tuple[str, ...] = ()
    """The settings that say where leads go: marked when the address fails."""
    secret: tuple[str, ...] = ()
    """The secrets that sign in: marked when they are rejected."""
    marks: Mapping[AnyKind, tuple[str, ...]] = field(default_factory=dict)
    """The settings that are usually wrong, by the cause of a failure."""
    questions: tuple[Question, ...] = ()
    """What publishers ask of it."""
