"""Looking again and again whether there is something to do: jobs that look at the same moment share one transaction.

A transaction costs a process several times what such a question does: on SQLite it passes from thread to thread, on
PostgreSQL it takes a connection from the pool. A process with nothing to do does little else than ask.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Concatenate, Final, ParamSpec, TypeVar
from weakref import WeakKeyDictionary, ref

import sqlalchemy as sa

from leadkeeper.storage.engine import Storage, least_of
from leadkeeper.storage.group import Group, GroupCommit
from leadkeeper.storage.hot import HotStatement

P = ParamSpec("P")
R = TypeVar("R")

NOW: Final = sa.bindparam("now", type_=sa.BigInteger)
"""The moment (ms) as of which a statement that is made once is asked."""
GATHER_SECONDS: Final = 0.005
"""How long the first question waits for others: the timers of jobs that look at the same moment differ by less."""
TOGETHER: Final = 32
"""The most questions in one transaction."""

_Question = Callable[[sa.Connection], Any]


async def look(
    storage: Storage, question: Callable[Concatenate[sa.Connection, P], R], *args: P.args, **kwargs: P.kwargs
) -> R:
    """What ``question`` answers, which writes nothing: as :meth:`Storage.read`, together with what others ask now.

    It takes up to :data:`GATHER_SECONDS` longer. A question that fails fails by itself, with the same error as there.
    """
    answer: R = await _gathered(storage).put(lambda conn: question(conn, *args, **kwargs))
    return answer


def any_row(*where: sa.ColumnElement[bool]) -> HotStatement:
    """A statement that answers whether there is a row for which all of ``where`` holds."""
    return HotStatement(lambda _: sa.select(sa.exists().where(*where)))


def any_until_now(moment: sa.ColumnElement[int], *where: sa.ColumnElement[bool]) -> HotStatement:
    """A statement that answers whether ``moment`` is at :data:`NOW` or before in a row for which ``where`` holds.

    By the least one, which an index of ``moment`` has at its end. Of ``moment <= now`` PostgreSQL, which plans a
    statement that it keeps without its values, expects a third of the table, and goes through that to find one.
    """
    return HotStatement(lambda _: sa.select(least_of(moment, moment.is_not(None), *where) <= NOW))


_GATHERED: Final[WeakKeyDictionary[Storage, GroupCommit[_Question, Any]]] = WeakKeyDictionary()


def _gathered(storage: Storage) -> GroupCommit[_Question, Any]:
    """Those who look into this storage. Several groups may be under way: a question that is slow delays no other."""
    if storage not in _GATHERED:
        asked = ref(storage)  # which what it is the key of does not keep alive

        async def answer(group: Group[_Question, Any]) -> Sequence[Any]:
            await asyncio.sleep(GATHER_SECONDS)
            questions = group.take()
            database = asked()
            if database is None or all(future.done() for future in group.futures()):
                return [None] * len(questions)  # whoever asked has gone
            return await database.read(_answers, questions)

        _GATHERED[storage] = GroupCommit(answer, TOGETHER, at_once=4, most=4)
    return _GATHERED[storage]


def _answers(conn: sa.Connection, questions: Sequence[_Question]) -> list[Any]:
    return [question(conn) for question in questions]
