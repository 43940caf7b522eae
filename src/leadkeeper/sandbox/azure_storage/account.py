"""The demo's storage account as Azure's own names show it."""

from __future__ import annotations

from typing import Final

from leadkeeper.sandbox.azure_storage.azurite import ACCOUNT, KEY, Service

SUFFIX: Final = "core.windows.net"


def host_name(service: Service) -> str:
    """The account's production host name."""
    return f"{ACCOUNT}.{service}.{SUFFIX}"


def connection_string(key: str = KEY) -> str:
    """The account's connection string as the Azure portal writes it."""
    return f"DefaultEndpointsProtocol=https;AccountName={ACCOUNT};AccountKey={key};EndpointSuffix={SUFFIX}"
