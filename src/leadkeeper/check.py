"""What a check of a connection found. Pure data."""

from __future__ import annotations

from dataclasses import dataclass

from leadkeeper.diagnoses.unseen import Unseen
from leadkeeper.diagnosis import Diagnosis


@dataclass(frozen=True, slots=True)
class CheckStep:
    """One thing that a check looked at. ``ok`` is ``None`` when it could not be proven without writing."""

    name: str
    ok: bool | None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """What can be proven of a connection without writing: its steps in order, and why the failed one failed.

    ``unseen`` says what it did not look at; every check that passes has it.
    """

    steps: tuple[CheckStep, ...]
    diagnosis: Diagnosis | None = None
    unseen: Unseen | None = None

    @property
    def ok(self) -> bool:
        """No step failed."""
        return self.diagnosis is None and all(step.ok is not False for step in self.steps)
