"""What commands say of an installation elsewhere that refuses, is silent, or is none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from leadkeeper.doors.cli.program import run
from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.faults import FaultServer, answer, commit_then_drop
from tests.contracts.remote_commands import OFFER, Elsewhere, authority, elsewhere, write_key
from tests.ports import free_port

__all__ = ["authority", "elsewhere"]


@dataclass
class Stranger:
    """A server that answers as it is told, and a command that asks it."""

    server: FaultServer
    key_file: Path
    capture: pytest.CaptureFixture[str]

    @property
    def url(self) -> str:
        """Its address."""
        return f"https://127.0.0.1:{self.server.port}"

    def call(self, *arguments: str, url: str | None = None) -> str:
        """What the command complains; it must be one line that does not hold the key."""
        self.capture.readouterr()
        assert run(["--url", url or self.url, "--key-file", str(self.key_file), *(arguments or ("leads", "list"))]) == 1
        ended = self.capture.readouterr()
        assert ended.out == ""
        (line,) = ended.err.splitlines()
        assert SECRET not in line
        return line


SECRET = "lk_this_is_the_secret_key"


@pytest.fixture
def stranger(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    authority: Authority,
    elsewhere: Elsewhere,
) -> Iterator[Stranger]:
    monkeypatch.chdir(tmp_path)
    server = FaultServer()
    elsewhere.do(server.start(authority.server_context("127.0.0.1")))
    yield Stranger(server, write_key(tmp_path / "key", SECRET + "\n"), capsys)
    elsewhere.do(server.aclose())


def problem(type_: str, detail: str) -> bytes:
    return json.dumps(
        {"type": f"/docs/reference/problems.html#{type_}", "detail": detail, "requestId": "req-7"}
    ).encode()


@pytest.mark.parametrize(
    ("status", "headers", "body", "told"),
    [
        (429, {"retry_after": "12"}, problem("too-many-requests", "Slow."), "Slow. Ask URL again in 12 seconds."),
        (429, {}, b"", "Ask URL again in a minute."),
        (
            503,
            {},
            problem("storage-away", "The database is away."),
            "The database is away. URL cannot do it now (503). Ask again in a minute; if it lasts, its operator finds "
            "the request req-7 in its log.",
        ),
        (502, {}, b"<html>", "URL cannot do it now (502). Ask again in a minute; if it lasts, ask its operator."),
        (404, {}, b"<html>", "URL answers 404, not as a Leadkeeper installation does. Look at --url."),
        (404, {}, problem("not-found", "There is nothing here."), "There is nothing here."),
        (404, {}, problem("not-found", "There is\x1b[2J none."), "There is [2J none."),
        (307, {"location": "https://other.example/"}, b"", "URL sends callers on to another address: give that one."),
        (200, {}, b"<html>", "URL answers what this version of the command does not understand."),
        (200, {}, b'{"leads": 5}', "URL answers what this version of the command does not understand."),
    ],
)  # fmt: skip
def test_a_refusal_is_one_line_with_a_remedy(
    status: int, headers: dict[str, str], body: bytes, told: str, stranger: Stranger
) -> None:
    stranger.server.fault = answer(status, body, **headers)
    assert stranger.call().startswith(told.replace("URL", stranger.url))


def test_an_address_with_the_apis_own_path_is_refused_with_the_remedy(stranger: Stranger) -> None:
    stranger.server.fault = answer(404, problem("not-found", "There is nothing at this address."))
    assert stranger.call(url=f"{stranger.url}/v1/") == "There is nothing at this address. Give --url without /v1."


def test_the_fields_that_an_installation_refuses_are_named(stranger: Stranger) -> None:
    refused = json.loads(problem("invalid-request", "Too long a time.")) | {
        "errors": [{"field": "personalDays", "message": "Enter less."}, "none", {"field": "x", "message": "Too long"}]
    }
    stranger.server.fault = answer(422, json.dumps(refused).encode())
    assert stranger.call() == "Too long a time. personalDays: Enter less."


def test_an_address_that_does_not_answer_is_told(
    stranger: Stranger, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    closed = f"https://127.0.0.1:{free_port()}"
    assert stranger.call(url=closed) == (
        f"{closed} cannot be reached (ECONNREFUSED). Look whether the installation runs, and at --url."
    )
    monkeypatch.delenv("LEADKEEPER_CA_FILE")
    told = stranger.call()
    assert told.startswith(f"{stranger.url} cannot prove who it is, so nothing was sent")
    assert "LEADKEEPER_CA_FILE" in told
    monkeypatch.setenv("LEADKEEPER_CA_FILE", str(tmp_path / "none.pem"))
    assert stranger.call().startswith(f"LEADKEEPER_CA_FILE: {tmp_path / 'none.pem'} cannot be used: No such file")
    (tmp_path / "none.pem").write_text("no certificate")
    assert stranger.call().startswith(f"LEADKEEPER_CA_FILE: {tmp_path / 'none.pem'} cannot be used: ")


def test_a_change_without_an_answer_may_have_been_made(stranger: Stranger) -> None:
    stranger.server.fault = commit_then_drop
    assert "may have been done: look before you ask again" in stranger.call("connections", "pause", OFFER)
    assert "cannot be reached (" in stranger.call("leads", "list")


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://leads.example", "a key goes over https alone"),
        ("https://ada:secret@leads.example", "must not hold a user name"),
        ("https://leads.example/?a=1", "it may have no query"),
        ("leads.example", "https"),
    ],
)
def test_an_address_that_cannot_be_one_is_refused(url: str, told: str, stranger: Stranger) -> None:
    line = stranger.call(url=url)
    assert line.startswith("--url must be the address of an installation")
    assert told in line
    assert "secret" not in line


def test_a_key_that_others_may_read_is_not_used(stranger: Stranger) -> None:
    for mode in (0o640, 0o604, 0o620):
        stranger.key_file.chmod(mode)
        assert stranger.call() == (
            f"Others may read or change the key file {stranger.key_file}: chmod 600 {stranger.key_file}."
        )
    assert stranger.server.port
    stranger.key_file.chmod(0o600)
    for content in ("", "two words", "x" * 600, "ä"):
        stranger.key_file.write_text(content)
        assert stranger.call().startswith(f"The file {stranger.key_file} does not hold a key")
    stranger.key_file.unlink()
    assert stranger.call() == f"The key file {stranger.key_file} cannot be read: No such file or directory."


@pytest.mark.parametrize(
    "command",
    [("db", "status"), ("doctor",), ("serve",), ("api",), ("worker",)],
    ids=" ".join,
)
def test_commands_without_a_remote_way_say_so(command: tuple[str, ...], stranger: Stranger) -> None:
    assert stranger.call(*command) == (
        "This command works only on the installation's own machine: run it there, without --url and LEADKEEPER_URL. "
        "--url '' does without the setting."
    )


def test_refusals_are_told_in_portuguese(stranger: Stranger) -> None:
    assert run(["--url", "x", "--key-file", str(stranger.key_file), "--language", "pt", "doctor"]) == 1
    assert "só funciona" in stranger.capture.readouterr().err
    assert run(["--language", "pt", "connections", "show", OFFER]) == 1
    assert stranger.capture.readouterr().err == "Não há oferta 'crm-pro' de um publicador 'contoso'.\n"
