"""An upgrade moves no evidence: what stands in attempts is read there, and goes lead by lead when its time is over."""

from __future__ import annotations

from typing import Any, Final

import pytest
import sqlalchemy as sa
from alembic import command

from leadkeeper.catalogue import diagnose, to_stored
from leadkeeper.clock import least_id, made_at, now_ms
from leadkeeper.delivery.record import attempt_row
from leadkeeper.diagnosis import Evidence, Kind
from leadkeeper.inbox.inbox import lead_view
from leadkeeper.lead import Customer
from leadkeeper.lead_body import to_body
from leadkeeper.privacy.periods import DataKind
from leadkeeper.privacy.retention import Retention, RetentionTask
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage
from leadkeeper.storage.evidence import insert_attempts
from leadkeeper.storage.migrate import _config, upgrade
from leadkeeper.texts import ENGLISH
from tests.contracts.older_version import insert_row, storage

__all__ = ["storage"]

BEFORE: Final = "0047"
DAY: Final = 86_400_000
EVIDENCE: Final = diagnose(Kind.NO_ANSWER, Evidence(status=503, text="try later"))
CONNECTION: Final = least_id(1)


def _with_ids(conn: sa.Connection, table: sa.Table, **values: Any) -> None:
    conn.execute(sa.insert(table).values(**values))


def furnish(conn: sa.Connection, now: int) -> None:
    """A lead that arrived and one that waits, each of 80 days ago and with an attempt that holds its evidence."""
    command.upgrade(_config(conn), BEFORE)
    at: dict[str, Any] = {"created_at": 1, "changed_at": 1}
    insert_row(conn, "publisher", id="contoso", display_name="Contoso", **at)
    offer = {"ref": "contoso.crm", "publisher_id": "contoso", "id": "crm", "title": "CRM", "offer_type": "saas"}
    insert_row(conn, "offer", **offer, live=True, **at)
    settings = {"destination": "salesforce", "settings": "{}", "secrets": ""}
    connection = {"id": CONNECTION, "offer_ref": "contoso.crm", "name": "one", "generation": 1}
    _with_ids(conn, t.connection, **connection, **settings, **at)
    for number, state in enumerate(("delivered", "setAside")):
        lead_id = _lead(conn, now - 80 * DAY + number, state)
        row = {"id": least_id(made_at(lead_id) + 2), "delivery_id": lead_id, "at": 1, "took_ms": 1, "late": False}
        _with_ids(conn, t.attempt, **row, outcome="failed", answer=to_stored(EVIDENCE))


def _lead(conn: sa.Connection, came: int, state: str) -> str:
    """A lead and its delivery, of one id."""
    id_ = least_id(came)
    row: dict[str, Any] = {"id": id_, "publisher_id": "contoso", "offer_id": "crm", "source": "SPZA", "action": "INS"}
    body = to_body(Customer("Ada", "Lovelace", "ada@fabrikam.example", "", "GB", "", ""), "", "", {})
    _with_ids(conn, t.lead, **row, email="", test=False, created_at=came, body=body, unrouted=False)
    delivery = {"id": id_, "lead_id": id_, "connection_id": CONNECTION, "state": state, "due_at": came}
    _with_ids(conn, t.delivery, **delivery, attempts=1, crash_count=0, created_at=came, changed_at=came)
    return id_


def shown(conn: sa.Connection, id_: str) -> list[str | None]:
    """What was said of a lead, as it is shown."""
    found = lead_view(conn, id_, ENGLISH)
    assert found is not None
    return [each.diagnosis.evidence.text for each in found.deliveries[0].attempts if each.diagnosis]


async def _look(storage: Storage, at: int) -> Retention:
    """The task of retention looks at that moment."""
    retention = Retention(storage, clock=lambda: at)
    await RetentionTask(retention, storage, lambda: at).look()
    return retention


@pytest.mark.empty_database
async def test_what_was_there_is_read_and_goes_when_its_time_is_over(storage: Storage) -> None:
    now = now_ms()
    await storage.migrate(lambda conn: furnish(conn, now))
    before = await storage.read(lambda conn: conn.execute(sa.select(t.attempt)).all())
    await storage.migrate(upgrade)
    assert await storage.read(lambda conn: conn.execute(sa.select(t.attempt)).all()) == before
    gone, waits = (least_id(now - 80 * DAY + number) for number in range(2))
    for id_ in (gone, waits):
        assert await storage.read(shown, id_) == ["try later"]
    # What is said from now on stands beside it, of the same lead.
    later = attempt_row(waits, now, 1, EVIDENCE, late=False)
    await storage.write(insert_attempts, [later])
    assert await storage.read(shown, waits) == ["try later"] * 2

    for days, left in ((9, "try later"), (11, None)):
        await _look(storage, now + days * DAY)
        assert await storage.read(shown, gone) == [left]
        assert await storage.read(shown, waits) == ["try later"] * 2


@pytest.mark.empty_database
async def test_leads_from_before_end_by_themselves_and_those_after_by_the_month(storage: Storage) -> None:
    """However late: the walk over leads ends where no attempt can hold its evidence, and only there."""
    now = now_ms()
    await storage.migrate(lambda conn: furnish(conn, now))
    await storage.migrate(upgrade)
    new = await storage.write(_lead, now + 2 * DAY, "delivered")
    old = await storage.write(_lead, now, "delivered")
    await storage.write(insert_attempts, [attempt_row(each, now, 1, EVIDENCE, late=False) for each in (new, old)])
    retention = await _look(storage, now + 95 * DAY)
    walk = sa.select(t.retention_walk.c.place).where(t.retention_walk.c.publisher_id == "contoso")
    place = await storage.read(lambda conn: conn.scalar(walk.where(t.retention_walk.c.kind == "evidence")))
    months = await storage.read(lambda conn: conn.dialect.name == "postgresql")
    assert place == (old if months else new)
    assert not (await retention.figures()).kept[DataKind.EVIDENCE].late
    assert await storage.read(shown, old) == [None]
