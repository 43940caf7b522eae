"""New settings of a published offer's connection: kept beside those in effect until a test lead arrives with them.

Customers act on a published offer at any moment, so settings that nobody has tried must not take the place of settings
that work. What is broken has nothing to lose: its repair takes effect at once. All SQL, within others' transactions.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.connections.expiry import ends_ms
from leadkeeper.connections.health import OPEN_AFTER
from leadkeeper.connections.resource import Stored
from leadkeeper.offer import OfferRef
from leadkeeper.shares import Shares, pick
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import listed, one_of
from leadkeeper.storage.looks import any_until_now

UNASKED: Final = 2_000
"""How long (ms) after it was made a change is validated without being asked."""
TAKEN: Final = 120_000
"""How long (ms) a validation keeps others off; should its process vanish, another one follows then."""
NEVER: Final = 2**62
_QUIET: Final = frozenset({"contactEmail", "notice", "secretExpires"})
"""Settings that change nothing about where leads go."""


@dataclass(frozen=True, slots=True)
class SettingsChange:
    """Settings that wait to be proven. ``sealed`` is their secrets as they are stored, different for every change."""

    stored: Stored
    sealed: str
    changed_at: int
    diagnosis: str | None


def is_guarded(conn: sa.Connection, offer: OfferRef, connection_id: str) -> bool:
    """Whether the connection works and customers rely on it: its offer is published, live, and it is not broken."""
    c, o = t.connection.c, t.offer.c
    works = c.tried & sa.not_(c.paused) & c.test_diagnosis.is_(None) & c.removed_at.is_(None)
    works &= (c.failures < OPEN_AFTER) & (c.notified_at.is_(None) | c.works_since.is_not(None))  # as state_of says
    query = sa.select(sa.literal(1)).join(t.offer, o.ref == c.offer_ref)
    return bool(conn.scalar(query.where(c.id == connection_id, works, o.live, o.production_version.is_not(None))))


def same_line(one: Stored, other: Stored) -> bool:
    """Whether both lead to the same place in the same way; who is told of it does not matter."""
    return (one.destination, _line(one.settings), dict(one.secrets)) == (
        other.destination,
        _line(other.settings),
        dict(other.secrets),
    )


def same_place(one: Stored, other: Stored) -> bool:
    """Whether what is known of ``one`` holds for ``other``: where leads go by mail, its addresses are the place."""
    if not same_line(one, other):
        return False
    return one.destination != "email" or set(other.contacts) <= set(one.contacts)


def _line(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if name not in _QUIET}


def change_summary(before: Stored | None, after: Stored) -> str:
    """What a change led to, as the audit tells it: destinations and the names of settings, never their values."""
    if before is None:
        return f"{after.destination}; new"
    moved = before.destination != after.destination
    destination = f"{before.destination} -> {after.destination}" if moved else after.destination
    old, new = ({**each.settings, **each.secrets} for each in (before, after))
    names = sorted(name for name in {*old, *new} if old.get(name) != new.get(name))
    return f"{destination}; changed: {', '.join(names)}" if names else f"{destination}; nothing changed"


def keep_change(conn: sa.Connection, connection_id: str, stored: Stored, sealed: str, now: int) -> None:
    """Keep new settings, instead of any that wait already."""
    drop_change(conn, connection_id)
    conn.execute(
        sa.insert(t.connection_change).values(
            connection_id=connection_id,
            destination=stored.destination,
            settings=json.dumps(dict(stored.settings)),
            secrets=sealed,
            repeatable=stored.repeatable,
            announces=stored.announces,
            changed_at=now,
            due_at=now + UNASKED,
        )
    )


def drop_change(conn: sa.Connection, connection_id: str) -> bool:
    """Forget settings that wait; false if none do."""
    those = t.connection_change.c.connection_id == connection_id
    return bool(conn.execute(sa.delete(t.connection_change).where(those)).rowcount)


def change_rows(conn: sa.Connection, connection_ids: list[str]) -> Mapping[str, sa.Row[Any]]:
    """The rows of the changes that wait, by connection."""
    if not connection_ids:
        return {}
    rows = conn.execute(_changes_of(conn.dialect.name), {"connections": connection_ids})
    return {row.connection_id: row for row in rows}


@functools.cache
def _changes_of(dialect: str) -> sa.Select[Any]:
    x = t.connection_change
    return sa.select(x).where(listed(dialect, x.c.connection_id, "connections"))


def take_change(conn: sa.Connection, connection_id: str, change: SettingsChange, now: int) -> None:
    """Keep others from validating the change meanwhile."""
    conn.execute(sa.update(t.connection_change).where(*_this(connection_id, change)).values(due_at=now + TAKEN))


def refuse_change(conn: sa.Connection, connection_id: str, change: SettingsChange, diagnosis: str) -> bool:
    """Write down why the change failed its validation; it waits for a person. False if it is another one by now."""
    values = {"diagnosis": diagnosis, "due_at": NEVER}
    return bool(
        conn.execute(sa.update(t.connection_change).where(*_this(connection_id, change)).values(values)).rowcount
    )


def leave_to_a_person(conn: sa.Connection, connection_id: str, change: SettingsChange) -> bool:
    """The change waits until somebody says that its test lead was found. False if it is another one by now."""
    values = {"diagnosis": None, "due_at": NEVER}
    return bool(
        conn.execute(sa.update(t.connection_change).where(*_this(connection_id, change)).values(values)).rowcount
    )


def promote_change(conn: sa.Connection, connection_id: str, change: SettingsChange, now: int, check_at: int) -> bool:
    """Put the change into effect, if it is still the one that was proven."""
    if not conn.execute(sa.delete(t.connection_change).where(*_this(connection_id, change))).rowcount:
        return False
    values = {
        "destination": change.stored.destination,
        "settings": json.dumps(dict(change.stored.settings)),
        "secrets": change.sealed,
        "repeatable": change.stored.repeatable,
        "announces": change.stored.announces,
        "changed_at": now,
        "settings_since": now,
        "check_at": check_at,
        "ends_at": ends_ms(change.stored),
    }
    conn.execute(sa.update(t.connection).where(t.connection.c.id == connection_id).values(values))
    return True


def _this(connection_id: str, change: SettingsChange) -> tuple[sa.ColumnElement[bool], ...]:
    c = t.connection_change.c
    return (c.connection_id == connection_id, c.secrets == change.sealed)


def take_unasked(conn: sa.Connection, shares: Shares, now: int) -> list[tuple[OfferRef, str]]:
    """Changes that nobody has validated yet: the offers and names of their connections, kept from others meanwhile.

    As many of each publisher as ``shares`` have room for.
    """
    x, c, o = t.connection_change.c, t.connection.c, t.offer.c
    query: sa.Select[Any] = (
        sa.select(x.connection_id, c.offer_ref, c.name, o.publisher_id)
        .join(t.connection, c.id == x.connection_id)
        .join(t.offer, o.ref == c.offer_ref)
        .where(x.due_at <= now)
        .order_by(x.due_at)
        .with_for_update(of=t.connection_change, skip_locked=True)
    )

    def offered(without: Collection[str], most: int) -> Sequence[sa.Row[Any]]:
        others = query.where(sa.not_(one_of(conn, o.publisher_id, without))) if without else query
        return conn.execute(others.limit(most)).all()

    rows = pick(shares, offered, lambda row: str(row.publisher_id), lambda row: str(row.connection_id))
    for row in rows:
        conn.execute(
            sa.update(t.connection_change).where(x.connection_id == row.connection_id).values(due_at=now + TAKEN)
        )
    return [(OfferRef.parse(row.offer_ref), row.name) for row in rows]


def any_unasked(conn: sa.Connection, now: int) -> bool:
    """Whether :func:`take_unasked` would find one."""
    return bool(_ANY_UNASKED.scalar(conn, {"now": now}))


_ANY_UNASKED: Final = any_until_now(t.connection_change.c.due_at)
