"""The inbox: what came in and what became of it, read only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any, Final

import sqlalchemy as sa
from pydantic import ValidationError

from leadkeeper.catalogue import from_stored
from leadkeeper.clock import to_text
from leadkeeper.delivery.schedule import Aside
from leadkeeper.diagnosis import Diagnosis, Receipt
from leadkeeper.inbox.attention.missing_records import missing_since
from leadkeeper.inbox.content import content_of
from leadkeeper.inbox.follow_up.followed import FOLLOWED, events_of
from leadkeeper.inbox.lists.filter import MOST, LeadFilter
from leadkeeper.inbox.lists.in_state import InState, in_state, tabs
from leadkeeper.inbox.lists.narrowing import FIRST_LOOKS, LOOKED, counts, fitting, is_narrow, narrowing
from leadkeeper.inbox.lists.pages import FoundLeads, page_from, shown, summaries
from leadkeeper.inbox.lists.period import within
from leadkeeper.inbox.lists.runs import Runs, runs_of
from leadkeeper.inbox.lists.searching import Among, searched
from leadkeeper.inbox.lists.sorting import SORTED, beside, cursor_of, place_of
from leadkeeper.inbox.lists.tab_counts import counts_of_all
from leadkeeper.inbox.lists.total import COUNTED_WHOLE, LeadTotal, total_of
from leadkeeper.intake.normal import normal_address
from leadkeeper.offer import OfferRef
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage, one_of
from leadkeeper.storage.evidence import evidence_of
from leadkeeper.texts import ENGLISH, Language
from leadkeeper.views import (
    AttemptView,
    ConsentView,
    DeliveryView,
    DiagnosisView,
    LeadNoteView,
    LeadPage,
    LeadView,
    ReceiptView,
)


class Inbox:
    """The leads of one installation, as people see them."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def list(
        self, filters: LeadFilter, cursor: str | None = None, limit: int = 50, *, newer: bool = False
    ) -> LeadPage:
        """Up to ``limit`` (at most :data:`MOST`) leads, newest first, older than ``cursor``, or the next ``newer``."""
        most = min(limit, MOST)
        return await self._storage.read_and_build(lambda c: _list(c, filters, cursor, most, newer=newer), page_from)

    async def counts(self, filters: LeadFilter) -> dict[str, int]:
        """How many leads of a publisher and an offer stand on each of ``narrowing.TABS``."""
        return await self._storage.read(_counts, filters)

    async def total(self, filters: LeadFilter) -> LeadTotal | None:
        """How many leads fit; ``None`` where only reading them tells, such as for a part of a name."""
        return await self._storage.read(_total, filters)

    async def same_customer(self, lead_id: str) -> LeadPage:
        """The newest other leads of the same publisher with the same e-mail address."""
        return await self._storage.read_and_build(lambda c: _same_customer(c, lead_id), page_from)

    async def get(self, lead_id: str, language: Language = ENGLISH) -> LeadView | None:
        """One lead whole, its diagnoses in ``language``, or ``None``."""
        return await self._storage.read(lead_view, lead_id, language)


# Outer joins, so that no database begins with the offers: it would go through all leads of one to find the newest.
_LEADS: Final[sa.Select[Any]] = (
    sa.select(t.lead, sa.func.coalesce(t.offer.c.title, "").label("title"), *FOLLOWED)
    .outerjoin(t.offer, (t.offer.c.publisher_id == t.lead.c.publisher_id) & (t.offer.c.id == t.lead.c.offer_id))
    .outerjoin(t.follow_up, t.follow_up.c.lead_id == t.lead.c.id)
    .outerjoin(t.person, t.person.c.id == t.follow_up.c.owner_id)
)
_DELIVERIES: Final[sa.Select[Any]] = (
    sa.select(
        t.delivery.c.id,
        t.delivery.c.lead_id,
        t.delivery.c.due_at,
        t.delivery.c.set_aside_for,
        t.connection.c.name,
        t.CONNECTION_TITLE,
        t.connection.c.destination,
        t.connection.c.diagnosis.label("cause"),
        t.SHOWN_STATE.label("shown"),
    )
    .join(t.connection, t.connection.c.id == t.delivery.c.connection_id)
    .order_by(t.delivery.c.id)
)


