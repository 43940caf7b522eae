"""``ready`` means that a lead can be kept; a lost secret key is not replaced in silence."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from pathlib import Path
from typing import Final

import pytest
import sqlalchemy as sa

from leadkeeper.app import open_services
from leadkeeper.connections.vault import new_secret_key
from leadkeeper.offer import OfferRef
from leadkeeper.settings import Settings, WrongSetting
from leadkeeper.storage import tables as t
from tests.in_process import DESTINATION, OFFER, Installation, hand_in, installation, lead
from tests.services.postgres import Postgres

NO_ROOM: Final = """
    CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$;
    CREATE TRIGGER no_room BEFORE INSERT ON lead EXECUTE FUNCTION no_room()"""
"""The server refuses every lead, and nothing that is smaller."""


def remove(path: str) -> None:
    """As a person would."""
    Path(path).unlink()


async def until_ready(home: Installation, *, ready: bool = True) -> None:
    """What was found a moment ago is remembered for a second."""
    async with asyncio.timeout(60):
        while ((await home.anyone.get("/readyz")).status == 200) != ready:  # noqa: ASYNC110 - the server tells no event
            await asyncio.sleep(0.05)


async def test_ready_needs_the_file_that_leads_are_kept_in(tmp_path: Path) -> None:
    path = tmp_path / "leadkeeper.db"
    async with installation(f"sqlite+aiosqlite:///{path}") as home:
        assert (await home.anyone.get("/readyz")).status == 200
        remove(str(path))
        await until_ready(home, ready=False)
        summary = (await home.anyone.get("/readyz")).problem(503, "storage-away")
        assert "removed or replaced" in summary["detail"], "it says why"
        assert (await home.anyone.get("/healthz")).status == 200


async def test_ready_needs_a_server_that_writes(postgres: Postgres) -> None:
    url = postgres.create_database()
    name = url.rpartition("/")[2]
    async with installation(url) as home:
        assert (await home.anyone.get("/readyz")).status == 200
        postgres.sql(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
        postgres.sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
        await until_ready(home, ready=False)
        summary = (await home.anyone.get("/readyz")).problem(503, "storage-away")
        assert "only reads" in summary["detail"], "it says why"
        assert name not in str(summary), "and names nothing that strangers need not know"
    postgres.drop_database(url)


async def test_ready_needs_room_for_a_lead(postgres: Postgres) -> None:
    """What is small still fits a full disk: once a lead was refused for that, only a write like a lead's counts."""
    url = postgres.create_database()
    name = url.rpartition("/")[2]
    async with installation(url) as home:
        visitor = await home.visitor("operator")
        postgres.sql(NO_ROOM, name)
        assert (await visitor.post("/v1/leads", lead())).status == 503
        summary = (await home.anyone.get("/readyz")).problem(503, "storage-away")
        assert "the disk of the database is full" in summary["detail"]
        for _ in range(3):
            assert (await home.anyone.get("/readyz")).status == 503, "it stays so for as long as there is no room"
        postgres.sql("DROP TRIGGER no_room ON lead", name)
        await until_ready(home)
        kept = await home.services.storage.read(
            lambda conn: conn.scalar(sa.select(sa.func.count()).select_from(t.lead))
        )
        assert kept == 0, "to find out leaves nothing behind"
    postgres.drop_database(url)


def damage(path: Path) -> None:
    """The disk gives back other bytes than it was given: all but the first page, in the log as well."""
    for each in (path, Path(f"{path}-wal")):
        with each.open("r+b") as file:
            size = each.stat().st_size
            file.seek(100)
            file.write(b"\xff" * max(size - 100, 0))


def back_up(path: Path, backup: Path) -> None:
    """A whole copy of the database, made while it is used."""
    with contextlib.closing(sqlite3.connect(path)) as source, contextlib.closing(sqlite3.connect(backup)) as target:
        source.backup(target)


def put_back(backup: Path, path: Path) -> None:
    """The copy takes the place of the damaged file and of its log."""
    for end in ("-wal", "-shm"):
        Path(f"{path}{end}").unlink(missing_ok=True)
    backup.replace(path)


