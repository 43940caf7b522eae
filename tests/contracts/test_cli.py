"""The command line: every command helps, refuses in one line, speaks a language, and ends in good order."""

from __future__ import annotations

import io
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from leadkeeper.sandbox.https_endpoint.stand_in import ReceivingEndpoint
from tests.contracts.commands import OFFER, Call, call, endpoint, every_command, put_offer
from tests.ports import free_port

__all__ = ["call", "endpoint"]


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
    assert f"{text.summary} O endereço leva a uma rede privada" in message.out
    assert "Quem deve agir: publicador." in message.out
    assert f"1. {text.steps[0]}" in message.out
    assert "The address" not in message.out
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
    port = free_port()
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
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (0, "")
    assert "Traceback" not in err


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


@pytest.mark.parametrize("arguments", [("--processes", "2"), ("--workers", "1")])
def test_several_processes_on_sqlite_are_refused_with_the_remedy(call: Call, arguments: tuple[str, ...]) -> None:
    message = call("serve", *arguments)
    assert message.code == 1
    assert "Several processes need PostgreSQL" in message.line
    assert "--processes 1" in message.line
    message = call("--language", "pt", "serve", *arguments)
    assert "precisam do PostgreSQL" in message.line
