"""One clock for an installation: it follows the database's, and what is to come moves along when that jumps."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa

from leadkeeper.catalogue import diagnose, to_stored
from leadkeeper.delivery.lease import renew_lease, sweep_forgotten, sweep_leases
from leadkeeper.delivery.outages import tell_of_outages
from leadkeeper.diagnosis import Kind
from leadkeeper.storage import tables as t
from leadkeeper.storage.database_clock import DatabaseClock, agree
from leadkeeper.storage.engine import Storage, open_storage
from leadkeeper.storage.migrate import upgrade
from tests.services.postgres import Postgres
from tests.services.server_clock import ServerClock
from tests.uuids import uuid_of, word_of

HOUR = 3_600_000
DAY = 24 * HOUR
NOON = 1_800_000_000_000


@dataclass
class Machine:
    """A machine's clocks, moved by hand (ms)."""

    wall: int = NOON
    monotonic: int = 0

    def passes(self, ms: int) -> None:
        """Time goes on."""
        self.wall += ms
        self.monotonic += ms

    def clock(self, storage: Storage) -> DatabaseClock:
        """A process on this machine."""
        return DatabaseClock(storage, lambda: self.wall, lambda: self.monotonic / 1000)


@pytest.fixture
async def storage(database_url: str) -> AsyncIterator[Storage]:
    """A new database."""
    opened = open_storage(database_url)
    await opened.write(upgrade)
    yield opened
    await opened.close()


def delivery(id: str, due_at: int, state: str = "waiting") -> dict[str, object]:
    """A delivery's row."""
    return {
        "id": uuid_of(id),
        "lead_id": uuid_of("l"),
        "connection_id": uuid_of("c"),
        "state": state,
        "due_at": due_at,
        "attempts": 1,
        "crash_count": 0,
        "created_at": NOON,
        "changed_at": NOON,
    }


async def keep(storage: Storage, *rows: dict[str, object]) -> None:
    """Some deliveries and a lease until fifteen seconds past noon."""
    await storage.write(lambda conn: conn.execute(sa.insert(t.delivery), list(rows)) and None)
    await storage.write(lambda conn: conn.execute(sa.insert(t.lease).values(id="x", until=NOON + 15_000)) and None)


async def connect(storage: Storage, **more: Any) -> None:
    """The connection that the deliveries go over."""
    at = {"created_at": 0, "changed_at": 0}
    offer = {"ref": "p.o", "publisher_id": "p", "id": "o", "title": "", "offer_type": "saas", "live": True}
    connection = {"id": uuid_of("c"), "offer_ref": "p.o", "name": "primary", "destination": "email", "generation": 1}

    def make(conn: sa.Connection) -> None:
        conn.execute(sa.insert(t.publisher).values(id="p", display_name="", **at))
        conn.execute(sa.insert(t.offer).values(**offer, **at))
        conn.execute(sa.insert(t.connection).values(**connection, settings="{}", secrets="", **more, **at))

    await storage.write(make)


async def due(storage: Storage) -> dict[str, int]:
    """When each delivery is due, and when the lease ends, after noon (ms)."""

    def look(conn: sa.Connection) -> dict[str, int]:
        rows = conn.execute(sa.select(t.delivery.c.id, t.delivery.c.due_at))
        return {**{word_of(row.id): row.due_at for row in rows}, "lease": conn.scalar(sa.select(t.lease.c.until)) or 0}

    return {name: at - NOON for name, at in (await storage.read(look)).items()}


@pytest.mark.parametrize("back", [HOUR, DAY])
async def test_set_back_moves_what_is_to_come_once(storage: Storage, back: int) -> None:
    await storage.write(agree, NOON, NOON)
    await keep(
        storage, delivery("soon", NOON + 2_000), delivery("late", NOON + HOUR), delivery("done", NOON, "delivered")
    )
    for _ in range(3):  # three processes find out one after another
        await storage.write(agree, NOON + 1_000, NOON + 1_000 - back)
    assert await due(storage) == {"soon": 2_000 - back, "late": HOUR - back, "done": 0, "lease": 15_000 - back}


async def test_what_a_process_wrote_before_it_saw_the_jump_is_due_now(storage: Storage) -> None:
    await storage.write(agree, NOON, NOON)
    await storage.write(agree, NOON + 1_000, NOON + 1_000 - DAY)  # a worker looks first
    await keep(storage, delivery("late", NOON + 1_500, "pending"))  # the API does not know yet
    await storage.write(agree, NOON + 2_000, NOON + 2_000 - DAY)
    assert (await due(storage))["late"] == 2_000 - DAY


