"""What somebody says of a test lead that no destination confirms: it was found there, or it was not."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import sqlalchemy as sa

from leadkeeper.access.audit import note
from leadkeeper.catalogue import diagnose, to_stored
from leadkeeper.clock import Clock, now_ms
from leadkeeper.connections import changes, outage
from leadkeeper.connections.changes import SettingsChange
from leadkeeper.connections.connection import Connection, is_held_as_not_found
from leadkeeper.connections.connections import CHECK_EVERY, Connections
from leadkeeper.connections.deliveries import try_anew
from leadkeeper.connections.last_test import LastTest, Word
from leadkeeper.connections.outbox import change_refused, connection_paused
from leadkeeper.diagnosis import Diagnosis, Evidence, Kind
from leadkeeper.offer import OfferRef
from leadkeeper.problem import FieldError, Problem, ProblemType
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage, announce
from leadkeeper.texts import lazy_gettext


class Findings:
    """The answers to “was the test lead found?”. ``woken`` is told the connections that have work again.

    ``goes_on`` is called within the transaction, for what waits for the word (publishing).
    """

    def __init__(
        self,
        storage: Storage,
        connections: Connections,
        woken: Callable[[Collection[str]], None] = lambda _: None,
        clock: Clock = now_ms,
        goes_on: Callable[[sa.Connection, OfferRef, int], None] = lambda _conn, _offer, _now: None,
    ) -> None:
        self._storage = storage
        self._connections = connections
        self._woken = woken
        self._clock = clock
        self._goes_on = goes_on

    async def say(self, offer: OfferRef, name: str, *, found: bool, marker: str | None = None, by: str) -> Connection:
        """Whether the last test lead over the connection was found; the connection as it is then.

        Found: its settings are proven, and what was held because it was not found goes out. Not found: it is broken,
        with what usually is wrong, and its leads are held until a test lead is found or somebody resumes it; settings
        that wait are refused instead. Raises :class:`Problem` for an unknown offer or connection, and where no test
        lead waits for a word: none was sent with these settings, ``marker`` names another, or the destination
        confirmed it.
        """

        def transaction(conn: sa.Connection) -> Connection:
            connection = self._connections.known(conn, offer, name)
            test = _open_test(connection, marker)
            now = self._clock()
            word = Word(found, test.marker, by, now)
            change = connection.change if test.change is not None else None
            if found:
                _found(conn, connection, change, word, now)
            else:
                _not_found(conn, connection, change, word, now)
            self._goes_on(conn, offer, now)
            announce(conn)
            summary = f"{'found' if found else 'not found'} {test.marker}"
            note(conn, now, by, "connection.testLead", f"{offer}/{name}", summary)
            return self._connections.known(conn, offer, name)

        connection = await self._storage.write(transaction)
        if found:
            self._woken([connection.id])
        return connection


def _open_test(connection: Connection, marker: str | None) -> LastTest:
    """The test lead that somebody may say something of."""
    test, name = connection.test, f"{connection.offer}/{connection.name}"
    sealed = None if connection.change is None else connection.change.sealed
    if test is None or test.change not in (None, sealed):
        raise _not_now(
            lazy_gettext("Over %(name)s no test lead was sent with its present settings: validate it first.", name=name)
        )
    if marker is not None and marker != test.marker:
        raise _not_now(
            lazy_gettext(
                "The last test lead over %(name)s is %(marker)s: search for that one.", name=name, marker=test.marker
            ),
            "marker",
        )
    if test.confirmed:
        raise _not_now(
            lazy_gettext(
                "The destination of %(name)s confirmed the last test lead itself: nobody needs to look for it.",
                name=name,
            )
        )
    return test


def _not_now(detail: str, field: str | None = None) -> Problem:
    errors = () if field is None else (FieldError(field, lazy_gettext("is not that of the last test lead")),)
    return Problem(ProblemType.NOT_POSSIBLE_NOW, detail, errors)


def _found(conn: sa.Connection, connection: Connection, change: SettingsChange | None, word: Word, now: int) -> None:
    values: dict[str, Any] = {"proven": True, "tried": True, "test_diagnosis": None, **word.columns()}
    if change is not None and changes.promote_change(conn, connection.id, change, now, now + CHECK_EVERY):
        values["test_change"] = None
    if change is not None or is_held_as_not_found(connection):
        values |= {**outage.proven(now), "generation": t.connection.c.generation + 1}
        del values["paused_by_person"]
        try_anew(conn, connection.id, now)
    _update(conn, connection, values)


def _not_found(
    conn: sa.Connection, connection: Connection, change: SettingsChange | None, word: Word, now: int
) -> None:
    summary = to_stored(_diagnosis(connection if change is None else connection.changed, word))
    if change is not None:
        changes.refuse_change(conn, connection.id, change, summary)
        conn.execute(sa.insert(t.notice).values(change_refused(connection.id, summary, now)))
        _update(conn, connection, word.columns())
        return
    # Without a probe: a check passes here whatever becomes of leads.
    held = {
        "paused": True,
        "probe_at": None,
        "probes": 0,
        "diagnosis": summary,
        "generation": t.connection.c.generation + 1,
    }
    _update(conn, connection, {"proven": False, **held, **word.columns()})
    if not is_held_as_not_found(connection):
        conn.execute(sa.insert(t.notice).values(connection_paused(connection.id, summary, now)))


def _diagnosis(connection: Connection, word: Word) -> Diagnosis:
    kind = connection.stored.provider.if_not_found or Kind.SETTINGS_INVALID
    return diagnose(
        kind, Evidence(text=lazy_gettext("Somebody looked for %(marker)s and did not find it.", marker=word.marker))
    )


def _update(conn: sa.Connection, connection: Connection, values: dict[str, Any]) -> None:
    conn.execute(sa.update(t.connection).where(t.connection.c.id == connection.id).values(values))
