"""Whose request it is, for every limit that counts by address: looked for behind the operator's own proxies."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from starlette.types import Scope

_HEADER: Final = b"x-forwarded-for"
_MOST_HOPS: Final = 32
"""How many entries of the header are looked at, from its end: no chain of proxies is longer."""


class ClientAddresses:
    """Tells whose a request is. ``trusted_proxies``: address ranges whose ``X-Forwarded-For`` is believed."""

    def __init__(self, trusted_proxies: Sequence[str] = ()) -> None:
        self._proxies = [ip_network(text, strict=False) for text in trusted_proxies]

    def of(self, scope: Scope) -> str:
        """The client as limits count it: see :func:`limit_key`; of a peer without an address the empty text.

        Read from their end, it is the first entry of all ``X-Forwarded-For`` lines that is no trusted proxy. An entry
        that is no address ends the search: what stands before it is anybody's word, so the proxy that sent it counts.
        """
        peer = scope.get("client")
        found = _peer(peer[0]) if peer else None
        if found is None or not self._trusts(found):
            return limit_key(found)
        for text in reversed(_forwarded(scope)):
            address = _parsed(text)
            if address is None:
                break
            found = address
            if not self._trusts(address):
                break
        return limit_key(found)

    @property
    def has_proxies(self) -> bool:
        """Whether any proxy is trusted at all."""
        return bool(self._proxies)

    def is_proxy(self, address: str) -> bool:
        """Whether ``address`` (of a socket's peer) is one of the trusted proxies: many clients share it."""
        parsed = _peer(address)
        return parsed is not None and self._trusts(parsed)

    def _trusts(self, address: IPv4Address | IPv6Address) -> bool:
        return any(address in network for network in self._proxies)


def limit_key(address: IPv4Address | IPv6Address | None) -> str:
    """How limits count ``address``: IPv4 as it is, IPv6 by its /64, which one household or machine owns whole."""
    if isinstance(address, IPv6Address):
        return str(IPv6Network((address, 64), strict=False))
    return "" if address is None else str(address)


def _forwarded(scope: Scope) -> list[str]:
    """The last entries of all the header's lines, in their order."""
    lines = [value for name, value in scope["headers"] if name == _HEADER]
    entries = [part.strip() for part in b",".join(lines).decode("latin-1").split(",")]
    return [entry for entry in entries if entry][-_MOST_HOPS:]


@functools.lru_cache(4_096)  # asked for each connection and each request; what a header says is never kept
def _peer(text: str) -> IPv4Address | IPv6Address | None:
    return _parsed(text)


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    """``text`` as an address, without port, brackets and zone; an IPv4 address within IPv6 as IPv4."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
