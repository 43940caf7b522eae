"""What needs attention: one entry for each cause, whatever number of leads it concerns, the most harmful first."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.catalogue import from_stored
from leadkeeper.clock import to_text
from leadkeeper.connections.expiry import REMIND_DAYS
from leadkeeper.connections.health import Health, Trouble, health_of
from leadkeeper.connections.last_test import known_of, last_test_of
from leadkeeper.connections.outbox import DAY_MS
from leadkeeper.connections.own import of_publisher
from leadkeeper.connections.state import ConnectionState, Known, since_of, state_of
from leadkeeper.delivery.schedule import Aside
from leadkeeper.diagnosis import Diagnosis, Who
from leadkeeper.inbox.attention.causes import HARM, MOST, MOST_COUNTED, SUMMARIES, Cause
from leadkeeper.inbox.attention.channels_off import channels_off
from leadkeeper.inbox.attention.concerns import failed, of_everybody, withheld
from leadkeeper.inbox.attention.missing_records import open_counts
from leadkeeper.inbox.attention.naming import with_names
from leadkeeper.inbox.attention.waiting import waiting_counts
from leadkeeper.inbox.withheld import WithheldSeen, see_withheld
from leadkeeper.offer import OfferRef, title_or_name
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage, least_of, listed
from leadkeeper.storage.hot import HotStatement
from leadkeeper.texts import ENGLISH, Language
from leadkeeper.views import AttentionEntry, AttentionList, DiagnosisView

__all__ = ["Attention", "Cause", "FoundCause", "attention", "mark_of", "of_connection"]

_REASONS: Final[Mapping[str | None, Cause]] = {
    Aside.REFUSED.value: Cause.LEADS_REFUSED,
    None: Cause.LEADS_REFUSED,
    Aside.MAY_HAVE_ARRIVED.value: Cause.LEADS_MAY_HAVE_ARRIVED,
    Aside.GAVE_UP.value: Cause.LEADS_GAVE_UP,
    Aside.DAMAGED.value: Cause.LEADS_DAMAGED,
}
"""Why deliveries wait for a person; older versions did not say that they were refused."""


@dataclass(frozen=True, slots=True)
class FoundCause:
    """A cause on a connection: since when (ms, if known), and the stored diagnosis where there is one."""

    cause: Cause
    since: int | None
    diagnosis: str | None = None


def of_connection(health: Health, known: Known, unanswered_since: int | None, now: int) -> FoundCause | None:
    """What a connection needs attention for at ``now``, or ``None``. Its worst cause hides the lesser ones. Pure.

    A throttled connection needs nobody, and one that a person paused matters only where leads wait for it.
    """
    state = state_of(health, known)
    since = since_of(health, known, now)
    if state is ConnectionState.PAUSED:
        return FoundCause(Cause.CONNECTION_PAUSED, None)
    if state is ConnectionState.BROKEN:
        return FoundCause(Cause.CONNECTION_BROKEN, since, health.diagnosis or known.failed)
    if health.trouble(now) is Trouble.FAILING and health.failing_since is not None:
        return FoundCause(Cause.CONNECTION_FAILING, since, health.diagnosis)
    if unanswered_since is not None:
        return FoundCause(Cause.TEST_LEAD_UNANSWERED, unanswered_since)
    return None


class Attention:
    """What needs attention in one installation."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def list(self, publisher_id: str | None, now: int, language: Language = ENGLISH) -> AttentionList:
        """The causes of one publisher, or of all, at ``now`` (ms), most harmful first, then the oldest."""
        return await self._storage.read(attention, publisher_id, now, language)

    async def see_withheld(self, publisher_id: str, now: int, *, by: str) -> WithheldSeen:
        """Somebody has seen that leads of the publisher were withheld: it is told of no more. How many that were."""
        return await self._storage.write(see_withheld, publisher_id, now, by)


def attention(conn: sa.Connection, publisher_id: str | None, now: int, language: Language) -> AttentionList:
    """See :meth:`Attention.list`. Reads the rows of connections and the partial index of what was set aside."""
    found = _found(conn, publisher_id, now, language)
    return found.model_copy(update={"entries": with_names(conn, found.entries)})


