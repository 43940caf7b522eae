"""Azure Blob in the demo."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from azure.storage.blob import AccountSasPermissions, ResourceTypes, generate_account_sas

from leadkeeper.sandbox.azure_storage.account import connection_string, host_name
from leadkeeper.sandbox.azure_storage.azurite import ACCOUNT, KEY
from leadkeeper.sandbox.place import FoundLead, Mishap, Place, Scene

CONTAINER: Final = "leads"


def places(scene: Scene) -> list[Place]:
    """The connections to it."""
    return [blob(scene)]


def blob(scene: Scene) -> Place:
    """Azure Blob under its production host name."""

    def settings(key_or_sas: str) -> dict[str, Any]:
        return {"storageAccountConnectionString": key_or_sas, "containerName": CONTAINER}

    async def look() -> Mapping[str, FoundLead]:
        return in_blobs(await scene.storage.files())

    wrong = settings(_expired_signature())
    mishap = Mishap("its shared access signature has expired", "the connection string is renewed", wrong)
    return Place("blob", "Azure Blob", settings(connection_string()), look, mishap)


def in_blobs(files: Mapping[str, Mapping[str, str]]) -> dict[str, FoundLead]:
    """Files of the container."""
    return {row["LeadId"]: FoundLead(f"file {name}", row["LeadSource"], row["Email"]) for name, row in files.items()}


def _expired_signature() -> str:
    """A connection string as the portal's 'Shared access signature' makes it, whose time is over."""
    allowed = AccountSasPermissions(read=True, write=True, create=True, list=True)
    types = ResourceTypes(service=True, container=True, object=True)
    sas = generate_account_sas(ACCOUNT, KEY, types, allowed, expiry=datetime.now(UTC) - timedelta(days=30))
    return f"BlobEndpoint=https://{host_name('blob')};SharedAccessSignature={sas}"
