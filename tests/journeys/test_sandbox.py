"""``leadkeeper sandbox`` by hand: what it prints and writes lets Leadkeeper reach every kind of destination."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psutil
import pytest

from leadkeeper.destinations.registry import OURS
from tests.conftest import missing_service
from tests.journeys.hub import READY_SECONDS, SOON
from tests.ports import free_port

ROOT: Final = Path(__file__).parents[2]
_READY: Final = "Ctrl-C ends it"
_COMMANDS: Final = "import json, sys; from leadkeeper.doors.cli.program import run; " + (
    "[print('exit', run(words)) for words in json.load(sys.stdin)]"
)


class Sandbox:
    """A running sandbox in ``folder``, and a caller of its control API."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._output = folder / "output.txt"
        names = ("--endpoint-port", "--table-port", "--blob-port", "--services-port")
        options = [word for name in names for word in (name, str(free_port()))]
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "leadkeeper", "sandbox", "--folder", "sandbox", *options],
                cwd=folder,
                env=environment(),
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def output(self) -> str:
        """What it printed so far."""
        return self._output.read_text()

    def wait(self) -> None:
        """Until it is ready."""
        end = time.monotonic() + READY_SECONDS
        while _READY not in self.output:
            assert self.process.poll() is None, self.output
            assert time.monotonic() < end, self.output
            time.sleep(0.05)

    def call(self, method: str, path: str, body: object = None) -> Any:
        """Call the control API; answers the JSON."""
        address = re.search(r"What arrived +(\S+/) ", self.output)
        assert address is not None
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"{address[1]}__sandbox__/{path}", data, {"Content-Type": "application/json"}, method=method
        )
        context = ssl.create_default_context(cafile=self.folder / "sandbox/authority/ca.pem")
        with urllib.request.urlopen(request, context=context) as answer:
            return json.load(answer)

    def end(self) -> int:
        """Ctrl-C; answers the exit code. Its children must be gone."""
        children = psutil.Process(self.process.pid).children(recursive=True)
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(SOON)
        _, left = psutil.wait_procs(children, timeout=SOON)
        assert not left
        return code


def environment() -> dict[str, str]:
    """Ours, without Leadkeeper's settings."""
    return {name: value for name, value in os.environ.items() if not name.startswith("LEADKEEPER_")}


def leadkeeper(folder: Path, *commands: str) -> list[int]:
    """Run the commands one after the other, all in one process; answers their exit codes, and prints what they said."""
    done = subprocess.run(
        [sys.executable, "-c", _COMMANDS],
        input=json.dumps([command.split() for command in commands]),
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    print(done.stdout, done.stderr)
    return [int(code) for code in re.findall(r"^exit (\d+)$", done.stdout, re.MULTILINE)]


@contextmanager
def ready_sandbox(folder: Path) -> Iterator[Sandbox]:
    """A sandbox that is ready, for whoever types what a page shows; it is ended if the page does not."""
    if shutil.which("curl") is None or not (ROOT / "node_modules" / "azurite").is_dir():
        missing_service("curl or Azurite is missing")
    (folder / "node_modules").symlink_to(ROOT / "node_modules")
    started = Sandbox(folder)
    try:
        started.wait()
        yield started
    finally:
        if started.process.poll() is None:
            started.end()


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    """One that is ready, its settings in place."""
    if shutil.which("node") is None or not (ROOT / "node_modules" / "azurite").is_dir():
        missing_service("Azurite is missing: make setup")
    (tmp_path / "node_modules").symlink_to(ROOT / "node_modules")
    started = Sandbox(tmp_path)
    try:
        started.wait()
        shutil.copy(tmp_path / "sandbox/sandbox.env", tmp_path / ".env")
        yield started
    finally:
        if started.process.poll() is None:
            started.process.send_signal(signal.SIGINT)
            started.process.wait(SOON)


@pytest.mark.slow
def test_every_destination_can_be_connected_broken_and_mended(sandbox: Sandbox) -> None:
    files = sorted((sandbox.folder / "sandbox/connections").glob("*.json"))
    kinds = {json.loads(file.read_text())["leadDestination"] for file in files}
    assert kinds == set(OURS.choices), "each kind has a place in the demo and the sandbox"
    names = [file.stem for file in files]
    puts = [f"connections put contoso.x {name} --file sandbox/connections/{name}.json" for name in names]
    assert all(command in sandbox.output for command in (put.replace("contoso.x", "PUBLISHER.OFFER") for put in puts))
    made = ["publishers put contoso --name Contoso", "offers put contoso.x --title X", *puts]
    validated = [f"connections validate contoso.x {name}" for name in names]
    assert leadkeeper(sandbox.folder, *made, *validated) == [0] * (len(made) + len(validated))
    took = sandbox.call("GET", "received")
    assert {name: len(took[name]) for name in ("dynamics", "salesforce", "marketo", "https_endpoint", "email")} == {
        "dynamics": 1,
        "salesforce": 2,
        "marketo": 2,
        "https_endpoint": 1,
        "email": 1,
    }
    assert sandbox.call("PUT", "states/dynamics", {"state": "noRoles"}) == {"state": "noRoles"}
    assert sandbox.call("PUT", "states/https_endpoint", {"state": "down"}) == {"state": "down"}
    again = [f"connections validate contoso.x {name}" for name in ("dynamics", "https")]
    assert 0 not in leadkeeper(sandbox.folder, *again)
    sandbox.call("PUT", "states/dynamics", {"state": "ok"})
    sandbox.call("PUT", "states/https_endpoint", {"state": "ok"})
    assert leadkeeper(sandbox.folder, *again) == [0, 0]
    assert sandbox.end() == 0
    assert "Traceback" not in sandbox.output
