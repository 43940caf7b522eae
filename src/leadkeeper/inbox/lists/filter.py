"""Which leads a list holds and in what order, in the words of pages, API and commands. Pure, and quick to import."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from leadkeeper.inbox.follow_up.state import STATES

MOST: Final = 200
"""The most leads on one page."""
FOLLOW_UPS: Final = (*STATES, "closed", "overdue")
"""What can be asked of follow-up: each state, all that are closed, and those that nobody touched in time."""
SORTS: Final = ("customer", "company", "country", "offer", "follow", "owner", "due")
"""What leads can be ordered by, besides when they came; with ``-`` before it the other way round."""
OLDEST: Final = "oldest"
"""The order in which they came; unsaid, it is the newest first."""
ORDERS: Final = (OLDEST, *SORTS, *(f"-{each}" for each in SORTS))
"""Every order that can be asked for, in the words of pages, API and commands."""


@dataclass(frozen=True, slots=True)
class LeadFilter:
    """Which leads to list; ``None`` does not filter. Times in milliseconds: from ``since_ms`` on, before ``until_ms``.

    ``state`` is that of at least one of the lead's deliveries; ``email`` is compared without regard to case.
    ``to_decide`` leaves out of those set aside what goes out by itself; the state ``attention`` is what is held or
    waits for a person. ``text`` is a part of name, company or address, ``owner_id`` a person's or empty for nobody's,
    ``follow_up`` one of :data:`FOLLOW_UPS`, as it stands at ``now_ms``. ``ids`` names them one by one, at most
    :data:`MOST`. ``oldest_first`` turns the list around; what is newer and older in it turns with it. ``sort``, one of
    :data:`SORTS`, puts the newest ``sorting.SORTED`` in order, with ``-`` before it the other way round.
    """

    publisher_id: str | None = None
    offer_id: str | None = None
    state: str | None = None
    source: str | None = None
    action: str | None = None
    test: bool | None = None
    email: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    to_decide: bool = False
    country: str | None = None
    destination: str | None = None
    follow_up: str | None = None
    owner_id: str | None = None
    withheld: bool | None = None
    text: str | None = None
    now_ms: int = 0
    ids: tuple[str, ...] | None = None
    oldest_first: bool = False
    sort: str | None = None
