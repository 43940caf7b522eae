"""Where a request came from: over TLS or not, and from a page of ours or of another site."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from starlette.types import Scope

from leadkeeper.doors.client_address import ClientAddresses
from leadkeeper.doors.web import header

_PORTS: Final = {"https": ":443", "http": ":80"}


class Secure:
    """Tells whether a request came over TLS: ours, or that of a proxy which may say so. ``base_url`` is our address."""

    def __init__(self, addresses: ClientAddresses, base_url: str) -> None:
        self.addresses = addresses
        self.base_url = base_url
        self.always = urlsplit(base_url).scheme == "https"
        """The outside reaches us over TLS alone."""

    def scheme(self, scope: Scope) -> str:
        """``https`` or ``http``."""
        client = scope.get("client")
        message = header(scope, b"x-forwarded-proto") if self.addresses.has_proxies else None
        if message is not None and client and self.addresses.is_proxy(client[0]):
            # The proxy that is next to us wrote the last word.
            return "https" if message.rpartition(b",")[2].strip().lower() == b"https" else "http"
        return str(scope.get("scheme", "http"))

    def is_secure(self, scope: Scope) -> bool:
        """Whether browsers may be told to come over TLS alone."""
        return self.always or self.scheme(scope) == "https"


class Origins:
    """Tells forms of our own pages, and of sites that may show one (``also``: ``https://shop.example``), from others.

    Browsers say where a form was sent from: ``Origin`` with every POST, and newer ones ``Sec-Fetch-Site``. A page that
    hides its origin (``null``) might be anybody's. Programs that are no browsers say nothing, and can be made to send
    nothing by a page.
    """

    def __init__(self, secure: Secure, also: Sequence[str] = ()) -> None:
        self.also: Final = tuple(also)
        self.addresses = secure.addresses
        self._secure = secure
        self._own = _origin(secure.base_url)

    def from_elsewhere(self, scope: Scope) -> bool:
        """Whether a page that may not do so sent it."""
        origin = header(scope, b"origin")
        if origin is not None:
            message = origin.decode("latin-1")
            if message in self.also:
                return False
            host = (header(scope, b"host") or b"").decode("latin-1")
            return message not in (self._own, f"{self._secure.scheme(scope)}://{host}")
        return (header(scope, b"sec-fetch-site") or b"none") not in (b"same-origin", b"none")


def _origin(url: str) -> str:
    """As browsers write it: in lower case, without the scheme's own port."""
    parts = urlsplit(url.lower())
    return f"{parts.scheme}://{parts.netloc.removesuffix(_PORTS.get(parts.scheme, ''))}"
