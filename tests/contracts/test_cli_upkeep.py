"""By command: the database looked after, the secret key changed, and what the doctor finds."""

from __future__ import annotations

import contextlib
import http.cookies
import json
import os
import re
import sqlite3
from pathlib import Path

import pytest

from leadkeeper.connections.vault import new_secret_key
from leadkeeper.sandbox.https_endpoint.stand_in import ReceivingEndpoint
from leadkeeper.storage.ids import unpacked_id
from tests.contracts.commands import OFFER, Call, call, endpoint, put_connection, put_offer
from tests.contracts.mailbox import mailbox

__all__ = ["call", "endpoint"]

WHOLE_SCHEMA = "SELECT type, name, sql FROM sqlite_master ORDER BY type, name"


@pytest.mark.empty_database
def test_db_status_changes_nothing_until_upgraded(
    call: Call, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEADKEEPER_DATABASE_URL", database_url)
    new = call("db", "status", "--json")
    assert new.code == 1
    assert new.json["current"] is None
    assert new.json["upToDate"] is False
    assert not list(Path().glob("*.db"))
    assert call("doctor").code == 1
    assert call("db", "upgrade").code == 0
    assert call("db", "status", "--json").json["upToDate"] is True
    assert "password" not in call("db", "status").out


def test_a_database_of_a_newer_version_is_left_alone(call: Call, tmp_path: Path) -> None:
    """Whichever command comes first, it says so in one line, for which it needs nothing that applies migrations."""
    assert call("db", "upgrade").code == 0
    file = tmp_path / "leadkeeper.db"
    with contextlib.closing(sqlite3.connect(file)) as made:
        made.execute("UPDATE alembic_version SET version_num = '9999'")
        made.commit()
        before = made.execute(WHOLE_SCHEMA).fetchall()
    for command in (("db", "upgrade"), ("publishers", "list"), ("serve",)):
        refused = call(*command)
        assert (refused.code, refused.line) == (
            1,
            "The database was made by a newer version of Leadkeeper: install that version.",
        ), command
    with contextlib.closing(sqlite3.connect(file)) as left:
        assert left.execute(WHOLE_SCHEMA).fetchall() == before
        assert left.execute("SELECT version_num FROM alembic_version").fetchall() == [("9999",)]


def test_doctor_tells_of_a_python_that_reads_cookies_slowly(call: Call) -> None:
    assert call("db", "upgrade").code == 0
    (summary,) = [each for each in call("doctor", "--json").json["findings"] if each["name"] == "python"]
    fixed = hasattr(http.cookies, "_unquote_sub")  # which the fix brought
    assert summary["state"] == ("ok" if fixed else "note")
    assert ("CVE-2024-7592" in summary["detail"]) is not fixed


def test_rotating_secrets(call: Call, endpoint: ReceivingEndpoint) -> None:
    put_offer(call)
    put_connection(call, endpoint)
    old, new = Path("leadkeeper.key").read_text(), call("db", "new-key").out
    Path("leadkeeper.key").write_text(new)
    message = call("db", "rotate-secrets")
    assert message.code == 1
    assert "LEADKEEPER_SECRET_KEY" in message.line
    doctor = call("doctor", "--json")
    assert next(f["name"] for f in doctor.json["findings"] if f["state"] == "wrong") == "secret key"
    Path("leadkeeper.key").write_text(new + old)
    assert "1 connection " in call("db", "rotate-secrets").err
    Path("leadkeeper.key").write_text(new)
    assert call("connections", "validate", OFFER).code == 0


def test_doctor_finds_all_well(
    call: Call, endpoint: ReceivingEndpoint, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEADKEEPER_DATABASE_URL", database_url)
    put_offer(call)
    put_connection(call, endpoint)
    call("leads", "send", OFFER, "--email", "ada@contoso.com")
    message = call("doctor", "--json")
    states = {finding["name"]: finding["state"] for finding in message.json["findings"]}
    assert states.pop("python") in ("ok", "note")
    assert states == {
        "settings": "ok",
        "files": "ok",
        "user": "note" if os.geteuid() == 0 else "ok",
        "database": "ok",
        "durability": "ok",
        "notifications": "ok",
        "secret key": "ok",
        "connection contoso.crm-pro/primary": "ok",
        "waiting": "ok",
        "held": "ok",
        "set aside": "ok",
        "set aside by outages": "ok",
        "without connection": "ok",
        "data kept": "ok",
        "records": "ok",
        "audit": "ok",
        "clock": "ok",
        "mail": "note",
    }
    assert message.code == 0
    assert endpoint.received == {}, "the doctor sends no lead"
    thorough = call("doctor", "--test-leads", "--json")
    assert thorough.code == 0
    assert re.search(r"test lead MSFT_TEST_\d+ was received", json.dumps(thorough.json))
    assert len(endpoint.received) == 1
    call("connections", "pause", OFFER)
    people = call("doctor")
    assert people.code == 0
    assert "held: 1 -> fix or resume" in people.out
    assert "ada@" not in people.out


def test_doctor_names_what_is_wrong_and_the_remedy(call: Call, endpoint: ReceivingEndpoint) -> None:
    put_offer(call)
    put_connection(call, endpoint)
    address = "httpsEndpointUrl=https://no-such-host.invalid/leads"
    call("connections", "put", OFFER, "spare", "--to", "httpsEndpoint", "--set", address)
    message = call("doctor")
    assert message.code == 1
    (line,) = [line for line in message.out.splitlines() if line.startswith("wrong")]
    assert "contoso.crm-pro/spare" in line
    assert " -> " in line
    assert call("doctor", "--json").json["ok"] is False


def test_doctor_names_the_damaged_records_and_the_remedy(call: Call, endpoint: ReceivingEndpoint) -> None:
    put_offer(call)
    put_connection(call, endpoint)
    call("leads", "send", OFFER, "--email", "ada@contoso.com")
    (file,) = Path().glob("*.db")
    with contextlib.closing(sqlite3.connect(file)) as database, database:
        database.execute("update lead set body = substr(body, 1, 40)")
        database.execute("update connection set settings = '{'")
        lead_id = str(unpacked_id(*database.execute("select id from lead").fetchone()))
    message = call("doctor", "--json")
    assert message.code == 1
    found = {each["name"]: each for each in message.json["findings"]}
    assert found["records"]["state"] == "wrong"
    assert lead_id in found["records"]["detail"]
    assert f"{OFFER}/primary" in found["records"]["detail"]
    assert "backup" in found["records"]["remedy"]
    assert found["connection contoso.crm-pro/primary"]["state"] == "wrong"
    assert "ada@" not in message.out


def test_new_key_is_one(call: Call) -> None:
    assert len(call("db", "new-key").out.strip()) == len(new_secret_key())


def test_doctor_looks_at_the_mail_server(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def mail() -> dict[str, str]:
        (found,) = [one for one in call("doctor", "--json").json["findings"] if one["name"] == "mail"]
        return dict(found)

    assert call("db", "upgrade").code == 0
    assert mail()["state"] == "note"
    with mailbox(sign_in=False) as box:
        monkeypatch.setenv("LEADKEEPER_SMTP_URL", f"smtp://127.0.0.1:{box.port}")
        assert mail()["state"] == "ok"
    assert mail()["state"] == "wrong"
    monkeypatch.setenv("LEADKEEPER_MAIL_FROM", "nonsense")
    (found,) = [one for one in call("doctor", "--json").json["findings"] if one["state"] == "wrong"]
    assert (found["state"], "LEADKEEPER_MAIL_FROM" in found["detail"]) == ("wrong", True)
