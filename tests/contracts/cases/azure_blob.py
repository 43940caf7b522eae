"""Azure Blob: ``docs/reference/vendors/azure_storage.md#blobs``."""

from __future__ import annotations

from typing import Final

from leadkeeper.destinations.azure_blob.provider import AZURE_BLOB
from leadkeeper.destinations.azure_storage.diagnoses import AzureStorageKind
from leadkeeper.diagnosis import Kind
from leadkeeper.sandbox.azure_blob.stand_in import error
from leadkeeper.sandbox.azure_storage.azurite import KEY
from leadkeeper.sandbox.mishaps import Match
from tests.contracts.cases import azure
from tests.contracts.cases.case import BROKEN, DELIVERED, PUBLISHER, REFUSED, Expected, Line, State
from tests.contracts.storage_leads import WRONG_KEY

SETTING: Final = "storageAccountConnectionString"
_CONTAINER: Final = {"containerName": "marketplace-leads"}

LINES: Final = (
    Line(
        name="azure_blob",
        many=True,
        destination=AZURE_BLOB,
        settings={SETTING: azure.CONNECTION.replace("{key}", KEY), **_CONTAINER},
        stand_in="azure_blob",
        carries=Match(),
        states=(
            *azure.states(
                error,
                (413, "RequestBodyTooLarge", REFUSED, Kind.LEAD_TOO_LARGE, PUBLISHER),
            ),
            State(
                "another key",
                "403 AuthenticationFailed",
                BROKEN,
                AzureStorageKind.KEY_REJECTED,
                PUBLISHER,
                settings={SETTING: azure.CONNECTION.replace("{key}", WRONG_KEY)},
            ),
            State(
                "an account that is not there",
                "no such host name",
                BROKEN,
                AzureStorageKind.ACCOUNT_NOT_FOUND,
                PUBLISHER,
                settings={SETTING: azure.CONNECTION.replace("{key}", KEY).replace("windows.net", "chinacloudapi.cn")},
            ),
        ),
        differs=azure.DIFFERS
        # A connection that breaks is tried once more at once.
        | dict.fromkeys(("reset", "reset within the headers"), Expected(DELIVERED))
        | dict.fromkeys(("commit, then drop the answer", "commit, then reset"), Expected(DELIVERED)),
        secrets=azure.SECRETS,
    ),
)
