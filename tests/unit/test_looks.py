"""Looks into the database that are asked at the same moment share a transaction, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest
import sqlalchemy as sa

from leadkeeper.storage.engine import Storage, StorageAway
from leadkeeper.storage.looks import look


class Reading:
    """A storage that counts its transactions."""

    def __init__(self) -> None:
        self.transactions = 0
        self.away = False

    async def read(self, transaction: Callable[..., Any], *args: Any) -> Any:
        self.transactions += 1
        if self.away:
            raise StorageAway("away")
        return transaction(cast("sa.Connection", None), *args)


def number(_: sa.Connection, value: int) -> int:
    return value


def fails(_: sa.Connection) -> int:
    raise ValueError("of its own")


async def test_those_that_are_asked_at_the_same_moment_share_a_transaction_and_hear_their_own_answers() -> None:
    storage = Reading()
    assert await asyncio.gather(*(look(cast("Storage", storage), number, each) for each in range(8))) == [*range(8)]
    assert storage.transactions == 1
    assert await look(cast("Storage", storage), number, 9) == 9
    assert storage.transactions == 2


async def test_one_that_fails_fails_alone() -> None:
    storage = cast("Storage", Reading())
    found = await asyncio.gather(look(storage, number, 1), look(storage, fails), return_exceptions=True)
    assert found[0] == 1
    assert isinstance(found[1], ValueError)


async def test_all_hear_that_the_database_is_away() -> None:
    storage = Reading()
    storage.away = True
    asked = (look(cast("Storage", storage), number, each) for each in range(2))
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(each) for each in found] == [StorageAway, StorageAway]


async def test_for_whoever_has_gone_nothing_is_read() -> None:
    storage = Reading()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await look(cast("Storage", storage), number, 1)
    assert await look(cast("Storage", storage), number, 2) == 2
    assert storage.transactions == 1
