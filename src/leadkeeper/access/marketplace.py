"""The marketplace's name: that of the setting, else what was entered on a page, else “Marketplace”.

It is entered together with the marketplace's looks: see ``publishing/branding.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa

from leadkeeper.access.audit import note
from leadkeeper.access.operator_addresses import OperatorAddresses
from leadkeeper.clock import Clock, now_ms
from leadkeeper.periodic import Job, run_periodically
from leadkeeper.problem import FieldError, Problem, ProblemType
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage
from leadkeeper.texts import lazy_gettext as _

UNNAMED: Final = "Marketplace"
NAME_FIELD: Final = "name"
LONGEST: Final = 80
LOOK_SECONDS: Final = 30.0
"""How soon the other processes of an installation call it by a new name."""
NAME: Final = "marketplaceName"
"""Where it is kept."""


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
        query = sa.select(t.installation.c.value).where(t.installation.c.name == NAME)
        self._entered = await self._storage.read(lambda conn: conn.scalar(query) or "")

    async def run(self) -> None:
        """Look again and again until cancelled."""
        await run_periodically(Job("marketplace name", self.look, LOOK_SECONDS, at_once=False))

    def write(self, conn: sa.Connection, name: str, now: int, *, by: str) -> None:
        """Within a transaction: it is called so from now on, unless a setting names it; :meth:`entered` when it ended.

        Raises :class:`Problem` for what is no name: see :func:`parse_name`.
        """
        message = parse_name(name)
        conn.execute(sa.delete(t.installation).where(t.installation.c.name == NAME))
        conn.execute(sa.insert(t.installation).values(name=NAME, value=message, changed_at=now))
        note(conn, now, by, "marketplace.name", "*", message)

    def entered(self, name: str) -> None:
        """What was written is committed: this process calls it so at once."""
        self._entered = parse_name(name)


def parse_name(text: str) -> str:
    """``text`` with single spaces. Raises :class:`Problem` unless it has 1 to :data:`LONGEST` printable characters."""
    name = " ".join(text.split())
    if not name or len(name) > LONGEST or not name.isprintable():
        message = _("Enter a name of at most %(most)s characters that can be seen.", most=LONGEST)
        raise Problem(ProblemType.INVALID_REQUEST, message, (FieldError(NAME_FIELD, message),))
    return name