def _conditions(filters: LeadFilter) -> list[sa.ColumnElement[bool]]:
    c = t.lead.c
    exact = {
        c.publisher_id: filters.publisher_id,
        c.offer_id: filters.offer_id,
        c.source: filters.source,
        c.action: filters.action,
        c.email: None if filters.email is None else normal_address(filters.email).casefold(),
    }
    found: list[sa.ColumnElement[bool]] = [column == value for column, value in exact.items() if value is not None]
    if filters.ids is not None:
        found.append(c.id.in_(filters.ids[:MOST]))
    if filters.test is not None:
        found.append(c.test if filters.test else sa.not_(c.test))
    return found + within(filters.since_ms, filters.until_ms)


def _list(
    conn: sa.Connection, filters: LeadFilter, cursor: str | None, limit: int, *, newer: bool = False
) -> FoundLeads:
    if filters.sort is not None:
        return _sorted(conn, filters, cursor, limit, newer=newer)
    cursor = None if cursor is None else cursor.partition("~")[0]  # one of a list in the order of a column
    rows, end = _rows(conn, filters, cursor, limit, newer=newer)
    page, more = rows[:limit], len(rows) > limit
    further = page[-1].id if more else end
    if newer:
        page.reverse()
    older, back = (cursor if not page else page[-1].id, further) if newer else (further, page[0].id if page else cursor)
    back, further = back if cursor is not None else None, end is not None and not more
    return FoundLeads(page, summaries(conn, [row.id for row in page]), older, back, looked_further=further)


def _sorted(conn: sa.Connection, filters: LeadFilter, cursor: str | None, limit: int, *, newer: bool) -> FoundLeads:
    """The same in the order of a column: of the newest that fit, as many as are put in order."""
    rows, end = _rows(conn, replace(filters, oldest_first=False), None, SORTED)
    sort = filters.sort or ""
    place = None if cursor is None else place_of(conn, _LEADS, cursor, sort, filters.publisher_id)
    page, before, behind = beside(rows[:SORTED], sort, place, limit, newer=newer)
    bounded = end is not None or len(rows) > SORTED
    # Where nothing is left on this side, the other one is still to be reached.
    older = (cursor_of(page[-1], sort) if page else cursor) if behind else None
    back = (cursor_of(page[0], sort) if page else cursor) if before else None
    return FoundLeads(page, summaries(conn, [row.id for row in page]), older, back, looked_further=bounded)


def _rows(
    conn: sa.Connection, filters: LeadFilter, cursor: str | None, limit: int, *, newer: bool = False
) -> tuple[list[sa.Row[Any]], str | None]:
    """One more than ``limit`` of the leads, and where the look for them ended; ``None`` where all were looked at."""
    c = t.lead.c
    state = in_state(conn, filters)
    query = _LEADS.where(*_conditions(filters), *narrowing(filters), state.which)
    up = newer != filters.oldest_first
    query = query.order_by(c.id if up else c.id.desc())
    if cursor is not None:
        query = query.where(c.id > cursor if up else c.id < cursor)
    runs = _runs(conn, filters, state)
    among = _among(conn, filters, cursor, state, runs, up=up)
    if (found := searched(conn, query, filters, cursor, limit, up=up, among=among)) is not None:
        return found
    if state.named is None and runs is not None:
        return _within_runs(conn, query, runs, filters, cursor, limit, up=up)
    end = None
    if state.named is None and (state.many or is_narrow(filters)):
        end = _end_of_look(conn, filters, cursor, up=up)
    if end is not None:
        query = query.where(c.id <= end if up else c.id >= end)
    if not (filters.text or filters.country):
        query = query.limit(limit + 1)
    return fitting(conn.execute(query), filters, limit + 1), end


def _runs(conn: sa.Connection, filters: LeadFilter, state: InState) -> Runs | None:
    """The runs that find the leads; ``None`` where an address or ids find them, their state names them, or none do."""
    if state.named is not None or filters.email is not None or filters.ids is not None:
        return None
    return state.runs or runs_of(conn, filters)


def _among(
    conn: sa.Connection, filters: LeadFilter, cursor: str | None, state: InState, runs: Runs | None, *, up: bool
) -> Among | None:
    """Answers the next so many ids of the leads that ``state`` or ``runs`` know; ``None`` where neither does."""
    if not filters.text:
        return None
    if state.named is not None:
        named = sorted({*state.named}, reverse=not up)
        behind = [each for each in named if cursor is None or (each > cursor if up else each < cursor)]
        return lambda most: behind[:most]
    return None if runs is None else lambda most: conn.scalars(runs.ids(filters, cursor, most, up=up)).all()


