"""Salesforce: over Web-to-Lead with the organization's id alone, over the REST API where its credentials are given.

The two differ in what they promise, so each is a class: :class:`Salesforce` is the careful one and the one that is
known before a connection's settings are read. It makes a :class:`SalesforceRest` of itself where the settings allow.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import ClassVar, Self

from leadkeeper.check import Check
from leadkeeper.destinations.interface import Config, Preview, Quota
from leadkeeper.destinations.salesforce.rest import BATCH, RestApi
from leadkeeper.destinations.salesforce.settings import SalesforceConfig
from leadkeeper.destinations.salesforce.web import WebToLead
from leadkeeper.diagnosis import Answer, Kind
from leadkeeper.lead import OutgoingLead
from leadkeeper.network.client import Network

__all__ = ["Salesforce", "SalesforceConfig", "SalesforceRest"]


class Salesforce:
    """A line to one organization. Receipts of Web-to-Lead are unconfirmed, and its leads are never repeated blindly.

    ``quota`` counts the leads that were sent to the same organization's Web-to-Lead, over whatever connection: they
    are held back at its daily limit. ``now`` gives the time in seconds since 1970.
    """

    name: ClassVar[str] = "salesforce"
    title: ClassVar[str] = "Salesforce"
    lead_destination: ClassVar[str] = "salesforce"
    config_key: ClassVar[str] = "salesforceLeadConfiguration"
    config: ClassVar[type[Config]] = SalesforceConfig
    batch: ClassVar[int] = 1
    repeatable: ClassVar[bool] = False
    if_not_found: ClassVar[Kind | None] = Kind.SALESFORCE_TEST_LEAD_NOT_FOUND

    def __new__(cls, config: SalesforceConfig, *_: object, **__: object) -> Self:
        """A :class:`SalesforceRest` where the settings have REST credentials."""
        chosen = SalesforceRest if config.rest and issubclass(SalesforceRest, cls) else cls
        return object.__new__(chosen)  # type: ignore[return-value]  # Self, or the subclass of it

    def __init__(
        self,
        config: SalesforceConfig,
        network: Network,
        quota: Quota | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._line: RestApi | WebToLead
        self._line = RestApi(config, network, now) if config.rest else WebToLead(config, network, quota, now)

    async def check(self) -> Check:
        """What can be proven without writing: over REST all but the organization's rules, else only the host."""
        return await self._line.check()

    async def deliver(self, leads: Sequence[OutgoingLead]) -> Sequence[Answer]:
        """Send the leads; see :class:`~leadkeeper.destinations.interface.Destination`."""
        return await self._line.deliver(leads)

    async def preview(self, lead: OutgoingLead) -> Preview:
        """The form or record for ``lead``; nothing is sent."""
        return await self._line.preview(lead)

    async def aclose(self) -> None:
        """Release what the line holds."""
        await self._line.aclose()


class SalesforceRest(Salesforce):
    """The line over the REST API: confirmed receipts, 200 leads at a time, twice makes one."""

    batch: ClassVar[int] = BATCH
    repeatable: ClassVar[bool] = True
