"""A network over which nothing is called: for whoever wants to know what would be sent, without asking anybody."""

from __future__ import annotations

import aiohttp

from leadkeeper.network.addresses import NetworkPolicy
from leadkeeper.network.client import Answered, Network


class Silent(Network):
    """Every call fails as one does whose other side cannot be reached; needs no closing."""

    def __init__(self, policy: NetworkPolicy) -> None:
        self.policy = policy
        self._targets = frozenset(policy.hosts.values())

    @property
    def session(self) -> aiohttp.ClientSession:  # type: ignore[override]
        """There is none. Raises ``aiohttp.ClientConnectionError``."""
        raise aiohttp.ClientConnectionError("nothing is called")

    async def request(self, *_: object, **__: object) -> Answered:
        """Nothing is sent. Raises ``aiohttp.ClientConnectionError``."""
        raise aiohttp.ClientConnectionError("nothing is called")

    async def aclose(self) -> None:
        """Nothing is held."""
