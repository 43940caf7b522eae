"""Azure Blob as a destination: what the rest of the program knows of it, and how it is opened."""

from __future__ import annotations

from typing import Final

from leadkeeper.destinations.azure_blob.guide import GUIDE
from leadkeeper.destinations.azure_blob.settings import AzureBlobConfig
from leadkeeper.destinations.azure_storage.diagnoses import AzureStorageKind
from leadkeeper.destinations.azure_storage.explained import DOLLARS_PER_THOUSAND, STORAGE_CODES
from leadkeeper.destinations.interface import Adapter, Config, Context, IngestionNames, MicrosoftNames, Provider
from leadkeeper.texts import lazy_gettext


def _open(config: Config, context: Context) -> Adapter:
    from leadkeeper.destinations.azure_blob.adapter import AzureBlob

    assert isinstance(config, AzureBlobConfig)
    return AzureBlob(config, context.network)


AZURE_BLOB: Final = Provider(
    name="azure_blob",
    title=lazy_gettext("Azure Blob (deprecated by Microsoft)"),
    microsoft=MicrosoftNames(
        "blob",
        "blobLeadConfiguration",
        "AzureBlob",
        "blobLeadConfiguration",
        settings={"connectionstring": "storageAccountConnectionString"},
        ingestion=IngestionNames(
            "AzureBlobLeadConfiguration",
            {"connectionString": "storageAccountConnectionString", "containerName": "containerName"},
        ),
    ),
    config=AzureBlobConfig,
    open=_open,
    kinds=(AzureStorageKind,),
    guide=GUIDE,
    least_batch=32,
    codes=(STORAGE_CODES,),
    dollars_per_thousand=DOLLARS_PER_THOUSAND,
    expiring=("storageAccountConnectionString",),
    reads_back=lambda _: True,
)
