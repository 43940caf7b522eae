"""What the Azure Storage destinations share: connection strings, and what the service's error codes mean.

Sources: ``facts/destination-protocols.md`` 5.1 (connection strings) and 5.5 (error codes).
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from ipaddress import ip_address
from typing import Final, NamedTuple
from urllib.parse import parse_qs, unquote

from yarl import URL

from leadkeeper.catalogue import diagnose
from leadkeeper.destinations.http import AddressInvalid, NetworkPolicy, parse_url
from leadkeeper.diagnosis import Diagnosis, Evidence, Kind, Outcome, masked

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
_COPY: Final = "copy the connection string from 'Access keys' in the Azure portal again, whole"


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
            raise ConnectionStringError(f"AccountName is missing: {_COPY}.")
        return StorageAccount(endpoint, name, key=_key(parts["AccountKey"]))
    if sas is None:
        raise ConnectionStringError(f"AccountKey (or SharedAccessSignature) is missing: {_COPY}.")
    return StorageAccount(endpoint, name, sas=sas)


def _split(text: str) -> dict[str, str]:
    parts: dict[str, str] = {}
    for number, part in enumerate((p.strip() for p in text.strip().split(";")), start=1):
        if not part:
            continue
        key, equals, value = part.partition("=")
        name = _PARTS.get(key.strip().casefold())
        if not equals or name is None:
            raise ConnectionStringError(f"Part {number} of the connection string is not a known one: {_COPY}.")
        if name in parts:
            raise ConnectionStringError(f"{name} occurs twice: {_COPY}.")
        parts[name] = value.strip()
    if not parts:
        raise ConnectionStringError(f"The connection string is empty: {_COPY}.")
    return parts


def _development(parts: Mapping[str, str], service: Service) -> StorageAccount:
    if parts["UseDevelopmentStorage"].casefold() != "true":
        raise ConnectionStringError("UseDevelopmentStorage can only be 'true': leave it out for a real account.")
    if "AccountKey" in parts or "SharedAccessSignature" in parts:
        raise ConnectionStringError("UseDevelopmentStorage is for the emulator alone: leave it out for a real account.")
    proxy = parts.get("DevelopmentStorageProxyUri", "http://127.0.0.1")
    url = _url("DevelopmentStorageProxyUri", proxy).with_port(_DEVELOPMENT_PORT[service])
    return StorageAccount(f"{url.origin()}/{DEVELOPMENT_ACCOUNT}", DEVELOPMENT_ACCOUNT, key=DEVELOPMENT_KEY)


def _sas(parts: Mapping[str, str]) -> str | None:
    if "SharedAccessSignature" not in parts:
        return None
    sas = parts["SharedAccessSignature"].lstrip("?")
    if not (_SAS.fullmatch(sas) and parse_qs(sas).get("sig")):
        raise ConnectionStringError("SharedAccessSignature is not whole: copy it from the Azure portal again.")
    return sas


def _endpoint(parts: Mapping[str, str], service: Service) -> str:
    explicit = parts.get(_ENDPOINT[service])
    if explicit is not None:
        url = _url(_ENDPOINT[service], explicit)
        return f"{url.scheme}://{url.authority}{url.raw_path.rstrip('/')}"
    protocol = parts.get("DefaultEndpointsProtocol", "https").casefold()
    if protocol != "https":
        raise ConnectionStringError("DefaultEndpointsProtocol must be https.")
    name = _account_name(parts, explicit=False)
    if name is None:
        missing = f"{_ENDPOINT[service]} (or AccountName)"
        raise ConnectionStringError(f"{missing} is missing: make it for the {service.title()} service.")
    suffix = (parts.get("EndpointSuffix") or DEFAULT_SUFFIX).strip(".")
    url = _url("EndpointSuffix", f"https://{name}.{service}.{suffix}")
    if url.raw_path != "/":
        raise ConnectionStringError(f"EndpointSuffix is not a host name: it is usually {DEFAULT_SUFFIX}.")
    return str(url.origin())


def _url(part: str, text: str) -> URL:
    try:
        url = parse_url(text)
    except AddressInvalid as error:
        raise ConnectionStringError(f"{part}: {error}") from None
    if url.raw_query_string:
        raise ConnectionStringError(f"{part} must not hold a query: a signature belongs into SharedAccessSignature.")
    host = url.raw_host or ""
    if url.scheme != "https" and not (_is_literal(host) or host == "localhost"):
        raise ConnectionStringError(f"{part} must begin with https://.")
    return url


def _is_literal(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _account_name(parts: Mapping[str, str], *, explicit: bool) -> str | None:
    if "AccountName" not in parts:
        return None
    name = parts["AccountName"].lower()
    if not (_LONG_ACCOUNT if explicit else _ACCOUNT).fullmatch(name):
        raise ConnectionStringError("AccountName is not a storage account's name: 3 to 24 letters and digits.")
    return name


def _key(text: str) -> str:
    if not text:
        raise ConnectionStringError(f"AccountKey is empty: press 'Show' beside the key, then {_COPY}.")
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ConnectionStringError(f"AccountKey is not complete base64: {_COPY}.") from None
    return text


def is_permitted(account: StorageAccount, policy: NetworkPolicy) -> bool:
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
    return _is_literal(host) and any(ip_address(host) in allowed for allowed in policy.allow_addresses)


class Verdict(NamedTuple):
    """What an error code or status means; ``outcome`` where it is not the kind's usual one."""

    kind: Kind
    outcome: Outcome | None = None


