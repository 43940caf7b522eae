"""Follow-up out of a table: first what each line would change, then the changes themselves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.clock import Clock, now_ms
from leadkeeper.inbox.follow_up.follow_ups import WORKERS, Change, change_follow_up, plan_follow_up
from leadkeeper.inbox.follow_up.table import NOBODY, Row, RowError
from leadkeeper.problem import Problem
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage, one_of
from leadkeeper.texts import lazy_gettext as _

AT_ONCE: Final = 100
"""How many lines are looked at in one transaction."""


@dataclass(frozen=True, slots=True)
class PlannedLine:
    """What one line changes: the follow-up's columns before and after, the owner by name."""

    row: Row
    before: Mapping[str, str]
    after: Mapping[str, str]


class FollowUpUploads:
    """``by`` is who uploads, as the audit writes it; only leads of ``publisher_id`` are touched, where one is named."""

    def __init__(self, storage: Storage, clock: Clock = now_ms) -> None:
        self._storage = storage
        self._clock = clock

    async def plan(self, rows: Sequence[Row], *, publisher_id: str | None) -> tuple[list[PlannedLine], list[RowError]]:
        """What the lines would change, those that change nothing left out; and what is wrong with which line."""
        planned, errors = list[PlannedLine](), list[RowError]()
        for at in range(0, len(rows), AT_ONCE):
            found = await self._storage.read(_plan, rows[at : at + AT_ONCE], self._clock(), publisher_id)
            planned += found[0]
            errors += found[1]
        return planned, errors

    async def apply(self, rows: Sequence[Row], *, by: str, publisher_id: str | None) -> tuple[int, list[RowError]]:
        """How many leads were changed, each in a transaction of its own; and which line could not be."""
        count, errors = 0, list[RowError]()
        for row in rows:
            changed, wrong = await self._storage.write(_apply, row, self._clock(), by, publisher_id)
            count += changed
            errors += wrong
        return count, errors


@dataclass(frozen=True, slots=True)
class _Owners:
    """By lead, in lower case: by name and address who may own it, several where names are alike; and who does."""

    may: Mapping[str, Mapping[str, Sequence[str]]]
    now: Mapping[str, str]


def _plan(
    conn: sa.Connection, rows: Sequence[Row], now: int, publisher_id: str | None
) -> tuple[list[PlannedLine], list[RowError]]:
    owners = _owners(conn, [row.lead_id for row in rows])
    planned, errors = list[PlannedLine](), list[RowError]()
    for row in rows:
        try:
            change = _change(row, owners)
            found = plan_follow_up(conn, row.lead_id, change, now, publisher_id)
        except Problem as problem:
            errors.append(_error(row, problem))
            continue
        if found.after != found.before:
            planned.append(PlannedLine(row, _shown(conn, found.before), _shown(conn, found.after)))
    return planned, errors


def _apply(
    conn: sa.Connection, row: Row, now: int, by: str, publisher_id: str | None
) -> tuple[bool, Sequence[RowError]]:
    try:
        change = _change(row, _owners(conn, [row.lead_id]))
        return change_follow_up(conn, row.lead_id, change, now, by, publisher_id), ()
    except Problem as problem:
        return False, (_error(row, problem),)


def _owners(conn: sa.Connection, lead_ids: Sequence[str]) -> _Owners:
    c, f, m, p = t.lead.c, t.follow_up.c, t.membership.c, t.person.c
    query = sa.select(c.id, c.publisher_id).where(one_of(conn, c.id, lead_ids))
    publishers = {row.id: row.publisher_id for row in conn.execute(query)}
    who = sa.select(m.publisher_id, p.id, p.name, p.email).join(t.person, p.id == m.person_id)
    who = who.where(one_of(conn, m.publisher_id, sorted(set(publishers.values()))))
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for row in conn.execute(who.where(m.role.in_(WORKERS), p.disabled_at.is_(None))):
        for name in {row.name.strip().casefold(), row.email.casefold()}:
            found[row.publisher_id][name].append(row.id)
    own = sa.select(f.lead_id, p.name).join(t.person, p.id == f.owner_id).where(one_of(conn, f.lead_id, lead_ids))
    now = {row.lead_id: row.name.strip().casefold() for row in conn.execute(own)}
    return _Owners({lead_id: found[whose] for lead_id, whose in publishers.items()}, now)


def _change(row: Row, owners: _Owners) -> Change:
    """The change that a line asks for; an owner whom nobody knows stays as it is written, and is refused as such.

    The owner that the lead has may have left meanwhile, and stays.
    """
    if row.owner == NOBODY:
        return Change(row.state, row.reason, "")
    if row.owner is None or row.owner.casefold() == owners.now.get(row.lead_id):
        return Change(row.state, row.reason)
    those = owners.may.get(row.lead_id, {}).get(row.owner.casefold(), ())
    return Change(row.state, row.reason, those[0] if len(those) == 1 else row.owner)


def _shown(conn: sa.Connection, values: Mapping[str, Any]) -> dict[str, str]:
    owner = values["owner_id"]
    name = "" if owner is None else conn.scalar(sa.select(t.person.c.name).where(t.person.c.id == owner)) or ""
    return {"state": values["state"], "reason": values["reason"], "owner": name}


def _error(row: Row, problem: Problem) -> RowError:
    """What a problem says of a line. A lead of another publisher's is told of as one that is not there."""
    if not problem.errors:
        return RowError(row.number, "id", problem.detail)
    field = problem.errors[0]
    if field.field != "owner":
        return RowError(row.number, field.field, field.message)
    message = _(
        "Nobody of this name may work on leads of this publisher, or several have it. Write the e-mail address of one "
        "member, or a dash for nobody."
    )
    return RowError(row.number, "owner", message)
