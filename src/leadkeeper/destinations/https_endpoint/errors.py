"""What the answers of HTTPS endpoints, and of Power Automate behind them, mean."""

from __future__ import annotations

from typing import Final

from leadkeeper.destinations.https_endpoint.diagnoses import HttpsEndpointKind
from leadkeeper.diagnosis import Kind

CODES: Final = {
    "DirectApiAuthorizationRequired": HttpsEndpointKind.FLOW_SIGNATURE_REJECTED,
    "MisMatchingOAuthClaims": HttpsEndpointKind.FLOW_SIGNATURE_REJECTED,
    "TriggerInputSchemaMismatch": HttpsEndpointKind.FLOW_SCHEMA_MISMATCH,
}
"""What the error codes of Power Automate mean."""

STATUSES: Final = {
    401: Kind.CREDENTIALS_REJECTED,
    403: Kind.PERMISSION_MISSING,
    404: Kind.ENDPOINT_NOT_FOUND,
    405: Kind.METHOD_REFUSED,
    408: Kind.SERVER_ERROR,
    410: Kind.ENDPOINT_GONE,
    413: Kind.LEAD_TOO_LARGE,
    425: Kind.SERVER_ERROR,
    429: Kind.THROTTLED,
}
"""What a status means; the rest goes by its class."""