BEING_DELETED_SECONDS: Final = 45.0
"""How long to wait for the end of a deletion: Azure says at least 40 s."""

TABLE_MISSING: Final = frozenset({"TableNotFound", "ResourceNotFound"})
"""Codes that may mean that the table is not there (the second also: not the account)."""


_MEANINGS: Final[dict[Verdict, str]] = {
    Verdict(Kind.STORAGE_KEY_REJECTED): """
        AuthenticationFailed InvalidAuthenticationInfo NoAuthenticationInformation Unauthorized""",
    Verdict(Kind.STORAGE_ACCESS_BLOCKED): """
        AuthorizationFailure AuthorizationPermissionMismatch AuthorizationProtocolMismatch Forbidden
        AuthorizationSourceIPMismatch AuthorizationResourceTypeMismatch AuthorizationServiceMismatch
        InsufficientAccountPermissions KeyBasedAuthenticationNotPermitted""",
    Verdict(Kind.STORAGE_ACCOUNT_DISABLED): "AccountIsDisabled",
    Verdict(Kind.STORAGE_SETTING_INVALID): """
        AccountRequiresHttps InvalidHeaderValue InvalidUri RequestUrlFailedToParse InvalidResourceName OutOfRangeInput
        InvalidBlobType BlockCountExceedsLimit LeaseIdMissing InvalidQueryParameterValue""",
    Verdict(Kind.ENDPOINT_NOT_FOUND): "TableNotFound ContainerNotFound ResourceNotFound EntityNotFound BlobNotFound",
    Verdict(Kind.TABLE_BEING_DELETED): "TableBeingDeleted ContainerBeingDeleted",
    Verdict(Kind.LEAD_TOO_LARGE): "EntityTooLarge PropertyValueTooLarge RequestBodyTooLarge",
    Verdict(Kind.LEAD_REFUSED): """
        TooManyProperties PropertyNameInvalid PropertyNameTooLong PropertiesNeedValue InvalidInput InvalidDuplicateRow
        InvalidValueType DuplicatePropertiesSpecified""",
    Verdict(Kind.SERVER_ERROR): """
        UpdateConditionNotSatisfied ConditionNotMet AppendPositionConditionNotMet AccountBeingCreated""",
    Verdict(Kind.SERVER_ERROR, Outcome.AMBIGUOUS): "OperationTimedOut InternalError",
    Verdict(Kind.THROTTLED): "ServerBusy TooManyRequests",
}
CODES: Final = {code: verdict for verdict, codes in _MEANINGS.items() for code in codes.split()}
"""What each error code of the service means. A code says more than its status and is looked up first."""

STATUSES: Final[dict[int, Verdict]] = {
    401: Verdict(Kind.STORAGE_KEY_REJECTED),
    403: Verdict(Kind.STORAGE_ACCESS_BLOCKED),
    404: Verdict(Kind.ENDPOINT_NOT_FOUND),
    405: Verdict(Kind.METHOD_REFUSED),
    407: Verdict(Kind.ANSWER_NOT_UNDERSTOOD),
    408: Verdict(Kind.SERVER_ERROR),
    409: Verdict(Kind.SERVER_ERROR),
    410: Verdict(Kind.ENDPOINT_GONE),
    412: Verdict(Kind.SERVER_ERROR),
    413: Verdict(Kind.LEAD_TOO_LARGE),
    429: Verdict(Kind.THROTTLED),
}
"""What a status means when the code is unknown; the rest goes by its class."""


