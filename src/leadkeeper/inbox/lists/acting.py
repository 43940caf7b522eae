"""Acting on all leads that filters choose, however many: a run that the database keeps, so that it outlasts a page.

A run goes through the leads once, from the newest that was there when it began to the oldest. Whoever works on it holds
its row by the moment at which it would be due again, and writes down how far it came in the transaction that acts: no
lead is acted on twice, and a process that dies is followed by another.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Literal

import sqlalchemy as sa
from pydantic import Field

from leadkeeper.access.audit import note
from leadkeeper.access.authority import may_still_change
from leadkeeper.access.quotas import USUAL, Quotas, quotas_of, require_room
from leadkeeper.clock import Clock, new_id, now_ms, to_text
from leadkeeper.fault import where
from leadkeeper.inbox.inbox import Inbox
from leadkeeper.inbox.lists.filter import LeadFilter
from leadkeeper.inbox.lists.selection import REASONS, BulkAct, Order, act_on_lead, require_order
from leadkeeper.logs import LazyLog
from leadkeeper.problem import FieldError, Problem, ProblemType
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage, take_turn
from leadkeeper.storage.ids import packed_id, unpacked_id
from leadkeeper.storage.looks import any_until_now
from leadkeeper.texts import ENGLISH, Language
from leadkeeper.texts import lazy_gettext as _
from leadkeeper.views import View

HOLD_MS: Final = 60_000
"""For how long a run is one process's; it holds it anew with each transaction."""
KEPT_MS: Final = 30 * 86_400_000
"""For how long it is told what a run did."""
MOST_SHOWN: Final = 20
"""So many that are under way are listed, and all operators together have at once."""

log: Final = LazyLog(__name__)


class RunLost(Exception):
    """Another process goes on with the run, or somebody stopped it: nothing was done."""


class LeftLeads(View):
    """How many leads were left as they are, wholly or in part, and why."""

    reason: str
    detail: str = Field(description="That reason in words.")
    leads: int


class BulkRunView(View):
    """How far an act on all leads that filters choose has come."""

    id: str
    act: BulkAct
    state: Literal["running", "completed", "stopped"]
    by: str = Field(description="Who asked for it, as the audit writes it.")
    started_time: str
    ended_time: str | None
    total: int | None = Field(description="How many leads fitted when it began; null where that was not known.")
    about: bool = Field(description="Whether `total` is an estimate.")
    looked: int = Field(description="How many leads it has come by.")
    changed: int = Field(description="How many of them it changed.")
    deliveries: int = Field(description="How many deliveries go out again by it.")
    left: tuple[LeftLeads, ...]


@dataclass(frozen=True, slots=True)
class HeldRun:
    """A run that this process works on. ``until`` is what stands in its row, ``after`` its last lead, if any."""

    id: str
    until: int
    after: str
    filters: LeadFilter
    order: Order
    by: str
    publisher_id: str | None


class BulkRuns:
    """The runs of one installation, for who asks for them. ``woken`` is told the connections that have work of one."""

    def __init__(
        self,
        storage: Storage,
        inbox: Inbox,
        woken: Callable[[Collection[str]], None] = lambda _: None,
        clock: Clock = now_ms,
        quotas: Quotas = USUAL,
    ) -> None:
        self.woken = woken
        self._storage = storage
        self._inbox = inbox
        self._clock = clock
        self._quotas = quotas

    def new_id(self) -> str:
        """The id of a run that is not begun yet, for a form: what is sent twice begins one."""
        return new_id()

    async def begin(self, run_id: str, filters: LeadFilter, order: Order, *, by: str, publisher_id: str | None) -> str:
        """Begin to act on all leads that fit now; answers the id of the run.

        That is another's where ``by`` has the same under way already. Nothing is begun where ``run_id`` was. Raises
        :class:`Problem` for an order that fits no lead, for what is no id, and where the publisher has as many as it
        may.
        """
        require_order(order)
        if not unpacked_id(packed_id(run_id)):
            message = _("Choose another id: a UUID that is not all zeros.")
            raise Problem(ProblemType.INVALID_REQUEST, message, (FieldError("id", message),))
        total = await self._inbox.total(filters)
        row: dict[str, Any] = {
            "id": run_id,
            "publisher_id": publisher_id,
            "by": by,
            "filters": _stored(filters),
            "after": "",
        }
        row |= {"act": json.dumps(asdict(order), sort_keys=True), "started_at": self._clock(), "due_at": self._clock()}
        row |= {"total": None if total is None else total.leads, "about": total is not None and total.about}
        row |= {"looked": 0, "changed": 0, "deliveries": 0, "left_over": "{}"}
        return await self._storage.write(_begin, row, filters, self._quotas)

    async def find(self, run_id: str, publisher_id: str | None, language: Language = ENGLISH) -> BulkRunView | None:
        """How far it is; ``None`` where there is none, or it is not ``publisher_id``'s, if a publisher is named."""
        row = await self._storage.read(_row, run_id, publisher_id)
        return None if row is None else _view(row, language)

    async def under_way(self, publisher_id: str | None, language: Language = ENGLISH) -> list[BulkRunView]:
        """Those that are not over, the newest first: of the publisher, or of operators."""
        return [_view(row, language) for row in await self._storage.read(_under_way, publisher_id)]

    async def stop(self, run_id: str, *, by: str, publisher_id: str | None) -> None:
        """Nothing more is done by it. What was done stays; to stop what is over does nothing."""
        await self._storage.write(_stop, run_id, publisher_id, by, self._clock())


