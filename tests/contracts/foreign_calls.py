"""Runs clients that others wrote against the sandbox, and reads what the docs say of them.

A client's program in ``tests/clients`` prints what each of its calls ``said`` or ``raised``, by the call's name: what
is called, and behind it in plain words what is particular.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
from pathlib import Path
from typing import Any, Final

from leadkeeper.sandbox.server import Sandbox
from tests.conftest import missing_service

ROOT: Final = Path(__file__).parents[2]
CLIENTS: Final = ROOT / "tests" / "clients"
PYTHON: Final = ROOT / ".venv-client" / "bin" / "python"
PAGE: Final = ROOT / "docs" / "reference" / "sandbox-clients.md"
SECONDS: Final = 150.0


class Calls(dict[str, dict[str, Any]]):
    """What each call returned or raised."""

    def message(self, name: str) -> Any:
        """What the call returned; fails when it raised."""
        assert "message" in self[name], f"{name}: {self[name]}"
        return self[name]["message"]

    def raised(self, name: str) -> tuple[str, str]:
        """The class of what was raised, and all that it says."""
        assert "raised" in self[name], f"{name}: {self[name]}"
        return self[name]["raised"], f"{self[name]['code']} {self[name]['text']}"


async def python_calls(sandbox: Sandbox, program: str, *words: str) -> Calls:
    """What the calls of a Python client brought."""
    if not PYTHON.exists():
        missing_service("other people's clients are missing: scripts/setup-client")
    ca = str(sandbox.ca_file)
    trust = dict.fromkeys(("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"), ca)
    command = [str(PYTHON), str(CLIENTS / program), *words]
    return await _calls(sandbox, command, trust | {"PYTHONPATH": str(CLIENTS)})


async def node_calls(sandbox: Sandbox, package: str, program: str, *words: str) -> Calls:
    """What the calls of a client from npm brought."""
    if not (ROOT / "node_modules" / package).is_dir():
        missing_service(f"{package} is missing: scripts/setup-node")
    command = ["node", "--require", str(CLIENTS / "sandbox_hosts.cjs"), str(CLIENTS / program), *words]
    return await _calls(sandbox, command, {"NODE_EXTRA_CA_CERTS": str(sandbox.ca_file)})


async def _calls(sandbox: Sandbox, command: list[str], more: dict[str, str]) -> Calls:
    environment = {"PATH": os.environ["PATH"], "SANDBOX_PORT": str(sandbox.port)} | more
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_exec(*command, env=environment, stdout=pipe, stderr=pipe)
    out, errors = await asyncio.wait_for(child.communicate(), SECONDS)
    assert child.returncode == 0, errors.decode()
    return Calls(json.loads(out))


def page_differs(client: str, calls: Calls) -> set[str]:
    """The calls that the page lists for ``client`` and that were not made, and those made that it does not list."""
    rows = re.findall(rf"^\| {re.escape(client)} \| (.*?) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    listed = {name for row in rows for name in re.findall(r"`([^`]+)`", row)}
    known = {name: max((each for each in listed if _is(name, each)), key=len, default=None) for name in calls}
    return {name for name, each in known.items() if each is None} | (listed - set(known.values()))


def _is(name: str, call: str) -> bool:
    return name == call or name.startswith(f"{call} ")
