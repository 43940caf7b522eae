"""Where leads may be sent: the shape of a destination's address, and the networks it may lead to. No I/O.

Every address that a publisher gives is hostile until proven otherwise. ``client`` applies these rules to each request,
each resolved name and each connection that is opened. The settings read them too, so nothing of the client is needed
here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from yarl import URL

from leadkeeper.texts import join_lazily, lazy_gettext

Address = IPv4Address | IPv6Address
Range = IPv4Network | IPv6Network

URL_LIMIT: Final = 2048
"""The most characters that the address of a destination may have."""

_GLOBAL_V6: Final = IPv6Network("2000::/3")
_BLOCKED: Final[tuple[Range, ...]] = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's host agent: public by number, the machine's own host in fact
        "169.254.0.0/16",  # link-local; cloud metadata
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "2001::/23",  # protocol assignments: Teredo, ORCHID, benchmarks
        "2001:db8::/32",
        "2002::/16",  # 6to4 embeds IPv4
        "3fff::/20",
    )
)

_URL: Final = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/?#]*)(?P<rest>[^#]*)(?:#.*)?", re.S)
_AUTHORITY: Final = re.compile(r"(?P<host>\[[^\]]*\]|[^:\[\]]*)(?::(?P<port>[0-9]+))?")
_REST: Final = re.compile(r"[!#-;=?-\[\]^_a-z~]*")
_NAME: Final = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*"
)
_NUMERIC: Final = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")


class AddressRefused(OSError):
    """Leads may not be sent there. The text names the problem and its remedy, never the address itself."""


class AddressInvalid(AddressRefused):
    """The address is not the address of a destination at all; again without repeating it."""


class OwnAddress(AddressRefused):
    """Leads would be sent back to this installation, and might come round for ever."""


@dataclass(frozen=True, slots=True)
class OwnAddresses:
    """Where this installation itself is reached: the host and port of its public address, the port it listens on."""

    public: tuple[str, int]
    port: int

    def named(self, host: str, port: int) -> bool:
        """Whether a URL with this host and port is one of ours."""
        return (host, port) == self.public


def own_addresses(base_url: str, port: int) -> OwnAddresses:
    """The addresses of an installation with this public address, listening on ``port``."""
    public = urlsplit(base_url)
    try:
        host = parse_host(public.hostname or "")
        named = (host, public.port or (443 if public.scheme == "https" else 80))
    except (ValueError, AddressRefused):
        named = ("", 0)
    return OwnAddresses(named, port)


def is_public(address: Address) -> bool:
    """Whether ``address`` is reachable by everybody: globally routed, not special, not IPv4 in disguise.

    An IPv4-mapped IPv6 address is judged by the address inside. Python's own ``is_global`` is asked as well, so that
    the stricter of both lists counts.
    """
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if address not in _GLOBAL_V6:
            return False
    return address.is_global and not any(address in blocked for blocked in _BLOCKED)


class Target(NamedTuple):
    """Where the operator sends the connections for one host: a literal address, and a port unless it stays."""

    address: str
    port: int | None = None


@dataclass(frozen=True, slots=True)
class NetworkPolicy:
    """What the operator allows on the way out.

    ``allow_addresses`` are private ranges that may be reached; ``hosts`` maps a host name, or ``*.suffix`` for all
    names below it, to a target that is trusted whatever its range; ``ca_file`` adds certificate authorities to the
    system's. Seconds count per request, ``answer_limit`` in bytes after decompression.
    """

    allow_addresses: tuple[Range, ...] = ()
    hosts: Mapping[str, tuple[str, int | None]] = field(default_factory=dict)
    ca_file: Path | None = None
    total_seconds: float = 30.0
    connect_seconds: float = 10.0
    answer_limit: int = 131_072
    connections: int = 512
    own: OwnAddresses | None = None
    """Our own addresses, which are no destination; ``None`` where the operator wants them to be."""

    @property
    def idle_connections(self) -> int:
        """How many connections are kept for the next request, besides the ``connections`` that are in use."""
        return self.connections // 4

    def allows(self, address: Address) -> bool:
        """Whether a connection to ``address`` may be opened."""
        return is_public(address) or self.allows_by_exception(address)

    def allows_by_exception(self, address: Address) -> bool:
        """Whether ``address`` is in one of the ranges that the operator allows."""
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return any(address in allowed for allowed in self.allow_addresses)

    def target(self, host: str) -> Target | None:
        """The target of ``host`` (lower case): its own entry, else that of the longest ``*.suffix`` above it."""
        if not self.hosts:
            return None
        if entry := self.hosts.get(host):
            return Target(*entry)
        labels = host.split(".")
        for start in range(1, len(labels)):
            if entry := self.hosts.get("*." + ".".join(labels[start:])):
                return Target(*entry)
        return None

    def check_own(self, host: str, port: int) -> None:
        """Raise :class:`OwnAddress` for a URL that names this installation."""
        if self.own is not None and self.own.named(host, port):
            raise own_address()

    def loopback(self) -> tuple[str, ...]:
        """The addresses that ``localhost`` stands for here: those of the loopback that are allowed."""
        return tuple(text for text in ("127.0.0.1", "::1") if self.allows(ip_address(text)))

    def check_origin(self, scheme: str, host: str) -> None:
        """Raise :class:`AddressRefused` unless requests may go to ``scheme`` and ``host`` (see :func:`parse_host`).

        ``https`` only; ``http`` where the host is ``localhost`` or a literal address, and in a range that the operator
        allows. Names are judged later, by what they resolve to.
        """
        literal = as_address(host)
        local = host == "localhost" and self.target(host) is None
        if (literal is not None and not self.allows(literal)) or (local and not self.loopback()):
            raise AddressRefused(_PRIVATE)
        by_exception = local or (literal is not None and self.allows_by_exception(literal))
        if scheme != "https" and not (scheme == "http" and by_exception):
            raise AddressInvalid(_NOT_HTTPS)


_NOT_HTTPS: Final = lazy_gettext("The address must begin with https://.")
_PRIVATE: Final = lazy_gettext(
    "The address leads to a private or special network. Use one that is reachable from the public internet, or have "
    "the operator allow its range."
)


def own_address() -> OwnAddress:
    """The refusal of an address that leads back here."""
    return OwnAddress(lazy_gettext("The address leads back to this installation of Leadkeeper."))


def refused_name() -> AddressRefused:
    """The refusal of a name that resolves to an address which is not allowed."""
    return AddressRefused(
        lazy_gettext(
            "The host name leads to a private or special network. Use a name that leads to public addresses "
            "only, or have the operator allow the range."
        )
    )


def as_address(host: str) -> Address | None:
    """``host`` as a literal address (IPv6 without brackets), or ``None`` when it is a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def parse_host(host: str) -> str:
    """``host`` as connections know it: lower-case ASCII name without trailing dot, or canonical literal address.

    International names become IDNA. Raises :class:`AddressInvalid` for what is neither, for IPv4 in decimal, octal or
    hexadecimal disguise, and for IPv6 zones.
    """
    bracketed = host.startswith("[") and host.endswith("]")
    bare = host[1:-1] if bracketed else host
    if bracketed or ":" in bare:
        if "%" in bare:
            raise AddressInvalid(lazy_gettext("The address must not name a network zone (%%)."))
        try:
            return str(IPv6Address(bare))
        except ValueError:
            raise AddressInvalid(lazy_gettext("The IPv6 address is not valid.")) from None
    name = bare.lower() if bare.isascii() else _idna(bare)
    name = name.removesuffix(".")
    if _NUMERIC.fullmatch(name):
        try:
            return str(IPv4Address(name))
        except ValueError:
            raise AddressInvalid(
                lazy_gettext("Write a numeric address as four decimal numbers, such as 198.51.100.7.")
            ) from None
    if not _NAME.fullmatch(name):
        raise AddressInvalid(lazy_gettext("The host name is missing or has characters that no host name has."))
    return name