def _stored(filters: LeadFilter) -> str:
    given = {name: value for name, value in asdict(filters).items() if value is not None}
    for name in ("now_ms", "sort", "oldest_first"):  # all of them, from the newest on, as they are when it begins
        given.pop(name, None)
    return json.dumps(given, sort_keys=True)


def _begin(conn: sa.Connection, row: dict[str, Any], filters: LeadFilter, usual: Quotas) -> str:
    b, publisher_id = t.bulk_run.c, row["publisher_id"]
    take_turn(conn, publisher_id or "")  # what is asked for twice at once is one run
    conn.execute(sa.delete(t.bulk_run).where(b.ended_at < row["started_at"] - KEPT_MS))
    same = [b.by == row["by"], b.filters == row["filters"], b.act == row["act"], *_under_way_of(publisher_id)]
    found: str | None = conn.scalar(sa.select(b.id).where(sa.or_(b.id == row["id"], sa.and_(*same))).limit(1))
    if found is not None:
        return found
    most = MOST_SHOWN if publisher_id is None else quotas_of(conn, publisher_id, usual).bulk_runs
    there = sa.select(sa.func.count()).select_from(t.bulk_run).where(*_under_way_of(publisher_id))
    require_room("bulk_runs", most, conn.scalar(there) or 0)
    conn.execute(sa.insert(t.bulk_run).values(row))
    names = [name for name in json.loads(row["filters"]) if name != "publisher_id"]
    detail = "; ".join([json.loads(row["act"])["act"], *names])
    whose = publisher_id or filters.publisher_id
    note(conn, row["started_at"], row["by"], "leads.actOnAll", row["id"], detail, publisher_id=whose)
    return str(row["id"])


def _row(conn: sa.Connection, run_id: str, publisher_id: str | None) -> sa.Row[Any] | None:
    b = t.bulk_run.c
    query = sa.select(t.bulk_run).where(b.id == run_id)
    if publisher_id is not None:
        query = query.where(b.publisher_id == publisher_id)
    return conn.execute(query).first()


def _under_way(conn: sa.Connection, publisher_id: str | None) -> Sequence[sa.Row[Any]]:
    query = sa.select(t.bulk_run).where(*_under_way_of(publisher_id)).order_by(t.bulk_run.c.id.desc()).limit(MOST_SHOWN)
    return conn.execute(query).all()


def _under_way_of(publisher_id: str | None) -> tuple[sa.ColumnElement[bool], ...]:
    """Those that are not over, of the publisher, or of operators."""
    whose = t.bulk_run.c.publisher_id
    return (t.BULK_RUN_UNDER_WAY, whose.is_(None) if publisher_id is None else whose == publisher_id)


def _stop(conn: sa.Connection, run_id: str, publisher_id: str | None, by: str, now: int) -> None:
    row = _row(conn, run_id, publisher_id)
    if row is None or row.ended_at is not None:
        return
    _stop_row(conn, row, by, now)


def _stop_row(conn: sa.Connection, row: sa.Row[Any], by: str, now: int) -> None:
    _end(conn, row.id, json.loads(row.act)["act"], now, stopped=True)
    whose = row.publisher_id or json.loads(row.filters).get("publisher_id")  # an operator's may be on a publisher's
    note(conn, now, by, "leads.stopActing", row.id, publisher_id=whose)


def _end(conn: sa.Connection, run_id: str, act: str, now: int, *, stopped: bool) -> None:
    """What was searched for, and the reason of a state, may name a customer: they are forgotten."""
    values = {"ended_at": now, "stopped": stopped, "filters": "{}", "act": json.dumps({"act": act})}
    conn.execute(sa.update(t.bulk_run).where(t.bulk_run.c.id == run_id).values(values))


def _view(row: sa.Row[Any], language: Language) -> BulkRunView:
    left = sorted(json.loads(row.left_over).items(), key=lambda pair: (-pair[1], pair[0]))
    return BulkRunView(
        id=row.id,
        act=json.loads(row.act)["act"],
        state="running" if row.ended_at is None else "stopped" if row.stopped else "completed",
        by=row.by,
        started_time=to_text(row.started_at),
        ended_time=None if row.ended_at is None else to_text(row.ended_at),
        total=row.total,
        about=row.about,
        looked=row.looked,
        changed=row.changed,
        deliveries=row.deliveries,
        left=tuple(LeftLeads(reason=each, detail=language.tell(REASONS[each]), leads=count) for each, count in left),
    )


def any_run_due(conn: sa.Connection, now: int) -> bool:
    """Whether a run is to be begun or gone on with."""
    return bool(_ANY_RUN_DUE.scalar(conn, {"now": now}))


_ANY_RUN_DUE: Final = any_until_now(t.bulk_run.c.due_at, t.BULK_RUN_UNDER_WAY)


