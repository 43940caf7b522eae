"""The command line: every command helps, speaks JSON, refuses in one line, and works on a new database."""

from __future__ import annotations

import asyncio
import contextlib
import http.cookies
import io
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer

from leadkeeper.connections.vault import new_secret_key
from leadkeeper.doors.cli.program import program, run
from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.https_endpoint.stand_in import ReceivingEndpoint
from tests.contracts.mailbox import mailbox

OFFER = "contoso.crm-pro"


def every_command() -> list[tuple[str, ...]]:
    """Every command as it is typed, groups too."""
    root = typer.main.get_command(program)
    found: list[tuple[str, ...]] = [()]

    def walk(command: Any, path: tuple[str, ...]) -> None:
        for name, below in getattr(command, "commands", {}).items():
            found.append((*path, name))
            walk(below, (*path, name))

    walk(root, ())
    return found


@dataclass(frozen=True)
class CommandResult:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its output, all of it, as JSON."""
        return json.loads(self.out)

    @property
    def line(self) -> str:
        """Its complaint, which must be one line; warnings at the start are not it."""
        (line,) = [line for line in self.err.splitlines() if "[warning " not in line]
        return line


Call = Callable[..., CommandResult]


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Call]:
    """Runs a command in this process, in a folder of its own."""
    for name in list(os.environ):
        if name.startswith("LEADKEEPER_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    switching = sys.getswitchinterval()

    def command(*arguments: str) -> CommandResult:
        code = run(arguments)
        captured = capsys.readouterr()
        return CommandResult(code, captured.out, captured.err)

    yield command
    sys.setswitchinterval(switching)


@pytest.fixture
def endpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: Call) -> Iterator[ReceivingEndpoint]:
    """A receiving endpoint that the settings allow, in a thread of its own."""
    yield from receiving(tmp_path, monkeypatch, ReceivingEndpoint())


def receiving(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: ReceivingEndpoint
) -> Iterator[ReceivingEndpoint]:
    """``server`` listens meanwhile, and the settings allow it."""
    authority = Authority(tmp_path / "authority")
    monkeypatch.setenv("LEADKEEPER_ALLOW_ADDRESSES", "127.0.0.0/8")
    monkeypatch.setenv("LEADKEEPER_CA_FILE", str(authority.ca_file))
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    asyncio.run_coroutine_threadsafe(server.start(authority.server_context("127.0.0.1")), loop).result(10)
    yield server
    asyncio.run_coroutine_threadsafe(server.aclose(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


def put_offer(call: Call) -> None:
    assert call("publishers", "put", "contoso", "--name", "Contoso").code == 0
    assert call("offers", "put", OFFER, "--title", "Contoso CRM Pro").code == 0


def put_connection(call: Call, endpoint: ReceivingEndpoint, name: str = "primary") -> CommandResult:
    url = f"https://127.0.0.1:{endpoint.port}/leads?code=very-secret"
    Path("address").write_text(url + "\n")
    return call(
        "connections", "put", OFFER, name, "--to", "httpsEndpoint", "--set", "httpsEndpointUrl=@address", "--json"
    )


@pytest.mark.parametrize("command", every_command(), ids=" ".join)
def test_every_command_helps(command: tuple[str, ...], call: Call) -> None:
    message = call(*command, "--help")
    assert (message.code, message.err) == (0, "")
    assert "Usage: leadkeeper" in message.out
    assert not list(Path().iterdir()), "help touched the folder"


def test_all_promised_commands_are_there() -> None:
    groups = {path[0] for path in every_command() if path}
    assert groups >= {
        *("serve", "api", "worker", "demo", "sandbox", "keys", "publishers", "offers", "leads", "db", "doctor"),
        *("connections", "explain"),
    }


def test_help_imports_nothing_heavy() -> None:
    heavy = {"aiohttp", "azure", "fastapi", "pydantic", "sqlalchemy", "uvicorn"}
    code = (
        "import sys; from leadkeeper.doors.cli.program import run; run(['--help']); "
        f"print(sorted({heavy!r} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


def test_version_by_module_and_without_command() -> None:
    done = subprocess.run([sys.executable, "-m", "leadkeeper", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("leadkeeper 0.")
    bare = subprocess.run([sys.executable, "-m", "leadkeeper"], capture_output=True, text=True, check=False)
    assert bare.returncode == 2
    assert "Usage" in bare.stdout + bare.stderr


def test_keys_on_a_new_database(call: Call, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADKEEPER_DATABASE_URL", database_url)
    made = call("keys", "create", "--role", "operator", "--note", "first", "--json")
    assert made.code == 0
    assert made.err == ""
    assert set(made.json) == {"id", "role", "key"}
    assert made.json["role"] == "operator"
    (listed,) = call("keys", "list", "--json").json["keys"]
    assert listed == {
        "id": made.json["id"],
        "role": "operator",
        "note": "first",
        "createdTime": listed["createdTime"],
        "lastUsedTime": None,
        "revokedTime": None,
    }
    assert made.json["key"] not in call("keys", "list").out
    assert call("keys", "revoke", made.json["id"]).code == 0
    assert call("keys", "list", "--json").json["keys"][0]["revokedTime"]
    again = call("keys", "revoke", made.json["id"])
    assert again.code == 1
    assert "keys list" in again.line


def test_a_key_for_people_is_alone_on_standard_output(call: Call) -> None:
    message = call("keys", "create", "--role", "marketplace")
    assert message.out.startswith("lk_")
    assert len(message.out.split()) == 1
    assert "not shown again" in message.err


def test_key_of_a_publisher_that_is_not_there(call: Call) -> None:
    message = call("keys", "create", "--role", "publisher:contoso", "--json")
    assert message.code == 1
    assert "There is no publisher contoso" in message.line
    assert message.out == ""


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("keys", "create"), "--role"),
        (("keys", "create", "--role", "king"), "publisher:<id>"),
        (("offers", "put", "no-dot"), "publisher.offer"),
        (("leads", "list", "--since", "yesterday"), "2026-11-22"),
        (("leads", "list", "--state", "lost"), "setAside"),
        (("leads", "send"), "PUBLISHER.OFFER"),
        (("leads", "send", "--file", "missing.json"), "missing.json"),
        (("leads", "replay", OFFER, "--state", "gone"), "setAside"),
        (("connections", "put", OFFER), "--file"),
        (("connections", "put", OFFER, "--to", "nowhere"), "httpsEndpoint"),
        (("frobnicate",), "frobnicate"),
        (("serve", "--port", "0"), "--port"),
        (("serve", "--processes", "0"), "--processes"),
    ],
)
def test_called_wrongly_is_two_and_one_line(call: Call, arguments: tuple[str, ...], named: str) -> None:
    message = call(*arguments)
    assert message.code == 2
    assert message.out == ""
    assert named in message.line
    assert "--help" in message.line


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "eighty"),
        ("DATABASE_URL", "mysql://root@localhost/leads"),
        ("ALLOW_ADDRESSES", "everything"),
        ("HOSTS", "=="),
        ("CA_FILE", "/no/such/file"),
        ("SECRET_KEY", "short"),
    ],
)
def test_a_wrong_setting_is_one_line_that_names_it(
    call: Call, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    assert call("db", "upgrade").code == 0
    monkeypatch.setenv(f"LEADKEEPER_{name}", value)
    for command in (("publishers", "list"), ("serve",), ("doctor", "--json")):
        message = call(*command)
        assert message.code == 1
        summary = message.json["findings"][-1]["detail"] if command[0] == "doctor" else message.line
        assert f"LEADKEEPER_{name}" in summary
        assert "root@" not in summary


def test_a_mail_server_whose_password_holds_a_number_sign_is_refused_with_the_remedy(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stands behind the sign would be read as a fragment: another server, another password."""
    assert call("db", "upgrade").code == 0
    monkeypatch.setenv("LEADKEEPER_SMTP_URL", "smtp://apikey:s3cr#t7@mail.example:587")
    for command in (("serve",), ("api",), ("worker",), ("doctor", "--json"), ("doctor",)):
        message = call(*command)
        assert message.code == 1
        summary = message.out + message.err
        assert "LEADKEEPER_SMTP_URL" in summary
        assert "%23" in summary
        assert "s3cr" not in summary
        assert "t7" not in summary


