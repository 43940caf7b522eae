"""A storage whose transactions are the installation's own, on whoever's behalf the task that asks for them acts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

import sqlalchemy as sa

from leadkeeper.gate import NOBODY, on_behalf_of
from leadkeeper.storage.engine import Storage

P = ParamSpec("P")
R = TypeVar("R")


class Unshared:
    """``storage`` for what has bounds of its own, as delivery has: no publisher's turns are taken or waited for."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def write(
        self, transaction: Callable[Concatenate[sa.Connection, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Run ``transaction`` and commit it, as :meth:`Storage.write` does, out of turn."""
        with on_behalf_of(NOBODY):
            return await self._storage.write(transaction, *args, **kwargs)

    async def read(
        self, transaction: Callable[Concatenate[sa.Connection, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Run ``transaction`` without writing, as :meth:`Storage.read` does, out of turn."""
        with on_behalf_of(NOBODY):
            return await self._storage.read(transaction, *args, **kwargs)
