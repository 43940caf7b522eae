"""The leads with a delivery in a state, found by the state's partial index while they are few."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import sqlalchemy as sa

from leadkeeper.connections.own import of_publisher
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import one_of

FEW: Final = 5_000
"""Up to this many leads in a state are found by name."""


def in_state(
    conn: sa.Connection, state: str | None, publisher_id: str | None, *, to_decide: bool
) -> tuple[sa.ColumnElement[bool], bool]:
    """The leads in the state that is asked for, and whether they may be so many that a page looks at a part of all."""
    if state is None:
        return sa.true(), False
    if state != "attention":
        which = t.FOR_A_PERSON if to_decide else sa.true()
        return _with_delivery(conn, state, publisher_id, which)
    held, many_held = _with_delivery(conn, "held", publisher_id, sa.true())
    aside, many_aside = _with_delivery(conn, "setAside", publisher_id, t.FOR_A_PERSON)
    return held | aside, many_held or many_aside


def tabs(conn: sa.Connection, publisher_id: str | None) -> dict[str, sa.ColumnElement[bool]]:
    """The deliveries that each tab of the list counts."""
    held = t.READY & _over(conn, True, publisher_id)
    aside = _over(conn, None, publisher_id)
    return {
        "attention": held | (t.FOR_A_PERSON & aside),
        "waiting": _ready("waiting") & _over(conn, False, publisher_id),
        "held": held,
        "setAside": t.SET_ASIDE & aside,
    }


def _with_delivery(
    conn: sa.Connection, state: str, publisher_id: str | None, which: sa.ColumnElement[bool]
) -> tuple[sa.ColumnElement[bool], bool]:
    """The leads with a delivery of ``which`` in ``state``; and whether they are many, or nobody knows.

    They are named while they are few, so that nobody looks through all leads.
    Of one publisher only its own connections are looked at, of which the indexes know what is in each state.
    """
    d = t.delivery.c
    there = None
    if state in _SHOWN:
        indexed, at_rest = _SHOWN[state]
        there = indexed & which & _over(conn, at_rest, publisher_id)
        few = conn.scalars(sa.select(d.lead_id).where(there).limit(FEW + 1)).all()
        if len(few) <= FEW:
            return one_of(conn, t.lead.c.id, few), False
    # One of each lead, not `EXISTS`: that PostgreSQL may begin with all deliveries in the state.
    has = sa.select(d.id).where(d.lead_id == t.lead.c.id, d.state == state if there is None else there).limit(1)
    return has.correlate(t.lead).scalar_subquery().is_not(None), True


def _over(conn: sa.Connection, at_rest: bool | None, publisher_id: str | None) -> sa.ColumnElement[bool]:
    """Deliveries over connections that are at rest, or are not; those of one publisher, or of all."""
    c = t.connection.c
    those = sa.true() if at_rest is None else t.AT_REST if at_rest else sa.not_(t.AT_REST)
    if publisher_id is not None:
        own = conn.scalars(sa.select(c.id).where(of_publisher(conn, publisher_id), those)).all()
        return t.delivery.c.connection_id.in_(own)
    return sa.true() if at_rest is None else t.delivery.c.connection_id.in_(sa.select(c.id).where(those))


def _ready(state: str) -> sa.ColumnElement[bool]:
    return t.READY & (t.delivery.c.state == sa.literal_column(f"'{state}'"))


_SHOWN: Final[Mapping[str, tuple[sa.ColumnElement[bool], bool | None]]] = {
    "held": (t.READY, True),
    "pending": (_ready("pending"), False),
    "waiting": (_ready("waiting"), False),
    "sending": (t.SENDING, None),
    "setAside": (t.SET_ASIDE, None),
    "unconfirmed": (t.UNCONFIRMED, None),
    "withheld": (t.WITHHELD, None),
}
"""The states that have a partial index, as they are shown, and whether their connections are at rest."""
