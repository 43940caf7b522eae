"""Where a process listens: a socket for a host name, an IPv4 or an IPv6 address, and how that is written."""

from __future__ import annotations

import socket
from typing import Final

ALL_IPV6: Final = "::"


def listening_socket(host: str, port: int, *, backlog: int | None = None, shared: bool = False) -> socket.socket:
    """A socket that listens at ``host`` and ``port``; at ``::`` also for whoever comes by IPv4.

    A name that has addresses of both kinds is listened on by IPv4. With ``shared`` others of the same user may listen
    there too. Raises ``OSError`` when the address is not this machine's or the port is taken.
    """
    family = _family(host, port)
    return socket.create_server(
        (host, port),
        family=family,
        backlog=backlog,
        reuse_port=shared,
        dualstack_ipv6=host == ALL_IPV6 and socket.has_dualstack_ipv6(),
    )


def with_port(host: str, port: int) -> str:
    """``host:port`` as it is written in a web address: an IPv6 address stands in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _family(host: str, port: int) -> socket.AddressFamily:
    found = {each[0] for each in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)}
    return socket.AF_INET if socket.AF_INET in found else socket.AF_INET6
