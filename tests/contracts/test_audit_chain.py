"""The audit is a chain: what is changed, taken out or put in between is found and named. Both databases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa

from leadkeeper.access import chain
from leadkeeper.access.audit import note
from leadkeeper.access.chain import Sealer, forget_before, oldest_line_at, seal, verify
from leadkeeper.clock import new_id
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage, open_storage
from leadkeeper.storage.migrate import upgrade
from tests.contracts.plans import work

NOON = 1_800_000_000_000


@pytest.fixture
async def storage(database_url: str) -> AsyncIterator[Storage]:
    opened = open_storage(database_url)
    await opened.write(upgrade)
    yield opened
    await opened.close()


async def noted(storage: Storage, count: int, *, at: int = NOON) -> list[str]:
    """Write so many lines and seal them; the ids of all there are, in the chain's order."""
    for number in range(count):
        await storage.write(note, at, "cli", "publisher.put", "contoso", f"line {number}")
    await Sealer(storage, 730, lambda: NOON).look()
    query = sa.select(t.audit.c.id).order_by(t.audit.c.number)
    return await storage.read(lambda conn: list(conn.scalars(query)))


async def changed(storage: Storage, statement: sa.Update | sa.Delete | sa.Insert) -> None:
    await storage.write(lambda conn: conn.execute(statement) and None)


async def test_an_untouched_chain_is_whole_and_goes_on(storage: Storage) -> None:
    assert (await verify(storage)).faults == ()
    await noted(storage, 5)
    first = await verify(storage)
    assert (first.lines, first.faults) == (5, ())
    await noted(storage, 3)
    second = await verify(storage)
    assert (second.lines, second.faults) == (8, ())
    assert second.newest != first.newest


@pytest.mark.parametrize("column", ["who", "act", "subject", "detail", "publisher_id", "at"])
async def test_a_line_that_was_changed_is_named(storage: Storage, column: str) -> None:
    ids = await noted(storage, 6)
    value: object = NOON + 1 if column == "at" else "other"
    await changed(storage, sa.update(t.audit).where(t.audit.c.id == ids[3]).values({column: value}))
    found = await verify(storage)
    assert len(found.faults) == 1
    assert ids[3] in found.faults[0]


async def test_a_line_that_was_changed_with_its_hash_breaks_the_next(storage: Storage) -> None:
    ids = await noted(storage, 6)
    rows = await storage.read(lambda conn: conn.execute(sa.select(t.audit).order_by(t.audit.c.number)).all())
    await changed(storage, sa.update(t.audit).where(t.audit.c.id == ids[2]).values(who="other"))
    forged = await storage.read(lambda conn: conn.execute(sa.select(t.audit).where(t.audit.c.id == ids[2])).one())
    renewed = chain.hash_of(rows[1].hash, 3, forged)
    await changed(storage, sa.update(t.audit).where(t.audit.c.id == ids[2]).values(hash=renewed))
    found = await verify(storage)
    assert len(found.faults) == 1
    assert ids[3] in found.faults[0]


async def test_lines_that_were_taken_out_are_named(storage: Storage) -> None:
    ids = await noted(storage, 9)
    await changed(storage, sa.delete(t.audit).where(t.audit.c.id.in_([ids[1], ids[4], ids[5], ids[8]])))
    assert (await verify(storage)).faults == (
        "line number 2 is missing",
        "lines number 5 to 6 are missing",
        "line number 9 is missing",
    )


async def test_a_line_that_was_put_in_between_is_named(storage: Storage) -> None:
    await noted(storage, 4)
    forged_id = new_id()
    forged = {"id": forged_id, "at": NOON, "who": "x", "act": "key.create", "subject": "y", "detail": ""}
    await changed(storage, sa.insert(t.audit).values(**forged, number=2, hash="0" * 64))
    (fault,) = (await verify(storage)).faults
    assert forged_id in fault


async def test_a_chain_that_was_cut_off_and_its_head_set_back_has_another_end(storage: Storage) -> None:
    ids = await noted(storage, 4)
    before = await verify(storage)
    await changed(storage, sa.delete(t.audit).where(t.audit.c.id == ids[3]))
    await changed(storage, sa.update(t.audit_head).values(number=3))
    assert (await verify(storage)).faults == ("the end of the chain is not the one that was written last",)
    assert before.faults == ()


async def test_old_lines_end_in_one_way_alone_and_the_rest_stays_whole(storage: Storage) -> None:
    await noted(storage, 3, at=NOON - 1_000)
    await noted(storage, 3)
    assert await storage.write(forget_before, NOON) == 3
    assert await storage.write(forget_before, NOON) == 0
    found = await verify(storage)
    assert (found.lines, found.faults) == (3, ())


async def test_lines_end_when_they_were_kept_long_enough(storage: Storage) -> None:
    day = 86_400_000
    for days in (731, 731, 731, 729, 729):
        await storage.write(note, NOON - days * day, "cli", "publisher.put", "contoso")
    sealer = Sealer(storage, 730, lambda: NOON)
    assert await sealer.look() == 5 + 3, "all are sealed, and the old ones end"
    assert await sealer.look() == 0
    found = await verify(storage)
    assert (found.lines, found.faults) == (2, ())
    assert await storage.read(oldest_line_at) == NOON - 729 * day


async def test_several_processes_make_one_chain(database_url: str, storage: Storage) -> None:
    """Each writes lines and seals, all at once; no line is left out, none has two places."""
    others = [open_storage(database_url) for _ in range(2)]
    try:

        async def works(own: Storage, who: str) -> None:
            for number in range(25):
                await own.write(note, NOON + number, who, "publisher.put", "contoso")
                await own.write(seal)

        await asyncio.gather(*(works(own, f"key:{at}") for at, own in enumerate([storage, *others])))
    finally:
        for other in others:
            await other.close()
    await Sealer(storage, 730, lambda: NOON).look()
    found = await verify(storage)
    assert (found.lines, found.faults) == (75, ())


async def test_lines_of_an_older_version_are_sealed(storage: Storage) -> None:
    old = [
        {"id": new_id(), "at": NOON, "who": "cli", "act": "publisher.put", "subject": "p", "detail": ""}
        for _ in range(chain.AT_ONCE + 10)
    ]
    await storage.write(lambda conn: conn.execute(sa.insert(t.audit), old) and None)
    assert await Sealer(storage, 730, lambda: NOON).look() == len(old)
    assert (await verify(storage)).lines == len(old)


async def test_whether_a_line_is_unsealed_costs_the_same_whatever_the_database_believes(storage: Storage) -> None:
    """It gathered its statistics while no line was sealed."""

    def write(conn: sa.Connection) -> None:
        line = {"at": NOON, "who": "cli", "act": "publisher.put", "subject": "contoso", "detail": ""}
        conn.execute(sa.insert(t.audit), [line | {"id": new_id()} for _ in range(2_000)])
        conn.exec_driver_sql("ANALYZE").close()

    await storage.write(write)
    assert await storage.read(chain.any_unsealed)
    await Sealer(storage, 730, lambda: NOON).look()
    assert not await storage.read(chain.any_unsealed)
    assert await work(storage, lambda: storage.read(chain.any_unsealed)) < 200
