"""The list of all destinations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from leadkeeper.destinations.azure_blob.adapter import AzureBlob
from leadkeeper.destinations.azure_table.adapter import AzureTable
from leadkeeper.destinations.dynamics.adapter import Dynamics
from leadkeeper.destinations.email.adapter import Email
from leadkeeper.destinations.https_endpoint.adapter import HttpsEndpoint
from leadkeeper.destinations.interface import Config, Context, Destination
from leadkeeper.destinations.marketo.adapter import Marketo
from leadkeeper.destinations.salesforce.adapter import Salesforce

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


def open_destination(destination: type[Destination], config: Config, context: Context) -> Destination:
    """An adapter for these settings.

    Raises what its constructor raises for settings that this network forbids.
    """
    make: Callable[..., Destination] = destination
    if destination is Email:
        return make(config, context.mail, context.contacts)
    if destination in (Salesforce, Marketo):
        return make(config, context.network, context.quota)
    return make(config, context.network)
