"""How much strangers may take of the listener: sizes, times and connections; and of the process's files."""

from __future__ import annotations

import resource
from dataclasses import dataclass, replace
from typing import Final

RESERVED_FILES: Final = 192
"""Files that connections never take: those of the database, of the loop, of the log, and those opened for a moment."""
_FEWEST: Final = 16


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request and all clients may take. Times are seconds.

    ``head_bytes``: request line and headers together. ``head_seconds``: from the first byte, or the connection's
    beginning, to the end of the headers. ``body_seconds``: from there to the body's end, and a second more for each
    :data:`SLOWEST` bytes; also how long a client may take nothing of its answer. ``connections``: at once in all,
    ``per_address``: of one client. ``idle_seconds``: between an answer and the next request.
    """

    head_bytes: int = 16_384
    head_seconds: float = 10.0
    body_seconds: float = 30.0
    connections: int = 4_096
    per_address: int = 512
    idle_seconds: float = 5.0

    def fitted(self, files: int) -> Limits:
        """The same, with no more connections than a process that may open so many ``files`` has room for."""
        connections = min(self.connections, max(_FEWEST, files - RESERVED_FILES))
        return replace(self, connections=connections, per_address=max(1, min(self.per_address, connections // 2)))


SLOWEST: Final = 4_096
"""Bytes a second of a body below which its client is too slow, once ``body_seconds`` are over."""


def files_for(connections: int, outbound: int) -> int:
    """Let this process open as many files as it needs, as far as the system allows; those left for connections.

    ``outbound`` are files that connections to elsewhere may take besides.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = connections + outbound + RESERVED_FILES
    if soft != resource.RLIM_INFINITY and soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return needed - outbound if soft == resource.RLIM_INFINITY else soft - outbound
