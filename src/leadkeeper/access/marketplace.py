"""The marketplace's name: that of the setting, else what was entered on a page, else “Marketplace”."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa

from leadkeeper.access.audit import note
from leadkeeper.access.operator_addresses import OperatorAddresses
from leadkeeper.clock import Clock, now_ms
from leadkeeper.periodic import Job, run_periodically
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage

UNNAMED: Final = "Marketplace"
LONGEST: Final = 80
LOOK_SECONDS: Final = 30.0
"""How soon the other processes of an installation call it by a new name."""
_NAME: Final = "marketplaceName"


class MarketplaceName:
    """Reads as the name of now (``str``): pages and mails are given this once, and always say the newest."""

    def __init__(
        self, storage: Storage, setting: str | None = None, clock: Clock = now_ms, operators: Sequence[str] = ()
    ) -> None:
        """``setting`` is the name that the operator's settings give, which no page can change.

        ``operators`` are the addresses at which these settings say that operators are told.
        """
        self._storage = storage
        self._clock = clock
        self._entered = ""
        self.setting: Final = setting
        self.operators: Final = OperatorAddresses(storage, operators, clock)

    def __str__(self) -> str:
        return self.setting or self._entered or UNNAMED

    @property
    def is_given(self) -> bool:
        """Whether somebody gave it one."""
        return bool(self.setting or self._entered)

    async def look(self) -> None:
        """Read what was entered."""
        query = sa.select(t.installation.c.value).where(t.installation.c.name == _NAME)
        self._entered = await self._storage.read(lambda conn: conn.scalar(query) or "")

    async def run(self) -> None:
        """Look again and again until cancelled."""
        await run_periodically(Job("marketplace name", self.look, LOOK_SECONDS, at_once=False))

    async def enter(self, name: str, *, by: str) -> None:
        """It is called so from now on, unless a setting names it."""
        message = " ".join(name.split())[:LONGEST]

        def transaction(conn: sa.Connection) -> None:
            now = self._clock()
            conn.execute(sa.delete(t.installation).where(t.installation.c.name == _NAME))
            conn.execute(sa.insert(t.installation).values(name=_NAME, value=message, changed_at=now))
            note(conn, now, by, "marketplace.name", "*", message)

        await self._storage.write(transaction)
        self._entered = message
