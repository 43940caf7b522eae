"""What people ask of reconciliation: a run now, what it found, and that what is missing is sent again or accepted."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.access.audit import note
from leadkeeper.catalogue import from_stored
from leadkeeper.clock import Clock, now_ms, to_text
from leadkeeper.connections.adapters import can_be_read_back
from leadkeeper.connections.connection import Connection
from leadkeeper.connections.connections import Connections
from leadkeeper.diagnosis import Diagnosis
from leadkeeper.inbox.attention.missing_records import open_count, open_records
from leadkeeper.offer import OfferRef
from leadkeeper.problem import FieldError, Problem, ProblemType, unknown_connection
from leadkeeper.reconciliation import missing
from leadkeeper.reconciliation.runs import RunState, new_row
from leadkeeper.reconciliation.views import MissingLead, MissingLeads, MissingSettled, ReconciliationView
from leadkeeper.storage import tables as t
from leadkeeper.storage.conflicts import insert_into
from leadkeeper.storage.engine import Storage
from leadkeeper.storage.known import require_offer
from leadkeeper.texts import ENGLISH, Language, _, lazy_gettext
from leadkeeper.views import DiagnosisView

MOST: Final = 200
"""The most leads that one call names."""
NOT_READABLE: Final = lazy_gettext("With these settings the destination cannot be asked which leads are there.")
SWITCHED_OFF: Final = lazy_gettext("This installation does not look whether delivered leads are still there.")
Settle = Callable[[sa.Connection, str, str, str, Sequence[str] | None, int, str], tuple[int, str | None]]


class Reconciliation:
    """Whether delivered leads are still there. ``days`` back are looked at; 0: this installation does not look.

    ``woken`` is told the connections that have work. Each raises :class:`Problem` for what is not there.
    """

    def __init__(
        self,
        storage: Storage,
        connections: Connections,
        woken: Callable[[Collection[str]], None],
        clock: Clock = now_ms,
        *,
        days: int,
    ) -> None:
        self._storage = storage
        self._connections = connections
        self._woken = woken
        self._clock = clock
        self._days = days

    async def report(self, offer: OfferRef, name: str, language: Language = ENGLISH) -> ReconciliationView:
        """The last run, or the one under way."""

        def transaction(conn: sa.Connection) -> ReconciliationView:
            return self._report(conn, self._known(conn, offer, name), language)

        return await self._storage.read(transaction)

    async def ask(self, offer: OfferRef, name: str, *, by: str, language: Language = ENGLISH) -> ReconciliationView:
        """A run begins within seconds; one under way goes on. Raises :class:`Problem` where none is possible."""

        def transaction(conn: sa.Connection) -> ReconciliationView:
            connection = self._known(conn, offer, name)
            if (why := self._impossible(connection)) is not None:
                raise Problem(ProblemType.NOT_POSSIBLE_NOW, why)
            now, r = self._clock(), t.reconciliation.c
            conn.execute(insert_into(conn, t.reconciliation).on_conflict_do_nothing(), [new_row(connection.id, now)])
            idle = (r.connection_id == connection.id, r.state != RunState.RUNNING.value)
            values = {"due_at": now, "state": RunState.WAITING.value, "by": by}
            if conn.execute(sa.update(t.reconciliation).where(*idle).values(values)).rowcount:
                note(conn, now, by, "connection.reconcile", f"{offer}/{name}")
            return self._report(conn, connection, language)

        return await self._storage.write(transaction)

    async def missing(self, offer: OfferRef, name: str, *, after: str = "", limit: int = MOST) -> MissingLeads:
        """What is missing and waits for somebody, at most ``limit``, behind the lead ``after``."""

        def transaction(conn: sa.Connection) -> MissingLeads:
            connection = self._known(conn, offer, name)
            query = open_records(connection.id).where(t.missing_record.c.lead_id > after)
            rows = conn.execute(query.limit(limit + 1)).all()
            shown = tuple(map(_missing_lead, rows[:limit]))
            return MissingLeads(leads=shown, next_cursor=shown[-1].lead_id if len(rows) > limit else None)

        return await self._storage.read(transaction)

    async def send_again(
        self, offer: OfferRef, name: str, lead_ids: Sequence[str] | None = None, *, by: str
    ) -> MissingSettled:
        """Send what is missing again: of the leads named (at most :data:`MOST`), or all of it. Of no lead else."""
        count, connection_id = await self._settle(missing.send_again, offer, name, lead_ids, by)
        if count:
            self._woken([connection_id])
        return MissingSettled(leads=count)

    async def accept(
        self, offer: OfferRef, name: str, lead_ids: Sequence[str] | None = None, *, by: str
    ) -> MissingSettled:
        """These were removed there on purpose: they are listed no more, unless they come back and are missing anew."""
        count, _id = await self._settle(missing.accept, offer, name, lead_ids, by)
        return MissingSettled(leads=count)

    async def _settle(
        self, settle: Settle, offer: OfferRef, name: str, lead_ids: Sequence[str] | None, by: str
    ) -> tuple[int, str]:
        if lead_ids is not None and len(lead_ids) > MOST:
            message = lazy_gettext("Choose at most %(most)s leads at once.", most=MOST)
            raise Problem(ProblemType.INVALID_REQUEST, message, (FieldError("leadIds", message),))
        connection_id = (await self._storage.read(self._known, offer, name)).id
        count, after = 0, ""
        while True:
            some = (connection_id, f"{offer}/{name}", after, lead_ids, self._clock(), by)
            done, further = await self._storage.write(settle, *some)
            count += done
            if further is None:
                return count, connection_id
            after = further

    def _known(self, conn: sa.Connection, offer: OfferRef, name: str) -> Connection:
        require_offer(conn, offer)
        c = t.connection.c
        this = (c.offer_ref == str(offer), c.name == name, c.removed_at.is_(None))
        row = conn.execute(sa.select(t.connection).where(*this)).first()
        if row is None:
            raise unknown_connection(offer, name)
        return self._connections.connection_of(row)

    def _impossible(self, connection: Connection) -> str | None:
        if not can_be_read_back(connection.stored):
            return NOT_READABLE
        return None if self._days else SWITCHED_OFF

    def _report(self, conn: sa.Connection, connection: Connection, language: Language) -> ReconciliationView:
        why = self._impossible(connection)
        r = t.reconciliation.c
        row = conn.execute(sa.select(t.reconciliation).where(r.connection_id == connection.id)).first()
        count, _since = open_count(conn, connection.id)
        if row is None or why is not None:
            message = language.tell(why) if why is not None else language.gettext(_MESSAGES[RunState.WAITING])
            view = {"possible": why is None, "state": RunState.WAITING.value, "message": message}
            return ReconciliationView.model_validate(view | {"days": self._days, "open": count})
        return _run_view(row, self._days, count, language)


_MESSAGES: Final[Mapping[RunState, str]] = {
    RunState.WAITING: _("Nobody has looked yet whether the delivered leads are still there."),
    RunState.RUNNING: _("The destination is being asked which of the delivered leads are still there."),
    RunState.COMPLETED: _("The destination was asked which of the delivered leads are still there."),
    RunState.FAILED: _("The destination could not be asked which of the delivered leads are still there."),
}
_ASKED_FOR: Final = _("The destination is asked in a moment which of the delivered leads are still there.")


def _run_view(row: sa.Row[Any], days: int, count: int, language: Language) -> ReconciliationView:
    state = RunState(row.state)
    answer = None if row.diagnosis is None else from_stored(row.diagnosis)
    begins = state is RunState.WAITING and row.by is not None
    return ReconciliationView(
        possible=True,
        message=language.gettext(_ASKED_FOR if begins else _MESSAGES[state]),
        state=state.value,
        started_at=None if row.started_at is None else to_text(row.started_at),
        ended_at=None if row.ended_at is None else to_text(row.ended_at),
        due_at=None if state is RunState.RUNNING else to_text(row.due_at),
        days=days,
        looked=row.looked,
        missing=row.missing,
        unknown=row.unknown,
        open=count,
        diagnosis=DiagnosisView.of(answer, language) if isinstance(answer, Diagnosis) else None,
    )


def _missing_lead(row: sa.Row[Any]) -> MissingLead:
    return MissingLead(
        lead_id=row.lead_id,
        delivery_id=row.delivery_id,
        created_time=to_text(row.created_at),
        delivered_at=to_text(row.delivered_at),
        found_at=to_text(row.found_at),
    )
