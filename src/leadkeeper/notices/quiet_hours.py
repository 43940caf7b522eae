"""When people want to be written to, as they chose it on the page of their account."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from leadkeeper.notices.quiet import Quiet, due_at, read_quiet, wrong_fields
from leadkeeper.problem import FieldError, Problem, ProblemType
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage
from leadkeeper.texts import lazy_gettext as _


class QuietHours:
    """What each person chose; nobody else changes it."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def of(self, person_id: str) -> Quiet:
        """What a person chose."""
        query = sa.select(t.person.c.quiet).where(t.person.c.id == person_id)
        return read_quiet(await self._storage.read(lambda conn: conn.scalar(query)))

    async def choose(self, person_id: str, quiet: Quiet) -> None:
        """A person wants to be written to so. Raises :class:`Problem` for what is no time of day or no time zone."""
        wrong = wrong_fields(quiet)
        if wrong:
            words = {"zone": _("Choose a time zone of the list, such as Europe/Lisbon.")}
            time = _("Enter a time of day, such as 22:00.")
            errors = tuple(FieldError(name, words.get(name, time)) for name in wrong)
            raise Problem(ProblemType.INVALID_REQUEST, errors[0].message, errors)
        this = sa.update(t.person).where(t.person.c.id == person_id).values(quiet=quiet.to_text())
        await self._storage.write(lambda conn: conn.execute(this) and None)


def waits_for(conn: sa.Connection, address: str, now: int, *, urgent: bool) -> dict[str, Any]:
    """The columns of a mail to ``address`` that say when it goes out, and whether with others."""
    quiet = read_quiet(conn.scalar(sa.select(t.person.c.quiet).where(t.person.c.email == address)))
    return {"due_at": due_at(quiet, now, urgent=urgent), "digest": quiet.digest and not urgent}