def _within_runs(
    conn: sa.Connection,
    query: sa.Select[Any],
    runs: Runs,
    filters: LeadFilter,
    cursor: str | None,
    limit: int,
    *,
    up: bool,
) -> tuple[list[sa.Row[Any]], str | None]:
    """As :func:`_rows`, among the next leads of ``runs``; where those end, and not what is left of them, is the end.

    Few of them first, which mostly hold a page: a database that is given many reads them all, and then the first.
    """
    most = limit + 1
    # What the index knows is not asked of bodies again: that of a damaged lead says nothing.
    fit = replace(filters, country=None) if runs.of_country else filters
    query = query if fit.text or fit.country else query.limit(most)
    if runs.exact:
        ids = runs.ids(filters, cursor, most, up=up)
        rows = conn.execute(query.where(t.lead.c.id.in_(ids))).all()
        return [*rows], None if len(rows) == most else conn.scalar(ids.offset(limit))
    found: list[sa.Row[Any]] = []
    end: str | None = None
    for many in sorted({min(FIRST_LOOKS * most, LOOKED), LOOKED}):
        ids = runs.ids(filters, cursor, many, up=up)
        end = conn.scalar(ids.offset(many - 1))
        found = fitting(conn.execute(query.where(t.lead.c.id.in_(ids))), fit, most)
        if end is None or len(found) == most:
            break
    return found, end


def _end_of_look(conn: sa.Connection, filters: LeadFilter, cursor: str | None, *, up: bool) -> str | None:
    """The last lead that this page looks at; ``None`` where all that are left are fewer than that."""
    c = t.lead.c
    whole = replace(filters, source=None, action=None, test=None)
    query = sa.select(c.id).where(*_conditions(whole)).order_by(c.id if up else c.id.desc())
    if cursor is not None:
        query = query.where(c.id > cursor if up else c.id < cursor)
    end: str | None = conn.scalar(query.offset(LOOKED - 1).limit(1))
    return end


def _total(conn: sa.Connection, filters: LeadFilter) -> LeadTotal | None:
    c, state = t.lead.c, in_state(conn, filters)
    runs = _runs(conn, filters, state)
    if filters.text or (filters.country and (runs is None or not runs.exact)):
        return None  # what a body says is compared lead by lead
    if runs is None and state.named is None and (state.many or is_narrow(filters)):
        return None  # all leads would be looked through
    ids = _LEADS.with_only_columns(c.id).where(*_conditions(filters), *narrowing(filters), state.which)
    if runs is None:
        return total_of(conn, ids, c.id)
    within = runs.ids(filters, None, COUNTED_WHOLE + 1, up=False)
    if not runs.exact and conn.scalar(within.offset(COUNTED_WHOLE)) is not None:
        return None  # they are among more than are looked at
    return total_of(conn, ids if runs.exact else ids.where(c.id.in_(within)), c.id)


def _counts(conn: sa.Connection, filters: LeadFilter) -> dict[str, int]:
    whose = filters.publisher_id
    if whose is None:
        return counts_of_all(conn)
    return counts(conn, tabs(conn, whose, filters.offer_id), _conditions(LeadFilter(whose, filters.offer_id)))


def _same_customer(conn: sa.Connection, lead_id: str) -> FoundLeads:
    c = t.lead.c
    row = conn.execute(sa.select(c.email, c.publisher_id, c.withheld).where(c.id == lead_id)).first()
    if row is None or not row.email or row.withheld:
        return FoundLeads((), {})
    query = _LEADS.where(c.email == row.email, c.publisher_id == row.publisher_id, c.id != lead_id)
    rows = conn.execute(query.order_by(c.id.desc()).limit(10)).all()
    return FoundLeads(rows, summaries(conn, [each.id for each in rows]))


def lead_view(conn: sa.Connection, lead_id: str, language: Language) -> LeadView | None:
    """One lead whole, its diagnoses in ``language``, or ``None``."""
    row = conn.execute(_LEADS.where(t.lead.c.id == lead_id)).first()
    if row is None:
        return None
    content = content_of(row.body)
    found = conn.execute(_DELIVERIES.where(t.delivery.c.lead_id == lead_id)).all()
    ids = [delivery.id for delivery in found]
    attempts, missing = _attempts(conn, ids, language), missing_since(conn, ids)
    summary = shown(row, language)
    return LeadView(
        **summary,
        description=content.description,
        campaign=content.campaign,
        consent=_consent(row.consent),
        extra=content.extra,
        deliveries=tuple(
            _delivery(each, attempts[each.id], language, summary["notes"], missing.get(each.id)) for each in found
        ),
        events=events_of(conn, lead_id),
    )