def _found(conn: sa.Connection, publisher_id: str | None, now: int, language: Language) -> AttentionList:
    """The same without what people call the publishers and offers."""
    aside = _set_aside(conn, None if publisher_id is None else of_publisher(conn, publisher_id))
    rows = _concerning(conn, publisher_id, aside, now)
    entries = [entry for row in rows[:MOST] for entry in _entries(conn, row, aside[row.id], now, language)]
    unpublished, all_of_them = failed(conn, publisher_id, now, language)
    entries += unpublished
    seen_by_nobody, all_publishers = withheld(conn, publisher_id, now, language)
    entries += seen_by_nobody
    off, all_channels = channels_off(conn, publisher_id, language)
    entries += off
    if publisher_id is None:
        entries += of_everybody(conn, now, language)
    entries.sort(key=lambda entry: (HARM[entry.cause], -entry.leads, entry.since or entry.until or ""))
    complete = all_of_them and all_publishers and all_channels and len(rows) <= MOST and len(aside) <= MOST
    return AttentionList(entries=tuple(entries), complete=complete)


def _concerning(
    conn: sa.Connection, publisher_id: str | None, aside: Collection[str], now: int
) -> Sequence[sa.Row[Any]]:
    """The connections that may need attention, by offer and name, at most one more than :data:`MOST`."""
    given = {"aside": list(aside), "until": now + max(REMIND_DAYS) * DAY_MS}
    if publisher_id is None:
        ids = [row.id for row in _CONCERNING.rows(conn, given)]
    else:
        ids = [*conn.scalars(_concerning_ids(conn.dialect.name, of_publisher(conn, publisher_id)), given)]
    return _BY_ID.rows(conn, {"ids": ids}) if ids else ()


def _concerning_ids(dialect: str, *own: sa.ColumnElement[bool]) -> sa.Select[Any]:
    """Each reason is asked by itself, since an index answers one alone: of all connections only those are read."""
    c = t.connection.c
    order = (c.offer_ref, c.name, c.id)
    soon = c.ends_at <= sa.bindparam("until", type_=sa.BigInteger)
    ending = sa.select(*order).where(*own, c.removed_at.is_(None), soon).order_by(c.ends_at).limit(MOST + 1)
    each = [
        sa.select(*order).where(*own, which).order_by(*order).limit(MOST + 1).subquery()
        for which in (t.CONCERNING, listed(dialect, c.id, "aside"))
    ]
    each.append(ending.subquery())
    # By name alone: to ask the subqueries for their columns takes longer than all else of making the statement.
    named = [sa.column(column.name, column.type) for column in order]
    together = sa.union(*(sa.select(*named).select_from(some) for some in each)).subquery()
    return sa.select(named[-1]).select_from(together).order_by(*named).limit(MOST + 1)


_CONCERNING: Final = HotStatement(_concerning_ids)
_BY_ID: Final = HotStatement(
    lambda dialect: (
        sa.select(t.connection)
        .where(listed(dialect, t.connection.c.id, "ids"))
        .order_by(t.connection.c.offer_ref, t.connection.c.name, t.connection.c.id)
    )
)


def causes_mark(conn: sa.Connection, publisher_id: str | None, now: int) -> str:
    """:func:`mark_of` what needs attention of a publisher, or of all, at ``now``."""
    return mark_of(_found(conn, publisher_id, now, ENGLISH).entries)


def mark_of(entries: Sequence[AttentionEntry]) -> str:
    """A short text that changes when a cause comes or goes; it tells nothing. How many leads wait is left out of it."""
    marks = [
        (each.cause, each.since, each.publisher_id, each.offer_id, each.connection, each.lead_id, each.channel_id)
        for each in entries
    ]
    return hashlib.sha256(json.dumps(sorted(marks, key=str)).encode()).hexdigest()[:20]


def _set_aside(
    conn: sa.Connection, own: sa.ColumnElement[bool] | None
) -> defaultdict[str, dict[Cause, tuple[int, int]]]:
    """By connection and cause: how many leads wait for a person or are missing there, and since when the first does.

    Looks at each connection that has any, at most one more than :data:`MOST`, however many leads wait there.
    """
    found: defaultdict[str, dict[Cause, tuple[int, int]]] = defaultdict(dict)
    for connection_id in _with_set_aside(conn, own):
        given = {"connection": connection_id, "most": MOST_COUNTED + 1}
        for why, count, since in _REASONS_OF.rows(conn, given):
            if not count:
                continue
            cause = _REASONS[why]
            before, first = found[connection_id].get(cause, (0, since))
            found[connection_id][cause] = (min(before + count, MOST_COUNTED + 1), min(first, since))
    for connection_id, missing in open_counts(conn, own).items():
        found[connection_id][Cause.LEADS_MISSING] = missing
    return found


def _with_set_aside(conn: sa.Connection, own: sa.ColumnElement[bool] | None) -> Sequence[str]:
    """The connections over which leads wait for a person: one step in an index for each, not for each lead."""
    c, d = t.connection.c, t.delivery.c
    if own is not None:
        some = sa.exists().where(d.connection_id == c.id, t.FOR_A_PERSON)
        return conn.scalars(sa.select(c.id).where(own, some).limit(MOST + 1)).all()
    return [row.id for row in _WITH_SET_ASIDE.rows(conn, {})]


