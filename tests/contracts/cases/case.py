"""The words of the case files: a line is one way of sending leads to one destination, and what must come of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from leadkeeper.destinations.interface import Provider
from leadkeeper.diagnosis import AnyKind, Outcome, Who
from leadkeeper.sandbox.faults import Fault
from leadkeeper.sandbox.mishaps import Match

DELIVERED: Final = Outcome.DELIVERED
UNCONFIRMED: Final = Outcome.UNCONFIRMED
REFUSED: Final = Outcome.REFUSED
BROKEN: Final = Outcome.BROKEN
THROTTLED: Final = Outcome.THROTTLED
FAILED: Final = Outcome.FAILED
AMBIGUOUS: Final = Outcome.AMBIGUOUS

NOBODY: Final = Who.NOBODY
PUBLISHER: Final = Who.PUBLISHER
ADMIN: Final = Who.DESTINATION_ADMIN
OPERATOR: Final = Who.OPERATOR


class Expected(NamedTuple):
    """What must come of one send; no ``kind``: the lead is taken."""

    outcome: Outcome
    kind: AnyKind | None = None
    who: Who | None = None


@dataclass(frozen=True, slots=True)
class State:
    """Something that is wrong on the remote system: a state of the stand-in, or ``settings`` that do not fit it.

    ``code`` is how the remote system says it. ``check`` says what ``check()`` makes of it: the same kind (True),
    nothing, because it cannot be seen without writing (False), or another kind. ``stand_in`` is whose state it is, when
    it is not the line's own; ``fault`` is what is said to each request with a lead, where the stand-in has no states;
    ``of_many`` is the cause when several leads go in one request, where it is another.
    """

    name: str
    code: str
    outcome: Outcome
    kind: AnyKind | None = None
    who: Who | None = None
    check: bool | AnyKind = True
    settings: Mapping[str, Any] = field(default_factory=dict)
    stand_in: str = ""
    fault: Fault | None = None
    of_many: AnyKind | None = None

    @property
    def expected(self) -> Expected:
        """What must come of a send."""
        return Expected(self.outcome, self.kind, self.who)

    @property
    def expected_of_many(self) -> Expected:
        """The same for several leads in one request."""
        return self.expected if self.of_many is None else Expected(self.outcome, self.of_many)


def made(received: Sequence[Mapping[str, object]]) -> list[str]:
    """What a stand-in made of leads, each as a text that holds the customer's address."""
    return [str(each) for each in received if each["status"] in ("created", "queued")]


@dataclass(frozen=True, slots=True)
class Line:
    """One way of sending leads to one destination, with settings that its stand-in takes.

    ``carries`` is the request that holds the lead. ``differs`` is what must come of a trouble where it is not the
    usual. ``taken`` is how a good send ends; ``believed``: a status of success is proof, whatever comes after it.
    ``many``: its leads go together, so that what holds for one is looked at for several too. ``records`` finds what a
    stand-in of the sandbox made of leads in what it ``received``.
    """

    name: str
    destination: Provider
    settings: Mapping[str, Any]
    stand_in: str
    carries: Match
    states: tuple[State, ...]
    differs: Mapping[str, Expected]
    secrets: tuple[str, ...] = ()
    taken: Outcome = DELIVERED
    believed: bool = False
    speaks_http: bool = True
    many: bool = False
    records: Callable[[Sequence[Mapping[str, object]]], list[str]] = made