def _consent(stored: str | None) -> ConsentView | None:
    """What is damaged is not shown: nothing is claimed of what the customer agreed to."""
    try:
        return None if stored is None else ConsentView.model_validate_json(stored)
    except ValidationError:
        return None


def _attempts(conn: sa.Connection, delivery_ids: Collection[str], language: Language) -> dict[str, list[AttemptView]]:
    found: dict[str, list[AttemptView]] = defaultdict(list)
    query = sa.select(t.attempt).where(one_of(conn, t.attempt.c.delivery_id, delivery_ids)).order_by(t.attempt.c.id)
    rows = conn.execute(query).all()
    answers = {row.id: from_stored(row.answer) for row in rows}
    apart = evidence_of(conn, [id_ for id_, answer in answers.items() if isinstance(answer, Diagnosis)])
    for row in rows:
        answer = answers[row.id]
        if isinstance(answer, Diagnosis) and row.id in apart:
            answer = replace(answer, evidence=apart[row.id])
        found[row.delivery_id].append(
            AttemptView(
                at=to_text(row.at),
                took_ms=row.took_ms,
                outcome=row.outcome,
                late=row.late,
                receipt=ReceiptView.of(answer, language) if isinstance(answer, Receipt) else None,
                diagnosis=DiagnosisView.of(answer, language) if isinstance(answer, Diagnosis) else None,
            )
        )
    return found


def _delivery(
    row: sa.Row[Any],
    attempts: Sequence[AttemptView],
    language: Language,
    notes: Sequence[LeadNoteView] = (),
    missing: int | None = None,
) -> DeliveryView:
    """``notes`` on the lead stand on its receipt too: it says what was received, which may be nothing of a customer.

    The cause of one that is held is its connection's, whatever came of its own attempts before.
    """
    last = next((attempt for attempt in reversed(attempts) if not attempt.late), None)
    ended, waits = row.shown in ("delivered", "unconfirmed"), row.shown in ("pending", "waiting")
    cause = None if ended else _cause(row, language) or (last.diagnosis if last else None)
    if cause is not None and row.shown == "setAside" and row.set_aside_for != Aside.OUTAGE.value:
        cause = cause.for_a_person(language)
    return DeliveryView(
        id=row.id,
        connection=row.name,
        connection_title=row.connection_title,
        destination=row.destination,
        state=row.shown,
        attempts=tuple(attempts),
        receipt=_noted(last.receipt, notes) if last and ended else None,
        diagnosis=cause,
        due_at=to_text(row.due_at) if waits else None,
        set_aside_for=row.set_aside_for if row.shown == "setAside" else None,
        missing_since=None if missing is None else to_text(missing),
    )


def _cause(row: sa.Row[Any], language: Language) -> DiagnosisView | None:
    """Why the connection of a delivery holds it; ``None`` where it is not held, or a person paused the connection."""
    summary = from_stored(row.cause) if row.shown == "held" and row.cause is not None else None
    return DiagnosisView.of(summary, language) if isinstance(summary, Diagnosis) else None


def _noted(receipt: ReceiptView | None, notes: Sequence[LeadNoteView]) -> ReceiptView | None:
    if receipt is None or not notes:
        return receipt
    return receipt.model_copy(update={"note": " ".join(filter(None, (receipt.note, *(each.text for each in notes))))})


def delivery_view(conn: sa.Connection, delivery_id: str, language: Language) -> DeliveryView | None:
    """One delivery as it is shown, its diagnoses in ``language``, or ``None``."""
    row = conn.execute(_DELIVERIES.where(t.delivery.c.id == delivery_id)).first()
    if row is None:
        return None
    missing = missing_since(conn, [delivery_id]).get(delivery_id)
    return _delivery(row, _attempts(conn, [delivery_id], language)[delivery_id], language, missing=missing)


def offer_of_delivery(conn: sa.Connection, delivery_id: str) -> OfferRef | None:
    """Whose delivery it is, or ``None`` if there is none of that id."""
    ref = conn.scalar(
        sa.select(t.connection.c.offer_ref)
        .join(t.delivery, t.delivery.c.connection_id == t.connection.c.id)
        .where(t.delivery.c.id == delivery_id)
    )
    return None if ref is None else OfferRef.parse(ref)