def _with_any_set_aside(_: str) -> sa.Select[Any]:
    d = t.delivery.c
    first = sa.select(least_of(d.connection_id, t.FOR_A_PERSON).label("id"))
    chain = first.cte("chain", recursive=True)
    following = least_of(d.connection_id, t.FOR_A_PERSON, d.connection_id > chain.c.id)
    chain = chain.union_all(sa.select(following).where(chain.c.id.is_not(None)))
    return sa.select(chain.c.id).where(chain.c.id.is_not(None)).limit(MOST + 1)


_WITH_SET_ASIDE: Final = HotStatement(_with_any_set_aside)


def _reasons(_: str) -> sa.Select[Any]:
    """For each reason how many leads of a connection wait, up to one more than are counted, and since when."""
    d, each = t.delivery.c, []
    own = d.connection_id == sa.bindparam("connection", type_=d.connection_id.type)
    most = sa.bindparam("most", type_=sa.Integer)
    for why in _REASONS:
        those = sa.select(d.changed_at).where(own, t.FOR_A_PERSON, d.set_aside_for == why)
        some = those.order_by(d.changed_at).limit(most).subquery()
        columns = (sa.literal(why, sa.String).label("why"), sa.func.count().label("leads"))
        each.append(sa.select(*columns, sa.func.min(some.c.changed_at).label("since")))
    return sa.select(sa.union_all(*each).subquery())


_REASONS_OF: Final = HotStatement(_reasons)


def _entries(
    conn: sa.Connection, row: sa.Row[Any], aside: Mapping[Cause, tuple[int, int]], now: int, language: Language
) -> list[AttentionEntry]:
    made = [
        _entry(row, FoundCause(cause, since), leads, language, lead_id=_only_lead(conn, row.id, cause, leads))
        for cause, (leads, since) in aside.items()
    ]
    if row.removed_at is not None:
        return made
    test = last_test_of(row)
    open_test = test is not None and not (test.confirmed or test.answered or row.proven)
    found = of_connection(health_of(row), known_of(row), test.sent_at if test and open_test else None, now)
    broken = found is not None and found.cause is Cause.CONNECTION_BROKEN
    if row.ends_at is not None and row.ends_at <= now + max(REMIND_DAYS) * DAY_MS and not broken:
        made.append(_entry(row, FoundCause(Cause.CREDENTIALS_END, None), 0, language, until=row.ends_at))
    if found is not None:
        leads = waiting_counts(conn, [row.id])[row.id]
        if leads or found.cause is not Cause.CONNECTION_PAUSED:
            made.append(_entry(row, found, leads, language))
    return made


def _only_lead(conn: sa.Connection, connection_id: str, cause: Cause, leads: int) -> str | None:
    """The lead that was set aside for ``cause``, where it is the only one."""
    if leads != 1 or cause not in _REASONS.values():
        return None
    d = t.delivery.c
    why = sa.or_(*(d.set_aside_for == reason for reason, each in _REASONS.items() if each is cause))
    found: str | None = conn.scalar(sa.select(d.lead_id).where(d.connection_id == connection_id, t.FOR_A_PERSON, why))
    return found


def _entry(
    row: sa.Row[Any],
    found: FoundCause,
    leads: int,
    language: Language,
    until: int | None = None,
    lead_id: str | None = None,
) -> AttentionEntry:
    offer = OfferRef.parse(row.offer_ref)
    answer = None if found.diagnosis is None else from_stored(found.diagnosis)
    diagnosis = DiagnosisView.of(answer, language) if isinstance(answer, Diagnosis) else None
    if diagnosis is not None and found.cause is Cause.CONNECTION_BROKEN:
        diagnosis = diagnosis.for_a_person(language)
    who = Who.OPERATOR if found.cause is Cause.LEADS_DAMAGED else Who.PUBLISHER
    return AttentionEntry(
        cause=found.cause.value,
        summary=language.gettext(SUMMARIES[found.cause]),
        since=None if found.since is None else to_text(found.since),
        until=None if until is None else to_text(until),
        publisher_id=offer.publisher_id,
        offer_id=offer.offer_id,
        connection=row.name,
        connection_title=title_or_name(row.title, row.name),
        destination=row.destination,
        leads=leads,
        lead_id=lead_id,
        count=leads or 1,
        who=who.value if diagnosis is None else diagnosis.who,
        diagnosis=diagnosis,
    )
