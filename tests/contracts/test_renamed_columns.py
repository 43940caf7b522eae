"""An upgrade that calls columns otherwise keeps what is in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pytest
import sqlalchemy as sa
from alembic import command

from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import open_storage
from leadkeeper.storage.migrate import _config, upgrade
from tests.uuids import uuid_of

BEFORE: Final = "0018"
AFTER: Final = "0020"
RENAMED: Final[Mapping[str, Mapping[str, str]]] = {
    "connection": {"epoch": "generation", "told_at": "notified_at"},
    "delivery": {"lost": "crash_count"},
}
_AT: Final[dict[str, Any]] = {"created_at": 1, "changed_at": 1}
_OFFER: Final = {"ref": "contoso.crm", "publisher_id": "contoso", "id": "crm", "title": "CRM", "offer_type": "saas"}
_CONNECTION: Final = {"offer_ref": "contoso.crm", "destination": "salesforce", "settings": "{}", "secrets": "", **_AT}
_DELIVERY: Final = {
    "lead_id": uuid_of("lead"),
    "connection_id": uuid_of("told"),
    "state": "setAside",
    "due_at": 1,
    "attempts": 4,
    **_AT,
}


def _insert(conn: sa.Connection, name: str, /, **values: Any) -> None:
    conn.execute(sa.insert(sa.table(name, *(sa.column(each) for each in values))).values(**values))


def furnish(conn: sa.Connection) -> None:
    """Rows as the version before wrote them: with a value in each column that is renamed, and with its least."""
    command.upgrade(_config(conn), BEFORE)
    _insert(conn, "publisher", id="contoso", display_name="Contoso", **_AT)
    _insert(conn, "offer", **_OFFER, live=True, **_AT)
    _insert(conn, "connection", id=uuid_of("told"), name="told", epoch=7, told_at=1_700_000_000_123, **_CONNECTION)
    _insert(conn, "connection", id=uuid_of("new"), name="new", epoch=1, **_CONNECTION)
    _insert(conn, "delivery", id=uuid_of("crashed"), lost=3, **_DELIVERY)
    _insert(conn, "delivery", id=uuid_of("quiet"), lost=0, **_DELIVERY)


def rows_of(conn: sa.Connection, name: str) -> list[dict[str, Any]]:
    """All columns of every row, whatever the version calls them."""
    table = sa.Table(name, sa.MetaData(), autoload_with=conn)
    return [dict(row) for row in conn.execute(sa.select(table).order_by(table.c.id)).mappings()]


def kept(conn: sa.Connection) -> None:
    """Upgrade by this one version, and compare every column of every row."""
    furnish(conn)
    before = {name: rows_of(conn, name) for name in RENAMED}
    assert all(set(names) <= set(before[name][0]) for name, names in RENAMED.items()), "the old names were there"
    command.upgrade(_config(conn), AFTER)
    for name, names in RENAMED.items():
        expected = [{names.get(column, column): value for column, value in row.items()} for row in before[name]]
        assert rows_of(conn, name) == expected


@pytest.mark.empty_database
async def test_renamed_columns_keep_their_data(database_url: str) -> None:
    storage = open_storage(database_url)
    try:
        await storage.write(kept)
        await storage.write(upgrade)
        connection, delivery = t.connection.c, t.delivery.c
        columns = sa.select(connection.id, connection.generation, connection.notified_at).order_by(connection.id)
        connections = await storage.read(lambda conn: conn.execute(columns).all())
        counts = sa.select(delivery.id, delivery.crash_count).order_by(delivery.id)
        deliveries = await storage.read(lambda conn: conn.execute(counts).all())
    finally:
        await storage.close()
    assert [tuple(row) for row in connections] == [(uuid_of("new"), 1, None), (uuid_of("told"), 7, 1_700_000_000_123)]
    assert [tuple(row) for row in deliveries] == [(uuid_of("crashed"), 3), (uuid_of("quiet"), 0)]
