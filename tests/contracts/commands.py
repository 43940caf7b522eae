"""Commands that a test calls in this process, in a folder of its own."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer

from leadkeeper.doors.cli.program import program, run
from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.https_endpoint.stand_in import ReceivingEndpoint

OFFER = "contoso.crm-pro"


def every_command() -> list[tuple[str, ...]]:
    """Every command as it is typed, groups too."""
    root = typer.main.get_command(program())
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
    asyncio.run_coroutine_threadsafe(server.start(authority.server_context("127.0.0.1")), loop).result(120)
    yield server
    asyncio.run_coroutine_threadsafe(server.aclose(), loop).result(120)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(120)
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
