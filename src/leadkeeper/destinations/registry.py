"""The list of all destinations."""

from __future__ import annotations

from typing import Final

from leadkeeper.destinations.azure_blob.provider import AZURE_BLOB
from leadkeeper.destinations.azure_table.provider import AZURE_TABLE
from leadkeeper.destinations.dynamics.provider import DYNAMICS
from leadkeeper.destinations.email.provider import EMAIL
from leadkeeper.destinations.https_endpoint.provider import HTTPS_ENDPOINT
from leadkeeper.destinations.hubspot.provider import HUBSPOT
from leadkeeper.destinations.interface import Provider
from leadkeeper.destinations.marketo.provider import MARKETO
from leadkeeper.destinations.salesforce.provider import SALESFORCE

DESTINATIONS: Final[tuple[Provider, ...]] = (
    AZURE_TABLE,
    AZURE_BLOB,
    DYNAMICS,
    HTTPS_ENDPOINT,
    MARKETO,
    SALESFORCE,
    HUBSPOT,
    EMAIL,
)
BY_NAME: Final = {destination.name: destination for destination in DESTINATIONS}
IF_NOT_FOUND: Final = frozenset(each.if_not_found for each in DESTINATIONS if each.if_not_found is not None)
"""What connections are broken with whose test lead somebody did not find."""
BY_LEAD_DESTINATION: Final = {destination.lead_destination: destination for destination in DESTINATIONS}