@pytest.mark.parametrize("remembers", [True, False], ids=["pages remembered", "pages read anew"])
async def test_a_file_that_is_damaged_while_it_is_used_is_told(tmp_path: Path, remembers: bool) -> None:
    """What the writer remembers of the file decides whether it meets the damage itself, or a reader alone does."""
    path = tmp_path / "leadkeeper.db"
    async with installation(f"sqlite+aiosqlite:///{path}") as home:
        visitor = await home.visitor("operator")
        await hand_in(visitor)
        backup = tmp_path / "backup.db"
        back_up(path, backup)
        if not remembers:
            await home.services.storage.write(lambda conn: conn.exec_driver_sql("PRAGMA shrink_memory").close())
        damage(path)
        answers = [await visitor.post("/v1/leads", lead()) for _ in range(3)]
        answers += [await visitor.get("/v1/leads") for _ in range(3)]
        assert {answer.status for answer in answers} <= {200, 202, 503}, [answer.body for answer in answers]
        assert 503 in {answer.status for answer in answers}
        await until_ready(home, ready=False)
        summary = (await home.anyone.get("/readyz")).problem(503, "storage-away")
        assert "damaged" in summary["detail"], "it says why"
        assert (await home.anyone.get("/healthz")).status == 200
        put_back(backup, path)
        await until_ready(home)
        await hand_in(visitor)


@pytest.mark.parametrize("damaged", [False, True], ids=["well", "damaged"])
async def test_many_who_ask_whether_it_is_ready_cost_one_write(database_url: str, damaged: bool) -> None:
    async with installation(database_url) as home:
        written = 0
        home.services.storage.damaged = damaged
        home.services.storage.refusals += damaged
        write = home.services.storage.write

        async def counted(*args: object, **kwargs: object) -> object:
            nonlocal written
            written += 1
            return await write(*args, **kwargs)  # type: ignore[arg-type]

        object.__setattr__(home.services.storage, "write", counted)
        for _ in range(20):
            assert (await home.anyone.get("/readyz")).status == (503 if damaged else 200)
        assert 1 <= written < 20


async def settings(database_url: str, key_file: Path) -> Settings:
    """An installation whose key stands in a file, with a connection."""
    made = Settings(database_url=database_url, secret_key_file=key_file)
    async with open_services(made, worker=False) as opened:
        await opened.services.offers.catalogue.put_publisher("contoso", "Contoso", by="test")
        ref = OfferRef.parse(OFFER.replace("/v1/publishers/", "").replace("/offers/", "."))
        await opened.services.offers.catalogue.put_offer(ref, title="CRM", offer_type="saas", live=True, by="test")
        await opened.services.connections.put(ref, "primary", DESTINATION, by="test")
    return made


async def test_a_lost_key_is_not_replaced_while_secrets_are_sealed_with_it(database_url: str, tmp_path: Path) -> None:
    key_file = tmp_path / "leadkeeper.key"
    made = await settings(database_url, key_file)
    kept = key_file.read_text()
    remove(str(key_file))

    with pytest.raises(WrongSetting) as refused:
        async with open_services(made, worker=False):
            raise AssertionError("it went on")
    summary = str(refused.value)
    assert summary.startswith("LEADKEEPER_SECRET_KEY_FILE: ")
    assert str(key_file) in summary
    assert "leadkeeper db new-key" in summary
    assert not key_file.exists()

    key_file.write_text(kept)
    async with open_services(made, worker=False) as opened:
        assert not await opened.services.connections.unreadable()


async def test_whoever_makes_a_new_key_on_purpose_goes_on(database_url: str, tmp_path: Path) -> None:
    key_file = tmp_path / "leadkeeper.key"
    made = await settings(database_url, key_file)
    key_file.write_text(new_secret_key() + "\n")
    async with open_services(made, worker=False) as opened:
        assert await opened.services.connections.unreadable() == ["contoso.crm-pro/primary"]
