"""Ports for servers that are told theirs before they start."""

from __future__ import annotations

import random
import socket
from typing import Final

PORTS: Final = range(15_000, 30_000)
"""Below those that the system gives to outgoing connections: none of them takes one before its server starts."""


def free_port() -> int:
    """A port of 127.0.0.1 that nobody uses at this moment. Others look for theirs at random too, so it stays free."""
    return next(port for port in random.sample(PORTS, 50) if is_free(port))


def is_free(port: int) -> bool:
    """Whether a server may listen on this port of 127.0.0.1 now."""
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