@pytest.mark.parametrize("back", [HOUR, DAY])
async def test_what_a_process_put_off_before_it_saw_the_jump_waits_no_longer(storage: Storage, back: int) -> None:
    """Its next try was a second away when it wrote that down, whatever the size of the jump."""
    await storage.write(agree, NOON, NOON)
    await storage.write(agree, NOON + 2_000, NOON + 2_000 - back)  # another sees it
    await keep(storage, delivery("again", NOON + 3_000), delivery("fresh", NOON + 3_000 - back))
    await storage.write(lambda conn: agree(conn, NOON + 5_000, NOON + 5_000 - back, since=NOON))
    assert await due(storage) == {"again": 5_000 - back, "fresh": 3_000 - back, "lease": 15_000 - back}


async def test_set_back_while_nobody_ran_is_told_by_what_was_seen(storage: Storage) -> None:
    await storage.write(agree, NOON, NOON)
    await keep(storage, delivery("soon", NOON + 2_000))
    start = NOON - DAY
    assert await storage.write(agree, start, start) == -DAY
    assert await due(storage) == {"soon": 2_000 - DAY, "lease": 15_000 - DAY}
    assert await storage.write(agree, start, start) == 0


async def test_what_would_have_been_due_meanwhile_is_due_now(storage: Storage) -> None:
    """A clock a day ahead was corrected; what was written meanwhile is not waited for."""
    ahead = NOON + DAY
    await storage.write(agree, ahead, ahead)
    await keep(storage, delivery("pending", ahead, "pending"))
    await storage.write(agree, NOON + 5_000, NOON + 5_000)
    assert (await due(storage))["pending"] <= 5_000


async def test_who_missed_that_the_clock_was_set_back_takes_nothing_and_keeps_its_lease(storage: Storage) -> None:
    """By its own time, a day ahead, everybody's lease ran out long ago."""
    await storage.write(agree, NOON, NOON)
    await connect(storage)
    await keep(storage, delivery("sent", NOON, "sending") | {"lease_id": "x"})
    await storage.write(agree, NOON + 1_000, NOON + 1_000 - DAY)  # another sees it
    late = NOON + 2_000
    assert await storage.write(sweep_leases, late) == 0
    assert await storage.write(renew_lease, "x", late + 15_000, late)
    assert (await due(storage))["lease"] < 30_000 - DAY
    assert await storage.write(sweep_leases, NOON + 60_000 - DAY) == 0, "others look again before a minute is over"
    await storage.write(agree, NOON + 60_000 - DAY, NOON + 60_000 - DAY)
    assert await storage.write(sweep_leases, NOON + 60_000 - DAY) == 1


async def test_what_is_held_by_a_lease_that_nobody_remembers_comes_back(storage: Storage) -> None:
    await connect(storage, repeatable=True)
    rows = [delivery(name, NOON, "sending") | {"lease_id": lease} for name, lease in (("held", "x"), ("left", "gone"))]
    await keep(storage, *rows)
    assert await storage.write(sweep_forgotten, NOON + 5_000) == 1
    states = await storage.read(lambda conn: conn.execute(sa.select(t.delivery.c.id, t.delivery.c.state)).all())
    assert {word_of(id): state for id, state in states} == {"held": "sending", "left": "waiting"}
    assert await storage.write(sweep_forgotten, NOON + 5_000) == 0


async def test_nobody_is_told_of_a_day_by_who_missed_that_the_clock_was_set_back(storage: Storage) -> None:
    await storage.write(agree, NOON, NOON)

    cause = to_stored(diagnose(Kind.SERVER_ERROR))
    await connect(storage, failing_since=NOON, tell_at=NOON + 900_000, failures=3, diagnosis=cause)
    await storage.write(lambda conn: conn.execute(sa.insert(t.delivery), [delivery("waits", NOON + 2_000)]) and None)
    await storage.write(agree, NOON + 1_000, NOON + 1_000 - DAY)  # another sees it
    assert await storage.write(tell_of_outages, NOON + 2_000) == 0
    lasts = NOON + 1_200_000 - DAY
    await storage.write(agree, lasts, lasts)
    assert await storage.write(tell_of_outages, lasts) == 1, "it lasts by the right time"


async def test_set_forward_ends_no_lease(storage: Storage) -> None:
    await storage.write(agree, NOON, NOON)
    await keep(storage, delivery("soon", NOON + 2_000))
    for _ in range(3):
        await storage.write(agree, NOON + 1_000, NOON + 1_000 + HOUR)
    assert await due(storage) == {"soon": 2_000, "lease": 15_000 + HOUR}


async def test_time_that_passes_while_nobody_runs_is_no_jump(storage: Storage) -> None:
    await storage.write(agree, NOON, NOON)
    await keep(storage, delivery("soon", NOON + 2_000))
    assert await storage.write(agree, NOON + DAY, NOON + DAY) == 0
    assert await due(storage) == {"soon": 2_000, "lease": 15_000}