@dataclass(frozen=True, slots=True)
class StorageError:
    """An error answer of the service. ``index`` is the place in a transaction of the operation that failed."""

    status: int
    code: str | None = None
    message: str = ""
    request_id: str | None = None
    retry_after: float | None = None
    index: int | None = None


_CODE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9-]{1,64}")
_XML_CODE: Final = re.compile(r"<(?:\w+:)?code\b[^>]*>\s*([^<]*?)\s*<", re.IGNORECASE)
_XML_MESSAGE: Final = re.compile(r"<(?:\w+:)?message\b[^>]*>\s*([^<]*?)\s*<", re.IGNORECASE)
_NUMBER: Final = re.compile(r"[0-9]{1,9}")
_INDEX: Final = re.compile(r"(\d{1,3}):")


def read_error(status: int, headers: Mapping[str, str], body: bytes) -> StorageError:
    """The service's error answer, its code from the ``x-ms-error-code`` header or the JSON or XML body.

    ``headers`` must be found in any case. Takes any answer, also one that no storage service gives: then it has no
    code and its message is the body's text.
    """
    text = body.decode("utf-8", "replace")
    code, message = _read_json(text) or _read_xml(text) or (None, text)
    code = headers.get("x-ms-error-code") or code
    request_id = headers.get("x-ms-request-id")
    index = _INDEX.match(message)
    return StorageError(
        status=status,
        code=code if code and _CODE.fullmatch(code) else None,
        message=message,
        request_id=request_id if request_id and _REQUEST_ID.fullmatch(request_id) else None,
        retry_after=read_retry_after(headers),
        index=int(index[1]) if index else None,
    )


def read_retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, from ``x-ms-retry-after-ms`` (Cosmos DB) or either form of ``Retry-After``, else ``None``.

    A date counts from the answer's own ``Date`` where it has one, so that the two clocks need not agree.
    """
    milliseconds = headers.get("x-ms-retry-after-ms", "")
    if _NUMBER.fullmatch(milliseconds):
        return int(milliseconds) / 1000
    text = headers.get("Retry-After", "").strip()
    if _NUMBER.fullmatch(text):
        return float(text)
    until, since = _moment(text), _moment(headers.get("Date", ""))
    return None if until is None else max(0.0, (until - (since or datetime.now(UTC))).total_seconds())


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _read_json(text: str) -> tuple[str | None, str] | None:
    try:
        document = json.loads(text.lstrip("\ufeff"))
    except (ValueError, RecursionError):
        return None
    error = (document.get("odata.error") or document.get("error")) if isinstance(document, dict) else None
    if not isinstance(error, dict):
        return None
    code, message = error.get("code"), error.get("message")
    if isinstance(message, dict):
        message = message.get("value")
    return (code if isinstance(code, str) else None), (message if isinstance(message, str) else "")


def _read_xml(text: str) -> tuple[str | None, str] | None:
    code, message = _XML_CODE.search(text), _XML_MESSAGE.search(text)
    if code is None:
        return None
    return code[1], message[1] if message else ""


def verdict_on(error: StorageError) -> Verdict:
    """What the error means: by its code, else by its status, else by its status's class."""
    known = CODES.get(error.code or "") or STATUSES.get(error.status)
    if known:
        return known
    if error.status == 503 and error.retry_after is not None:
        return Verdict(Kind.THROTTLED)
    if error.status >= 500:
        return Verdict(Kind.SERVER_ERROR)
    if error.status >= 400:
        return Verdict(Kind.LEAD_REFUSED)
    if error.status >= 300:
        return Verdict(Kind.REDIRECTED)
    return Verdict(Kind.ANSWER_NOT_UNDERSTOOD, Outcome.AMBIGUOUS)


def diagnose_storage(error: StorageError, private: Iterable[str] = ()) -> Diagnosis:
    """The diagnosis of an error answer; ``private`` (leads' values, secrets) is masked in its evidence."""
    kind, outcome = verdict_on(error)
    retry_after = error.retry_after
    if kind is Kind.TABLE_BEING_DELETED:
        retry_after = max(retry_after or 0.0, BEING_DELETED_SECONDS)
    heard = error.message.casefold()
    present = tuple(text for text in private if text.strip() and text.strip().casefold() in heard)
    evidence = Evidence(error.status, error.code, error.request_id, masked(error.message, present) or None)
    return diagnose(kind, evidence, outcome=outcome, retry_after=retry_after)