def _idna(host: str) -> str:
    try:
        return URL.build(scheme="https", host=host).raw_host or ""
    except ValueError:
        raise AddressInvalid(lazy_gettext("The host name is not a valid international name.")) from None


def parse_url(text: str, longest: int = URL_LIMIT) -> URL:
    """``text`` as the URL that is requested: host as :func:`parse_host` gives it, path and query byte for byte.

    Raises :class:`AddressInvalid` with a text that names the flaw and not the URL. What the host leads to is not
    judged here, see :meth:`NetworkPolicy.check_origin`.
    """
    if len(text) > longest:
        raise AddressInvalid(lazy_gettext("The address is longer than %(url_limit)s characters.", url_limit=longest))
    parts = _URL.fullmatch(text)
    if parts is None:
        raise AddressInvalid(_NOT_HTTPS)
    scheme = parts["scheme"].lower()
    if scheme not in ("https", "http"):
        raise AddressInvalid(_NOT_HTTPS)
    if not _REST.fullmatch(parts["rest"]):
        raise AddressInvalid(
            lazy_gettext("The path and query may hold no spaces, quotes, <>|{}\\ or non-ASCII characters; escape them.")
        )
    if "@" in parts["authority"]:
        raise AddressInvalid(
            lazy_gettext("The address must not hold a user name or password before the host; use the query.")
        )
    authority = _AUTHORITY.fullmatch(parts["authority"])
    if authority is None:
        raise AddressInvalid(lazy_gettext("The host or port of the address is not valid."))
    host = parse_host(authority["host"])
    port = _port(authority["port"])
    shown = f"[{host}]" if ":" in host else host
    return URL(f"{scheme}://{shown}{port}{parts['rest']}", encoded=True)


