"""Azure Table and Blob for the demo and the sandbox: an Azurite for each, and before it the stand-in that is strict."""

from __future__ import annotations

import asyncio
import csv
import io
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from leadkeeper.doors.cli.demo.guard import Guard
from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.azure_blob.place import CONTAINER
from leadkeeper.sandbox.azure_blob.stand_in import AzureBlob
from leadkeeper.sandbox.azure_storage.account import host_name
from leadkeeper.sandbox.azure_storage.azurite import ACCOUNT, KEY, Azurite, AzuriteFailed, Service
from leadkeeper.sandbox.azure_storage.proxy import StorageProxy
from leadkeeper.sandbox.azure_table.stand_in import AzureTable
from leadkeeper.sandbox.place import HOST

TABLE: Final = "MarketplaceLeads"
_STAND_INS: Final[Mapping[Service, type[StorageProxy]]] = {"table": AzureTable, "blob": AzureBlob}


class DemoAccount:
    """One storage account, under its production host names over TLS, and at Azurite's own addresses.

    ``ports`` are Azurite's, any free ones without; ``folder`` keeps what is written, else it is in memory.
    The constructor raises ``AzuriteMissing``.
    """

    def __init__(
        self, authority: Authority, guard: Guard, folder: Path | None = None, ports: Mapping[Service, int] | None = None
    ) -> None:
        self._authority = authority
        self._guard = guard
        self._azurites: dict[Service, Azurite] = {}
        self._stand_ins: dict[Service, StorageProxy] = {}
        self._files: dict[str, dict[str, str]] = {}
        for service in _STAND_INS:
            rows = None if folder is None else folder / ("rows" if service == "table" else "blobs")
            if rows is not None:
                rows.mkdir(parents=True, exist_ok=True)
            port = (ports or {}).get(service)
            self._azurites[service] = Azurite(find_node_modules(), service=service, port=port, folder=rows)

    async def start(self, ports: Mapping[Service, int]) -> None:
        """Start everything, the host names at ``ports`` (any free ones without).

        Raises ``AzuriteFailed``.
        """
        starting = (self._start(azurite) for azurite in self._azurites.values())
        failed = [found for found in await asyncio.gather(*starting, return_exceptions=True) if found is not None]
        if failed:
            raise failed[0]
        for service, stand_in in _STAND_INS.items():
            self._stand_ins[service] = stand_in(self._azurites[service].url)
            context = self._authority.server_context(host_name(service))
            await self._stand_ins[service].start(context, HOST, ports.get(service, 0))

    async def _start(self, azurite: Azurite) -> None:
        """Start one while the loop goes on; also when cancelled, it is either up or gone when this returns."""
        starting = asyncio.create_task(asyncio.to_thread(azurite.start))
        try:
            while not starting.done():
                self._guard.child(azurite.pid)
                await asyncio.wait({starting}, timeout=0.02)
        finally:
            await asyncio.wait({starting})
            self._guard.child(azurite.pid)
        starting.result()

    async def aclose(self) -> None:
        """End the emulators and what stands before them."""
        for stand_in in self._stand_ins.values():
            await stand_in.aclose()
        pids = [azurite.pid for azurite in self._azurites.values()]
        await asyncio.gather(*(asyncio.to_thread(azurite.close) for azurite in self._azurites.values()))
        for pid in pids:
            self._guard.gone(pid)

    @property
    def running(self) -> bool:
        """Whether every Azurite is alive."""
        return all(azurite.running for azurite in self._azurites.values())

    def url(self, service: Service) -> str:
        """Where the service's Azurite listens."""
        return self._azurites[service].url

    def hosts(self) -> dict[str, str]:
        """The production host names and where they lead to here."""
        return {host_name(service): f"{HOST}:{there.port}" for service, there in self._stand_ins.items()}

    async def rows(self) -> list[dict[str, Any]]:
        """The rows that are really in the table."""
        return await read_rows(table_connection_string(self.url("table")))

    async def files(self) -> Mapping[str, Mapping[str, str]]:
        """The files that are really in the container, by name: the columns of their one row."""
        from azure.core.exceptions import ResourceNotFoundError
        from azure.storage.blob.aio import ContainerClient

        account = f"{self.url('blob')}/{ACCOUNT}"
        string = f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint={account}"
        async with ContainerClient.from_connection_string(string, CONTAINER) as container:
            try:
                names = [name async for name in container.list_blob_names()]
            except ResourceNotFoundError:
                return {}
            for name in (name for name in names if name not in self._files):
                content = await (await container.download_blob(name)).readall()
                (self._files[name],) = csv.DictReader(io.StringIO(content.decode("utf-8-sig")))
        return dict(self._files)


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


async def storage_ends(storage: DemoAccount) -> None:
    """Wait for an Azurite to end by itself; raises ``AzuriteFailed`` then."""
    while storage.running:  # noqa: ASYNC110 (a child of another thread tells no event)
        await asyncio.sleep(0.3)
    raise AzuriteFailed("Azurite, the Azure Storage emulator, ended by itself.")
