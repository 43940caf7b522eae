"""Where leads may be sent: public and special addresses, hosts and URLs in disguise, the operator's exceptions."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadkeeper.network.addresses import (
    AddressInvalid,
    NetworkPolicy,
    is_public,
    parse_host,
    parse_hosts,
    parse_ranges,
    parse_url,
)

PRIVATE = [
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:0:10.0.0.1",
    "64:ff9b::1",
    "64:ff9b::7f00:1",
    "64:ff9b::808:808",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:0:a00:1::1",
    "2001:2::1",
    "2001:10::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "2002:808:808::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
]
PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "20.50.2.1",
    "100.63.255.255",
    "100.128.0.0",
    "172.32.0.1",
    "::ffff:8.8.8.8",
    "2606:4700::1111",
    "2a01:111::1",
]


def test_special_addresses_are_not_public() -> None:
    assert [text for text in PRIVATE if is_public(ip_address(text))] == []


def test_public_addresses_are_public() -> None:
    assert [text for text in PUBLIC if not is_public(ip_address(text))] == []


@given(st.ip_addresses(v=4))
def test_every_disguise_of_a_private_address_is_refused(address: IPv4Address) -> None:
    number = int(address)
    mapped = IPv6Address((0xFFFF << 32) | number)
    assert is_public(mapped) == is_public(address)
    embedded = [
        IPv6Address(number),
        IPv6Address((0x0064_FF9B << 96) | number),
        IPv6Address((0x0064_FF9B_0001 << 80) | number),
        IPv6Address((0x2002 << 112) | (number << 80)),
        IPv6Address((0x2001_0000 << 96) | (number << 64)),
    ]
    assert not any(is_public(disguise) for disguise in embedded)


@given(st.ip_addresses())
def test_nothing_public_is_special_to_python(address: IPv4Address | IPv6Address) -> None:
    inner = getattr(address, "ipv4_mapped", None) or address
    if is_public(address):
        assert inner.is_global
        assert not any((inner.is_private, inner.is_multicast, inner.is_reserved, inner.is_loopback))


@given(st.ip_addresses(v=4), st.integers(8, 32))
def test_an_allowed_range_allows_what_is_in_it_and_no_more(address: IPv4Address, prefix: int) -> None:
    policy = NetworkPolicy(allow_addresses=(ip_network((int(address), prefix), strict=False),))
    assert policy.allows(address)
    assert policy.allows(IPv6Address((0xFFFF << 32) | int(address)))
    assert policy.allows(IPv4Address("10.9.8.7")) == (IPv4Address("10.9.8.7") in policy.allow_addresses[0])


@given(st.ip_addresses())
def test_a_literal_address_comes_out_of_a_url_as_itself(address: IPv4Address | IPv6Address) -> None:
    shown = f"[{address}]" if address.version == 6 else str(address)
    assert ip_address(parse_url(f"https://{shown}:8443/x").raw_host or "") == address


@pytest.mark.parametrize(
    "host",
    [
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "017700000001",
        "127.1",
        "127.0.1",
        "0177.0.0.1",
        "127.0.0.01",
        "1.2.3.4.5",
        "256.1.1.1",
        "1.2.3.4..",
        "[::1%25eth0]",
        "[fe80::1%eth0]",
        "[::1",
        "[127.0.0.1]",
        "[]",
        "a..b",
        ".a",
        "a%2eb",
        "a%00b",
        "ex*mple",
        "-",
        "-a",
        "a-",
        "a,b",
        "a;b",
        "１２７．１",
        "２１３０７０６４３３",
        "bad\u200bhost.",
        "a\x00b",
    ],
)
def test_a_host_in_disguise_is_no_host(host: str) -> None:
    with pytest.raises(AddressInvalid):
        parse_host(host)


@pytest.mark.parametrize(
    ("host", "canonical"),
    [
        ("Leads.Contoso.COM", "leads.contoso.com"),
        ("contoso.com.", "contoso.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
        ("contoso。com", "contoso.com"),
        ("１２７.0.0.1", "127.0.0.1"),
        ("①②⑦.0.0.1", "127.0.0.1"),
        ("[0:0:0:0:0:0:0:1]", "::1"),
        ("127.0.0.1.", "127.0.0.1"),
        ("_lead.example", "_lead.example"),
        ("1e100.net", "1e100.net"),
    ],
)
def test_a_host_has_one_form(host: str, canonical: str) -> None:
    assert parse_host(host) == canonical


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "https"),
        ("contoso.com/x", "https"),
        ("ftp://contoso.com/", "https"),
        ("javascript:alert(1)", "https"),
        ("https:/contoso.com", "https"),
        ("https://", "host"),
        ("https:///x", "host"),
        ("https://user@contoso.com/", "user name"),
        ("https://user:secret@contoso.com/", "user name"),
        ("https://a@b@contoso.com/", "user name"),
        ("https://contoso.com\\@evil.example/", "user name"),
        ("https://contoso.com\\.evil.example/", "host"),
        ("https://contoso.com:0/", "port"),
        ("https://contoso.com:65536/", "port"),
        ("https://contoso.com:123456789/", "port"),
        ("https://contoso.com:/", "port"),
        ("https://contoso.com:8a/", "port"),
        ("https://contoso.com/a b", "spaces"),
        ("https://contoso.com/\r\nHost: x", "spaces"),
        ('https://contoso.com/"', "quotes"),
        ("https://contoso.com/<x>", "<>"),
        ("https://contoso.com/{x}", "{}"),
        ("https://contoso.com/a|b", "|"),
        ("https://contoso.com/ä", "non-ASCII"),
        ("https://contoso.com/" + "a" * 2048, "longer"),
    ],
)
def test_a_bad_url_is_refused_with_its_flaw_and_without_itself(url: str, says: str) -> None:
    with pytest.raises(AddressInvalid) as caught:
        parse_url(url)
    assert says in str(caught.value)
    assert "contoso" not in str(caught.value)
    assert "secret" not in str(caught.value)


@given(st.text(alphabet=st.characters(codec="ascii", exclude_characters='"<>\\`{|} #', min_codepoint=33), max_size=200))
def test_path_and_query_are_kept_byte_for_byte(rest: str) -> None:
    rest = "/" + rest.replace("\x7f", "")
    kept = rest.removesuffix("?") if rest.count("?") == 1 else rest  # a query without a byte is none
    assert parse_url("https://contoso.com:443" + rest).raw_path_qs == kept


def test_hosts_are_read() -> None:
    text = "crm.example=127.0.0.1:18443, *.Marketo.com=[::1]:1,plain.example=10.0.0.1\nbücher.example=localhost:2"
    assert parse_hosts(text) == {
        "crm.example": ("127.0.0.1", 18443),
        "*.marketo.com": ("::1", 1),
        "plain.example": ("10.0.0.1", None),
        "xn--bcher-kva.example": ("127.0.0.1", 2),
    }
    assert parse_hosts("  ") == {}


@pytest.mark.parametrize(
    "item", ["a.example", "a.example=", "=1.2.3.4", "a=b.example", "a=1.2.3.4:0", "1.2.3.4=1.2.3.4", "*=::1"]
)
def test_a_bad_host_entry_is_named_in_one_line(item: str) -> None:
    with pytest.raises(ValueError, match=r"\A[^\n]*\Z") as caught:
        parse_hosts(f"good.example=127.0.0.1, {item}")
    assert item in str(caught.value)


def test_ranges_are_read() -> None:
    assert parse_ranges("127.0.0.0/8, ::1\n10.1.2.3") == tuple(
        map(ip_network, ("127.0.0.0/8", "::1/128", "10.1.2.3/32"))
    )
    assert parse_ranges("") == ()


@pytest.mark.parametrize("item", ["10.0.0.1/8", "example.com", "1.2.3.4/33", "10.0.0.0-10.0.0.9"])
def test_a_bad_range_is_named_in_one_line(item: str) -> None:
    with pytest.raises(ValueError, match=r"\A[^\n]*\Z") as caught:
        parse_ranges(f"127.0.0.0/8,{item}")
    assert item in str(caught.value)


def test_the_nearest_entry_of_the_host_map_counts() -> None:
    policy = NetworkPolicy(
        hosts=parse_hosts("*.a.example=127.0.0.1:1,*.b.a.example=127.0.0.1:2,c.b.a.example=127.0.0.1:3")
    )
    for host, port in (("x.a.example", 1), ("y.b.a.example", 2), ("c.b.a.example", 3)):
        assert policy.target(host) == ("127.0.0.1", port)
    assert policy.target("a.example") is None
    assert policy.target("xa.example") is None
