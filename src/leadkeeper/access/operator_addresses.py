"""Where operators are told of what concerns them: addresses of a setting, and those entered on a page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from pydantic_core import from_json

from leadkeeper.access.audit import note
from leadkeeper.clock import Clock, now_ms
from leadkeeper.mail.address import parse_address
from leadkeeper.problem import FieldError, Problem, ProblemType
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage
from leadkeeper.texts import lazy_gettext as _

MOST: Final = 20
"""The most addresses that a page takes."""
_NAME: Final = "operatorAddresses"


class OperatorAddresses:
    """``setting`` are the addresses that the operator's settings give, which no page can change."""

    def __init__(self, storage: Storage, setting: Sequence[str] = (), clock: Clock = now_ms) -> None:
        self._storage = storage
        self._clock = clock
        self.setting: Final = tuple(setting)

    async def entered(self) -> list[str]:
        """Those that were entered on a page."""
        return await self._storage.read(_entered)

    def all(self, conn: sa.Connection) -> list[str]:
        """All of them, in the caller's transaction; none where neither names any."""
        return [*self.setting, *_entered(conn)]

    async def enter(self, texts: Sequence[str], *, by: str) -> None:
        """These are told from now on, beside those of the setting. Raises :class:`Problem` for what is no address."""
        try:
            found = list(dict.fromkeys(parse_address(text).key for text in texts if text.strip()))
        except ValueError as error:
            raise _wrong(str(error)) from None
        if len(found) > MOST:
            raise _wrong(_("At most %(most)s addresses.", most=MOST))

        def transaction(conn: sa.Connection) -> None:
            now, i = self._clock(), t.installation.c
            conn.execute(sa.delete(t.installation).where(i.name == _NAME))
            conn.execute(sa.insert(t.installation).values(name=_NAME, value=json.dumps(found), changed_at=now))
            note(conn, now, by, "operators.addresses", "*", str(len(found)))

        await self._storage.write(transaction)


def _entered(conn: sa.Connection) -> list[str]:
    text = conn.scalar(sa.select(t.installation.c.value).where(t.installation.c.name == _NAME)) or "[]"
    try:
        found = from_json(text)
    except ValueError:
        return []
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []


def _wrong(message: str) -> Problem:
    return Problem(ProblemType.INVALID_REQUEST, message, (FieldError("addresses", message),))
