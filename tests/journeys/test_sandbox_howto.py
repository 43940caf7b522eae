"""``docs/howto/use-the-sandbox.md`` does what it says: its commands are run as they stand, on free ports."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.journeys.test_sandbox import ROOT, Sandbox, environment, ready_sandbox

PAGE: Final = ROOT / "docs" / "howto" / "use-the-sandbox.md"
START: Final = "leadkeeper sandbox --folder sandbox"
ADDRESS: Final = "https://localhost:8702/"


def blocks() -> list[str]:
    """The commands of the page, block by block."""
    return re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    """What the page's first command starts, ready."""
    with ready_sandbox(tmp_path) as started:
        yield started


def typed(sandbox: Sandbox, commands: str) -> subprocess.CompletedProcess[str]:
    """Run commands in the folder of the sandbox, up to the first that fails."""
    address = re.search(r"What arrived +(\S+/) ", sandbox.output)
    assert address is not None
    given = environment()
    return subprocess.run(
        ["bash", "-e", "-c", commands.replace(ADDRESS, address[1])],
        cwd=sandbox.folder,
        env=given | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{given['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_the_page_does_what_it_says(sandbox: Sandbox) -> None:
    start, connect, look, break_ = blocks()
    assert start.strip() == START
    connected = typed(sandbox, connect)
    assert connected.returncode == 0, connected.stdout + connected.stderr
    assert len(sandbox.call("GET", "received")["dynamics"]) == 1
    looked = typed(sandbox, look)
    assert looked.returncode == 0, looked.stderr
    assert json.loads(looked.stdout)["dynamics"]["state"] == "ok"
    broken = typed(sandbox, break_)
    assert '"state": "noRoles"' in broken.stdout
    assert broken.returncode != 0
    assert "role" in broken.stdout.partition("noRoles")[2] + broken.stderr
    fixed = typed(sandbox, break_.replace("noRoles", "ok"))
    assert fixed.returncode == 0, fixed.stdout + fixed.stderr
