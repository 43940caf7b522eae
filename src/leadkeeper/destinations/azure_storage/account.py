"""What the Azure Storage destinations share: the settings. Pure.

Source: ``docs/reference/vendors/azure_storage.md#connection-strings``; what the service's error codes mean is in
``azure_errors``.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final
from urllib.parse import parse_qs, unquote

from yarl import URL

from leadkeeper.network.addresses import AddressInvalid, NetworkPolicy, as_address, parse_url
from leadkeeper.texts import join_lazily, lazy_gettext

DEVELOPMENT_ACCOUNT: Final = "devstoreaccount1"
DEVELOPMENT_KEY: Final = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""The emulator's account key: published by Microsoft, the same everywhere, no secret."""

DEFAULT_SUFFIX: Final = "core.windows.net"
AZURE_SUFFIXES: Final = (
    DEFAULT_SUFFIX,
    "core.chinacloudapi.cn",
    "core.usgovcloudapi.net",
    "core.cloudapi.de",
    "storage.azure.net",
    "table.cosmos.azure.com",
    "table.cosmos.azure.cn",
    "table.cosmos.azure.us",
)
"""Hosts below these belong to Azure: leads may go there without the operator's leave."""


class Service(StrEnum):
    """A storage service, as endpoints and host names spell it."""

    TABLE = "table"
    BLOB = "blob"


class ConnectionStringError(ValueError):
    """A connection string cannot be used. The message names the part and the remedy and repeats no value."""


_PARTS: Final = {
    name.casefold(): name
    for name in (
        "DefaultEndpointsProtocol",
        "AccountName",
        "AccountKey",
        "EndpointSuffix",
        "SharedAccessSignature",
        "UseDevelopmentStorage",
        "DevelopmentStorageProxyUri",
        *(f"{s}{kind}Endpoint" for s in ("Blob", "Queue", "Table", "File", "Dfs", "Web") for kind in ("", "Secondary")),
    )
}
_ENDPOINT: Final = {Service.TABLE: "TableEndpoint", Service.BLOB: "BlobEndpoint"}
_DEVELOPMENT_PORT: Final = {Service.TABLE: 10002, Service.BLOB: 10000}
_ACCOUNT: Final = re.compile(r"[a-z0-9]{3,24}")
_LONG_ACCOUNT: Final = re.compile(r"[a-z0-9][a-z0-9-]{1,42}[a-z0-9]")
_SAS: Final = re.compile(r"[A-Za-z0-9%&=._~:,+/-]+")
_COPY: Final = lazy_gettext("copy the connection string from 'Access keys' in the Azure portal again, whole")


@dataclass(frozen=True, slots=True)
class StorageAccount:
    """Where a connection string leads, and with which credential: a key with its account's name, or a SAS token.

    ``endpoint`` is the service's address without a trailing slash. Printing shows no secret.
    """

    endpoint: str
    name: str | None = None
    key: str | None = field(default=None, repr=False)
    sas: str | None = field(default=None, repr=False)

    @property
    def host(self) -> str:
        """The endpoint's host name, lower case."""
        return URL(self.endpoint).raw_host or ""

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must be masked wherever the service's words are shown."""
        signatures = [part[4:] for part in (self.sas or "").split("&") if part.startswith("sig=")]
        return tuple(text for text in (self.key, self.sas, *signatures, *map(unquote, signatures)) if text)

    @property
    def ends_at(self) -> datetime | None:
        """When the SAS token ends, by its ``se``; ``None`` for keys and stored policies."""
        given = parse_qs(self.sas or "").get("se")
        try:
            found = datetime.fromisoformat(given[0]) if given else None
        except ValueError:
            return None
        return found if found is None or found.tzinfo is not None else found.replace(tzinfo=UTC)

    @property
    def permissions(self) -> str | None:
        """The letters of the SAS token's ``sp`` (``r`` read, ``a`` add, ...); ``None`` for keys and stored policies."""
        granted = parse_qs(self.sas or "").get("sp")
        return granted[0] if granted else None


def parse_connection_string(text: str, service: Service) -> StorageAccount:
    """Read a connection string in any form that Azure hands out, for one of the account's services.

    The portal's form (with or without suffix), explicit endpoints, a shared access signature,
    ``UseDevelopmentStorage=true``, Cosmos DB for Table. Names count in any case and order; a value goes from the first
    ``=`` to the next ``;``. Account names are lower-cased: Azure's are, Microsoft's own sample is not.

    Raises :class:`ConnectionStringError`.
    """
    parts = _split(text)
    if "UseDevelopmentStorage" in parts:
        return _development(parts, service)
    sas = _sas(parts)
    endpoint = _endpoint(parts, service)
    name = _account_name(parts, explicit=_ENDPOINT[service] in parts)
    if "AccountKey" in parts:
        if name is None:
            raise ConnectionStringError(lazy_gettext("AccountName is missing: %(copy)s.", copy=_COPY))
        return StorageAccount(endpoint, name, key=_key(parts["AccountKey"]))
    if sas is None:
        raise ConnectionStringError(
            lazy_gettext("AccountKey (or SharedAccessSignature) is missing: %(copy)s.", copy=_COPY)
        )
    return StorageAccount(endpoint, name, sas=sas)


