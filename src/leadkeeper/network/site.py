"""Addresses that an operator writes into settings: of a site, and of what the API listens on. No I/O."""

from __future__ import annotations

from urllib.parse import urlsplit

from leadkeeper.network.addresses import AddressInvalid, parse_host
from leadkeeper.texts import lazy_gettext


def parse_site(text: str, *, below: bool = False) -> str:
    """``text`` as scheme, host and port, host in lower case and IDNA: ``https://leads.example``.

    A slash may stand at its end; ``below``, so may a path before it, which stays. Raises ``ValueError`` in one line for
    another scheme, for an address without host, and for one with a user, another path, a query or a fragment.
    """
    whole = ValueError(lazy_gettext("write the whole address, such as https://leads.example"))
    try:
        parts = urlsplit(text)
        host, port = parse_host(parts.hostname or ""), parts.port
    except (ValueError, AddressInvalid):
        raise whole from None
    if parts.scheme not in ("https", "http") or "@" in parts.netloc or parts.netloc.endswith(":"):
        raise whole
    if not text.isprintable() or set(text) & set(" ?#") or not (below or parts.path in ("", "/")):
        raise whole
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + ("" if port is None else f":{port}") + parts.path.rstrip("/")


def parse_listening_host(text: str) -> str:
    """A host name or an address by itself, as connections know it. Raises ``ValueError`` in one line."""
    try:
        return parse_host(text)
    except AddressInvalid:
        raise ValueError(
            lazy_gettext(
                "write a host name or an address by itself, such as 127.0.0.1 or ::1; 0.0.0.0 listens on all IPv4 "
                "addresses, :: on those of IPv6 as well"
            )
        ) from None
