"""Which notices are due, who of their recipients may be told now, and what becomes of the others. All SQL."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
import structlog
from pydantic_core import from_json

from leadkeeper.access.contacts import VALID_MS, contacts_of
from leadkeeper.access.mail_bound import free_at, spend
from leadkeeper.catalogue import from_stored, is_stored
from leadkeeper.connections.expiry import Ending
from leadkeeper.connections.outage_news import OutageNews
from leadkeeper.connections.outbox import (
    CHANGE_REFUSED,
    CONNECTION_EXPIRES,
    CONNECTION_PAUSED,
    OUTAGE_KINDS,
    is_first_of_trouble,
)
from leadkeeper.connections.resource import read_settings
from leadkeeper.destinations.interface import Standing
from leadkeeper.diagnosis import Diagnosis
from leadkeeper.mail.address import MailRules
from leadkeeper.mail.fates import MOST_TRIES, RETRY_MS
from leadkeeper.storage import tables as t
from leadkeeper.storage.damage import Damage, Record, remember
from leadkeeper.storage.engine import one_of

UNCERTAIN_MS: Final = 10_000
"""How long a notice waits of trouble that may be over."""
HELD_MS: Final = 120_000
"""How long a notice that is being sent is left to its sender, should that vanish."""
MOST: Final = 500
UNCONFIRMED_MS: Final = 3_600_000
"""How often it is looked whether a contact has been confirmed; a click is acted on at once."""

log: Final = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class DueNotices:
    """The notices of one kind that go into one mail: for one connection or operation, or of all with one cause."""

    kind: str
    notices: Sequence[sa.Row[Any]]

    @property
    def publisher_id(self) -> str:
        """Whose notices they are."""
        return str(self.notices[0].publisher_id)

    @property
    def left(self) -> list[str]:
        """Who is to be told: those still left, a connection's contact e-mails, those who hear of an operation."""
        row = self.notices[0]
        every = _everybody(row) or []
        if row.recipients is None:
            return every
        # Whoever was taken out of the settings meanwhile is told no more.
        left = read_emails(row.recipients) or []
        return [email for email in every if email in left]

    @property
    def ids(self) -> list[str]:
        """The notices' ids, oldest first."""
        return [row.id for row in self.notices]


def _everybody(row: sa.Row[Any]) -> list[str] | None:
    """Who hears of such a notice; ``None`` where the row of what it tells of is damaged."""
    if row.operation_id is not None:
        return read_emails(row.emails)
    settings = read_settings(row.settings)
    return None if settings is None else settings.get("contactEmail", [])


def read_emails(text: str) -> list[str] | None:
    """The addresses in a row, or ``None`` for one that is damaged."""
    try:
        emails = from_json(text)
    except (ValueError, TypeError):
        return None
    return emails if isinstance(emails, list) and all(isinstance(each, str) for each in emails) else None


@dataclass(frozen=True, slots=True)
class MailPlan:
    """Whom a mail goes to now, and who hears of it later."""

    now: Sequence[str] = ()
    later: Sequence[str] = ()


def take(conn: sa.Connection, now: int) -> list[DueNotices]:
    """What is due, kept from others for :data:`HELD_MS`; gathered by connection, kind and recipients.

    Those of outages and of broken connections are gathered by publisher, cause and recipients: whoever hears of one
    hears of all in one mail.
    """
    n = t.notice.c
    due = (
        sa.select(n.id)
        .where(t.WAITING_NOTICE, n.due_at <= now)
        .order_by(n.due_at, n.id)
        .limit(MOST)
        .with_for_update(skip_locked=True)
    )
    ids = list(conn.scalars(due))
    if not ids:
        return []
    conn.execute(sa.update(t.notice).where(one_of(conn, n.id, ids)).values(due_at=now + HELD_MS))
    c, o, offer = t.connection.c, t.operation.c, t.offer.c
    about = (offer.title, offer.publisher_id, offer.id.label("offer_id"), offer.preview_key)
    rows = conn.execute(
        sa.select(t.notice, c.name, t.CONNECTION_TITLE, c.destination, c.settings, *_STATE, o.emails, o.steps, *about)
        .outerjoin(t.connection, c.id == n.connection_id)
        .outerjoin(t.operation, o.id == n.operation_id)
        .join(t.offer, offer.ref == sa.func.coalesce(c.offer_ref, o.offer_ref))
        .where(one_of(conn, n.id, ids))
        .order_by(n.connection_id, n.kind, n.id)
    ).all()
    rows = _still_so(conn, _readable(conn, ids, rows, now), now)
    grouped: dict[tuple[str, str, str | None], list[sa.Row[Any]]] = {}
    for row in rows:
        grouped.setdefault((_gathered_by(row), row.kind, row.recipients), []).append(row)
    return [DueNotices(kind, notices) for (_, kind, _), notices in grouped.items()]


