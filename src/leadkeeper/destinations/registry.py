"""The list of all destinations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from leadkeeper.destinations.azure_blob import AzureBlob
from leadkeeper.destinations.azure_table import AzureTable
from leadkeeper.destinations.destination import Config, Contacts, Destination, Quota
from leadkeeper.destinations.dynamics import Dynamics
from leadkeeper.destinations.email import Email
from leadkeeper.destinations.http import Network
from leadkeeper.destinations.https_endpoint import HttpsEndpoint
from leadkeeper.destinations.marketo import Marketo
from leadkeeper.destinations.salesforce import Salesforce

DESTINATIONS: Final[tuple[type[Destination], ...]] = (
    AzureTable,
    AzureBlob,
    Dynamics,
    HttpsEndpoint,
    Marketo,
    Salesforce,
    Email,
)
BY_NAME: Final = {destination.name: destination for destination in DESTINATIONS}
IF_NOT_FOUND: Final = frozenset(each.if_not_found for each in DESTINATIONS if each.if_not_found is not None)
"""What connections are broken with whose test lead somebody did not find."""
BY_LEAD_DESTINATION: Final = {destination.lead_destination: destination for destination in DESTINATIONS}


def open_destination(
    destination: type[Destination],
    config: Config,
    network: Network,
    quota: Quota | None = None,
    contacts: Contacts | None = None,
) -> Destination:
    """An adapter for these settings; ``quota`` for those that must count or keep pace, ``contacts`` for mail.

    Raises what its constructor raises for settings that this network forbids.
    """
    make: Callable[..., Destination] = destination
    if destination is Email:
        return make(config, network, contacts)
    return make(config, network, quota) if destination in (Salesforce, Marketo) else make(config, network)
