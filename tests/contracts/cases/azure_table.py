"""Azure Table: ``docs/reference/vendors/azure_storage.md#tables``."""

from __future__ import annotations

from typing import Final

from leadkeeper.destinations.azure_storage.diagnoses import AzureStorageKind
from leadkeeper.destinations.azure_table.provider import AZURE_TABLE
from leadkeeper.diagnosis import Kind
from leadkeeper.sandbox.azure_storage.azurite import KEY
from leadkeeper.sandbox.azure_table.stand_in import error
from leadkeeper.sandbox.mishaps import Match
from tests.contracts.cases import azure
from tests.contracts.cases.case import BROKEN, FAILED, NOBODY, PUBLISHER, REFUSED, Line, State
from tests.contracts.cases.troubles import LOST
from tests.contracts.storage_leads import WRONG_KEY

SETTING: Final = "storageAccountConnectionString"

LINES: Final = (
    Line(
        name="azure_table",
        many=True,
        destination=AZURE_TABLE,
        settings={SETTING: azure.CONNECTION.replace("{key}", KEY)},
        stand_in="azure_table",
        carries=Match(),
        states=(
            *azure.states(
                error,
                (409, "TableBeingDeleted", FAILED, AzureStorageKind.TABLE_BEING_DELETED, NOBODY),
                (400, "EntityTooLarge", REFUSED, Kind.LEAD_TOO_LARGE, PUBLISHER),
                (400, "PropertyValueTooLarge", REFUSED, Kind.LEAD_TOO_LARGE, PUBLISHER),
                (400, "TooManyProperties", REFUSED, Kind.LEAD_REFUSED, PUBLISHER),
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
        differs=azure.DIFFERS | {"commit, then drop the answer": LOST},
        secrets=azure.SECRETS,
    ),
)