def take_run(conn: sa.Connection, now: int) -> HeldRun | None:
    """The next run, held until ``now + HOLD_MS``; ``None`` where none is due, or the next one cannot be gone on with.

    Publishers take turns, however many runs each of them has, and of a publisher's comes the one that waits longest. A
    run is stopped once whoever began it may no longer do so.
    """
    row = conn.execute(_NEXT, {"now": now}).first()
    if row is None:
        return None
    if not may_still_change(conn, row.by, row.publisher_id):
        _stop_row(conn, row, _BY_ITSELF, now)
        return None
    until = max(now + HOLD_MS, row.due_at + 1)
    conn.execute(sa.update(t.bulk_run).where(t.bulk_run.c.id == row.id).values(due_at=until))
    try:
        filters = _as_it_began(LeadFilter(**json.loads(row.filters)), row.started_at)
        order = json.loads(row.act)
        act = Order(**{**order, "act": BulkAct(order["act"])})
    except (TypeError, ValueError, KeyError) as error:
        # It stays held: a process of the version that began it may be there, too.
        log.error("this version cannot read an act on many leads", run=row.id, error=where(error))
        return None
    return HeldRun(row.id, until, row.after, filters, act, row.by, row.publisher_id)


def _as_it_began(filters: LeadFilter, at: int) -> LeadFilter:
    """Of the leads that fit those that were there ``at`` that moment, whatever clock made their ids."""
    until = at + 1 if filters.until_ms is None else min(filters.until_ms, at + 1)
    return replace(filters, until_ms=until, now_ms=at)


def _next_run() -> sa.Select[Any]:
    """The publisher that was worked on longest ago is the one whose newest moment is the least."""
    b = t.bulk_run.c
    newest = sa.func.max(b.due_at).over(partition_by=b.publisher_id).label("newest")
    each = sa.select(b.id, newest).where(t.BULK_RUN_UNDER_WAY).subquery()
    query = sa.select(t.bulk_run).join(each, each.c.id == b.id)
    query = query.where(t.BULK_RUN_UNDER_WAY, b.due_at <= sa.bindparam("now", type_=sa.BigInteger))
    query = query.order_by(each.c.newest, b.due_at, b.id).limit(1)
    return query.with_for_update(of=t.bulk_run, skip_locked=True)


_NEXT: Final = _next_run()
_BY_ITSELF: Final = "leadkeeper"
"""Who did it, as the audit writes it, where nobody told it to."""


def act_on_some(conn: sa.Connection, run: HeldRun, lead_ids: Sequence[str], now: int) -> tuple[int, Collection[str]]:
    """Act on these, the next of the run; until when it is held now, and the connections that have work of it.

    Raises :class:`RunLost`.
    """
    outcomes, woken = [], set[str]()
    for lead_id in sorted(lead_ids):  # the order in which leads are locked
        outcome, some = act_on_lead(conn, lead_id, run.order, now, run.by, run.publisher_id)
        outcomes.append(outcome)
        woken |= some
    left = Counter(each.reason for each in outcomes if each.reason is not None)
    changed, deliveries = sum(each.done for each in outcomes), sum(each.deliveries for each in outcomes)
    return _go_on(conn, run, lead_ids[-1], now, left, (len(lead_ids), changed, deliveries)), woken


def pass_over(conn: sa.Connection, run: HeldRun, lead_id: str, now: int) -> int:
    """Leave a lead that cannot be acted on by our fault; until when the run is held now. Raises :class:`RunLost`."""
    return _go_on(conn, run, lead_id, now, Counter(damaged=1), (1, 0, 0))


def _go_on(
    conn: sa.Connection, run: HeldRun, after: str, now: int, left: Counter[Any], counts: tuple[int, int, int]
) -> int:
    b = t.bulk_run.c
    before = conn.scalar(sa.select(b.left_over).where(*_mine(run)).with_for_update())
    if before is None:
        raise RunLost
    until = max(now + HOLD_MS, run.until + 1)
    values: dict[str, Any] = {
        "after": after,
        "due_at": until,
        "left_over": json.dumps(Counter(json.loads(before)) + left),
    }
    for name, more in zip(("looked", "changed", "deliveries"), counts, strict=True):
        values[name] = b[name] + more
    conn.execute(sa.update(t.bulk_run).where(b.id == run.id).values(values))
    return until


def lay_down(conn: sa.Connection, run: HeldRun, after: str | None, now: int) -> None:
    """Let others have their turn before this run goes on behind ``after``; ``None`` where it is over."""
    if conn.scalar(sa.select(t.bulk_run.c.id).where(*_mine(run)).with_for_update()) is None:
        raise RunLost
    if after is None:
        _end(conn, run.id, run.order.act, now, stopped=False)
    else:
        conn.execute(sa.update(t.bulk_run).where(t.bulk_run.c.id == run.id).values(due_at=now, after=after))


def _mine(run: HeldRun) -> tuple[sa.ColumnElement[bool], ...]:
    b = t.bulk_run.c
    return (b.id == run.id, b.due_at == run.until, b.ended_at.is_(None))
