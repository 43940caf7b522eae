"""What is known of one send once it has ended."""

from __future__ import annotations

from dataclasses import dataclass, field

from leadkeeper.clock import new_id
from leadkeeper.diagnosis import Answer


@dataclass(frozen=True, slots=True)
class Sent:
    """One send of one lead that has ended. ``generation`` is the connection's when it was claimed; times in ms.

    ``since`` is when the delivery began, ``publisher_id`` whose lead it is.
    """

    delivery_id: str
    connection_id: str
    generation: int
    lease_id: str
    attempts: int
    crash_count: int
    repeatable: bool
    half_open: bool
    at: int
    took_ms: int
    answer: Answer
    attempt_id: str = field(default_factory=new_id)
    since: int = 0
    publisher_id: str = ""
