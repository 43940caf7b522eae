"""Whose transaction comes next: what is done on behalf of one publisher waits for its turn, and nobody else for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from leadkeeper.gate import NOBODY, STRANGERS, Gate, NoTurn, acting_for, acting_over
from leadkeeper.storage.away import BUSY, StorageAway

R = TypeVar("R")


async def run_in_turn(places: Gate, seconds: float, begin: Callable[[], asyncio.Future[R]]) -> R:
    """Begin a transaction in one of ``places`` of the publisher that the task acts for, and wait for its end.

    Visitors have the share of one publisher, as newcomers have, and their addresses take turns at it.
    The installation's own transactions need no place. A caller that goes away leaves its transaction to end by itself,
    which holds its place till then: however often somebody begins and goes, no more transactions than there are places
    run in the database. Raises :class:`StorageAway` when none becomes free in ``seconds``.
    """
    who = acting_for()
    if who == NOBODY:
        return await asyncio.shield(begin())
    part = acting_over() if who in STRANGERS else ""
    try:
        await places.enter(who, seconds, part)
    except NoTurn:
        raise StorageAway("too much is done at once for one publisher, or for strangers", BUSY) from None
    try:
        transaction = begin()
    except BaseException:
        places.leave(who, part)
        raise
    transaction.add_done_callback(lambda _: places.leave(who, part))
    return await asyncio.shield(transaction)
