"""The leads with a delivery in a state: named while they are few, found by runs where an index or a sort has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from leadkeeper.connections.own import of_publisher
from leadkeeper.inbox.lists.runs import MOST_RUNS, Run, Runs, is_all
from leadkeeper.offer import OfferRef
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import by_index, least_of, one_of
from leadkeeper.storage.hot import HotStatement

if TYPE_CHECKING:
    from leadkeeper.inbox.lists.filter import LeadFilter

FEW: Final = 1_000
"""Up to this many leads in a state are found by name."""
NAMED_AT_REST: Final = 1_000
"""Up to this many connections at rest, of all publishers, are named: an index then has what waits for each of them."""
PUT_IN_ORDER: Final = 20_000
"""Up to this many deliveries in a state that no index has in the order of the leads are put in order for a page."""


@dataclass(frozen=True, slots=True)
class InState:
    """The leads in a state: the condition on them, and what finds them.

    ``named`` are all their ids, where these are few. ``runs`` hold them in the order in which they came. Where neither
    is there and they are ``many``, a page looks at a part of all leads.
    """

    which: sa.ColumnElement[bool]
    many: bool
    named: Sequence[str] | None = None
    runs: Runs | None = None


def in_state(conn: sa.Connection, filters: LeadFilter) -> InState:
    """The leads in the state that is asked for."""
    state, whose = filters.state, filters.publisher_id
    if state is None:
        return InState(sa.true(), False)
    if state == "setAside":
        which = t.FOR_A_PERSON if filters.to_decide else t.SET_ASIDE
        runs = _runs(conn, filters, which, None)
        found = _with_delivery(conn, filters, state, which, many=runs is not None)
        return found if runs is None else replace(found, runs=runs)
    if state != "attention":
        return _with_delivery(conn, filters, state, t.FOR_A_PERSON if filters.to_decide else sa.true())
    held = _with_delivery(conn, filters, "held", sa.true())
    in_order = t.READY & _over(conn, True, whose) if held.named or held.runs else None
    findable = held.runs is not None or not held.many
    runs = _runs(conn, filters, t.FOR_A_PERSON, in_order) if findable else None
    aside = _with_delivery(conn, filters, "setAside", t.FOR_A_PERSON, many=runs is not None)
    named = None if held.named is None or aside.named is None else [*held.named, *aside.named]
    return InState(held.which | aside.which, held.many or aside.many, named, runs)


def _runs(
    conn: sa.Connection, filters: LeadFilter, which: sa.ColumnElement[bool], few: sa.ColumnElement[bool] | None
) -> Runs | None:
    """A run for each connection over which deliveries of ``which`` were set aside, and one of ``few`` others to sort.

    ``None`` where these are more than are merged.
    """
    d = t.delivery.c
    over = _with_any(conn, which, filters.publisher_id)
    if len(over) > MOST_RUNS:
        return None
    runs: list[Run] = [(d.connection_id == each, which) for each in over]
    if few is not None:
        runs.append((few,))
    return Runs(d.lead_id, runs, is_all(filters, "state"), overlapping=True)


def _with_any(conn: sa.Connection, which: sa.ColumnElement[bool], publisher_id: str | None) -> Sequence[str]:
    """The connections with deliveries of ``which``, up to one more than are merged: a step in an index for each."""
    c, d = t.connection.c, t.delivery.c
    if publisher_id is not None:
        some = sa.exists().where(d.connection_id == c.id, which)
        query = sa.select(c.id).where(of_publisher(conn, publisher_id), some)
        return conn.scalars(query.limit(MOST_RUNS + 1)).all()
    first = sa.select(least_of(d.connection_id, which).label("id"))
    chain = first.cte("chain", recursive=True)
    following = least_of(d.connection_id, which, d.connection_id > chain.c.id)
    chain = chain.union_all(sa.select(following).where(chain.c.id.is_not(None)))
    return conn.scalars(sa.select(chain.c.id).where(chain.c.id.is_not(None)).limit(MOST_RUNS + 1)).all()


def tabs(
    conn: sa.Connection, publisher_id: str | None, offer_id: str | None
) -> dict[str, Sequence[sa.ColumnElement[bool]]]:
    """The deliveries that each tab of the list counts, any of these; of one offer only its own connections' ones."""
    if publisher_id is None:
        return tabs_over(*(_over(conn, rest, None) for rest in (True, False, None)))
    c = t.connection.c
    whose = (
        of_publisher(conn, publisher_id) if offer_id is None else c.offer_ref == str(OfferRef(publisher_id, offer_id))
    )
    own = conn.execute(sa.select(c.id, t.AT_REST.label("rests")).where(whose)).all()
    at_rest, at_work = [each.id for each in own if each.rests], [each.id for each in own if not each.rests]
    return tabs_over(*(_over_these(conn, each) for each in (at_rest, at_work, [*at_rest, *at_work])))


