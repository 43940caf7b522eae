"""Follow-up, written: a lead's state, its owner, and notes on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.access.audit import note
from leadkeeper.clock import Clock, new_id, now_ms
from leadkeeper.inbox.follow_up.state import (
    LONGEST_NOTE,
    LONGEST_REASON,
    NEEDS_REASON,
    STATES,
    due_of,
    is_followed,
    touched,
)
from leadkeeper.problem import FieldError, Problem, ProblemType
from leadkeeper.storage import tables as t
from leadkeeper.storage.conflicts import insert_into
from leadkeeper.storage.engine import Storage
from leadkeeper.texts import lazy_gettext as _


@dataclass(frozen=True, slots=True)
class Change:
    """What is to become of a follow-up; ``None`` leaves it as it is, and a reason stays with its state.

    ``owner_id`` is a member's, empty for nobody.
    """

    state: str | None = None
    reason: str | None = None
    owner_id: str | None = None
    note: str = ""


class FollowUps:
    """Changes how leads are followed up. ``by`` is who does so, as the audit writes it."""

    def __init__(self, storage: Storage, clock: Clock = now_ms) -> None:
        self._storage = storage
        self._clock = clock

    async def change(self, lead_id: str, change: Change, *, by: str, publisher_id: str | None) -> None:
        """Change one lead's follow-up, one of ``publisher_id`` where a publisher is named.

        Raises :class:`Problem` for a lead that is not there, for one that nobody is to follow up, for a state that
        there is none of, one that needs a reason and has none, and for an owner who may not work on it.
        """
        await self._storage.write(change_follow_up, lead_id, change, self._clock(), by, publisher_id)


@dataclass(frozen=True, slots=True)
class Planned:
    """What a change makes of one lead's follow-up: its columns ``before`` and ``after``, and whose lead it is."""

    publisher_id: str
    before: dict[str, Any]
    after: dict[str, Any]


def plan_follow_up(
    conn: sa.Connection, lead_id: str, change: Change, now: int, publisher_id: str | None, *, locked: bool = False
) -> Planned:
    """What ``change`` would make of it, written nowhere. Raises as :meth:`FollowUps.change` does.

    ``locked``: nobody else changes it, or removes its personal data, until the transaction ends. Whoever locks several
    leads in one transaction does so in the order of their ids.
    """
    lead = _lead(conn, lead_id, publisher_id, locked=locked)
    row = conn.execute(sa.select(t.follow_up).where(t.follow_up.c.lead_id == lead_id)).first()
    was = {"state": "new", "reason": "", "owner_id": None, "due_at": due_of(lead.created_at), "touched_at": None}
    before: dict[str, Any] = was if row is None else {name: getattr(row, name) for name in was}
    return Planned(lead.publisher_id, before, _after(conn, lead.publisher_id, before, change, now))


def change_follow_up(
    conn: sa.Connection, lead_id: str, change: Change, now: int, by: str, publisher_id: str | None
) -> bool:
    """Change it in the caller's transaction; whether anything is otherwise now. Raises before it writes anything."""
    planned = plan_follow_up(conn, lead_id, change, now, publisher_id, locked=True)
    before, after = planned.before, planned.after
    if after != before:
        values = after | {"publisher_id": planned.publisher_id, "changed_at": now}
        insert = insert_into(conn, t.follow_up)
        key = [t.follow_up.c.lead_id]
        conn.execute(insert.values(lead_id=lead_id, **values).on_conflict_do_update(index_elements=key, set_=values))
    changed = [name for name in ("state", "owner_id") if after[name] != before[name]]
    if "state" in changed or after["reason"] != before["reason"]:
        record_event(conn, lead_id, now, by, "state", f"{after['state']} {after['reason']}".strip())
    if "owner_id" in changed:
        record_event(conn, lead_id, now, by, "owner", _name_of(conn, after["owner_id"]))
    if change.note.strip():
        record_event(conn, lead_id, now, by, "note", change.note.strip())
        changed.append("note")
    if changed:
        note(conn, now, by, "lead.followUp", lead_id, ", ".join(changed), publisher_id=planned.publisher_id)
    return after != before or bool(changed)


def _lead(conn: sa.Connection, lead_id: str, publisher_id: str | None, *, locked: bool) -> sa.Row[Any]:
    c = t.lead.c
    columns = (c.publisher_id, c.created_at, c.action, c.test, c.withheld, c.preview, c.expired_at)
    query: sa.Select[Any] = sa.select(*columns).where(c.id == lead_id)
    if publisher_id is not None:
        query = query.where(c.publisher_id == publisher_id)
    if locked:
        # The lead's row, for a follow-up that nobody has changed yet has none that could be locked.
        query = query.with_for_update(key_share=True)
    row = conn.execute(query).first()
    if row is None:
        raise Problem(ProblemType.NOT_FOUND, _("There is no lead %(lead)s.", lead=lead_id))
    followed = is_followed(action=row.action, test=row.test, withheld=row.withheld, preview=row.preview)
    if row.expired_at is not None or not followed:
        raise Problem(ProblemType.INVALID_REQUEST, _("Nobody follows this lead up: there is no customer to turn to."))
    return row


def _after(conn: sa.Connection, publisher_id: str, before: dict[str, Any], change: Change, now: int) -> dict[str, Any]:
    after = dict(before)
    if change.state is not None:
        if change.state not in STATES:
            raise _wrong("state", _("Choose one of these."))
        kept = before["reason"] if change.state == before["state"] else ""
        reason = kept if change.reason is None else change.reason.strip()[:LONGEST_REASON]
        if change.state in NEEDS_REASON and not reason:
            raise _wrong("reason", _("Say why: others learn from it."))
        after |= {"state": change.state, "reason": reason}
        after["touched_at"] = touched(before["touched_at"], was=before["state"], becomes=change.state, now=now)
    if change.owner_id is not None:
        owner = change.owner_id or None
        if owner is not None and owner != before["owner_id"] and not _may_own(conn, publisher_id, owner):
            raise _wrong("owner", _("Choose somebody who may work on leads of this publisher."))
        after["owner_id"] = owner
    if len(change.note) > LONGEST_NOTE:
        raise _wrong("note", _("At most %(most)s characters.", most=LONGEST_NOTE))
    return after


def _wrong(field: str, message: str) -> Problem:
    return Problem(ProblemType.INVALID_REQUEST, message, (FieldError(field, message),))


WORKERS: Final = ("owner", "contributor")
"""The roles of members who may own leads."""


def _may_own(conn: sa.Connection, publisher_id: str, person_id: str) -> bool:
    m, p = t.membership.c, t.person.c
    member = sa.select(m.person_id).join(t.person, p.id == m.person_id)
    member = member.where(m.publisher_id == publisher_id, m.person_id == person_id, m.role.in_(WORKERS))
    return conn.scalar(member.where(p.disabled_at.is_(None))) is not None


def _name_of(conn: sa.Connection, person_id: str | None) -> str:
    if person_id is None:
        return ""
    return conn.scalar(sa.select(t.person.c.name).where(t.person.c.id == person_id)) or ""


def record_event(conn: sa.Connection, lead_id: str, now: int, by: str, kind: str, text: str = "") -> None:
    """Write down, in the transaction of the act itself, what somebody did to a lead."""
    values = {"id": new_id(), "lead_id": lead_id, "at": now, "by": by, "kind": kind, "text": text}
    conn.execute(sa.insert(t.lead_event).values(values))
