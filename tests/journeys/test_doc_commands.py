"""The pages' commands do what the pages say: run as they stand, in order, in one installation beside a sandbox.

Only the port is another. What a page shows as the answer of a call is compared with what came, but for ids, times,
markers and secrets. Which examples of the documentation are not run stands in ``doc_pages.py``.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.faults import Exchange, FaultServer
from leadkeeper.sandbox.https_endpoint.stand_in import EndpointRequest, ReceivingEndpoint
from tests.journeys.doc_pages import READ, RUN_BY, Block, blocks, masked
from tests.journeys.hub import Hub
from tests.journeys.test_sandbox import Sandbox, ready_sandbox

pytestmark = pytest.mark.slow
ENDPOINT: Final = "crm.contoso.com"
"""Where the pages' endpoint is."""
RESTARTED_AFTER: Final = ("docs/howto/rotate-the-secret-key.md",)
"""Pages that say, behind each block, to restart every process."""
PROBLEM: Final = '{\n  "type": "/docs/reference/problems.html#'
_ASSIGNED: Final = re.compile(r"^([A-Z]+)=", re.MULTILINE)


class Reader:
    """Types what the pages show into one terminal, whose variables last from block to block and page to page."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self._variables = hub.folder / "variables"
        self._variables.touch()
        (hub.folder / ".curlrc").write_text("silent\nshow-error\nfail-with-body\nmax-time = 300\n")
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self._environment = hub.environment | {"PATH": path, "HOME": str(hub.folder)}

    async def type(self, block: Block, expected: int = 0) -> str:
        """Run a block up to its first command that fails; what it printed. It must end with this exit code."""
        text = block.text.replace("127.0.0.1:8700", f"127.0.0.1:{self.hub.port}")
        keep = "".join(f"declare -p {name} >> variables\n" for name in _ASSIGNED.findall(text))
        child = await asyncio.create_subprocess_exec(
            *("bash", "-eu", "-o", "pipefail", "-c", f". ./variables\n{text}\n{keep}"),
            cwd=self.hub.folder,
            env=self._environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, errors = (each.decode() for each in await child.communicate())
        assert child.returncode == expected, f"{block.page}\n{text}\n{out}\n{errors}\n{self.hub.tail()}"
        return out


def documents(printed: str) -> list[Any]:
    """The JSON texts in what was printed, one behind the other."""
    decoder, found = json.JSONDecoder(), []
    rest = printed.strip()
    while rest:
        value, end = decoder.raw_decode(rest)
        found.append(value)
        rest = rest[end:].strip()
    return found


@asynccontextmanager
async def endpoint(authority: Path) -> AsyncIterator[tuple[ReceivingEndpoint, str]]:
    """The endpoint that the pages name, and the host that leads there; it takes what is documented."""
    receiver = ReceivingEndpoint()

    async def answer(exchange: Exchange) -> None:
        seen = exchange.request
        await exchange.send(receiver.answer(EndpointRequest(seen.method, seen.target, seen.headers, seen.body)))

    server = FaultServer(answer)
    await server.start(Authority(authority).server_context(ENDPOINT))
    try:
        yield receiver, f"{ENDPOINT}=127.0.0.1:{server.port}"
    finally:
        await server.aclose()


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox that is ready."""
    with ready_sandbox(tmp_path_factory.mktemp("sandbox")) as started:
        yield started


def settings_of(sandbox: Sandbox) -> dict[str, str]:
    """The settings that the sandbox wrote, by their names without ``LEADKEEPER_``."""
    lines = (sandbox.folder / "sandbox/sandbox.env").read_text().splitlines()
    return dict(line.removeprefix("LEADKEEPER_").partition("=")[::2] for line in lines)


async def test_the_pages_do_what_they_say(database_url: str, tmp_path: Path, sandbox: Sandbox) -> None:
    async with endpoint(sandbox.folder / "sandbox/authority") as (receiver, host):
        given = settings_of(sandbox)
        given["HOSTS"] += f",{host}"
        given["CA_FILE"] = str(sandbox.folder / "sandbox/authority/ca.pem")
        hub = Hub(tmp_path / "hub", database_url, Path(given["CA_FILE"]), **given)
        (hub.folder / "sandbox").symlink_to(sandbox.folder / "sandbox")
        reader = Reader(hub)
        try:
            await hub.open()
            await hub.start("serve")
            for page in READ:
                await read(reader, page)
        finally:
            await hub.close()
        assert receiver.refused == []


async def read(reader: Reader, page: str) -> None:
    """Type every block of commands of a page, and compare the answers that it shows."""
    printed = ""
    shown = blocks(page)
    for block, after in zip(shown, [*shown[1:], None], strict=True):
        if block.language == "sh":
            refused = after is not None and after.language == "json" and after.text.startswith(PROBLEM)
            printed = await reader.type(block, 22 if refused else 0)
            if page in RESTARTED_AFTER:
                await restart(reader.hub)
        elif block.language == "json" and (page, "json") not in RUN_BY:
            summary = documents(block.text)
            assert masked(documents(printed)[-len(summary) :]) == masked(summary), f"{page}\n{printed}"
        elif block.language == "html":
            await look(reader.hub, block)


async def restart(hub: Hub) -> None:
    """End the program in good order, and start it again."""
    await hub.stop_all()
    for process in hub.processes:
        process.start()
    await hub.ready()


async def look(hub: Hub, block: Block) -> None:
    """Everything that a piece of a page refers to is there."""
    found = re.findall(r'(?:src|href)="https://market\.example(/[^"]*)"', block.text)
    assert found, block.text
    for path in found:
        status, text = await hub.call("GET", path)
        assert status == 200, f"{path}: {status} {text}"