def _gathered_by(row: sa.Row[Any]) -> str:
    """What an operation tells stands by itself; a connection's notices of one kind are gathered."""
    if row.kind in OUTAGE_KINDS:
        return json.dumps([row.publisher_id, OutageNews.of(row.body).cause, sorted(_everybody(row) or ())])
    if row.kind == CONNECTION_PAUSED:
        answer = from_stored(row.body)
        kind = answer.kind.value if isinstance(answer, Diagnosis) else ""
        return json.dumps([row.publisher_id, row.destination, kind, sorted(_everybody(row) or ())])
    return str(row.connection_id or row.id)


def _readable(conn: sa.Connection, ids: Sequence[str], rows: Sequence[sa.Row[Any]], now: int) -> list[sa.Row[Any]]:
    """Those of ``rows`` that can be sent. A damaged notice is ended, named in the log.

    One of a connection or operation whose row is damaged waits for its repair, as long as one waits for a click.
    """
    found = {row.id for row in rows}
    damaged = [id_ for id_ in ids if id_ not in found]
    waiting: list[str] = []
    kept: list[sa.Row[Any]] = []
    for row in rows:
        if not is_whole(row):
            damaged.append(row.id)
        elif _everybody(row) is None:
            (damaged if row.created_at <= now - VALID_MS else waiting).append(row.id)
        else:
            kept.append(row)
    for id_ in damaged:
        log.error("notice ended: its row, or that of what it tells of, is damaged", notice=id_)
    if damaged:
        end(conn, damaged, now)
        remember(conn, [Damage(Record.NOTICE, (id_,)) for id_ in damaged], now)
    if waiting:
        later = {"due_at": now + UNCONFIRMED_MS}
        conn.execute(sa.update(t.notice).where(one_of(conn, t.notice.c.id, waiting)).values(later))
    return kept


_STATE: Final = (t.connection.c.paused, t.connection.c.failing_since, t.connection.c.works_since)


def _still_so(conn: sa.Connection, rows: Sequence[sa.Row[Any]], now: int) -> list[sa.Row[Any]]:
    """Those of ``rows`` that are not overtaken: nobody is told of trouble that was over before it was told.

    Trouble that may just be over waits until that is certain: ``delivery.outages`` ends its notice then.
    """
    over, uncertain, kept = [], [], []
    for row in rows:
        if row.paused or row.recipients is not None or not is_first_of_trouble(row.kind, row.body):
            kept.append(row)
        elif row.failing_since is None:
            over.append(row.id)
        elif row.works_since is not None:
            uncertain.append(row.id)
        else:
            kept.append(row)
    if over:
        end(conn, over, now)
    if uncertain:
        later = sa.update(t.notice).where(one_of(conn, t.notice.c.id, uncertain))
        conn.execute(later.values(due_at=now + UNCERTAIN_MS))
    return kept


def is_whole(row: sa.Row[Any]) -> bool:
    """Whether a notice's row (kind, body, recipients) can be read."""
    if row.recipients is not None and read_emails(row.recipients) is None:
        return False
    if row.kind in OUTAGE_KINDS:
        return _is(OutageNews.of, row.body)
    if row.kind == CONNECTION_EXPIRES:
        return _is(Ending.of, row.body)
    return row.kind not in (CONNECTION_PAUSED, CHANGE_REFUSED) or is_stored(row.body)


def _is(read: Callable[[str], object], body: str) -> bool:
    try:
        read(body)
    except (ValueError, TypeError):
        return False
    return True


