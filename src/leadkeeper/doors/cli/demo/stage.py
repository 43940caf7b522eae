"""The far sides that the demo and the sandbox carry leads to: receiving endpoints over TLS, and Azure Table."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, Final

from leadkeeper.doors.cli.demo.guard import Guard
from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.azurite import ACCOUNT, KEY, Azurite
from leadkeeper.sandbox.https_endpoint import ReceivingEndpoint, Request

HOST: Final = "127.0.0.1"
TABLE: Final = "MarketplaceLeads"
_SERVER_ERROR: Final = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"


class MoodyEndpoint(ReceivingEndpoint):
    """A receiving endpoint that answers 500 to everything while it is ``down``."""

    down = False

    def answer(self, request: Request) -> bytes:
        """As its parent, unless it is down."""
        return _SERVER_ERROR if self.down else super().answer(request)


class Stage:
    """The stand-ins in one folder. ``open`` starts them; everything ends with its ``async with`` block."""

    def __init__(self, folder: Path, guard: Guard, azurite: Azurite) -> None:
        self._folder = folder
        self._guard = guard
        self._authority = Authority(folder / "authority")
        self._endpoints: list[ReceivingEndpoint] = []
        self.azurite = azurite

    @property
    def ca_file(self) -> Path:
        """The private certificate authority that vouches for the endpoints."""
        return self._authority.ca_file

    @property
    def connection_string(self) -> str:
        """How to reach the emulated Azure Table, as the Azure portal writes it."""
        return table_connection_string(self.azurite.url)

    async def endpoint(self, secret: str | None = None, port: int = 0) -> MoodyEndpoint:
        """Start a receiving endpoint; with a ``secret`` it demands signatures."""
        endpoint = MoodyEndpoint(secret=secret)
        await endpoint.start(self._authority.server_context(HOST, "localhost"), HOST, port)
        self._endpoints.append(endpoint)
        return endpoint

    async def start_azurite(self) -> None:
        """Start it while the loop goes on; also when cancelled, it is either up or gone when this returns."""
        starting = asyncio.create_task(asyncio.to_thread(self.azurite.start))
        try:
            while not starting.done():
                self._guard.child(self.azurite.pid)
                await asyncio.wait({starting}, timeout=0.02)
        finally:
            await asyncio.wait({starting})
            self._guard.child(self.azurite.pid)
        starting.result()

    async def aclose(self) -> None:
        """End everything."""
        for endpoint in self._endpoints:
            await endpoint.aclose()
        pid = self.azurite.pid
        await asyncio.to_thread(self.azurite.close)
        self._guard.gone(pid)


@contextlib.asynccontextmanager
async def open_stage(
    folder: Path, guard: Guard, *, table_port: int | None = None, keep_rows: bool = False
) -> AsyncIterator[Stage]:
    """A stage with Azurite running. Raises ``AzuriteMissing``, ``AzuriteFailed``."""
    rows = folder / "rows" if keep_rows else None
    if rows is not None:
        rows.mkdir(parents=True, exist_ok=True)
    stage = Stage(folder, guard, Azurite(find_node_modules(), port=table_port, folder=rows))
    try:
        await stage.start_azurite()
        yield stage
    finally:
        await stage.aclose()


def find_node_modules() -> Path:
    """The folder with Azurite in it: here, beside our own sources, or that of the ``azurite`` in ``PATH``.

    When it is nowhere, the one here, which does not hold it: whoever uses it says so.
    """
    here = Path("node_modules")
    found = [here, Path(__file__).parents[5] / "node_modules"]
    program = shutil.which("azurite")
    if program is not None:
        found += [parent for parent in Path(program).resolve().parents if parent.name == "node_modules"]
    return next((folder for folder in found if (folder / "azurite").is_dir()), here)


def free_port(wanted: Sequence[int]) -> int:
    """The first of ``wanted`` that nobody listens on, else any."""
    for port in (*wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            number: int = probe.getsockname()[1]
            return number
    raise AssertionError("the system gives out no port")


def table_connection_string(address: str) -> str:
    """The connection string of the emulator's own account (no secret: Microsoft publishes it) at ``address``."""
    endpoint = f"{address.rstrip('/')}/{ACCOUNT}"
    return f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};TableEndpoint={endpoint}"


async def read_rows(connection_string: str) -> list[dict[str, Any]]:
    """The rows that are really in ``MarketplaceLeads``, read with Microsoft's own client; none without the table."""
    from azure.core.exceptions import ResourceNotFoundError
    from azure.data.tables.aio import TableClient

    async with TableClient.from_connection_string(connection_string, TABLE) as table:
        try:
            return [dict(row) async for row in table.list_entities()]
        except ResourceNotFoundError:
            return []
