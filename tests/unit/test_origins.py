"""Where a form was sent from, and whether over TLS."""

from __future__ import annotations

import pytest

from leadkeeper.doors.client_address import ClientAddresses
from leadkeeper.doors.origins import Origins, Secure

HOST = (b"host", b"leads.example:8700")


def scope(*headers: tuple[bytes, bytes], peer: str = "10.0.0.1") -> dict[str, object]:
    return {"type": "http", "scheme": "http", "client": (peer, 1), "headers": [HOST, *headers]}


def origins(own: str = "https://Leads.Example:443", *also: str) -> Origins:
    return Origins(Secure(ClientAddresses(["10.0.0.0/8"]), own), also)


@pytest.mark.parametrize(
    ("headers", "elsewhere"),
    [
        ((), False),  # no browser
        (((b"origin", b"https://leads.example"),), False),
        (((b"origin", b"http://leads.example:8700"),), False),  # as it came
        (((b"origin", b"https://leads.example:8700"),), True),
        (((b"origin", b"https://leads.example:8700"), (b"x-forwarded-proto", b"https")), False),
        (((b"origin", b"https://leads.example:8700"), (b"x-forwarded-proto", b"https, http")), True),
        (((b"origin", b"https://shop.example"),), False),
        (((b"origin", b"https://shop.example"), (b"sec-fetch-site", b"cross-site")), False),
        (((b"origin", b"https://shop.example.evil.example"),), True),
        (((b"origin", b"null"),), True),
        (((b"origin", b""),), True),
        (((b"sec-fetch-site", b"same-origin"),), False),
        (((b"sec-fetch-site", b"none"),), False),
        (((b"sec-fetch-site", b"same-site"),), True),
        (((b"sec-fetch-site", b"cross-site"),), True),
    ],
)
def test_who_may_send_a_form(headers: tuple[tuple[bytes, bytes], ...], elsewhere: bool) -> None:
    assert origins("https://Leads.Example:443", "https://shop.example").from_elsewhere(scope(*headers)) is elsewhere


def test_only_a_trusted_proxy_says_that_it_came_over_tls() -> None:
    secure = Secure(ClientAddresses(["10.0.0.0/8"]), "http://leads.example")
    message = (b"x-forwarded-proto", b"https")
    assert secure.is_secure(scope(message))
    assert not secure.is_secure(scope(message, peer="203.0.113.9"))
    assert not secure.is_secure(scope())
    assert Secure(ClientAddresses(), "https://leads.example").is_secure(scope())
    assert secure.is_secure(scope() | {"scheme": "https"})
