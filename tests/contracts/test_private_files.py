"""Files that hold leads or secrets are the program's own: made 0600, and complained of when they are not."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from leadkeeper.connections.vault import secret_keys_from_file
from leadkeeper.storage.engine import open_storage
from leadkeeper.storage.migrate import upgrade


def mode(path: Path) -> int:
    """Its permissions."""
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def loose_umask() -> object:
    """A shell's usual umask, whatever the test runner's is."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def run(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The program in ``folder``."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("LEADKEEPER_")}
    return subprocess.run(
        [sys.executable, "-m", "leadkeeper", *words],
        cwd=folder,
        env=env | environment,
        text=True,
        capture_output=True,
        check=False,
        timeout=120,
    )


async def test_a_database_and_what_stands_beside_it_are_made_private(tmp_path: Path, loose_umask: object) -> None:
    path = tmp_path / "leadkeeper.db"
    storage = open_storage(f"sqlite+aiosqlite:///{path}")
    try:
        await storage.write(upgrade)
        await storage.read(lambda conn: conn.exec_driver_sql("SELECT 1").all())
        made = {each.name: mode(each) for each in tmp_path.iterdir()}  # noqa: ASYNC240
    finally:
        await storage.close()
    assert made == {"leadkeeper.db": 0o600, "leadkeeper.db-wal": 0o600, "leadkeeper.db-shm": 0o600}


def test_the_draft_of_a_key_follows_no_link(tmp_path: Path, loose_umask: object) -> None:
    prey = tmp_path / "prey"
    prey.write_text("precious\n")
    home = tmp_path / "home"
    home.mkdir()
    (home / f".leadkeeper.key.{os.getpid()}").symlink_to(prey)
    keys = secret_keys_from_file(home / "leadkeeper.key")
    assert prey.read_text() == "precious\n"
    assert len(keys) == 1
    assert mode(home / "leadkeeper.key") == 0o600
    assert not (home / "leadkeeper.key").is_symlink()


def test_a_draft_that_another_made_is_not_used(tmp_path: Path, loose_umask: object) -> None:
    planted = tmp_path / f".leadkeeper.key.{os.getpid()}"
    planted.write_text("known to a neighbour\n")
    planted.chmod(0o666)
    keys = secret_keys_from_file(tmp_path / "leadkeeper.key")
    assert mode(tmp_path / "leadkeeper.key") == 0o600
    assert planted.read_text() == "known to a neighbour\n"
    assert "neighbour" not in "".join(keys)


def test_the_doctor_complains_of_files_that_others_may_read(tmp_path: Path, loose_umask: object) -> None:
    assert run(tmp_path, "db", "upgrade").returncode == 0
    (tmp_path / ".env").write_text("LEADKEEPER_MARKETPLACE_NAME=Shop\n")
    (tmp_path / ".env").chmod(0o600)
    with hold_open(tmp_path / "leadkeeper.db"):
        well = run(tmp_path, "doctor", "--json")
        assert well.returncode == 0, well.stdout
        assert [f for f in json.loads(well.stdout)["findings"] if f["name"] == "files"] == [
            {"name": "files", "state": "ok", "detail": "can be read by nobody else", "remedy": ""}
        ]
        for name in ("leadkeeper.key", "leadkeeper.db", "leadkeeper.db-wal", ".env"):
            (tmp_path / name).chmod(0o644)
            ill = run(tmp_path, "doctor", "--json")
            assert ill.returncode == 1, name
            (found,) = [f for f in json.loads(ill.stdout)["findings"] if f["name"].startswith("file ")]
            assert found["name"] == f"file {name}"
            assert found["state"] == "wrong"
            assert "0644" in found["detail"]
            assert found["remedy"] == f"chmod 600 {name}"
            (tmp_path / name).chmod(0o600)


@contextlib.contextmanager
def hold_open(path: Path) -> Iterator[None]:
    """Somebody has the database open, so that its WAL stays."""
    code = (
        "import sqlite3, sys\n"
        "c = sqlite3.connect(sys.argv[1]); c.execute('PRAGMA journal_mode=WAL')\n"
        "c.execute('CREATE TABLE IF NOT EXISTS held (x)'); c.execute('INSERT INTO held VALUES (1)'); c.commit()\n"
        "print('open', flush=True); sys.stdin.read()\n"
    )
    words = [sys.executable, "-c", code, str(path)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        yield
        holder.kill()


def test_the_doctor_speaks_of_root(tmp_path: Path) -> None:
    run(tmp_path, "db", "upgrade")
    found = {each["name"]: each for each in json.loads(run(tmp_path, "doctor", "--json").stdout)["findings"]}
    assert found["user"]["state"] == ("note" if os.geteuid() == 0 else "ok")


async def test_start_warns_of_them(tmp_path: Path, loose_umask: object) -> None:
    assert run(tmp_path, "db", "upgrade").returncode == 0
    (tmp_path / "leadkeeper.key").chmod(0o644)
    env = {name: value for name, value in os.environ.items() if not name.startswith("LEADKEEPER_")}
    starting = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "leadkeeper", "worker"), cwd=tmp_path, env=env, stderr=asyncio.subprocess.PIPE
    )
    message = b""
    try:
        assert starting.stderr is not None
        async with asyncio.timeout(60):
            while b"Leadkeeper carries leads" not in message:
                line = await starting.stderr.readline()
                assert line, message
                message += line
    finally:
        starting.terminate()
        await starting.wait()
    assert b"leadkeeper.key" in message
    assert b"chmod 600" in message