def tabs_over(
    rests: sa.ColumnElement[bool], works: sa.ColumnElement[bool], aside: sa.ColumnElement[bool]
) -> dict[str, Sequence[sa.ColumnElement[bool]]]:
    """The same, given which deliveries are over connections at rest, over others, and over any."""
    held = t.READY & rests
    return {
        "attention": (held, t.FOR_A_PERSON & aside),
        "waiting": (_ready("waiting") & works,),
        "held": (held,),
        "setAside": (t.SET_ASIDE & aside,),
    }


def _with_delivery(
    conn: sa.Connection, filters: LeadFilter, state: str, which: sa.ColumnElement[bool], *, many: bool = False
) -> InState:
    """The leads with a delivery of ``which`` in ``state``.

    They are named while they are few, so that nobody looks through all leads, and put in order while they are not very
    many; neither where it is known that something better finds ``many``. Of one publisher only its own connections are
    looked at, of which the indexes know what is in each state.
    """
    d, there, runs = t.delivery.c, None, None
    if state in _SHOWN:
        indexed, at_rest = _SHOWN[state]
        there = indexed & which & _over(conn, at_rest, filters.publisher_id)
        few = [] if many else conn.scalars(sa.select(d.lead_id).where(there).limit(FEW + 1)).all()
        if not many and len(few) <= FEW:
            return InState(one_of(conn, t.lead.c.id, few), False, named=few)
        if not many and conn.scalar(sa.select(d.id).where(there).offset(PUT_IN_ORDER).limit(1)) is None:
            runs = Runs(d.lead_id, [(there,)], is_all(filters, "state"), overlapping=True)
    # One of each lead, not `EXISTS`: that PostgreSQL may begin with all deliveries in the state. A case, since SQLite
    # would look for the lead among all that its index of the state has over these connections.
    is_there = d.state == state if there is None else sa.case((there, sa.true()), else_=sa.false())
    has = sa.select(d.id).where(d.lead_id == t.lead.c.id, is_there).limit(1)
    return InState(has.correlate(t.lead).scalar_subquery().is_not(None), True, runs=runs)


def _over(conn: sa.Connection, at_rest: bool | None, publisher_id: str | None) -> sa.ColumnElement[bool]:
    """Deliveries over connections that are at rest, or are not; those of one publisher, or of all."""
    c = t.connection.c
    if publisher_id is not None:
        those = sa.true() if at_rest is None else t.AT_REST if at_rest else sa.not_(t.AT_REST)
        return _over_these(conn, conn.scalars(sa.select(c.id).where(of_publisher(conn, publisher_id), those)).all())
    if at_rest is None:
        return sa.true()
    named, over = named_at_rest(conn), t.delivery.c.connection_id
    rests = one_of(conn, over, named) if named is not None else over.in_(sa.select(c.id).where(t.AT_REST))
    rests = by_index(conn.dialect.name, rests)
    return rests if at_rest else sa.not_(rests)


def _over_these(conn: sa.Connection, connection_ids: Sequence[str]) -> sa.ColumnElement[bool]:
    return by_index(conn.dialect.name, t.delivery.c.connection_id.in_(connection_ids))


def named_at_rest(conn: sa.Connection) -> list[str] | None:
    """The connections at rest, of all publishers; ``None`` where these are more than are named."""
    found = [row.id for row in _AT_REST.rows(conn, {})]
    return found if len(found) <= NAMED_AT_REST else None


_AT_REST: Final = HotStatement(lambda _: sa.select(t.connection.c.id).where(t.AT_REST).limit(NAMED_AT_REST + 1))


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
