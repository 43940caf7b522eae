"""What needs attention: one entry for each cause, whatever number of leads it concerns, the most harmful first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.catalogue import from_stored
from leadkeeper.clock import to_text
from leadkeeper.connections.health import Health, Trouble, health_of
from leadkeeper.connections.last_test import known_of, last_test_of
from leadkeeper.connections.own import of_publisher
from leadkeeper.connections.state import ConnectionState, Known, state_of
from leadkeeper.delivery.schedule import Aside
from leadkeeper.diagnosis import Diagnosis, Who
from leadkeeper.inbox.waiting import waiting_counts
from leadkeeper.offer import OfferRef
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage
from leadkeeper.texts import ENGLISH, Language, _
from leadkeeper.views import AttentionEntry, AttentionList, DiagnosisView

MOST: Final = 500
"""So many connections are looked at; beyond them the list says that it is not complete."""


class Cause(StrEnum):
    """Why somebody is needed, in order of harm."""

    CONNECTION_BROKEN = "connectionBroken"
    CONNECTION_FAILING = "connectionFailing"
    LEADS_DAMAGED = "leadsDamaged"
    LEADS_REFUSED = "leadsRefused"
    LEADS_MAY_HAVE_ARRIVED = "leadsMayHaveArrived"
    LEADS_GAVE_UP = "leadsGaveUp"
    CONNECTION_PAUSED = "connectionPaused"
    TEST_LEAD_UNANSWERED = "testLeadUnanswered"


_HARM: Final[Mapping[str, int]] = {cause: at for at, cause in enumerate(Cause)}
_SUMMARIES: Final[Mapping[Cause, str]] = {
    Cause.CONNECTION_BROKEN: _("The connection is broken: no lead gets through until somebody repairs it."),
    Cause.CONNECTION_FAILING: _("Leads fail over this connection at present. Each is tried again by itself."),
    Cause.LEADS_DAMAGED: _("Leads were set aside because what is stored of them cannot be read."),
    Cause.LEADS_REFUSED: _("The destination refused leads for what they hold. Correct the cause and send them again."),
    Cause.LEADS_MAY_HAVE_ARRIVED: _(
        "Leads may have arrived, and nobody knows. Look for each at the destination before you send it again."
    ),
    Cause.LEADS_GAVE_UP: _("Leads failed for two weeks while others arrived. Look at the cause and send them again."),
    Cause.CONNECTION_PAUSED: _("Somebody paused the connection, and leads wait. Resume it to let them go."),
    Cause.TEST_LEAD_UNANSWERED: _("Nobody has said whether the test lead arrived. Look for it and answer."),
}
_ASIDE: Final[Mapping[str | None, Cause]] = {
    Aside.MAY_HAVE_ARRIVED.value: Cause.LEADS_MAY_HAVE_ARRIVED,
    Aside.GAVE_UP.value: Cause.LEADS_GAVE_UP,
    Aside.DAMAGED.value: Cause.LEADS_DAMAGED,
}
"""The other deliveries that wait for a person were refused; older versions did not say why."""


@dataclass(frozen=True, slots=True)
class Found:
    """A cause on a connection: since when (ms, if known), and the stored diagnosis where there is one."""

    cause: Cause
    since: int | None
    diagnosis: str | None = None


def of_connection(health: Health, known: Known, unanswered_since: int | None, now: int) -> Found | None:
    """What a connection needs somebody for at ``now``, or ``None``. Its worst cause hides the lesser ones. Pure.

    A throttled connection needs nobody, and one that a person paused matters only where leads wait for it.
    """
    state = state_of(health, known)
    since = health.failing_since if health.failing_since is not None else health.refused_since
    if state is ConnectionState.PAUSED:
        return Found(Cause.CONNECTION_PAUSED, None)
    if state is ConnectionState.BROKEN:
        return Found(Cause.CONNECTION_BROKEN, since, health.diagnosis or known.failed)
    if health.trouble(now) is Trouble.FAILING and health.failing_since is not None:
        return Found(Cause.CONNECTION_FAILING, since, health.diagnosis)
    if unanswered_since is not None:
        return Found(Cause.TEST_LEAD_UNANSWERED, unanswered_since)
    return None


class Attention:
    """What needs attention in one installation."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def list(self, publisher_id: str | None, now: int, language: Language = ENGLISH) -> AttentionList:
        """The causes of one publisher, or of all, at ``now`` (ms), most harmful first, then the oldest."""
        return await self._storage.read(attention, publisher_id, now, language)