def _split(text: str) -> dict[str, str]:
    parts: dict[str, str] = {}
    for number, part in enumerate((p.strip() for p in text.strip().split(";")), start=1):
        if not part:
            continue
        key, equals, value = part.partition("=")
        name = _PARTS.get(key.strip().casefold())
        if not equals or name is None:
            raise ConnectionStringError(
                lazy_gettext(
                    "Part %(number)s of the connection string is not a known one: %(copy)s.", number=number, copy=_COPY
                )
            )
        if name in parts:
            raise ConnectionStringError(lazy_gettext("%(name)s occurs twice: %(copy)s.", name=name, copy=_COPY))
        parts[name] = value.strip()
    if not parts:
        raise ConnectionStringError(lazy_gettext("The connection string is empty: %(copy)s.", copy=_COPY))
    return parts


def _development(parts: Mapping[str, str], service: Service) -> StorageAccount:
    if parts["UseDevelopmentStorage"].casefold() != "true":
        raise ConnectionStringError(
            lazy_gettext("UseDevelopmentStorage can only be 'true': leave it out for a real account.")
        )
    if "AccountKey" in parts or "SharedAccessSignature" in parts:
        raise ConnectionStringError(
            lazy_gettext("UseDevelopmentStorage is for the emulator alone: leave it out for a real account.")
        )
    proxy = parts.get("DevelopmentStorageProxyUri", "http://127.0.0.1")
    url = _url("DevelopmentStorageProxyUri", proxy).with_port(_DEVELOPMENT_PORT[service])
    return StorageAccount(f"{url.origin()}/{DEVELOPMENT_ACCOUNT}", DEVELOPMENT_ACCOUNT, key=DEVELOPMENT_KEY)


def _sas(parts: Mapping[str, str]) -> str | None:
    if "SharedAccessSignature" not in parts:
        return None
    sas = parts["SharedAccessSignature"].lstrip("?")
    if not (_SAS.fullmatch(sas) and parse_qs(sas).get("sig")):
        raise ConnectionStringError(
            lazy_gettext("SharedAccessSignature is not whole: copy it from the Azure portal again.")
        )
    return sas


def _endpoint(parts: Mapping[str, str], service: Service) -> str:
    explicit = parts.get(_ENDPOINT[service])
    if explicit is not None:
        url = _url(_ENDPOINT[service], explicit)
        return f"{url.origin()}{url.raw_path.rstrip('/')}"
    protocol = parts.get("DefaultEndpointsProtocol", "https").casefold()
    if protocol != "https":
        raise ConnectionStringError(lazy_gettext("DefaultEndpointsProtocol must be https."))
    name = _account_name(parts, explicit=False)
    if name is None:
        missing = lazy_gettext("%(endpoint)s (or AccountName)", endpoint=_ENDPOINT[service])
        raise ConnectionStringError(
            lazy_gettext(
                "%(missing)s is missing: make it for the %(service)s service.", missing=missing, service=service.title()
            )
        )
    suffix = (parts.get("EndpointSuffix") or DEFAULT_SUFFIX).strip(".")
    url = _url("EndpointSuffix", f"https://{name}.{service}.{suffix}")
    if url.raw_path != "/":
        raise ConnectionStringError(
            lazy_gettext(
                "EndpointSuffix is not a host name: it is usually %(default_suffix)s.", default_suffix=DEFAULT_SUFFIX
            )
        )
    return str(url.origin())


def _url(part: str, text: str) -> URL:
    try:
        url = parse_url(text)
    except AddressInvalid as error:
        raise ConnectionStringError(join_lazily((part, *error.args), ": ")) from None
    if url.raw_query_string:
        raise ConnectionStringError(
            lazy_gettext("%(part)s must not hold a query: a signature belongs into SharedAccessSignature.", part=part)
        )
    host = url.raw_host or ""
    if url.scheme != "https" and as_address(host) is None and host != "localhost":
        raise ConnectionStringError(lazy_gettext("%(part)s must begin with https://.", part=part))
    return url


def _account_name(parts: Mapping[str, str], *, explicit: bool) -> str | None:
    if "AccountName" not in parts:
        return None
    name = parts["AccountName"].lower()
    if not (_LONG_ACCOUNT if explicit else _ACCOUNT).fullmatch(name):
        raise ConnectionStringError(
            lazy_gettext("AccountName is not a storage account's name: 3 to 24 letters and digits.")
        )
    return name


def _key(text: str) -> str:
    if not text:
        raise ConnectionStringError(
            lazy_gettext("AccountKey is empty: press 'Show' beside the key, then %(copy)s.", copy=_COPY)
        )
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ConnectionStringError(lazy_gettext("AccountKey is not complete base64: %(copy)s.", copy=_COPY)) from None
    return text


def is_account_permitted(account: StorageAccount, policy: NetworkPolicy) -> bool:
    """Whether leads may go to the account's host as far as its name tells; addresses are checked on connecting.

    Azure's own suffixes over https are; any other host only where the operator opted in: the host (or ``*.suffix``)
    is mapped in ``policy.hosts``, or it is a literal address, or ``localhost``, inside ``policy.allow_addresses``.
    """
    host = account.host
    known = any(host.endswith(f".{suffix}") for suffix in AZURE_SUFFIXES) or policy.target(host) is not None
    if known and account.endpoint.startswith("https:"):
        return True
    if host == "localhost":
        return bool(policy.loopback())
    literal = as_address(host)
    return literal is not None and any(literal in allowed for allowed in policy.allow_addresses)
