"""Marketo: through its web form with three ids alone, over the REST API where its credentials are given.

The two differ in what they promise, so each is a class: :class:`Marketo` is the careful one and the one that is known
before a connection's settings are read. It makes a :class:`MarketoRest` of itself where the settings allow.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import ClassVar, Self

from leadkeeper.check import Check
from leadkeeper.destinations.interface import Config, Preview, Quota
from leadkeeper.destinations.marketo.form import WebForm
from leadkeeper.destinations.marketo.rest import RestApi
from leadkeeper.destinations.marketo.settings import MarketoConfig
from leadkeeper.diagnosis import Answer, Kind
from leadkeeper.lead import OutgoingLead
from leadkeeper.network.client import Network

__all__ = ["Marketo", "MarketoConfig", "MarketoRest"]


class Marketo:
    """A line to one form. Receipts of the web form are unconfirmed, and its leads are never repeated blindly.

    ``quota`` names the publisher, whose calls keep a pace together. ``now`` gives the time in seconds since 1970.
    """

    name: ClassVar[str] = "marketo"
    title: ClassVar[str] = "Marketo"
    lead_destination: ClassVar[str] = "marketo"
    config_key: ClassVar[str] = "marketoLeadConfiguration"
    config: ClassVar[type[Config]] = MarketoConfig
    batch: ClassVar[int] = 1
    repeatable: ClassVar[bool] = False
    if_not_found: ClassVar[Kind | None] = Kind.MARKETO_TEST_LEAD_NOT_FOUND

    def __new__(cls, config: MarketoConfig, *_: object, **__: object) -> Self:
        """A :class:`MarketoRest` where the settings have REST credentials."""
        chosen = MarketoRest if config.rest and issubclass(MarketoRest, cls) else cls
        return object.__new__(chosen)  # type: ignore[return-value]  # Self, or the subclass of it

    def __init__(
        self,
        config: MarketoConfig,
        network: Network,
        quota: Quota | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        owner = "" if quota is None else quota.owner
        self._line: RestApi | WebForm
        self._line = RestApi(config, network, now, owner) if config.rest else WebForm(config, network, now, owner)

    async def check(self) -> Check:
        """What can be proven without writing: the form is there and, over REST, the credentials are good."""
        return await self._line.check()

    async def deliver(self, leads: Sequence[OutgoingLead]) -> Sequence[Answer]:
        """Send the leads; see :class:`~leadkeeper.destinations.interface.Destination`."""
        return await self._line.deliver(leads)

    async def preview(self, lead: OutgoingLead) -> Preview:
        """The form's fields for ``lead``; nothing is sent."""
        return await self._line.preview(lead)

    async def aclose(self) -> None:
        """Release what the line holds."""
        await self._line.aclose()


class MarketoRest(Marketo):
    """The line over the REST API: confirmed receipts, and twice makes one person."""

    repeatable: ClassVar[bool] = True