def _port(text: str | None) -> str:
    if text is None:
        return ""
    if len(text) > 5 or not 0 < int(text) < 65_536:
        raise AddressInvalid(lazy_gettext("The port of the address must be between 1 and 65535."))
    return f":{int(text)}"


def parse_ranges(text: str) -> tuple[Range, ...]:
    """Read address ranges, separated by commas or spaces: ``10.1.0.0/16, fd00::/8, 192.0.2.7``.

    Raises ``ValueError`` with one line that names the first bad one.
    """
    ranges: list[Range] = []
    for item in re.split(r"[,\s]+", text.strip()) if text.strip() else ():
        if not item:
            continue
        try:
            ranges.append(ip_network(item))
        except ValueError as error:
            raise ValueError(
                lazy_gettext(
                    "%(item)s is not an address range such as 10.1.0.0/16: %(error)s", item=repr(item), error=error
                )
            ) from None
    return tuple(ranges)


def parse_hosts(text: str) -> dict[str, tuple[str, int | None]]:
    """Read a host map, separated by commas or spaces: ``crm.example=127.0.0.1:18443, *.example.net=[::1]``.

    Targets are literal addresses or ``localhost`` (127.0.0.1). Raises ``ValueError`` with one line that names the
    first bad entry.
    """
    hosts: dict[str, tuple[str, int | None]] = {}
    for item in re.split(r"[,\s]+", text.strip()) if text.strip() else ():
        if item:
            name, equals, target = item.partition("=")
            if not equals:
                raise ValueError(lazy_gettext("%(item)s is not of the form host=address:port", item=repr(item)))
            hosts[_mapped_name(name, item)] = _mapped_target(target, item)
    return hosts


def _mapped_name(name: str, item: str) -> str:
    wildcard = "*." if name.startswith("*.") else ""
    try:
        host = parse_host(name[len(wildcard) :])
    except AddressInvalid as error:
        raise ValueError(join_lazily((repr(item), *error.args), ": ")) from None
    if as_address(host) is not None:
        raise ValueError(lazy_gettext("%(item)s: only host names can be mapped, not addresses", item=repr(item)))
    return wildcard + host


def _mapped_target(target: str, item: str) -> tuple[str, int | None]:
    authority = _AUTHORITY.fullmatch(target)
    try:
        if authority is None:
            raise AddressInvalid(lazy_gettext("The target must be an address with or without a port."))
        host = "127.0.0.1" if authority["host"].lower() == "localhost" else parse_host(authority["host"])
        port = _port(authority["port"])
    except AddressInvalid as error:
        raise ValueError(join_lazily((repr(item), *error.args), ": ")) from None
    if as_address(host) is None:
        raise ValueError(lazy_gettext("%(item)s: the target must be a literal address or localhost", item=repr(item)))
    return host, int(port[1:]) if port else None
