"""Azure Table as a destination: what the rest of the program knows of it, and how it is opened."""

from __future__ import annotations

from typing import Final

from leadkeeper.destinations.azure_storage.diagnoses import AzureStorageKind
from leadkeeper.destinations.azure_storage.explained import DOLLARS_PER_THOUSAND, STORAGE_CODES
from leadkeeper.destinations.azure_table.guide import GUIDE
from leadkeeper.destinations.azure_table.settings import AzureTableConfig
from leadkeeper.destinations.interface import Adapter, Config, Context, IngestionNames, MicrosoftNames, Provider


def _open(config: Config, context: Context) -> Adapter:
    from leadkeeper.destinations.azure_table.adapter import AzureTable

    assert isinstance(config, AzureTableConfig)
    return AzureTable(config, context.network)


AZURE_TABLE: Final = Provider(
    name="azure_table",
    title="Azure Table",
    microsoft=MicrosoftNames(
        "table",
        "tableLeadConfiguration",
        "AzureTable",
        "tableLeadConfiguration",
        settings={"connectionstring": "storageAccountConnectionString"},
        ingestion=IngestionNames("AzureTableLeadConfiguration", {"connectionString": "storageAccountConnectionString"}),
    ),
    config=AzureTableConfig,
    open=_open,
    kinds=(AzureStorageKind,),
    guide=GUIDE,
    least_batch=100,  # as many as one transaction takes: see the adapter
    codes=(STORAGE_CODES,),
    dollars_per_thousand=DOLLARS_PER_THOUSAND,
    expiring=("storageAccountConnectionString",),
    reads_back=lambda _: True,
)
