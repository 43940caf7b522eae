"""One entry of the catalogue, and the steps that many entries share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from leadkeeper.diagnosis import Outcome, Who


@dataclass(frozen=True, slots=True)
class Entry:
    """What is always the same about a kind of failure; ``outcome`` is the usual one, an adapter may know better."""

    outcome: Outcome
    who: Who
    summary: str
    steps: tuple[str, ...]


WAIT: Final = "Nothing needs to be done: the lead is kept and sent again by itself."
RESUME: Final = "Save the corrected settings: the connection is tried at once and the held leads go out, oldest first."
VALIDATE: Final = "Run validate on the connection: when it passes, the held leads go out, oldest first."
