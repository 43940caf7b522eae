"""An Azure Blob adapter before real Azurite, behind a proxy that answers as the real service does."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
from azure.core.credentials import AzureNamedKeyCredential
from azure.core.pipeline.transport import AioHttpTransport
from azure.storage.blob import AccountSasPermissions, ResourceTypes, generate_account_sas
from azure.storage.blob.aio import ContainerClient

from leadkeeper.destinations.azure_blob.adapter import AzureBlob
from leadkeeper.destinations.azure_blob.settings import AzureBlobConfig
from leadkeeper.network.client import Network, NetworkPolicy
from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.azure_blob.stand_in import AzureBlob as BlobService
from leadkeeper.sandbox.azure_storage.azurite import KEY, Azurite

CONTAINER = "marketplace-leads"
HOST = "*.blob.core.windows.net"


@dataclass
class Line:
    """An adapter before the stand-in, and a reader that looks at Azurite directly."""

    service: BlobService
    reader: ContainerClient
    ca_file: Path
    account: str
    opened: list[tuple[AzureBlob, Network]] = field(default_factory=list)

    def setting(self, *, key: str = KEY, sas: str | None = None) -> str:
        credential = f"AccountKey={key}" if sas is None else f"SharedAccessSignature={sas}"
        return f"DefaultEndpointsProtocol=https;AccountName={self.account};{credential};EndpointSuffix=core.windows.net"

    def open(self, setting: str | None = None, container: str = CONTAINER, **policy: Any) -> AzureBlob:
        """An adapter with production's host names, which lead to the stand-in."""
        hosts = {HOST: ("127.0.0.1", self.service.port)}
        rules: dict[str, Any] = {"hosts": hosts, "ca_file": self.ca_file, "total_seconds": 30.0} | policy
        network = Network(NetworkPolicy(**rules))
        config = AzureBlobConfig(storage_account_connection_string=setting or self.setting(), container_name=container)
        adapter = AzureBlob(config, network)
        self.opened.append((adapter, network))
        return adapter

    async def files(self) -> dict[str, bytes]:
        """The container's files by name, byte for byte."""
        names = [blob.name async for blob in self.reader.list_blobs()]
        return {name: await (await self.reader.download_blob(name)).readall() for name in names}

    async def rows(self) -> dict[str, dict[str, str]]:
        """What the files say, by lead id, as a reader of CSV files gets it; one row in each."""
        rows: dict[str, dict[str, str]] = {}
        for content in (await self.files()).values():
            [row] = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""))
            rows[row["LeadId"]] = row
        return rows


@asynccontextmanager
async def opened(azurite: Azurite, authority: Authority, storage_account: str) -> AsyncIterator[Line]:
    """A line to an account of its own."""
    service = BlobService(azurite.url)
    await service.start(authority.server_context("127.0.0.1", HOST))
    async with aiohttp.ClientSession() as session:
        reader = ContainerClient(
            f"{azurite.url}/{storage_account}",
            CONTAINER,
            credential=AzureNamedKeyCredential(storage_account, KEY),
            transport=AioHttpTransport(session=session, session_owner=False, use_env_settings=False),
        )
        made = Line(service, reader, authority.ca_file, storage_account)
        yield made
        for adapter, network in made.opened:
            await adapter.aclose()
            await network.aclose()
        await service.aclose()


def signature(account: str, *, service: bool = False, object: bool = True, container: bool = True, **may: bool) -> str:
    """A signature of the account that is good for an hour and may do so much."""
    return generate_account_sas(
        account,
        KEY,
        resource_types=ResourceTypes(service=service, object=object, container=container),
        permission=AccountSasPermissions(**may),
        expiry=datetime.now(UTC) + timedelta(hours=1),
    )