async def test_never_stays_never(storage: Storage) -> None:
    await storage.write(agree, NOON + DAY, NOON + DAY)

    def make(conn: sa.Connection) -> None:
        conn.execute(sa.insert(t.publisher).values(id="p", display_name="", created_at=0, changed_at=0))
        offer = {"ref": "p.o", "publisher_id": "p", "id": "o", "title": "", "offer_type": "saas", "live": True}
        conn.execute(sa.insert(t.offer).values(**offer, created_at=0, changed_at=0))
        operation = {"id": "x", "offer_ref": "p.o", "kind": "publish", "version": 1, "state": "completed"}
        more = {"steps": "[]", "emails": "[]", "started_by": "", "created_at": 0, "changed_at": 0, "due_at": 2**62}
        conn.execute(sa.insert(t.operation).values(**operation, **more))

    await storage.write(make)
    await storage.write(agree, NOON, NOON)
    assert await storage.read(lambda conn: conn.scalar(sa.select(t.operation.c.due_at))) == 2**62


class TestOnSQLite:
    """The machine's clock counts, but only what passes between two looks at it."""

    @pytest.fixture
    def database_url(self, tmp_path: object) -> str:
        return f"sqlite+aiosqlite:///{tmp_path}/leadkeeper.db"

    async def test_time_goes_on_evenly_until_the_jump_is_dealt_with(self, storage: Storage) -> None:
        machine = Machine()
        clock = machine.clock(storage)
        assert not await clock.look()
        machine.passes(1_000)
        assert clock() == NOON + 1_000
        machine.wall -= HOUR
        assert clock() == NOON + 1_000
        assert await clock.look()
        assert clock() == NOON + 1_000 - HOUR
        machine.passes(500)
        assert clock() == NOON + 1_500 - HOUR
        assert not await clock.look()

    @pytest.mark.parametrize("others", [False, True])
    async def test_what_was_begun_before_a_process_saw_the_jump_and_written_after_it_waits_no_longer(
        self, storage: Storage, *, others: bool
    ) -> None:
        """A transaction waited for its turn: its time was read before the jump was seen, and it was written after."""
        machine = Machine()
        clock = machine.clock(storage)
        await clock.look()
        machine.passes(2_000)
        begun_at = clock()
        machine.wall -= HOUR
        machine.passes(100)
        if others:
            await storage.write(agree, NOON + 2_100, NOON + 2_100 - HOUR)
        await clock.look()
        await keep(storage, delivery("returned", begun_at), delivery("fresh", clock() + 1_000))
        machine.passes(2_000)
        await clock.look()
        assert (await due(storage))["returned"] == 4_100 - HOUR, "it is due now"
        assert (await due(storage))["fresh"] == 3_100 - HOUR


class TestOnPostgreSQL:
    """The server's clock counts, whatever the machine's says."""

    async def test_machines_whose_clocks_differ_agree(self, postgres_storage: Storage) -> None:
        ahead, behind = Machine(NOON + 10 * 60_000), Machine(NOON - 60_000)
        clocks = [machine.clock(postgres_storage) for machine in (ahead, behind)]
        for clock in clocks:
            await clock.look()
        first, second = (clock() for clock in clocks)
        server = await postgres_storage.read(
            lambda conn: conn.scalar(sa.text("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint"))
        )
        assert server is not None
        assert abs(first - second) < 60_000 > abs(first - server)
        assert clocks[0].difference - clocks[1].difference == pytest.approx(11 * 60_000, abs=60_000)
        ahead.passes(5_000)
        assert clocks[0]() == first + 5_000

    async def test_a_time_that_was_read_before_others_moved_everything_is_not_agreed_on(
        self, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        url = postgres.create_database()
        server = ServerClock(postgres, url)
        storage, others = open_storage(url), open_storage(url)
        await storage.write(upgrade)
        clock, other = DatabaseClock(storage), DatabaseClock(others)
        await clock.look()
        await other.look()
        before = clock()
        await keep(storage, delivery("soon", before + 30_000))
        reads = storage.read

        async def meanwhile(*given: Any) -> Any:
            found = await reads(*given)
            server.set(-86_400)
            assert await other.look()
            return found

        monkeypatch.setattr(storage, "read", meanwhile)
        await clock.look()
        monkeypatch.undo()
        assert abs(clock() - (before - DAY)) < HOUR
        assert not await other.look(), "it jumped once"
        assert (await due(storage))["soon"] + NOON == pytest.approx(before + 30_000 - DAY, abs=10_000)
        await storage.close()
        await others.close()
        postgres.drop_database(url)

    @pytest.fixture
    async def postgres_storage(self, request: pytest.FixtureRequest) -> AsyncIterator[Storage]:
        server = request.getfixturevalue("postgres")
        url = server.create_database()
        opened = open_storage(url)
        await opened.write(upgrade)
        yield opened
        await opened.close()
        server.drop_database(url)
