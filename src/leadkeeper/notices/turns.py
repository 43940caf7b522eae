"""When an address is told of a cause: once, again every day while it lasts, and when it is over. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from leadkeeper.inbox.attention.causes import Cause

HOUR_MS: Final = 3_600_000
AGAIN_MS: Final = 24 * HOUR_MS
"""So often an address is told again of what lasts."""
QUIET_MS: Final = HOUR_MS
"""What is over and begins anew within this time after it was told of is told of once that has passed."""
CHANNELS: Final = ""
"""In place of an address: the channels of the publisher, or of the installation."""

NOTIFIED_ONCE: Final = frozenset({Cause.LEADS_WITHHELD, Cause.PUBLISHER_SUSPENDED})
"""What nobody of those who are told can settle: an address is told when it begins, and not again while it lasts."""
ENDS_SILENTLY: Final = frozenset({Cause.LEADS_WITHHELD, Cause.CHANNEL_OFF})
"""Nobody is told that it is over."""
NOTIFIED_EACH: Final = frozenset({Cause.CHANNEL_OFF})
"""An address is told once of each part, when it begins: also while others last, of which it was told before."""


class Turn(StrEnum):
    """What an address is told of a cause."""

    BEGUN = "begun"
    LASTS = "lasts"
    OVER = "over"


class About(NamedTuple):
    """Who is told of what: by address, publisher and cause. Operators are told of all publishers (empty) at once."""

    address: str
    publisher_id: str
    cause: Cause


@dataclass(frozen=True, slots=True)
class CausePlace:
    """Where the cause is: a connection with ``leads`` that wait; or (empty texts) the installation.

    ``count`` things are meant. ``since`` is in ms; ``kind`` is that of the diagnosis, where there is one.
    """

    publisher_id: str = ""
    offer_id: str = ""
    connection: str = ""
    connection_id: str = ""
    leads: int = 0
    count: int = 1
    since: int | None = None
    kind: str | None = None
    title: str = ""
    """What people call the connection, or the channel."""
    channel_id: str = ""
    """The channel that is off, where it is one; ``kind`` then says why."""
    offer_title: str = ""
    publisher_name: str = ""


@dataclass(frozen=True, slots=True)
class NotifiedTimes:
    """When an address was told last (ms), since when it was, and when it was over."""

    notified_at: int
    since_at: int | None = None
    over_at: int | None = None


@dataclass(frozen=True, slots=True)
class NoticeMail:
    """One mail: to whom and of what, which turn it is, where, and since when (ms) where that is known."""

    about: About
    turn: Turn
    parts: Sequence[CausePlace]
    since: int | None
    publisher_name: str = ""
    """What people call the publisher of ``about``."""


def news_of(
    standing: Mapping[About, Sequence[CausePlace]],
    known: Mapping[About, NotifiedTimes],
    uncertain: frozenset[str],
    now: int,
) -> list[NoticeMail]:
    """What is to be told at ``now``. Of the publishers in ``uncertain`` not all is known: nothing is over there.

    An address that hears of a cause no more, while others do, is told nothing: it was taken out.
    """
    found: list[NoticeMail] = []
    for about, parts in standing.items():
        if about.cause in NOTIFIED_EACH:
            found += _news_of_each(about, parts, known.get(about), now)
            continue
        turn = _turn(known.get(about), now)
        if turn is not None and not (turn is Turn.LASTS and about.cause in NOTIFIED_ONCE):
            found.append(NoticeMail(about, turn, parts, _since(parts)))
    lasting = {(about.publisher_id, about.cause) for about in standing}
    for about, before in known.items():
        ended = about not in standing and before.over_at is None and about.publisher_id not in uncertain
        if ended and (about.publisher_id, about.cause) not in lasting:
            found.append(NoticeMail(about, Turn.OVER, (), before.since_at))
    return found


def _news_of_each(
    about: About, parts: Sequence[CausePlace], before: NotifiedTimes | None, now: int
) -> Sequence[NoticeMail]:
    """What began after the newest part that the address was told of; nothing too soon after another mail."""
    after = -1 if before is None or before.since_at is None else before.since_at
    new = [part for part in parts if part.since is not None and part.since > after]
    too_soon = before is not None and abs(now - before.notified_at) < QUIET_MS
    if not new or too_soon:
        return ()
    newest = max(part.since for part in new if part.since is not None)
    return [NoticeMail(about, Turn.BEGUN, new, newest)]


def _turn(before: NotifiedTimes | None, now: int) -> Turn | None:
    if before is None:
        return Turn.BEGUN
    passed = abs(now - before.notified_at)  # a clock that was ahead keeps nobody from being told
    if before.over_at is not None:
        return Turn.BEGUN if passed >= QUIET_MS else None
    return Turn.LASTS if passed >= AGAIN_MS else None


def _since(parts: Sequence[CausePlace]) -> int | None:
    return min((part.since for part in parts if part.since is not None), default=None)
