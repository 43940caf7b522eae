"""Statements that the driver runs itself answer what SQLAlchemy answers, within its transaction, with its errors."""

from __future__ import annotations

import functools
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any

import asyncpg
import pytest
import sqlalchemy as sa

import leadkeeper.app
import leadkeeper.serving
from leadkeeper.access.chain import seal
from leadkeeper.access.hooks import Hooks
from leadkeeper.access.keys import Keys, hashed
from leadkeeper.catalogue import diagnose
from leadkeeper.clock import new_id, now_ms
from leadkeeper.delivery.claim import claim
from leadkeeper.delivery.due import _due_statement
from leadkeeper.delivery.lease import open_lease
from leadkeeper.delivery.record import record_answers
from leadkeeper.destinations.registry import OURS
from leadkeeper.diagnosis import Kind
from leadkeeper.storage import postgresql
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import StorageAway, _share_routes, insert_rows, open_storage
from leadkeeper.storage.hot import HotStatement, takes_hot_statements
from tests.contracts.installation import CRM, TestInstallation, furnished, lead, sent
from tests.contracts.plans import statements
from tests.services.postgres import Postgres

ONLY_OF = {"postgresql": {"_WAIT_FOR", "_NOTIFY", "_ROWS_WRITTEN"}, "sqlite": {"_LAST_ROW", "_LEAD_AT"}}


CHANNEL: dict[str, Any] = {"id": new_id(), "publisher_id": "contoso", "kind": "webhook", "name": "CI", "events": "[]"}
CHANNEL |= {"language": "en", "host": "hooks.example", "sealed": "", "created_at": 0}
OPERATION: dict[str, Any] = {"id": new_id(), "offer_ref": str(CRM), "kind": "publish", "version": 1, "state": "failed"}
OPERATION |= {"steps": "[]", "emails": "[]", "started_by": "test", "created_at": 0, "changed_at": 0, "due_at": 0}
FIGURES = dict.fromkeys(("leads", "delivered", "unconfirmed", "under_way", "set_aside", "withheld", "counted_at"), 1)


def hot_statements(dialect: str) -> Iterator[tuple[str, HotStatement]]:
    """Every hot statement of the program, with the name by which it is known."""
    assert leadkeeper.app  # it imports nearly all of them, and the rest comes with what runs beside
    assert leadkeeper.serving
    elsewhere = {name for other, names in ONLY_OF.items() if other != dialect for name in names}
    for name, module in [*sys.modules.items()]:
        if name.startswith("leadkeeper."):
            for known, value in vars(module).items():
                if isinstance(value, HotStatement) and known not in elsewhere:
                    yield f"{name}.{known}", value
    for everywhere, crowded in ((True, False), (False, True)):
        yield f"due {everywhere} {crowded}", _due_statement(everywhere=everywhere, half_open=False, crowded=crowded)
    if dialect == "postgresql":
        yield "share", _share_routes(wait=False)
        yield "wait", _share_routes(wait=True)


