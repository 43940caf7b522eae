"""The tutorial does what it says: its commands are run as they stand, on free ports."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.conftest import missing_service
from tests.journeys.hub import READY_SECONDS, SOON
from tests.ports import free_port

ROOT: Final = Path(__file__).parents[2]
ARRIVED: Final = "HTTPS endpoint: delivered, table (Azure Table): delivered"
LASTING: Final = ("leadkeeper sandbox --folder", "leadkeeper serve")


def blocks() -> list[str]:
    """The commands that are run: blocks marked ``sh``."""
    text = (ROOT / "docs/tutorial.md").read_text(encoding="utf-8")
    return re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


class Terminals:
    """Runs what is typed into several terminals in one folder."""

    def __init__(self, folder: Path) -> None:
        if shutil.which("curl") is None or not (ROOT / "node_modules" / "azurite").is_dir():
            missing_service("curl or Azurite is missing")
        self._folder = folder
        self._lasting: list[subprocess.Popen[bytes]] = []
        api, endpoint, table = (free_port() for _ in range(3))
        self._ports = {"8700": str(api), "8701": str(endpoint), "10002": str(table)}
        given = {name: value for name, value in os.environ.items() if not name.startswith("LEADKEEPER_")}
        path = f"{Path(sys.executable).parent}{os.pathsep}{given['PATH']}"
        self._environment = given | {"PATH": path, "LEADKEEPER_PORT": str(api)}

    def type(self, block: str) -> str:
        """Run a block to its end, or until it is ready if it lasts; answers what it printed."""
        if block.startswith("leadkeeper sandbox --folder"):
            block = f"{block.strip()} --endpoint-port {self._ports['8701']} --table-port {self._ports['10002']}"
        elif block.strip() == "leadkeeper sandbox rows":
            block = f"{block.strip()} http://127.0.0.1:10002"
        for port, free in self._ports.items():
            block = re.sub(rf"(127\.0\.0\.1:){port}\b", rf"\g<1>{free}", block)
        return self._stay(block) if block.startswith(LASTING) else self._run(block)

    def type_until(self, block: str, text: str) -> None:
        """Run a block again and again until it prints ``text``."""
        end = time.monotonic() + SOON
        while text not in (printed := self.type(block)):
            assert time.monotonic() < end, printed

    def _run(self, block: str) -> str:
        done = subprocess.run(
            ["bash", "-e", "-c", block],
            cwd=self._folder,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def _stay(self, block: str) -> str:
        output = self._folder / f"terminal-{len(self._lasting)}"
        with output.open("wb") as file:
            process = subprocess.Popen(
                ["bash", "-c", f"exec {block}"],
                cwd=self._folder,
                env=self._environment,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        self._lasting.append(process)
        end = time.monotonic() + READY_SECONDS
        while "Ctrl-C ends it" not in output.read_text():
            assert process.poll() is None, output.read_text()
            assert time.monotonic() < end, output.read_text()
            time.sleep(0.05)
        return output.read_text()

    def close(self) -> list[int]:
        """Ctrl-C everywhere; answers the exit codes."""
        for process in reversed(self._lasting):
            process.send_signal(signal.SIGINT)
        return [process.wait(SOON) for process in self._lasting]


@pytest.fixture
def terminals(tmp_path: Path) -> Iterator[Terminals]:
    """Terminals in a new folder."""
    opened = Terminals(tmp_path)
    yield opened
    opened.close()


@pytest.mark.slow
def test_the_tutorial_does_what_it_says(terminals: Terminals) -> None:
    message = {}
    for block in blocks():
        lines = [block]
        if "leadkeeper sandbox rows" in block:
            terminals.type_until("leadkeeper leads list", ARRIVED)  # "See it arrive"
            lines = block.splitlines()
        for line in lines:
            message[line.splitlines()[-1].strip()] = terminals.type(line)
    assert "https://127.0.0.1:" in message["leadkeeper sandbox --folder sandbox"]
    assert re.search(
        r"The test lead MSFT_TEST_\d+ was received", message["leadkeeper connections validate contoso.crm-pro primary"]
    )
    assert message["leadkeeper leads list"].count(ARRIVED) == 1
    assert "ada@example.com" in message["leadkeeper sandbox rows"]
    assert "wrong" not in message["leadkeeper doctor"]
    assert terminals.close() == [0, 0]
