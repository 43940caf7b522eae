"""An upgrade claims nothing either: what was called proven and no destination confirmed reads as unconfirmed."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command

from leadkeeper.connections.health import OPEN_AFTER, Health, health_of
from leadkeeper.connections.last_test import known_of, last_test_of
from leadkeeper.connections.state import ConnectionState, Known, state_of
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import open_storage
from leadkeeper.storage.migrate import _config, upgrade
from tests.uuids import uuid_of

MARKER = "MSFT_TEST_639000000000000000"
BEFORE = "0009"


def _row(name: str, /, **values: Any) -> sa.Insert:
    table = sa.table(name, *(sa.column(each) for each in values))
    return sa.insert(table).values(**values)


def furnish(conn: sa.Connection) -> None:
    """Connections as the version before wrote them."""
    command.upgrade(_config(conn), BEFORE)
    at: dict[str, Any] = {"created_at": 1, "changed_at": 1}
    conn.execute(_row("publisher", id="contoso", display_name="Contoso", **at))
    offer = {"ref": "contoso.crm", "publisher_id": "contoso", "id": "crm", "title": "CRM", "offer_type": "saas"}
    conn.execute(_row("offer", **offer, live=True, **at))
    for name, destination, proven, state in (
        ("web", "salesforce", True, "unconfirmed"),
        ("rest", "salesforce", True, "delivered"),
        ("mail", "email", True, None),
        ("new", "marketo", False, None),
    ):
        row = {"id": uuid_of(name), "offer_ref": "contoso.crm", "name": name, "destination": destination, "epoch": 1}
        conn.execute(_row("connection", **row, settings="{}", secrets="", proven=proven, **at))
        if state is None:
            continue
        lead = {
            "id": uuid_of(f"l {name}"),
            "publisher_id": "contoso",
            "offer_id": "crm",
            "source": MARKER,
            "action": "INS",
        }
        email = f"{MARKER}@test.com".casefold()
        conn.execute(_row("lead", **lead, email=email, test=True, created_at=7, body="{}", unrouted=False))
        delivery = {
            "id": uuid_of(f"d {name}"),
            "lead_id": uuid_of(f"l {name}"),
            "connection_id": uuid_of(name),
            "state": state,
        }
        conn.execute(_row("delivery", **delivery, due_at=1, attempts=1, lost=0, **at))


def carries(conn: sa.Connection) -> None:
    """Connections that nobody ever validated; leads came in and were carried."""
    furnish(conn)
    offer = {"offer_ref": "contoso.crm", "epoch": 1, "settings": "{}", "secrets": "", "proven": False}
    for name, state, at, settings_at, removed_at in (
        ("carries", "delivered", 50, 10, None),
        ("web-carries", "unconfirmed", 50, 10, None),
        ("changed-since", "delivered", 50, 60, None),
        ("failed-only", "setAside", 50, 10, None),
        ("removed", "delivered", 50, 10, 70),
    ):
        row = {
            "id": uuid_of(name),
            "name": name,
            "destination": "salesforce",
            "created_at": 1,
            "changed_at": settings_at,
        }
        conn.execute(_row("connection", **offer, **row, removed_at=removed_at))
        delivery = {
            "id": uuid_of(f"d {name}"),
            "lead_id": uuid_of("l x"),
            "connection_id": uuid_of(name),
            "state": state,
        }
        conn.execute(_row("delivery", **delivery, due_at=1, attempts=1, lost=0, created_at=1, changed_at=at))


@pytest.mark.empty_database
async def test_what_delivers_without_ever_having_been_validated_is_not_called_untried(database_url: str) -> None:
    """What was taken with the present settings is known; what was taken before they were changed is not."""
    storage = open_storage(database_url)
    try:
        await storage.write(carries)
        await storage.write(upgrade)
        rows = await storage.read(lambda conn: conn.execute(sa.select(t.connection)).all())
    finally:
        await storage.close()
    found = {row.name: state_of(health_of(row), known_of(row)) for row in rows}
    assert {name: found[name] for name in ("carries", "web-carries", "changed-since", "failed-only", "new")} == {
        "carries": ConnectionState.WORKING,
        "web-carries": ConnectionState.UNCONFIRMED,
        "changed-since": ConnectionState.NOT_TRIED,
        "failed-only": ConnectionState.NOT_TRIED,
        "new": ConnectionState.NOT_TRIED,
    }


@pytest.mark.empty_database
async def test_what_nobody_confirmed_is_unconfirmed_after_an_upgrade(database_url: str) -> None:
    storage = open_storage(database_url)
    try:
        await storage.write(furnish)
        await storage.write(upgrade)
        rows = await storage.read(lambda conn: conn.execute(sa.select(t.connection)).all())
    finally:
        await storage.close()
    found = {row.name: (state_of(health_of(row), known_of(row)), last_test_of(row)) for row in rows}
    assert {name: state for name, (state, _) in found.items()} == {
        "web": ConnectionState.UNCONFIRMED,
        "rest": ConnectionState.WORKING,
        "mail": ConnectionState.UNCONFIRMED,
        "new": ConnectionState.NOT_TRIED,
    }
    test = found["web"][1]
    assert test is not None
    assert (test.lead_id, test.marker, test.sent_at, test.confirmed, test.word) == (
        uuid_of("l web"),
        MARKER,
        7,
        False,
        None,
    )
    assert found["mail"][1] is None, "nothing is made up"


@pytest.mark.parametrize(
    ("known", "state"),
    [
        (Known(), ConnectionState.NOT_TRIED),
        (Known(tried=True), ConnectionState.UNCONFIRMED),
        (Known(tried=True, proven=True), ConnectionState.WORKING),
        (Known(tried=True, proven=True, failed="{}"), ConnectionState.BROKEN),
    ],
)
def test_the_word_says_no_more_than_is_known(known: Known, state: ConnectionState) -> None:
    assert state_of(Health(), known) is state
    assert state_of(Health(paused=True), known) is ConnectionState.BROKEN
    assert state_of(Health(failures=OPEN_AFTER), known) is ConnectionState.BROKEN
    assert state_of(Health(paused=True, paused_by_person=True), known) is ConnectionState.PAUSED
