"""Days of which nothing changes are not counted again, and whatever changes them is noticed. Both databases."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Final

import pytest
import sqlalchemy as sa

from leadkeeper.clock import now_ms
from leadkeeper.inbox.oversight.figures import DAY_MS, overview
from leadkeeper.inbox.oversight.tally import ALL_EVERY_MS, AT_LATEST_MS, EVERY_MS, Tally
from leadkeeper.storage import tables as t
from leadkeeper.storage.counted_rows import counted_rows_mark
from leadkeeper.storage.engine import Storage
from tests.contracts.counting import tell_written
from tests.contracts.plans import statements
from tests.in_process import DESTINATION, OFFER, Installation, Visitor, hand_in, installation

CONNECTION: Final = f"{OFFER}/connections/primary"
HOUR: Final = 3_600_000
NOON: Final = now_ms() // DAY_MS * DAY_MS + DAY_MS // 2


@pytest.fixture
async def home(database_url: str) -> AsyncIterator[Installation]:
    """An installation whose offer is connected, and whose worker does not run."""
    async with installation(database_url) as opened:
        assert (await (await opened.visitor("operator")).put(CONNECTION, DESTINATION)).status == 201
        yield opened


async def refused(storage: Storage) -> None:
    """What waits was set aside, as the database alone knows: no test of acts waits for a worker."""

    def write(conn: sa.Connection) -> None:
        conn.execute(sa.update(t.delivery).values(state="setAside"))
        tell_written(conn)

    await storage.write(write)


async def settled(storage: Storage) -> str | None:
    """The mark once PostgreSQL's statistics have come, which are at most ten seconds late."""
    mark = await storage.read(counted_rows_mark)
    if (await storage.read(lambda conn: conn.dialect.name)) == "postgresql":
        await asyncio.sleep(11)
        mark = await storage.read(counted_rows_mark)
    return mark


async def becomes_another(storage: Storage, mark: str | None) -> bool:
    """Whether the mark changes within the time for which statistics may be late."""
    until = time.monotonic() + 60
    while await storage.read(counted_rows_mark) == mark:
        if time.monotonic() > until:
            return False
        await asyncio.sleep(0.2)
    return True


async def hands_in(operator: Visitor, _: str) -> None:
    await hand_in(operator)


async def moves_on(operator: Visitor, lead: str) -> None:
    answer = await operator.post("/v1/leads/bulk", {"leadIds": [lead], "act": "state", "state": "active"})
    assert answer.status == 200, answer.body


async def sends_again(operator: Visitor, lead: str) -> None:
    (delivery,) = (await operator.get(f"/v1/leads/{lead}")).json()["deliveries"]
    assert (await operator.post(f"/v1/deliveries/{delivery['id']}/retry")).status == 200


async def replays(operator: Visitor, _: str) -> None:
    answer = await operator.post(f"{CONNECTION}/replay", {"states": ["setAside"]})
    assert answer.status == 200, answer.body


Act = Callable[[Visitor, str], Awaitable[None]]
ACTS: Final[Sequence[Act]] = (hands_in, moves_on, sends_again, replays)


@pytest.mark.parametrize("act", ACTS, ids=["hands in", "moves on", "sends again", "replays"])
async def test_what_changes_figures_makes_another_mark(home: Installation, act: Act) -> None:
    operator, storage = await home.visitor("operator"), home.services.storage
    lead = await hand_in(operator)
    await refused(storage)
    mark = await settled(storage)
    assert mark is not None
    assert not await storage.read(lambda conn: counted_rows_mark(conn) != mark)
    await act(operator, lead)
    assert await becomes_another(storage, mark)


async def test_a_quiet_day_is_counted_again_by_nobody_and_shown_as_counted_just_now(home: Installation) -> None:
    storage, moment = home.services.storage, NOON
    await hand_in(await home.visitor("operator"))
    await settled(storage)
    assert await Tally(storage, lambda: moment).look() == 30
    moment += ALL_EVERY_MS
    with statements() as seen:
        again = await Tally(storage, lambda: moment).look()
    assert again == 0, "also of a process that has just been started"
    assert not [sql for sql, _ in seen if "JOIN delivery" in sql], "no lead was read"
    assert (await storage.read(overview, None, moment)).counted_at == moment
    await hand_in(await home.visitor("operator"))
    await settled(storage)
    moment += EVERY_MS
    assert await Tally(storage, lambda: moment).look() == 30


async def test_a_lead_that_becomes_due_is_counted_when_it_does(home: Installation) -> None:
    storage, due = home.services.storage, NOON + DAY_MS
    await hand_in(await home.visitor("operator"))
    await storage.write(lambda conn: conn.execute(sa.update(t.lead).values(created_at=NOON)).close())
    await settled(storage)
    moment = due - HOUR
    tally = Tally(storage, lambda: moment)
    await tally.look()
    moment = due
    assert await tally.look() == 0
    moment = due + 1
    assert await tally.look() == 1
    assert (await storage.read(overview, None, moment)).last(2).late == 1


async def test_what_no_row_tells_is_counted_within_six_hours(home: Installation) -> None:
    storage, moment = home.services.storage, NOON
    await hand_in(await home.visitor("operator"))
    await refused(storage)
    await settled(storage)
    tally = Tally(storage, lambda: moment)
    await tally.look()
    moment += AT_LATEST_MS - EVERY_MS
    assert await tally.look() == 0
    moment += EVERY_MS
    assert await tally.look() == 30


async def test_a_server_that_counts_no_rows_tells_nothing_and_days_are_counted_as_their_time_comes(
    home: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def uncounted(conn: sa.Connection) -> str | None:
        if conn.dialect.name == "postgresql":
            conn.exec_driver_sql("SET LOCAL track_counts = off").close()
            return counted_rows_mark(conn)
        return None

    storage, moment = home.services.storage, NOON
    assert await storage.write(uncounted) is None
    monkeypatch.setattr("leadkeeper.inbox.oversight.tally.counted_rows_mark", lambda conn: None)
    tally = Tally(storage, lambda: moment)
    assert await tally.look() == 30
    moment += EVERY_MS
    assert await tally.look() == 2
