"""The guarded way out: which addresses are resolved and dialled."""

from __future__ import annotations

import socket
from collections.abc import Sequence

import aiohttp
import pytest

from leadkeeper.diagnosis import Kind, Outcome
from leadkeeper.network.client import (
    AddressInvalid,
    AddressRefused,
    Network,
    NetworkPolicy,
    diagnose_network,
    parse_hosts,
    parse_ranges,
    parse_url,
)


async def _network(*addresses: str, **policy: object) -> Network:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return addresses

    return Network(NetworkPolicy(**policy), resolve=resolve)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "url",
    [
        "https://10.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:169.254.169.254]/",
        "https://localhost/",
        "https://127.0.0.1./",
    ],
)
async def test_literal_private_addresses_are_refused_before_anything_is_resolved(url: str) -> None:
    network = await _network("8.8.8.8")
    with pytest.raises(AddressRefused):
        network.check_url(url)
    with pytest.raises(AddressRefused):
        await network.session.get(url)
    parsed = parse_url(url)
    with pytest.raises(AddressRefused):
        await network.post(parsed, data=b"{}", headers={})
    await network.aclose()


@pytest.mark.parametrize("url", ["http://contoso.com/", "http://8.8.8.8/", "http://[2606:4700::1111]/"])
async def test_plain_http_is_refused(url: str) -> None:
    network = await _network("8.8.8.8", allow_addresses=parse_ranges("127.0.0.0/8"))
    with pytest.raises(AddressInvalid):
        network.check_url(url)
    with pytest.raises(AddressInvalid):
        await network.session.get(url)
    parsed = parse_url(url)
    with pytest.raises(AddressInvalid):
        await network.post(parsed, data=b"{}", headers={})
    assert str(network.check_url("http://127.0.0.1:10002/devstoreaccount1")).startswith("http:")
    assert str(network.check_url("http://localhost:10002/devstoreaccount1")).startswith("http:")
    await network.aclose()


@pytest.mark.parametrize("addresses", [("127.0.0.1",), ("8.8.8.8", "10.0.0.1"), ("2606:4700::1111", "::ffff:10.0.0.1")])
async def test_a_name_with_one_private_address_is_refused_whole(addresses: tuple[str, ...]) -> None:
    network = await _network(*addresses)
    with pytest.raises(aiohttp.ClientConnectorDNSError) as caught:
        await network.session.get("https://rebound.example/")
    found = diagnose_network(caught.value)
    assert (found.kind, found.outcome) == (Kind.ADDRESS_REFUSED, Outcome.BROKEN)
    assert not any(address in str(found) for address in addresses)
    check = await network.check_reach("https://rebound.example/")
    assert [step.ok for step in check.steps] == [True, False]
    assert check.diagnosis is not None
    assert check.diagnosis.kind is Kind.ADDRESS_REFUSED
    await network.aclose()


async def test_the_address_that_is_dialled_is_checked_again() -> None:
    network = await _network("8.8.8.8")
    for peer in (("127.0.0.1", 443), ("::1", 443, 0, 0), ("::ffff:10.0.0.1", 443, 0, 0)):
        with pytest.raises(AddressRefused):
            network._dial((socket.AF_INET, socket.SOCK_STREAM, 0, "", peer))
    network._dial((socket.AF_INET, socket.SOCK_STREAM, 0, "", ("8.8.8.8", 443))).close()
    await network.aclose()


async def test_a_mapped_target_is_dialled_though_private_but_not_for_others() -> None:
    network = await _network("127.0.0.1", hosts=parse_hosts("crm.example=127.0.0.1:1"))
    network._dial((socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", 1))).close()
    with pytest.raises(AddressRefused):
        network._dial((socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", 2)))
    with pytest.raises(AddressRefused):
        await network.session.get("https://127.0.0.1:1/")
    with pytest.raises(aiohttp.ClientConnectorDNSError):
        await network.session.get("https://other.example:1/")
    with pytest.raises(aiohttp.ClientConnectorError) as caught:
        await network.session.get("https://crm.example/")
    assert diagnose_network(caught.value).kind is Kind.CONNECTION_FAILED
    await network.aclose()


async def test_proxies_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    network = await _network(allow_addresses=parse_ranges("127.0.0.0/8"))
    with pytest.raises(AddressInvalid):
        await network.session.get("https://127.0.0.1:1/", proxy="http://127.0.0.1:9")
    with pytest.raises(aiohttp.ClientConnectorError):
        await network.session.get("https://127.0.0.1:1/")
    await network.aclose()
