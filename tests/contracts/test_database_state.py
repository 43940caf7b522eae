"""What commands say of a database that is not one of this version's, and that the remedy they name can work."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

import pytest

from tests.contracts.commands import Call, CommandResult, call

__all__ = ["call"]

WHOLE_SCHEMA = "SELECT type, name, sql FROM sqlite_master ORDER BY type, name"


def execute(file: str, *statements: str) -> None:
    with contextlib.closing(sqlite3.connect(file)) as made, made:
        for statement in statements:
            made.execute(statement)


def finding(message: CommandResult) -> dict[str, str]:
    (found,) = [each for each in message.json["findings"] if each["name"] == "database"]
    return dict(found)


def test_a_newer_database_needs_the_version_that_made_it(call: Call) -> None:
    assert call("db", "upgrade").code == 0
    execute("leadkeeper.db", "UPDATE alembic_version SET version_num = '0999'")
    refused = call("db", "upgrade").line
    message = call("doctor", "--json")
    assert message.code == 1
    assert finding(message)["remedy"] == refused
    assert "install that version" in refused
    status = call("db", "status")
    assert (status.code, status.line) == (1, refused)
    assert call("db", "status", "--json").json["state"] == "newer"


@pytest.mark.parametrize("named", [True, False])
def test_a_folder_that_is_missing_is_named(call: Call, monkeypatch: pytest.MonkeyPatch, named: bool) -> None:
    if named:
        monkeypatch.setenv("LEADKEEPER_DATABASE_URL", "sqlite+aiosqlite:///data/leads.db")
        file = Path("data/leads.db").absolute()
    else:
        file = Path("leadkeeper.db").absolute()
        file.mkdir()
    for command in (("publishers", "list"), ("leads", "list"), ("db", "upgrade"), ("db", "status"), ("serve",)):
        refused = call(*command)
        assert refused.code == 1, command
        assert str(file) in refused.line, command
        assert "unable to open" not in refused.line, command
        if named:
            assert refused.line.startswith(f"There is no folder {file.parent} for the database file {file}"), command
    found = finding(call("doctor", "--json"))
    assert found["state"] == "wrong"
    assert str(file) in found["detail"]
    assert "db upgrade" not in found["detail"] + found["remedy"]


def test_a_folder_that_may_not_be_written_is_named(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("data").mkdir(mode=0o500)
    monkeypatch.setenv("LEADKEEPER_DATABASE_URL", "sqlite+aiosqlite:///data/leads.db")
    if os.geteuid() == 0:  # who may write everywhere
        monkeypatch.setattr(os, "access", lambda _path, mode: not mode & os.W_OK)
    commands = (("db", "status"),) if os.geteuid() == 0 else (("publishers", "list"), ("db", "status"))
    for command in commands:
        assert f"The folder {Path('data').absolute()} of the database file" in call(*command).line
    assert "may not be written" in finding(call("doctor", "--json"))["detail"]


def test_nothing_is_added_to_another_programs_file(call: Call) -> None:
    execute("leadkeeper.db", "CREATE TABLE invoice (id)", "INSERT INTO invoice VALUES (1)")
    before = Path("leadkeeper.db").read_bytes()
    for command in (("publishers", "list"), ("leads", "list"), ("db", "upgrade"), ("serve",), ("db", "status")):
        refused = call(*command)
        assert (refused.code, "tables of another program" in refused.line) == (1, True), command
        assert "LEADKEEPER_DATABASE_URL" in refused.line
    assert call("db", "status", "--json").json["state"] == "foreign"
    found = finding(call("doctor", "--json"))
    assert (found["state"], "LEADKEEPER_DATABASE_URL" in found["remedy"]) == ("wrong", True)
    assert Path("leadkeeper.db").read_bytes() == before
    assert not list(Path().glob("leadkeeper.db-*"))


def test_a_file_in_which_only_a_tool_that_copies_it_has_tables_is_used(call: Call) -> None:
    execute("leadkeeper.db", "CREATE TABLE _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER)")
    assert call("db", "status", "--json").json["state"] == "empty"
    assert call("db", "upgrade").code == 0
    assert call("db", "status", "--json").json["state"] == "upToDate"
