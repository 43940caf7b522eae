"""How many processes run, what each does, when one that ended is started again, and why it ended. Pure."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

MOST_BY_ITSELF: Final = 4
"""No more processes than this unless somebody asks: each opens up to 16 connections, and PostgreSQL takes 100 of all
programs together unless it is told otherwise."""
STEADY_SECONDS: Final = 60.0
"""A process that ran for so long before it ended is started again at once."""
LONGEST_PAUSE: Final = 30.0
"""The longest pause, in seconds, before a process that keeps ending is started again."""
HELD_SECONDS: Final = 2.0
"""Whoever connects to a process that is started again within so long waits for it; after that nobody does."""


class Duty(StrEnum):
    """What a process does."""

    SERVE = "serve"
    """It takes leads in and carries them."""
    API = "api"
    """It only takes them in."""
    WORKER = "worker"
    """It only carries them."""

    @property
    def listens(self) -> bool:
        """Whether it answers requests."""
        return self is not Duty.WORKER

    @property
    def carries(self) -> bool:
        """Whether it carries leads."""
        return self is not Duty.API


@dataclass(frozen=True, slots=True)
class ProcessPlan:
    """One of the processes; ``number`` counts from 1 within its role."""

    role: Duty
    number: int

    @property
    def name(self) -> str:
        """Such as ``worker-2``."""
        return f"{self.role}-{self.number}"

    @classmethod
    def parse(cls, name: str) -> ProcessPlan:
        """The process of this name. Raises ``ValueError``."""
        role, _, number = name.rpartition("-")
        return cls(Duty(role), int(number))


def planned(role: Duty, processes: int, workers: int = 0) -> Sequence[ProcessPlan]:
    """``processes`` of ``role``; with ``workers`` these only take leads in, and so many others carry them."""
    role = Duty.API if workers else role
    first = [ProcessPlan(role, number) for number in range(1, processes + 1)]
    return [*first, *(ProcessPlan(Duty.WORKER, number) for number in range(1, workers + 1))]


def by_itself(*, peers: bool, cores: int) -> int:
    """How many processes ``serve`` runs when nobody says: ``peers`` is whether the database takes several alike."""
    return max(1, min(cores, MOST_BY_ITSELF)) if peers else 1


def ends_in_a_row(before: int, lasted: float) -> int:
    """How many times in a row it has ended soon, now that it ended after ``lasted`` seconds."""
    return 0 if lasted >= STEADY_SECONDS else before + 1


def pause(in_a_row: int) -> float:
    """Seconds until it is started again: at once the first time, then 1, 2, 4, ... up to :data:`LONGEST_PAUSE`."""
    return 0.0 if in_a_row <= 1 else float(min(LONGEST_PAUSE, 2.0 ** min(in_a_row - 2, 10)))


def why(code: int) -> str:
    """Why a process ended whose exit code is ``code``, in words for the log; negative codes are signals."""
    if code == 0:
        return "it was told to end, but not by this program"
    if code > 0:
        return f"it failed with exit code {code}; what it wrote before says why"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    match name:
        case "SIGKILL":
            return "it was killed (SIGKILL): by the system for want of memory, or by somebody"
        case "SIGSEGV" | "SIGBUS" | "SIGILL" | "SIGABRT" | "SIGFPE":
            return f"it crashed ({name})"
        case _:
            return f"it was ended from outside ({name})"