def attention(conn: sa.Connection, publisher_id: str | None, now: int, language: Language) -> AttentionList:
    """See :meth:`Attention.list`. Reads the rows of connections and the partial index of what was set aside."""
    c = t.connection.c
    own = sa.true() if publisher_id is None else of_publisher(conn, publisher_id)
    aside = _set_aside(conn, own)
    ill = t.PAUSED | (c.failures > 0) | (c.refusals > 0) | c.test_diagnosis.is_not(None) | c.notified_at.is_not(None)
    ill |= c.tried & sa.not_(c.proven)
    concerned = (c.removed_at.is_(None) & ill) | c.id.in_(aside)
    query = sa.select(t.connection).where(own, concerned).order_by(c.offer_ref, c.name, c.id).limit(MOST + 1)
    rows = conn.execute(query).all()
    entries = [entry for row in rows[:MOST] for entry in _entries(conn, row, aside[row.id], now, language)]
    entries.sort(key=lambda entry: (_HARM[entry.cause], entry.since or ""))
    return AttentionList(entries=tuple(entries), complete=len(rows) <= MOST)


def _set_aside(conn: sa.Connection, own: sa.ColumnElement[bool]) -> defaultdict[str, dict[Cause, tuple[int, int]]]:
    """By connection and cause: how many leads wait for a person, and since when the first does."""
    d = t.delivery.c
    query = sa.select(d.connection_id, d.set_aside_for, sa.func.count(), sa.func.min(d.changed_at))
    query = query.join(t.connection, t.connection.c.id == d.connection_id).where(t.FOR_A_PERSON, own)
    found: defaultdict[str, dict[Cause, tuple[int, int]]] = defaultdict(dict)
    for connection_id, why, count, since in conn.execute(query.group_by(d.connection_id, d.set_aside_for)):
        cause = _ASIDE.get(why, Cause.LEADS_REFUSED)
        before, first = found[connection_id].get(cause, (0, since))
        found[connection_id][cause] = (before + count, min(first, since))
    return found


def _entries(
    conn: sa.Connection, row: sa.Row[Any], aside: Mapping[Cause, tuple[int, int]], now: int, language: Language
) -> list[AttentionEntry]:
    made = [_entry(row, Found(cause, since), leads, language) for cause, (leads, since) in aside.items()]
    test = last_test_of(row)
    open_test = test is not None and not (test.confirmed or test.answered or row.proven)
    found = of_connection(health_of(row), known_of(row), test.sent_at if test and open_test else None, now)
    if found is None or row.removed_at is not None:
        return made
    leads = waiting_counts(conn, [row.id])[row.id]
    if leads or found.cause is not Cause.CONNECTION_PAUSED:
        made.append(_entry(row, found, leads, language))
    return made


def _entry(row: sa.Row[Any], found: Found, leads: int, language: Language) -> AttentionEntry:
    offer = OfferRef.parse(row.offer_ref)
    answer = None if found.diagnosis is None else from_stored(found.diagnosis)
    diagnosis = DiagnosisView.of(answer, language) if isinstance(answer, Diagnosis) else None
    who = Who.OPERATOR if found.cause is Cause.LEADS_DAMAGED else Who.PUBLISHER
    return AttentionEntry(
        cause=found.cause.value,
        summary=language.gettext(_SUMMARIES[found.cause]),
        since=None if found.since is None else to_text(found.since),
        publisher_id=offer.publisher_id,
        offer_id=offer.offer_id,
        connection=row.name,
        destination=row.destination,
        leads=leads,
        who=who.value if diagnosis is None else diagnosis.who,
        diagnosis=diagnosis,
    )
