"""The server is asked once what kind of list a type of its own is, not again over each connection of each test.

asyncpg asks so for every list that a statement is given, over each new connection, in three statements of which one
reads five catalogues: a sixth of what opening an installation costs the server. What PostgreSQL brings along has the
same number and the same shape in every database. Connections through a pooler ask as always: that is what their tests
watch.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final
from unittest import mock

import asyncpg

_FIRST_OF_A_USER: Final = 16_384
"""Types with smaller numbers are PostgreSQL's own."""

_Answer = tuple[Any, Any]
_known: Final[dict[frozenset[int], _Answer]] = {}
_ask: Final = asyncpg.Connection._introspect_types


async def _ask_once(connection: Any, types: Iterable[int], timeout: float) -> _Answer:  # noqa: ASYNC109 - as asyncpg calls it
    asked = frozenset(types)
    if not connection._stmt_cache_enabled or max(asked) >= _FIRST_OF_A_USER:
        answer: _Answer = await _ask(connection, asked, timeout)
        return answer
    if asked not in _known:
        _known[asked] = await _ask(connection, asked, timeout)
    return _known[asked]


def ask_for_types_once() -> None:
    """From now on in this process."""
    mock.patch.object(asyncpg.Connection, "_introspect_types", _ask_once).start()
