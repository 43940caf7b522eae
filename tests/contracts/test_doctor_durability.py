"""``doctor`` looks at what stands behind a commit of a real server, and says which promise stands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.services.postgres import Postgres
from tests.services.standby import Standby

pytestmark = pytest.mark.slow
ON_DISK = "an acknowledged lead is on the server's disk"


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """A server whose settings are changed as it runs."""
    with Postgres() as made:
        yield made


@pytest.fixture(scope="module")
def url(server: Postgres) -> str:
    """A database on it."""
    made = server.create_database()
    assert leadkeeper(made, "db", "upgrade").returncode == 0
    return made


def leadkeeper(url: str, *words: str) -> subprocess.CompletedProcess[str]:
    """What the program says on that database."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("LEADKEEPER_")}
    environment |= {"LEADKEEPER_DATABASE_URL": url, "LEADKEEPER_SECRET_KEY": "x" * 43 + "="}
    command = [sys.executable, "-m", "leadkeeper", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=90)


def durability(url: str) -> tuple[int, list[dict[str, Any]]]:
    """The exit code, and what is found about durability: the promise, then what weakens it."""
    message = leadkeeper(url, "doctor", "--json")
    found = [each for each in json.loads(message.stdout)["findings"] if each["name"] == "durability"]
    return message.returncode, found


def settle(server: Postgres, name: str, value: str | None) -> None:
    """Set it for the whole server, or as it was installed."""
    server.sql(f"ALTER SYSTEM SET {name} = '{value}'" if value is not None else f"ALTER SYSTEM RESET {name}")
    server.sql("SELECT pg_reload_conf()")
    until(lambda: value is None or server.sql(f"SHOW {name}") == value, f"{name} is {value}")


def until(holds: Any, what: str) -> None:
    """Poll with a generous deadline."""
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end, what
        time.sleep(0.05)


@pytest.mark.parametrize("name", ["fsync", "full_page_writes"])
def test_a_server_that_loses_leads_is_wrong(server: Postgres, url: str, name: str) -> None:
    settle(server, name, "off")
    try:
        code, (promise, weak) = durability(url)
    finally:
        settle(server, name, "on")
    assert code == 1
    assert promise["state"] == weak["state"] == "wrong"
    assert promise["detail"] == "an acknowledged lead survives the end of a process, not that of the server's machine"
    assert f"{name} is off" in weak["detail"]
    assert f"set {name} = on" in weak["remedy"]


def test_a_server_that_does_not_wait_by_default_does_for_us(server: Postgres, url: str) -> None:
    settle(server, "synchronous_commit", "off")
    try:
        code, found = durability(url)
    finally:
        settle(server, "synchronous_commit", None)
    assert code == 0
    assert [(each["state"], each["detail"]) for each in found] == [("ok", ON_DISK)]


def test_standbys(server: Postgres, url: str) -> None:
    standby = Standby(server)
    try:
        standby.start()
        until(standby.synchronous, "the standby follows")
        code, (promise,) = durability(url)
        assert (code, promise["state"]) == (0, "ok")
        assert promise["detail"] == f"{ON_DISK} and on that of a synchronous standby"

        standby.stop()
        until(lambda: server.sql("SELECT count(*) FROM pg_stat_replication") == "0", "it is gone")
        code, (promise, weak) = durability(url)
        assert code == 1
        assert weak["state"] == "wrong"
        assert "commits wait" in weak["detail"]
        assert "no lead is acknowledged" in weak["detail"]
        assert "synchronous_standby_names" in weak["remedy"]

        server.sql("ALTER SYSTEM SET synchronous_standby_names = ''")
        server.sql("SELECT pg_reload_conf()")
        standby.start()
        until(lambda: server.sql("SELECT count(*) FROM pg_stat_replication") == "1", "it follows again")
        code, (promise, weak) = durability(url)
        assert (code, promise["state"], promise["detail"]) == (0, "ok", ON_DISK)
        assert weak["state"] == "note"
        assert "asynchronously" in weak["detail"]
    finally:
        standby.close()
        server.sql("ALTER SYSTEM RESET synchronous_standby_names")
        server.sql("SELECT pg_reload_conf()")
