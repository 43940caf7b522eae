"""Whose act comes next: all that is done on behalf of one publisher waits for its turn, and nobody else for it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from leadkeeper.gate import NOBODY, Gate, NoTurn, acting_for
from leadkeeper.storage.away import StorageAway


@contextlib.asynccontextmanager
async def turn(places: Gate, seconds: float) -> AsyncIterator[None]:
    """Hold one of ``places`` for the publisher that the task acts for; the installation's own acts need none.

    Raises :class:`StorageAway` when none becomes free in ``seconds``.
    """
    who = acting_for()
    if who == NOBODY:
        yield
        return
    try:
        await places.enter(who, seconds)
    except NoTurn:
        raise StorageAway("too much is done for one publisher at once") from None
    try:
        yield
    finally:
        places.leave(who)
