"""What both Azure storages' providers say alike: what their error codes mean, and what a lead costs there."""

from __future__ import annotations

from typing import Final

from leadkeeper.destinations.azure_storage.errors import CODES, STATUSES
from leadkeeper.destinations.interface import ErrorCodes

STORAGE_CODES: Final = ErrorCodes(
    system="Azure Storage",
    words=("azure", "storage", "blob"),
    named={code: verdict.kind for code, verdict in CODES.items()},
    statuses={status: verdict.kind for status, verdict in STATUSES.items()},
)

DOLLARS_PER_THOUSAND: Final = 0.50
"""Microsoft's own figure, of 1,000 leads a month; see ``docs/reference/vendors/marketplace.md#azure-table-row``."""