def plan(conn: sa.Connection, due: DueNotices, rules: MailRules, now: int) -> MailPlan:
    """Who is told now, counted for the publisher. When nobody is, the notices wait, or end if there is nobody to tell.

    Notices that wait for a click or for the publisher's next hour are put off together: however many one publisher
    has, they keep no other's from being looked at.
    """
    left = due.left
    found = contacts_of(conn, due.publisher_id, left, rules)
    ready = [email for email, contact in found.items() if contact.standing is Standing.CONFIRMED]
    unconfirmed = [email for email, contact in found.items() if contact.standing in (Standing.ASKED, Standing.WAITING)]
    if not ready and not unconfirmed:
        end(conn, due.ids, now)
        return MailPlan()
    if not ready:
        _wait_for_clicks(conn, due, now)
        return MailPlan()
    granted = spend(conn, due.publisher_id, len(ready), rules, now)
    if granted == 0:
        _put_off(conn, due, now)
        return MailPlan()
    return MailPlan(ready[:granted], [*ready[granted:], *unconfirmed])


def _wait_for_clicks(conn: sa.Connection, due: DueNotices, now: int) -> None:
    """Nobody has confirmed yet: look again in an hour; after as long as a question is valid nobody will."""
    n, row = t.notice.c, due.notices[0]
    those = one_of(conn, n.id, due.ids)
    if row.connection_id is not None and row.recipients is None:
        those |= (n.connection_id == row.connection_id) & n.recipients.is_(None) & (n.due_at <= now + HELD_MS)
    old = n.created_at <= now - VALID_MS
    ended = conn.execute(sa.update(t.notice).where(t.WAITING_NOTICE, those, old).values(ended_at=now)).rowcount
    if ended:
        log.warning("notices given up: nobody confirmed", publisher=due.publisher_id, notices=ended)
    conn.execute(sa.update(t.notice).where(t.WAITING_NOTICE, those).values(due_at=now + UNCONFIRMED_MS))


def _put_off(conn: sa.Connection, due: DueNotices, now: int) -> None:
    """The publisher's hour is used up: everything that it would send before then waits."""
    n = t.notice.c
    log.warning("notices wait: the publisher's mails of this hour are used up", publisher=due.publisher_id)
    those = one_of(conn, n.id, due.ids) | n.connection_id.in_(_connections(due.publisher_id))
    then = free_at(conn, due.publisher_id, now)
    conn.execute(sa.update(t.notice).where(t.WAITING_NOTICE, n.due_at < then, those).values(due_at=then))


def _connections(publisher_id: str) -> sa.Select[Any]:
    c, offer = t.connection.c, t.offer.c
    return sa.select(c.id).join(t.offer, offer.ref == c.offer_ref).where(offer.publisher_id == publisher_id)


def wake(conn: sa.Connection, publisher_id: str, now: int) -> None:
    """A contact of the publisher has answered: what waits for it is looked at now, and leads go out."""
    n, c = t.notice.c, t.connection.c
    operations = sa.select(t.operation.c.id).join(t.offer, t.offer.c.ref == t.operation.c.offer_ref)
    operations = operations.where(t.offer.c.publisher_id == publisher_id)
    # A daily notice is due at the end of its day, whoever answers when.
    soon = _connections(publisher_id).where(c.announces != "daily")
    mine = n.connection_id.in_(soon) | n.operation_id.in_(operations)
    waits = (t.WAITING_NOTICE, mine, n.due_at <= now + UNCONFIRMED_MS + HELD_MS)
    conn.execute(sa.update(t.notice).where(*waits).values(due_at=now))
    paused = (c.destination == "email", c.paused, c.probe_at > now)
    conn.execute(sa.update(t.connection).where(*paused, c.id.in_(_connections(publisher_id))).values(probe_at=now))


def end(conn: sa.Connection, ids: Sequence[str], now: int) -> None:
    """These notices are done."""
    conn.execute(sa.update(t.notice).where(one_of(conn, t.notice.c.id, ids)).values(ended_at=now))


def again(conn: sa.Connection, due: DueNotices, left: Sequence[str], now: int, *, at: int | None = None) -> None:
    """Those of ``left`` are still to be told: at ``at``, or as a try that failed, later each time and not for ever."""
    for row in due.notices:
        tries = row.tries + (at is None)
        values: dict[str, Any] = {"tries": tries, "due_at": at or now + RETRY_MS[min(tries, len(RETRY_MS)) - 1]}
        values["recipients"] = json.dumps(list(left))
        if tries >= MOST_TRIES:
            log.warning("notice given up", kind=due.kind, notice=row.id, publisher=due.publisher_id)
            values["ended_at"] = now
        conn.execute(sa.update(t.notice).where(t.notice.c.id == row.id).values(values))
