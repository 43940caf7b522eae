"""Whose request it is, for limits: behind trusted proxies, however the header is written."""

from __future__ import annotations

import pytest

from leadkeeper.doors.client_address import ClientAddresses

PROXIES = ("10.0.0.0/8", "fd00::/8", "127.0.0.1/32")


def client(peer: str | None, *forwarded: str, proxies: tuple[str, ...] = PROXIES) -> str:
    headers = [(b"x-forwarded-for", line.encode("latin-1")) for line in forwarded]
    scope = {"type": "http", "client": None if peer is None else (peer, 4711), "headers": headers}
    return ClientAddresses(proxies).of(scope)


@pytest.mark.parametrize(
    ("peer", "forwarded", "found"),
    [
        ("203.0.113.9", (), "203.0.113.9"),
        ("203.0.113.9", ("198.51.100.1",), "203.0.113.9"),  # not a proxy of ours: its word counts for nothing
        ("10.0.0.1", ("198.51.100.1",), "198.51.100.1"),
        ("10.0.0.1", ("198.51.100.7, 198.51.100.1",), "198.51.100.1"),  # the client wrote the first one itself
        ("10.0.0.1", ("198.51.100.7", "198.51.100.1, 10.0.0.2"), "198.51.100.1"),  # all lines count, in order
        ("10.0.0.1", ("198.51.100.1:5123",), "198.51.100.1"),
        ("10.0.0.1", ("[2001:db8:1:2:3:4:5:6]:443",), "2001:db8:1:2::/64"),
        ("10.0.0.1", ("2001:db8:1:2:ffff::1",), "2001:db8:1:2::/64"),
        ("10.0.0.1", ("::ffff:198.51.100.1",), "198.51.100.1"),
        ("::ffff:10.0.0.1", ("198.51.100.1",), "198.51.100.1"),
        ("::ffff:203.0.113.9", (), "203.0.113.9"),
        ("fe80::1%eth0", (), "fe80::/64"),
        ("10.0.0.1", ("198.51.100.7, unknown",), "10.0.0.1"),  # what a stranger may have written before it is not read
        ("10.0.0.1", ("", " , "), "10.0.0.1"),
        ("10.0.0.1", ("10.0.0.3, 10.0.0.2",), "10.0.0.3"),  # all are proxies: the furthest one
        (None, ("198.51.100.1",), ""),
    ],
)
def test_the_client_of_a_request(peer: str | None, forwarded: tuple[str, ...], found: str) -> None:
    assert client(peer, *forwarded) == found


def test_a_header_of_any_length_costs_no_more_than_its_end() -> None:
    assert client("10.0.0.1", ", ".join(["10.0.0.1"] * 10_000)) == "10.0.0.1"
