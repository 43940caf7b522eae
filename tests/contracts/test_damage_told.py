"""``/readyz``, ``/metrics`` and ``doctor`` tell of damaged rows of every kind, and stop when they are fixed."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Final

import pytest
import sqlalchemy as sa

from leadkeeper.catalogue import to_stored
from leadkeeper.clock import new_id, now_ms
from leadkeeper.diagnosis import Receipt
from leadkeeper.doors.cli.operating.doctor_records import records
from leadkeeper.inbox import damaged, inspection
from leadkeeper.inbox.inspection import Inspection
from leadkeeper.sandbox.authority import Authority
from leadkeeper.storage import tables as t
from leadkeeper.storage.damage import Record, damage_counts
from leadkeeper.storage.engine import Storage, StorageAway
from tests.contracts.installation import CRM, lead
from tests.contracts.market import DEFINITION
from tests.contracts.test_worker import scene
from tests.in_process import OFFER, Installation, Visitor, hand_in, installation

CUT: Final = '{"customer": {"firstName": "A'
BOSS: Final = "boss@contoso.example"
KINDS: Final[dict[str, tuple[str, dict[str, Any], str]]] = {
    "lead": ("lead", {"body": CUT}, "lead "),
    "connection": ("connection", {"settings": "[]"}, "connection contoso.crm-pro/primary"),
    "change": ("connection_change", {"settings": CUT}, "pending change of contoso.crm-pro/primary"),
    "answer": ("attempt", {"answer": '{"kind": "thrott'}, "answer "),
    "notice": ("notice", {"body": CUT}, "notice "),
    "operation": ("operation", {"steps": CUT}, "operation "),
    "contact": ("contact", {"trouble": '{"kind": 7'}, "of contoso"),
    "offerVersion": ("offer_version", {"definition": "[7]"}, "version 1 of the offer contoso.crm-pro"),
}
"""Of each kind: its table, what damages a row, and how the doctor calls it."""


async def furnish(home: Installation) -> None:
    """Whole rows of every kind."""
    operator, storage = await home.visitor("operator"), home.services.storage
    settings = {"httpsEndpointUrl": "https://crm.example/hook", "contactEmail": [BOSS], "notice": "none"}
    body = {"leadDestination": "httpsEndpoint", "httpsEndpointLeadConfiguration": settings}
    assert (await operator.put(f"{OFFER}/connections/primary", body)).status == 201
    await hand_in(operator)
    now = now_ms()

    def transaction(conn: sa.Connection) -> None:
        connection = conn.execute(sa.select(t.connection)).one()
        delivery_id = conn.scalar(sa.select(t.delivery.c.id))
        attempt = {"id": new_id(), "delivery_id": delivery_id, "at": now, "took_ms": 1, "outcome": "delivered"}
        conn.execute(sa.insert(t.attempt).values(attempt | {"late": False, "answer": to_stored(Receipt(note="taken"))}))
        change = {"connection_id": connection.id, "destination": connection.destination, "due_at": now + 10**9}
        change |= {"settings": connection.settings, "secrets": "", "repeatable": True, "announces": "none"}
        conn.execute(sa.insert(t.connection_change).values(change | {"changed_at": now}))
        notice = {"id": new_id(), "connection_id": connection.id, "kind": "connectionPaused", "created_at": now}
        body = '{"kind": "noAnswer", "outcome": "failed", "evidence": {}}'
        conn.execute(sa.insert(t.notice).values(notice | {"body": body, "due_at": now + 10**9, "tries": 0}))

    await storage.write(transaction)
    await home.services.offers.catalogue.put_definition(
        CRM, offer_type="saas", definition=DEFINITION, lead_settings=None, by="test"
    )
    await home.services.offers.publication.publish(CRM, emails=[BOSS], by="test")


async def look(home: Installation) -> None:
    """As a worker does now and then."""
    await Inspection(home.services.storage, home.services.clock, random_unit=lambda: 0.5).look()


async def ready_with(home: Installation, count: int) -> Any:
    """What ``/readyz`` says once it counts so many; what it found is remembered for a second."""
    async with asyncio.timeout(60):
        while True:
            ready = await home.anyone.get("/readyz")
            assert ready.status == 200, "a lead can be kept"
            if ready.json()["damagedRecords"] == count:
                return ready.json()
            await asyncio.sleep(0.1)


async def counted(home: Installation, kind: str) -> bool:
    """Whether ``/metrics`` counts one of ``kind`` and none of any other."""
    metrics = (await (await home.visitor("operator")).get("/metrics")).body.decode()
    lines = [line for line in metrics.splitlines() if line.startswith("leadkeeper_damaged_records{")]
    return sorted(line for line in lines if not line.endswith(" 0.0")) == [
        f'leadkeeper_damaged_records{{kind="{kind}"}} 1.0'
    ]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_damaged_row_of_each_kind_is_told_until_it_is_mended(database_url: str, kind: str) -> None:
    name, values, called = KINDS[kind]
    table = t.metadata.tables[name]
    async with installation(database_url) as home:
        await furnish(home)
        storage = home.services.storage
        await look(home)
        assert await ready_with(home, 0) == {"status": "ready", "damagedRecords": 0, "remedy": None}
        assert (await records(home.services)).state == "ok"
        column = next(iter(values))
        whole = await storage.read(lambda conn: conn.scalar(sa.select(table.c[column])))
        assert await storage.write(lambda conn: conn.execute(sa.update(table).values(values)).rowcount) == 1
        await look(home)
        ready = await ready_with(home, 1)
        assert ready["status"] == "ready"
        assert "leadkeeper doctor" in ready["remedy"]
        assert await counted(home, kind)
        found = await records(home.services)
        assert found.state == "wrong"
        assert called in found.detail
        assert BOSS not in found.detail, "an address is shown masked"
        assert "backup" in found.remedy
        await storage.write(lambda conn: conn.execute(sa.update(table).values({column: whole})) and None)
        await look(home)
        assert await ready_with(home, 0)
        assert (await records(home.services)).state == "ok"


async def ready_at(storage: Storage) -> int:
    return sum((await storage.read(damage_counts)).values())


async def test_a_lead_that_is_set_aside_as_damaged_is_told_at_once(database_url: str, authority: Authority) -> None:
    """Nobody has to come by its row first; a missing row counts."""
    async with scene(database_url, authority) as s:
        await s.connect()
        await s.installation.connections.pause(CRM, "primary", by="test")
        cut, gone = [(await s.intake.keep(lead(number))).id for number in range(2)]
        storage = s.installation.storage
        await storage.write(lambda conn: conn.execute(sa.update(t.lead).where(t.lead.c.id == cut).values(body=CUT)))
        await storage.write(lambda conn: conn.execute(sa.delete(t.lead).where(t.lead.c.id == gone)))
        await s.installation.connections.resume(CRM, "primary", by="test")
        await s.until(lambda states: states == {"setAside": 2})
        assert await ready_at(storage) == 2


async def test_readiness_and_measurements_do_not_go_through_the_records(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They count what the program met: of ten million leads, asking every second reads none."""
    async with installation(database_url) as home:
        await furnish(home)
        operator, read, asked = await home.visitor("operator"), home.services.storage.read, list[str]()

        async def watched(transaction: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
            def seen(conn: sa.Connection) -> Any:
                sa.event.listen(conn, "before_cursor_execute", note)
                try:
                    return transaction(conn, *args, **kwargs)
                finally:
                    sa.event.remove(conn, "before_cursor_execute", note)

            def note(*given: Any) -> None:
                asked.append(given[2])

            found: Awaitable[Any] = read(seen)
            return await found

        monkeypatch.setattr(home.services.storage, "read", watched)
        assert (await home.anyone.get("/readyz")).status == 200
        assert (await operator.get("/metrics")).status == 200
        summary = [text for text in asked if "damaged_record" in text]
        assert summary
        assert not [text for text in asked if " body" in text or "answer" in text or "definition" in text]


async def test_the_doctor_goes_through_all_of_them_in_steps(
    home: Installation, operator: Visitor, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest is no more looked at than the newest, however many there are, and a long look says how far it is."""
    monkeypatch.setattr(damaged, "MOST", 3)
    await furnish(home)
    last = [await hand_in(operator) for _ in range(10)][-1]
    storage = home.services.storage
    await storage.write(lambda conn: conn.execute(sa.update(t.lead).where(t.lead.c.id == last).values(body=CUT)))
    steps: list[int] = []
    found = [each async for each in damaged.all_damaged(storage, home.services.clock(), steps.append)]
    assert [each.summary for each in found if last in each.summary]
    assert len(found) == 1
    assert steps == sorted(steps)
    assert steps[-1] >= 11


async def test_the_inspection_begins_anywhere(
    home: Installation, operator: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that is started again every hour must come by the newest record as often as by the oldest."""
    monkeypatch.setattr(inspection, "RECORDS", 2)
    await furnish(home)
    leads = [await hand_in(operator) for _ in range(40)]
    storage = home.services.storage
    await storage.write(lambda conn: conn.execute(sa.update(t.lead).where(t.lead.c.id == leads[-1]).values(body=CUT)))
    await Inspection(storage, home.services.clock, random_unit=lambda: 0.0).look()
    assert await ready_at(storage) == 0
    await Inspection(storage, home.services.clock, random_unit=lambda: 1.0).look()
    assert await ready_at(storage) == 1
    for random_unit in (0.3, 0.9):
        await storage.write(lambda conn: conn.execute(sa.delete(t.damaged_record)) and None)
        looks = Inspection(storage, home.services.clock, random_unit=functools.partial(float, random_unit))
        for _ in range(25):
            await looks.look()
        assert await ready_at(storage) == 1, "wherever it began, it comes by all of them"


async def test_what_could_not_be_written_down_is_found_again(
    home: Installation, operator: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inspection, "RECORDS", 2)
    await furnish(home)
    first, *_ = [await hand_in(operator) for _ in range(10)]
    storage = home.services.storage
    await storage.write(lambda conn: conn.execute(sa.update(t.lead).where(t.lead.c.id == first).values(body=CUT)))
    looks = Inspection(storage, home.services.clock, random_unit=lambda: 0.0)
    with monkeypatch.context() as away:

        async def refused(*_: Any) -> None:
            raise StorageAway.because("the disk is full")

        away.setattr(storage, "write", refused)
        with pytest.raises(StorageAway):
            await looks.look()
    await looks.look()
    assert await ready_at(storage) == 1


@pytest.mark.parametrize("row", [("lead", "{7"), ("lead", "[[]]"), ("another", '["x"]'), ("lead", "[]")], ids=str)
async def test_a_remembered_row_that_cannot_be_read_stops_nothing(home: Installation, row: tuple[str, str]) -> None:
    await furnish(home)
    storage = home.services.storage
    odd = {"record": row[0], "key": row[1], "found_at": now_ms()}
    await storage.write(lambda conn: conn.execute(sa.insert(t.damaged_record).values(odd)) and None)
    await storage.write(lambda conn: conn.execute(sa.update(t.lead).values(body=CUT)) and None)
    await look(home)
    assert await ready_with(home, 1), "what was remembered wrongly is forgotten"
    assert "lead" in (await records(home.services)).detail


async def test_a_row_of_one_kind_that_cannot_even_be_looked_at_hides_no_other(
    home: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: object) -> bool:
        raise RuntimeError("nobody thought of this")

    await furnish(home)
    monkeypatch.setattr(inspection, "WALKS", [replace(damaged.WALKS[1], is_whole=fails), *damaged.WALKS[2:]])
    storage = home.services.storage
    await storage.write(lambda conn: conn.execute(sa.update(t.notice).values(body=CUT)) and None)
    await look(home)
    counts = await storage.read(damage_counts)
    assert counts[Record.NOTICE] == 1


async def test_of_what_is_known_only_what_was_found_is_asked_for(
    home: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten thousand known damaged records are not read in every look because of one more."""
    await furnish(home)
    storage = home.services.storage
    await storage.write(lambda conn: conn.execute(sa.update(t.lead).values(body=CUT)) and None)
    asked: list[str] = []
    found: list[Any] = []

    def look_at(conn: sa.Connection) -> None:
        sa.event.listen(conn, "before_cursor_execute", lambda *given: asked.append(given[2]))
        found.extend(inspection._found(conn, dict.fromkeys(damaged.BY_RECORD))[0])

    await storage.read(look_at)
    assert len(found) == 1
    assert [text for text in asked if "damaged_record" in text and "WHERE" in text]
    assert not [text for text in asked if "damaged_record" in text and "WHERE" not in text]
