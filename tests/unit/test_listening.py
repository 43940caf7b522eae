"""Where a process listens: names and addresses of both kinds."""

from __future__ import annotations

import errno
import os
import socket

import pytest

from leadkeeper.network.listening import listening_socket, with_port
from leadkeeper.network.site import parse_listening_host


@pytest.mark.parametrize(
    ("host", "reached_at"),
    [
        ("127.0.0.1", ["127.0.0.1"]),
        ("0.0.0.0", ["127.0.0.1", "127.0.0.2"]),
        ("::1", ["::1"]),
        ("::", ["::1", "127.0.0.1"]),
        ("localhost", ["127.0.0.1"]),
    ],
)
def test_whoever_is_let_in_is_reached_there(host: str, reached_at: list[str]) -> None:
    with listening_socket(host, 0) as listening:
        port = listening.getsockname()[1]
        for address in reached_at:
            with socket.create_connection((address, port), timeout=30):
                listening.accept()[0].close()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_port_is_shared_only_where_that_is_wanted(host: str) -> None:
    with listening_socket(host, 0, shared=True) as first:
        port = first.getsockname()[1]
        listening_socket(host, port, shared=True).close()
        with pytest.raises(OSError, match=os.strerror(errno.EADDRINUSE)):
            listening_socket(host, port)


@pytest.mark.parametrize(
    ("given", "host", "shown"),
    [
        ("127.0.0.1", "127.0.0.1", "127.0.0.1:8700"),
        ("LOCALHOST.", "localhost", "localhost:8700"),
        ("0:0::1", "::1", "[::1]:8700"),
        ("[::]", "::", "[::]:8700"),
    ],
)
def test_a_host_is_kept_as_connections_know_it_and_shown_as_addresses_are_written(
    given: str, host: str, shown: str
) -> None:
    assert parse_listening_host(given) == host
    assert with_port(host, 8700) == shown


@pytest.mark.parametrize("given", ["", "127.0.0.1:8700", "http://localhost", "1.2.3", "::1%eth0", "a b"])
def test_what_is_no_host_by_itself_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match="by itself"):
        parse_listening_host(given)