async def furnish(installation: TestInstallation) -> dict[str, Any]:
    """Rows for every hot statement to find, and what each of their parameters is to be, by its name."""
    storage, now = installation.storage, installation.now
    connection = await installation.connect()
    keys, hooks = Keys(storage, installation.clock), Hooks(storage, installation.clock)
    key = await keys.create("operator", by="test")
    hook = await hooks.create(CRM, by="test")
    lease_id = await storage.write(open_lease, now + 60_000)
    await installation.intake.keep(lead(1))
    (work,) = await storage.write(claim, lease_id, {}, lambda _: 1, now, None)
    refused = sent(work, work.claimed[0], lease_id, diagnose(Kind.LEAD_REFUSED), now)
    await storage.write(record_answers, [refused], now, 0.5)
    for number in (2, 3):
        await installation.intake.keep(lead(number))
    await storage.write(claim, lease_id, {}, lambda _: 1, now, None)
    session = {
        "id": new_id(),
        "token_hash": hashed("s"),
        "key_id": key.id,
        "how": "key",
        "role": "operator",
        "created_at": now,
        "seen_at": now,
        "until": now + 9,
        "pending": False,
    }
    await storage.write(lambda conn: conn.execute(sa.insert(t.session).values(session)).close())
    await storage.write(lambda conn: conn.execute(sa.update(t.clock).values(seen_at=1)).close())
    await storage.write(lambda conn: conn.execute(sa.update(t.connection).values(recovered_at=now)).close())
    await storage.write(lambda conn: conn.execute(sa.insert(t.channel).values(CHANNEL)).close())
    off = CHANNEL | {"id": new_id(), "disabled_at": 1, "disabled_for": "gone"}
    await storage.write(lambda conn: conn.execute(sa.insert(t.channel).values(off)).close())
    await storage.write(seal)
    await installation.connect("resting")
    await storage.write(_what_pages_show, now // 86_400_000)
    ids = await storage.read(
        lambda conn: {each.name: [*conn.scalars(sa.select(each.c.id))] for each in (t.attempt, t.delivery, t.lead)}
    )
    return {
        "attempts": ids["attempt"], "deliveries": ids["delivery"], "leads": ids["lead"], "offers": [str(CRM)],
        "connections": [connection.id], "connection": connection.id, "publishers": ["contoso"], "crowd": [],
        "queues": [], "destinations": list(OURS.names), "lease": lease_id, "now": now + 1, "since": 0,
        "until": now + 9, "seen_after": now - 1, "share": 10, "day": now // 86_400_000, "minute": now // 60_000,
        "process": "other", "pending": False, "end": "delivered", "tries": 1, "named": "", "numbers": [1, 2],
        "publisher": "contoso", "interval": 1_000, "farthest": now + 9,
        "kinds": [1, 1], "place": 1, "this": {"_BY_HASH": hashed(key.key), "_BY_ID": key.id},
        "digest": {"hooks": hashed(hook.token), "sessions": hashed("s")},
        "aside": [connection.id], "ids": [connection.id], "most": 10, "least": OPERATION["id"], "overdue": now,
        "disk": "seen", "name": "seen", "whose": "contoso", "first": 0, "last": 100_000, "today": 100_000,
        "names": {"_TITLES": [str(CRM)], "_NAMES": ["contoso"]}, "at_rest": [connection.id],
    }  # fmt: skip


def _what_pages_show(conn: sa.Connection, day: int) -> None:
    """A connection at rest that failed, a publishing that failed, figures of a day, a record that is missing."""
    c, resting = t.connection.c, {"paused_by_person": True, "failures": 1}
    conn.execute(sa.update(t.connection).where(c.name == "resting").values(resting))
    conn.execute(sa.insert(t.operation).values(OPERATION))
    conn.execute(sa.insert(t.installation).values(name="seen", value="", changed_at=1))
    for whose in ("", "contoso"):
        conn.execute(sa.insert(t.day_figure).values(FIGURES | {"publisher_id": whose, "day": day, "within": "[]"}))
    conn.execute(sa.insert(t.offer_figure).values(offer_ref=str(CRM), day=day, in_time=1, late=1))
    d = t.delivery.c
    those = sa.select(d.id, d.connection_id, d.lead_id, sa.literal(1), sa.literal(1)).limit(1)
    columns = ("delivery_id", "connection_id", "lead_id", "delivered_at", "found_at")
    conn.execute(sa.insert(t.missing_record).from_select(columns, those))


def given_to(name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """What this statement is given: where its parameter's name says too little, by a part of the statement's."""
    return {
        each: next((one for part, one in value.items() if part in name), None) if isinstance(value, dict) else value
        for each, value in values.items()
    }


def both(conn: sa.Connection, name: str, hot: HotStatement, values: Mapping[str, Any]) -> tuple[Any, Any]:
    """What SQLAlchemy answers, and what the driver does, of the same rows: either undoes what it did."""
    query = hot._statement(conn.dialect.name)
    asked = query.compile(dialect=conn.dialect).params
    given = {each: value for each, value in given_to(name, values).items() if each in asked}
    answers = isinstance(query, sa.Select) or bool([*query.exported_columns])
    outcomes: list[Any] = []
    expected: Sequence[sa.Row[Any]] = ()
    for by_driver in (False, True):
        point = conn.begin_nested()
        if not answers:
            outcomes.append(hot.run(conn, given) if by_driver else conn.execute(query, given).rowcount)
        elif by_driver:
            rows = hot.rows(conn, given)
            outcomes.append(([*map(tuple, rows)], [type(value) for row in rows for value in row]))
            # One without a name has its place alone.
            named = [{each: getattr(row, each) for each in row._fields if not each.startswith("_")} for row in rows]
            assert all(one.items() <= row._mapping.items() for one, row in zip(named, expected, strict=True)), name
        else:
            expected = conn.execute(query, given).all()
            outcomes.append(([*map(tuple, expected)], [type(value) for row in expected for value in row]))
        point.rollback()
    return outcomes[0], outcomes[1]


async def test_every_hot_statement_answers_what_sqlalchemy_answers(database_url: str) -> None:
    async with furnished(database_url) as installation:
        values = await furnish(installation)

        def compared(conn: sa.Connection) -> dict[str, tuple[Any, Any]]:
            assert takes_hot_statements(conn)
            return {
                name: both(conn, name, hot, values | {"found": now_ms()})
                for name, hot in hot_statements(conn.dialect.name)
            }

        found = await installation.storage.write(compared)
    assert len(found) > 20
    for name, (expected, observed) in found.items():
        assert observed == expected, name
        assert expected not in (0, ([], [])), f"{name} found nothing, so that nothing is shown"


MISSING = HotStatement(
    lambda _: sa.select(sa.table("none", sa.column("id")).c.id).where(sa.literal("x") == sa.bindparam("who"))
)


def hot_insert(conn: sa.Connection, row: Mapping[str, Any]) -> None:
    """Insert a publisher as ``insert_rows`` inserts a row."""
    insert_rows(conn, t.publisher, [row])


async def test_errors_are_those_of_sqlalchemy_and_hold_nothing_of_a_lead(database_url: str) -> None:
    async with furnished(database_url) as installation:
        storage = installation.storage
        taken = {"id": "contoso", "display_name": "ada@contoso.example", "created_at": 1, "changed_at": 1}

        def by_sqlalchemy(conn: sa.Connection) -> None:
            conn.execute(sa.insert(t.publisher), [taken])

        raised = {}
        for name, transaction in {
            "unique": lambda conn: hot_insert(conn, taken),
            "expected": by_sqlalchemy,
            "missing": lambda conn: MISSING.rows(conn, {"who": "ada@contoso.example"}),
        }.items():
            with pytest.raises(sa.exc.DBAPIError) as caught:
                await storage.write(transaction)
            assert "ada@" not in str(caught.value)
            raised[name] = caught.value
        assert type(raised["unique"]) is type(raised["expected"]) is sa.exc.IntegrityError
        assert type(raised["unique"].orig) is type(raised["expected"].orig)
        assert not raised["unique"].connection_invalidated
        # What came before in the transaction is undone, and the connection goes on.
        assert await installation.count(t.publisher) == 1


async def test_what_a_failed_transaction_wrote_by_the_driver_is_undone(database_url: str) -> None:
    async with furnished(database_url) as installation:

        def fails(conn: sa.Connection) -> None:
            hot_insert(conn, {"id": "other", "display_name": "Other", "created_at": 1, "changed_at": 1})
            hot_insert(conn, {"id": "contoso", "display_name": "Contoso", "created_at": 1, "changed_at": 1})

        with pytest.raises(sa.exc.IntegrityError):
            await installation.storage.write(fails)
        assert await installation.count(t.publisher) == 1


async def test_hot_and_other_statements_share_one_transaction(database_url: str) -> None:
    async with furnished(database_url) as installation:
        seen = HotStatement(lambda _: sa.select(t.publisher.c.id).where(t.publisher.c.id == sa.bindparam("this")))

        def mixed(conn: sa.Connection) -> tuple[list[str], bool]:
            hot_insert(conn, {"id": "other", "display_name": "Other", "created_at": 1, "changed_at": 1})
            conn.execute(sa.update(t.publisher).where(t.publisher.c.id == "other").values(id="renamed"))
            return [row.id for row in seen.rows(conn, {"this": "renamed"})], conn.in_transaction()

        assert await installation.storage.write(mixed) == (["renamed"], True)
        assert await installation.count(t.publisher) == 2


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[str]:
    """A new database on the server."""
    url = postgres.create_database()
    yield url
    postgres.drop_database(url)


@pytest.fixture
async def on_server(postgres_url: str) -> AsyncIterator[TestInstallation]:
    """An installation on PostgreSQL."""
    async with furnished(postgres_url) as installation:
        yield installation


async def test_a_lead_and_its_deliveries_are_one_message_to_the_server(on_server: TestInstallation) -> None:
    await on_server.connect("a")
    await on_server.connect("b")
    with statements() as seen:
        kept = await on_server.intake.keep_many([lead(1), lead(2)])
    assert len([query for query, _ in seen if "INSERT INTO" in query]) == 1
    assert (len(kept), await on_server.count(t.lead), await on_server.states()) == (2, 2, {"pending": 4})


async def test_a_table_that_changes_meanwhile_costs_one_transaction_and_no_more(on_server: TestInstallation) -> None:
    storage = on_server.storage
    note = sa.table("note", sa.column("id", sa.Integer), sa.column("said"))
    reading = HotStatement(lambda _: sa.select(note.c.id, note.c.said))
    await storage.write(lambda conn: conn.exec_driver_sql("CREATE TABLE note (id int, said text)").close())
    await storage.write(lambda conn: conn.exec_driver_sql("INSERT INTO note VALUES (1, '7')").close())
    assert [tuple(row) for row in await storage.write(lambda conn: reading.rows(conn, {}))] == [(1, "7")]
    change = "ALTER TABLE note ALTER said TYPE int USING said::int"
    await storage.write(lambda conn: conn.exec_driver_sql(change).close())
    # What reads alone is prepared anew at once; within a transaction PostgreSQL gives it up, and the next one goes on.
    with pytest.raises(sa.exc.NotSupportedError):
        await storage.write(lambda conn: reading.rows(conn, {}))
    assert [tuple(row) for row in await storage.write(lambda conn: reading.rows(conn, {}))] == [(1, 7)]
    await storage.write(lambda conn: conn.exec_driver_sql("ALTER TABLE note ALTER said TYPE text").close())
    assert [tuple(row) for row in await storage.read(lambda conn: reading.rows(conn, {}))] == [(1, "7")]


async def test_a_connection_that_broke_within_a_hot_statement_is_away_and_replaced(on_server: TestInstallation) -> None:
    kill = HotStatement(lambda _: sa.select(sa.func.pg_terminate_backend(sa.func.pg_backend_pid())))
    with pytest.raises(StorageAway):
        await on_server.storage.write(lambda conn: kill.rows(conn, {}))
    assert await on_server.count(t.publisher) == 1


async def test_a_hot_statement_that_takes_too_long_is_away(
    on_server: TestInstallation, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hasty = functools.partial(postgresql._direct_engine, seconds=5)
    monkeypatch.setattr(postgresql, "_direct_engine", hasty)
    slow = HotStatement(lambda _: sa.select(sa.func.pg_sleep(60)))
    storage = open_storage(postgres_url)
    try:
        with pytest.raises(StorageAway):
            await storage.write(lambda conn: slow.rows(conn, {}))
        assert await storage.read(lambda conn: conn.scalar(sa.select(sa.literal(1)))) == 1
    finally:
        await storage.close()


@pytest.mark.parametrize("bound", ["statement_timeout", "lock_timeout", "nobody"])
async def test_what_the_server_gives_up_is_away_and_not_our_fault(
    on_server: TestInstallation, postgres_url: str, bound: str
) -> None:
    """An operator may bound what a role does there, and end what takes too long: an answer that was heard is written
    down again then, and no lead that arrived is taken for one that may have arrived."""
    locked = "LOCK TABLE offer IN ACCESS EXCLUSIVE MODE"
    slow = HotStatement(lambda _: sa.select(sa.func.pg_sleep(10)))
    cancel = HotStatement(lambda _: sa.select(sa.func.pg_cancel_backend(sa.func.pg_backend_pid())))

    def is_given_up(conn: sa.Connection) -> None:
        if bound == "nobody":
            cancel.rows(conn, {})
            slow.rows(conn, {})
        conn.exec_driver_sql(f"SET LOCAL {bound} = '50ms'").close()
        if bound == "lock_timeout":
            conn.exec_driver_sql(locked).close()
        slow.rows(conn, {})

    theirs = await asyncpg.connect(postgres_url.replace("+asyncpg", ""))
    async with theirs.transaction():
        await theirs.execute(locked)
        with pytest.raises(StorageAway):
            await on_server.storage.write(is_given_up)
    await theirs.close()
    assert await on_server.count(t.publisher) == 1


async def test_reading_alone_begins_no_transaction_for_a_hot_statement(on_server: TestInstallation) -> None:
    which = HotStatement(lambda _: sa.select(sa.func.txid_current()))

    def thrice(conn: sa.Connection) -> int:
        return len({which.scalar(conn, {}) for _ in range(3)})

    assert await on_server.storage.read(thrice) == 3
    assert await on_server.storage.write(thrice) == 1
    assert await on_server.storage.read(thrice) == 3


async def test_no_statement_waits_for_a_compiler_or_for_other_processes(on_server: TestInstallation) -> None:
    settings = sa.text("SELECT current_setting('jit'), current_setting('max_parallel_workers_per_gather')")
    for act in (on_server.storage.read, on_server.storage.write):
        assert tuple(await act(lambda conn: conn.execute(settings).one())) == ("off", "0")
