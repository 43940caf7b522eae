"""An Azure Table adapter before real Azurite, behind a proxy that answers as the real service does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
from azure.core.credentials import AzureNamedKeyCredential
from azure.core.pipeline.transport import AioHttpTransport
from azure.data.tables import AccountSasPermissions, ResourceTypes, generate_account_sas
from azure.data.tables.aio import TableClient

from leadkeeper.destinations.azure_table.adapter import AzureTable
from leadkeeper.destinations.azure_table.settings import AzureTableConfig
from leadkeeper.network.client import Network, NetworkPolicy
from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.azure_storage.azurite import KEY, Azurite
from leadkeeper.sandbox.azure_table.stand_in import AzureTable as TableService

TABLE = "MarketplaceLeads"


@dataclass
class Line:
    """An adapter before the stand-in, and a reader that looks at Azurite directly."""

    service: TableService
    reader: TableClient
    ca_file: Path
    account: str
    opened: list[tuple[AzureTable, Network]] = field(default_factory=list)

    def setting(self, *, key: str = KEY, sas: str | None = None) -> str:
        credential = f"AccountKey={key}" if sas is None else f"SharedAccessSignature={sas}"
        return f"DefaultEndpointsProtocol=https;AccountName={self.account};{credential};EndpointSuffix=core.windows.net"

    def open(self, setting: str | None = None, **policy: Any) -> AzureTable:
        """An adapter with production's host names, which lead to the stand-in."""
        hosts = {"*.table.core.windows.net": ("127.0.0.1", self.service.port)}
        rules: dict[str, Any] = {"hosts": hosts, "ca_file": self.ca_file, "total_seconds": 30.0} | policy
        network = Network(NetworkPolicy(**rules))
        config = AzureTableConfig(storage_account_connection_string=setting or self.setting())
        adapter = AzureTable(config, network)
        self.opened.append((adapter, network))
        return adapter

    async def rows(self) -> dict[str, dict[str, Any]]:
        """The table's rows by row key, as a reader gets them."""
        return {row["RowKey"]: dict(row) async for row in self.reader.list_entities()}


@asynccontextmanager
async def opened(azurite: Azurite, authority: Authority, storage_account: str) -> AsyncIterator[Line]:
    """A line to an account of its own."""
    service = TableService(azurite.url)
    await service.start(authority.server_context("127.0.0.1", "*.table.core.windows.net"))
    async with aiohttp.ClientSession() as session:
        reader = TableClient(
            f"{azurite.url}/{storage_account}",
            TABLE,
            credential=AzureNamedKeyCredential(storage_account, KEY),
            transport=AioHttpTransport(session=session, session_owner=False, use_env_settings=False),
        )
        made = Line(service, reader, authority.ca_file, storage_account)
        yield made
        for adapter, network in made.opened:
            await adapter.aclose()
            await network.aclose()
        await service.aclose()


def signature(account: str, **permissions: bool) -> str:
    """A signature of the account that is good for an hour and may do so much."""
    return generate_account_sas(
        AzureNamedKeyCredential(account, KEY),
        resource_types=ResourceTypes(service=True, object=True, container=True),
        permission=AccountSasPermissions(**permissions),
        expiry=datetime.now(UTC) + timedelta(hours=1),
    )
