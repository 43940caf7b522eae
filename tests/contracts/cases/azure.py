"""What both services of Azure Storage say: ``docs/reference/vendors/azure_storage.md#errors``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from leadkeeper.destinations.azure_storage.diagnoses import AzureStorageKind
from leadkeeper.diagnosis import AnyKind, Kind, Outcome, Who
from leadkeeper.sandbox.azure_storage.azurite import KEY
from leadkeeper.sandbox.faults import Fault
from tests.contracts.cases.case import (
    ADMIN,
    AMBIGUOUS,
    BROKEN,
    DELIVERED,
    NOBODY,
    PUBLISHER,
    THROTTLED,
    Expected,
    State,
)
from tests.contracts.cases.troubles import LOST, SILENT
from tests.contracts.storage_leads import WRONG_KEY

Say = Callable[[int, str], Fault]
"""The error of a status and code, as the service writes it."""
Row = tuple[int, str, Outcome, AnyKind, Who]

CONNECTION: Final = (
    "DefaultEndpointsProtocol=https;AccountName={account};AccountKey={key};EndpointSuffix=core.windows.net"
)
SECRETS: Final = (KEY, WRONG_KEY)

_OF_ALL: Final[tuple[Row, ...]] = (
    (403, "AuthenticationFailed", BROKEN, AzureStorageKind.KEY_REJECTED, PUBLISHER),
    (403, "AuthorizationFailure", BROKEN, AzureStorageKind.ACCESS_BLOCKED, ADMIN),
    (403, "AuthorizationPermissionMismatch", BROKEN, AzureStorageKind.ACCESS_BLOCKED, ADMIN),
    (403, "AuthorizationSourceIPMismatch", BROKEN, AzureStorageKind.ACCESS_BLOCKED, ADMIN),
    (403, "InsufficientAccountPermissions", BROKEN, AzureStorageKind.ACCESS_BLOCKED, ADMIN),
    (403, "KeyBasedAuthenticationNotPermitted", BROKEN, AzureStorageKind.ACCESS_BLOCKED, ADMIN),
    (403, "AccountIsDisabled", BROKEN, AzureStorageKind.ACCOUNT_DISABLED, ADMIN),
    (400, "AccountRequiresHttps", BROKEN, AzureStorageKind.SETTING_INVALID, PUBLISHER),
    (400, "InvalidHeaderValue", BROKEN, AzureStorageKind.SETTING_INVALID, PUBLISHER),
    (503, "ServerBusy", THROTTLED, Kind.THROTTLED, NOBODY),
    (500, "OperationTimedOut", AMBIGUOUS, Kind.SERVER_ERROR, NOBODY),
    (500, "InternalError", AMBIGUOUS, Kind.SERVER_ERROR, NOBODY),
)


def states(say: Say, *more: Row) -> tuple[State, ...]:
    """Each code, said to every request that writes a lead."""
    return tuple(
        State(f"{status} {code}", f"{status} {code}", outcome, kind, who, check=False, fault=say(status, code))
        for status, code, outcome, kind, who in (*_OF_ALL, *more)
    )


_UNREAD: Final = Expected(AMBIGUOUS, Kind.ANSWER_NOT_UNDERSTOOD, ADMIN)
DIFFERS: Final = {
    "401 once": Expected(BROKEN, AzureStorageKind.KEY_REJECTED, PUBLISHER),
    "401": Expected(BROKEN, AzureStorageKind.KEY_REJECTED, PUBLISHER),
    "403": Expected(BROKEN, AzureStorageKind.ACCESS_BLOCKED, ADMIN),
    "404": Expected(BROKEN, Kind.ENDPOINT_NOT_FOUND, PUBLISHER),
    "410": Expected(BROKEN, Kind.ENDPOINT_GONE, PUBLISHER),
    "hang after the headers": SILENT,
    "reset within the body": LOST,
    "HTML": _UNREAD,
    "wrong content type": Expected(DELIVERED),
    "giant answer": Expected(BROKEN, Kind.ANSWER_TOO_LARGE, PUBLISHER),
}