def test_database_that_cannot_be_used(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("text.db").write_text("This is no database, whatever its name may say. " * 100)
    for url in ("sqlite:///missing-folder/leadkeeper.db", "sqlite:///text.db", "postgresql://nobody@127.0.0.1:1/none"):
        monkeypatch.setenv("LEADKEEPER_DATABASE_URL", url)
        for command in (("leads", "list"), ("db", "status")):
            message = call(*command)
            assert message.code == 1
            assert "LEADKEEPER_DATABASE_URL" in message.line or "db upgrade" in message.line


def test_publishers_and_offers(call: Call) -> None:
    refused = call("offers", "put", OFFER)
    assert refused.code == 1
    assert "There is no publisher 'contoso'" in refused.line
    put_offer(call)
    assert call("publishers", "list", "--json").json["publishers"][0]["displayName"] == "Contoso"
    (offer,) = call("offers", "list", "--json").json["offers"]
    assert (offer["publisherId"], offer["id"], offer["title"], offer["live"]) == (
        "contoso",
        "crm-pro",
        "Contoso CRM Pro",
        True,
    )
    assert call("offers", "put", OFFER, "--not-live", "--json").json["live"] is False
    assert call("offers", "put", OFFER, "--category", "Sales", "--price", "20 EUR a month").code == 0
    difference = call("offers", "difference", OFFER, "--json").json["changes"]
    assert {"Sales", "20 EUR a month"} <= {each["new"] for each in difference}
    assert OFFER in call("offers", "list", "--publisher", "contoso").out
    assert call("publishers", "put", "x", "--name", "n" * 201).code == 1


def test_listings_of_nothing_say_so_on_standard_error(call: Call) -> None:
    for command in ("keys", "publishers", "offers", "connections", "leads"):
        people, machine = call(command, "list"), call(command, "list", "--json")
        assert (people.code, people.out) == (0, "")
        assert "There are no" in people.line
        assert machine.json[command] == []


def test_a_connection_from_making_to_removing(call: Call, endpoint: ReceivingEndpoint) -> None:
    put_offer(call)
    made = put_connection(call, endpoint)
    assert made.json["name"] == "primary"
    assert made.json["httpsEndpointLeadConfiguration"]["signingSecret"].startswith("whsec_"), "shown this once"
    listed = call("connections", "list", "--json")
    assert listed.json["connections"][0]["httpsEndpointLeadConfiguration"]["signingSecret"] == "*********"
    assert "very-secret" not in made.out + listed.out + call("connections", "list").out
    assert call("connections", "pause", OFFER).code == 0
    assert call("connections", "list", OFFER, "--json").json["connections"][0]["health"]["state"] == "paused"
    assert call("connections", "resume", OFFER).code == 0
    validated = call("connections", "validate", OFFER, "--json")
    assert validated.code == 0
    assert validated.json["ok"]
    assert list(endpoint.received) == [validated.json["testLead"]["id"]]
    assert "test lead MSFT_TEST_" in call("connections", "validate", OFFER, "primary").out
    assert call("connections", "remove", OFFER).code == 0
    assert "has no connection" in call("connections", "pause", OFFER).line
    assert call("connections", "remove", OFFER).code == 1


def test_settings_that_cannot_be_taken_name_the_field(call: Call) -> None:
    put_offer(call)
    message = call("connections", "put", OFFER, "--to", "httpsEndpoint", "--set", "httpsEndpointUrl=http://x.example/")
    assert message.code == 1
    assert "httpsEndpointUrl" in message.line
    Path("settings.json").write_text(json.dumps({"leadDestination": "table"}))
    assert "tableLeadConfiguration" in call("connections", "put", OFFER, "--file", "settings.json").line


def test_validation_that_fails_explains_itself(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    put_offer(call)
    address = "httpsEndpointUrl=https://127.0.0.1:9/leads"
    assert call("connections", "put", OFFER, "--to", "httpsEndpoint", "--set", address).code == 0
    message = call("connections", "validate", OFFER)
    assert message.code == 1
    assert "Who acts: publisher" in message.out
    assert "LEADKEEPER_ALLOW_ADDRESSES" in message.out


def test_leads_from_sending_to_showing(call: Call) -> None:
    put_offer(call)
    sent = call("leads", "send", OFFER, "--first-name", "Ada", "--email", "ada@contoso.com", "--json")
    assert sent.json["deliveries"] == []
    Path("lead.json").write_text(
        json.dumps({"publisherId": "contoso", "offerId": "crm-pro", "source": "SPZA", "action": "INS"})
    )
    from_file = call("leads", "send", "--file", "lead.json", "--idempotency-key", "one", "--json").json
    assert call("leads", "send", "--file", "lead.json", "--idempotency-key", "one", "--json").json == from_file
    page = call("leads", "list", "--limit", "1", "--json").json
    assert page["leads"][0]["id"] == from_file["id"]
    older = call("leads", "list", "--cursor", page["nextCursor"], "--json").json["leads"]
    assert [lead["id"] for lead in older] == [sent.json["id"]]
    assert call("leads", "list", "--email", "ADA@contoso.com", "--since", "1h", "--json").json["leads"] == older
    shown = call("leads", "show", sent.json["id"])
    assert "AzureMarketplace-PLT|contoso.crm-pro" in shown.out
    assert "ada@contoso.com" in shown.out
    assert call("leads", "show", sent.json["id"], "--json").json["customer"]["firstName"] == "Ada"
    assert "ada@contoso.com" in call("leads", "list").out


def test_what_a_destination_gets_of_a_lead(call: Call, endpoint: ReceivingEndpoint) -> None:
    put_offer(call)
    put_connection(call, endpoint)
    lead_id = call("leads", "send", OFFER, "--company", "Analytical Engines", "--json").json["id"]
    (delivery,) = call("leads", "show", lead_id, "--json").json["deliveries"]
    shown = call("leads", "record", delivery["id"], "--json").json
    assert (shown["sent"], shown["record"]["UserDetails"]["Company"]) == (False, "Analytical Engines")
    assert "Analytical Engines" in call("leads", "record", delivery["id"]).out
    unknown = call("leads", "record", lead_id)
    assert (unknown.code, unknown.line) == (1, f"There is no delivery {lead_id}.")


def test_leads_that_cannot_be_taken(call: Call) -> None:
    put_offer(call)
    unknown = call("leads", "send", "contoso.crm-pr0")
    assert unknown.code == 1
    assert "no offer 'crm-pr0'" in unknown.line
    wrong = call("leads", "send", OFFER, "--email", "no-at-sign")
    assert wrong.code == 1
    assert "customer.email" in wrong.line
    assert "no-at-sign" not in wrong.line, "personal data in an error"
    assert "There is no lead" in call("leads", "show", "0199").line
    assert "There is no delivery" in call("leads", "retry", "0199").line


def test_retry_and_replay(call: Call, endpoint: ReceivingEndpoint) -> None:
    put_offer(call)
    put_connection(call, endpoint)
    lead = call("leads", "send", OFFER, "--json").json
    assert lead["deliveries"] == [{"connection": "primary", "state": "pending"}]
    (again,) = call("leads", "retry", lead["id"], "--json").json["deliveries"]
    assert again["state"] == "waiting"
    assert call("leads", "retry", again["id"]).code == 0
    counted = call("leads", "replay", OFFER, "--state", "waiting", "--dry-run", "--json")
    assert counted.json == {"deliveries": 1, "dryRun": True}
    assert (
        call("leads", "replay", OFFER, "--state", "waiting", "--until", "2020-01-01", "--json").json["deliveries"] == 0
    )
    assert "1 delivery is sent again" in call("leads", "replay", OFFER, "--state", "waiting").err


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
        (lead_id,) = database.execute("select id from lead").fetchone()
    message = call("doctor", "--json")
    assert message.code == 1
    found = {each["name"]: each for each in message.json["findings"]}
    assert found["records"]["state"] == "wrong"
    assert lead_id in found["records"]["detail"]
    assert f"{OFFER}/primary" in found["records"]["detail"]
    assert "backup" in found["records"]["remedy"]
    assert found["connection contoso.crm-pro/primary"]["state"] == "wrong"
    assert "ada@" not in message.out


def test_explain_tells_cause_steps_and_where_to_read_on(call: Call) -> None:
    message = call("explain", "AADSTS7000222: the provided client secret keys are expired")
    assert (message.code, message.err) == (0, "")
    assert message.out.startswith("clientSecretExpired, recognized by AADSTS7000222 (Microsoft Entra ID)\n")
    assert "has expired. Who acts: publisher." in message.out
    assert "1. In the same application open 'Certificates & secrets'" in message.out
    assert "http://127.0.0.1:8700/docs/reference/diagnoses.html#clientsecretexpired" in message.out
    assert not list(Path().iterdir()), "explaining touched the folder"


@pytest.mark.parametrize(
    ("typed", "kind"),
    [
        (("-2147220960",), "createPrivilegeMissing"),
        (("HTTP", "413"), "leadTooLarge"),
        (("Locatário não", "encontrado."), "tenantNotFound"),
        (("--", "--json", "606"), "marketoRateLimit"),
    ],
)
def test_explain_takes_what_is_typed(typed: tuple[str, ...], kind: str, call: Call) -> None:
    message = call("explain", *typed)
    assert message.code == 0
    assert message.out.startswith(f"{kind}, ")
    assert call("explain", "--json", *typed).json["explanations"][0]["kind"] == kind


def test_explain_reads_standard_input(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    for pasted in (b'{"errorCode": "INVALID_SESSION_ID"}', b"\xff\xfe INVALID_SESSION_ID \0"):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(pasted)))
        assert call("explain", "-", "--json").json["explanations"][0]["kind"] == "salesforceSessionRejected"


def test_explain_says_what_to_paste(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    message = call("explain", "all is well")
    assert (message.code, message.out) == (1, "")
    assert "Paste the whole error" in message.line
    assert call("explain", "all is well", "--json").json == {"explanations": []}
    monkeypatch.setenv("LEADKEEPER_LANGUAGE", "pt")
    assert "Cole o erro inteiro" in call("explain", "all is well").line
    assert call("explain").code == 2


def test_a_command_speaks_the_language_that_it_is_told_or_that_of_the_terminal(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    portuguese, english = "O segredo da aplicação expirou.", "The application's secret has expired."
    asked = ("explain", "AADSTS7000222")
    assert portuguese in call("--language", "pt-BR", *asked).out
    assert english in call(*asked).out
    monkeypatch.setenv("LC_ALL", "pt_BR.UTF-8")
    assert portuguese in call(*asked).out
    assert english in call("--language", "en", *asked).out
    monkeypatch.setenv("LEADKEEPER_LANGUAGE", "en")
    assert english in call(*asked).out, "the setting wins"
    wrong = call("--language", "xx", *asked)
    assert (wrong.code, "one of en, pt" in wrong.err) == (2, True)


def test_commands_speak_the_language_of_the_settings(
    call: Call, endpoint: ReceivingEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    from leadkeeper.catalogue import text_of
    from leadkeeper.diagnosis import Kind
    from tests.languages import PORTUGUESE

    put_offer(call)
    address = "httpsEndpointUrl=https://10.0.0.1/leads"
    assert call("connections", "put", OFFER, "--to", "httpsEndpoint", "--set", address).code == 0
    monkeypatch.setenv("LEADKEEPER_LANGUAGE", "pt")
    text = text_of(Kind.ADDRESS_REFUSED, PORTUGUESE)
    message = call("connections", "validate", OFFER)
    assert message.code == 1
    assert f"{text.summary} Quem deve agir: publicador." in message.out
    assert f"1. {text.steps[0]}" in message.out
    assert "evidência: " in message.out
    assert call("connections", "validate", OFFER, "--json").json["diagnosis"]["summary"] == text.summary
    assert f"{text.summary} " in call("doctor").out
    assert " ".join(text.steps) in call("doctor").out
    assert "LEADKEEPER_LANGUAGE: Input should be 'en' or 'pt'" in refused_language(call, monkeypatch)


def refused_language(call: Call, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("LEADKEEPER_LANGUAGE", "fr")
    return call("connections", "list").line


def test_serve_refuses_a_taken_port_in_one_line(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setenv("LEADKEEPER_PORT", str(taken.getsockname()[1]))
        message = call("serve")
    assert message.code == 1
    assert "LEADKEEPER_PORT" in message.line
    assert "is taken" in message.line


@pytest.mark.parametrize("summary", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("command", ["serve", "api", "worker"])
def test_serving_ends_in_good_order(command: str, summary: signal.Signals, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LEADKEEPER_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "leadkeeper", command],
        cwd=tmp_path,
        env=environment | {"LEADKEEPER_PORT": str(port)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    while "Ctrl-C ends it" not in (message := process.stderr.readline()):
        assert "[warning " in message
    process.send_signal(summary)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (0, "")
    assert "Traceback" not in err


def test_new_key_is_one(call: Call) -> None:
    assert len(call("db", "new-key").out.strip()) == len(new_secret_key())


def test_contacts_are_listed_and_allowed(call: Call) -> None:
    call("publishers", "put", "contoso")
    call("offers", "put", OFFER, "--title", "CRM Pro", "--live")
    settings = ("--set", "httpsEndpointUrl=https://leads.example/h", "--set", "contactEmail=ops@corp.local")
    put = call("connections", "put", OFFER, "--to", "httpsEndpoint", *settings, "--json").json
    assert put["contacts"] == [{"email": "ops@corp.local", "state": "confirmed", "diagnosis": None}]
    assert call("contacts", "allow", "contoso", "root@localhost").code == 0
    summary = call("contacts", "list", "contoso", "--json").json["contacts"]
    assert [(one["email"], one["state"]) for one in summary] == [
        ("ops@corp.local", "confirmed"),
        ("root@localhost", "confirmed"),
    ]
    assert "corp.local" in call("contacts", "list").out
    assert "no publisher" in call("contacts", "allow", "nobody", "root@localhost").line
    assert call("contacts", "allow", "contoso", "nonsense").code == 2


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


def test_texts_that_no_database_keeps_are_refused_in_one_line(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    put_offer(call)
    message = call("leads", "find", "a\udcffb")
    assert (message.code, message.line.count("UTF-8")) == (2, 1)
    monkeypatch.setattr(sys, "stdin", io.StringIO("a\0b"))
    message = call("leads", "find", "-")
    assert (message.code, message.line.count("NUL")) == (1, 1)
    Path("settings.json").write_text('{"leadDestination": "email\\u0000"}', encoding="utf-8")
    message = call("connections", "put", OFFER, "primary", "--file", "settings.json")
    assert (message.code, message.line.count("leadDestination may hold no NUL")) == (1, 1)
    Path("settings.json").write_bytes(b'\xef\xbb\xbf{"leadDestination": "none"}')
    message = call("connections", "put", OFFER, "primary", "--file", "settings.json")
    assert "not JSON" not in message.err


def test_a_publisher_s_data_are_kept_for_a_shorter_time(call: Call) -> None:
    put_offer(call)
    kept = call("publishers", "retention", "contoso", "--personal-days", "60", "--json").json
    assert (kept["personalDays"], kept["evidenceDays"], kept["ownPersonalDays"]) == (60, 60, 60)
    assert "60 days" in call("publishers", "retention", "contoso").err
    assert call("publishers", "retention", "contoso", "--personal-days", "500").code == 1
    assert call("publishers", "retention", "contoso", "--personal-days", "").code == 0
    assert call("publishers", "retention", "contoso", "--json").json["personalDays"] == 400
    (finding,) = [each for each in call("doctor", "--json").json["findings"] if each["name"] == "data kept"]
    assert finding["state"] == "ok"
    assert "personal data of leads 400 days (0 removed)" in finding["detail"]


def test_one_act_on_many_leads(call: Call) -> None:
    put_offer(call)
    ids = [call("leads", "send", OFFER, "--last-name", name, "--json").json["id"] for name in ("Lovelace", "Hopper")]
    none = call("leads", "select", "set-state", "won")
    assert (none.code, "name the leads" in none.err) == (2, True)
    for which in (("--offer", OFFER), tuple(ids)):
        tried = call("leads", "select", "set-state", "won", *which, "--dry-run", "--json").json
        assert (tried["dryRun"], [each["done"] for each in tried["outcomes"]]) == (True, [True, True])
    assert call("leads", "show", ids[0], "--json").json["followUp"]["state"] == "new"
    assert "2 of 2 leads were changed." in call("leads", "select", "set-state", "won", "--offer", OFFER).err
    assert {call("leads", "show", each, "--json").json["followUp"]["state"] for each in ids} == {"won"}
    again = call("leads", "select", "send-again", ids[0], "--json").json["outcomes"]
    assert [(each["done"], each["reason"]) for each in again] == [(False, "noConnection")]
    lost = call("leads", "select", "set-state", "lost", ids[0])
    assert (lost.code, lost.line) == (1, "Say why: others learn from it.")
    nobody = call("leads", "select", "assign", "--to", "nobody@contoso.example", "--publisher", "contoso", ids[0])
    assert (nobody.code, nobody.line) == (1, "No member of contoso has this address.")
    unowned = call("leads", "select", "assign", "--to", "-", "--publisher", "contoso", ids[0], "--json").json
    assert unowned["outcomes"][0]["reason"] == "unchanged"


@pytest.mark.parametrize("arguments", [("--processes", "2"), ("--workers", "1")])
def test_several_processes_on_sqlite_are_refused_with_the_remedy(call: Call, arguments: tuple[str, ...]) -> None:
    message = call("serve", *arguments)
    assert message.code == 1
    assert "Several processes need PostgreSQL" in message.line
    assert "--processes 1" in message.line
    message = call("--language", "pt", "serve", *arguments)
    assert "precisam do PostgreSQL" in message.line
