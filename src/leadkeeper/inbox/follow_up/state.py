"""How a lead is followed up: its state, who owns it, when it is due. Pure."""

from __future__ import annotations

from typing import Final, Literal, get_args

FollowUpState = Literal["new", "active", "won", "lost", "declined", "expired"]
STATES: Final[tuple[FollowUpState, ...]] = get_args(FollowUpState)
CLOSED: Final = ("won", "lost", "declined", "expired")
"""The states in which nobody has anything left to do."""
NEEDS_REASON: Final = ("lost", "declined")
"""The states that say nothing without a reason."""
DUE_MS: Final = 24 * 3_600_000
"""A lead is to be touched within a day."""
LONGEST_REASON: Final = 200
LONGEST_NOTE: Final = 4_000
DO_NOT_CONTACT: Final = "DNC"


def is_followed(*, action: str, test: bool, withheld: bool, preview: bool) -> bool:
    """Whether anybody is to turn to this customer: never where they asked not to be, or where there is none."""
    return not (test or withheld or preview or action == DO_NOT_CONTACT)


def due_of(created_at: int) -> int:
    """When a lead that came at ``created_at`` (ms since 1970) is to be touched."""
    return created_at + DUE_MS


def is_overdue(*, state: str, touched_at: int | None, due_at: int, now: int) -> bool:
    """Whether nobody turned to the customer in time."""
    return state == "new" and touched_at is None and now > due_at


def in_time(*, touched_at: int | None, due_at: int, expired_at: int | None, now: int) -> bool | None:
    """Whether somebody turned to the customer by ``due_at``; ``None`` while they still may, or could not.

    Nobody could turn to a customer whose data were removed (``expired_at``) before it was due.
    """
    if touched_at is not None:
        return touched_at <= due_at
    if now <= due_at or (expired_at is not None and expired_at <= due_at):
        return None
    return False


def touched(before: int | None, *, was: str, becomes: str, now: int) -> int | None:
    """When the lead was first touched, after it goes from one state to another: the first change counts."""
    return now if before is None and becomes != was else before
