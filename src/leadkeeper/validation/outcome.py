"""What a test lead's answer changes: its delivery, and what is known of its connection. All SQL."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.access.audit import note
from leadkeeper.catalogue import to_stored
from leadkeeper.connections import changes, outage
from leadkeeper.connections.connection import Connection, is_held_as_not_found
from leadkeeper.connections.connections import CHECK_EVERY
from leadkeeper.connections.deliveries import try_anew
from leadkeeper.connections.last_test import NO_WORD, LastTest
from leadkeeper.connections.outbox import change_refused
from leadkeeper.delivery.lease import close_lease
from leadkeeper.delivery.record import attempt_row
from leadkeeper.delivery.schedule import State
from leadkeeper.diagnosis import Answer, Diagnosis, Outcome, Receipt
from leadkeeper.mail.diagnoses import MailKind
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import announce
from leadkeeper.storage.evidence import insert_attempts

UNASKED: Final = "worker"
"""Who validates what nobody has asked to be validated."""


@dataclass(frozen=True, slots=True)
class SentTestLead:
    """A test lead that was sent over ``connection`` (as it was then) at ``at``, and its answer."""

    connection: Connection
    lead_id: str
    marker: str
    delivery_id: str
    lease_id: str
    at: int
    answer: Answer


class Effect(Enum):
    """What followed from the answer for the settings that were tried."""

    NOT_TAKEN = auto()
    """It was refused, or the settings are others by now."""
    IN_EFFECT = auto()
    """They are in effect, and leads go out."""
    HELD = auto()
    """They are in effect; leads go on being held, because a test lead was not found and nobody has found this one."""
    WAITS = auto()
    """They wait until somebody says that the test lead was found."""


def end_test(conn: sa.Connection, sent: SentTestLead, now: int, by: str, *, waits_for_word: bool) -> Effect:
    """Write down the answer; a test lead is never retried. Unasked, nothing lifts a person's pause."""
    d, answer = t.delivery.c, sent.answer
    held = conn.execute(
        sa.update(t.delivery)
        .where(d.id == sent.delivery_id, d.lease_id == sent.lease_id, t.SENDING)
        .values(state=_ended(answer).value, attempts=1, lease_id=None, changed_at=now)
    ).rowcount
    insert_attempts(conn, [attempt_row(sent.delivery_id, sent.at, now - sent.at, answer, late=not held)])
    close_lease(conn, sent.lease_id, now)
    effect = Effect.NOT_TAKEN
    if isinstance(answer, Receipt):
        effect = _taken(conn, sent, answer, now, by, waits_for_word=waits_for_word)
        announce(conn)
    else:
        refuse(conn, sent.connection, answer, now)
    connection = sent.connection
    note(conn, now, by, "connection.validate", f"{connection.offer}/{connection.name}", answer.outcome.value)
    return effect


def _taken(
    conn: sa.Connection, sent: SentTestLead, receipt: Receipt, now: int, by: str, *, waits_for_word: bool
) -> Effect:
    connection, change, c = sent.connection, sent.connection.change, t.connection.c
    test = LastTest(sent.lead_id, sent.marker, sent.at, receipt.confirmed)
    this: sa.ColumnElement[bool] = c.generation == connection.generation
    if change is not None and waits_for_word and not receipt.confirmed:
        if not changes.leave_to_a_person(conn, connection.id, change):
            return Effect.NOT_TAKEN
        waiting = LastTest(sent.lead_id, sent.marker, sent.at, receipt.confirmed, change.sealed)
        conn.execute(sa.update(t.connection).where(c.id == connection.id).values(waiting.columns()))
        return Effect.WAITS
    values: dict[str, Any] = {**test.columns(), "tried": True, "test_diagnosis": None}
    word = None if connection.test is None else connection.test.word
    if receipt.confirmed or change is not None or (word is not None and not word.found):
        values |= NO_WORD
    if receipt.confirmed or change is not None:
        values["proven"] = receipt.confirmed
    if change is not None:
        if not changes.promote_change(conn, connection.id, change, now, now + CHECK_EVERY):
            return Effect.NOT_TAKEN
        this = sa.true()
    holds = change is None and not receipt.confirmed and is_held_as_not_found(connection)
    values |= {"generation": c.generation + 1} | ({} if holds else outage.proven(now))
    if by == UNASKED:
        values.pop("paused_by_person", None)
    if not conn.execute(sa.update(t.connection).where(c.id == connection.id, this).values(values)).rowcount:
        return Effect.NOT_TAKEN
    if holds:
        return Effect.HELD
    try_anew(conn, connection.id, now)
    return Effect.IN_EFFECT


def refuse(conn: sa.Connection, connection: Connection, diagnosis: Diagnosis, now: int) -> None:
    """A validation has failed. Settings that wait: those in effect go on, and the contact e-mails hear of it."""
    summary = to_stored(diagnosis)
    if connection.change is not None:
        if changes.refuse_change(conn, connection.id, connection.change, summary):
            conn.execute(sa.insert(t.notice).values(change_refused(connection.id, summary, now)))
    elif _breaks(diagnosis, tried=connection.known.tried):
        c = t.connection.c
        this = (c.id == connection.id, c.generation == connection.generation)
        conn.execute(sa.update(t.connection).where(*this).values(test_diagnosis=summary))


def _breaks(diagnosis: Diagnosis, *, tried: bool) -> bool:
    """Whether a failed validation says that the connection is broken: more so where nothing good is known of it."""
    if diagnosis.kind is MailKind.CONTACT_UNCONFIRMED:  # was asked, and may confirm at any moment
        return False
    if tried:
        return diagnosis.outcome is Outcome.BROKEN
    return diagnosis.outcome not in (Outcome.THROTTLED, Outcome.OURS)


def _ended(answer: Answer) -> State:
    if isinstance(answer, Receipt):
        return State.DELIVERED if answer.confirmed else State.UNCONFIRMED
    return State.SET_ASIDE
