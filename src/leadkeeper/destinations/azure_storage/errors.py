"""What the error answers of Azure Storage mean: by code and status, never by their words.

Source: ``docs/reference/vendors/azure_storage.md#errors``. The Table service answers JSON, the Blob service XML.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple
from urllib.parse import unquote

from leadkeeper.catalogue import diagnose
from leadkeeper.destinations.azure_storage.diagnoses import AzureStorageKind
from leadkeeper.diagnosis import AnyKind, Diagnosis, Evidence, Kind, Outcome
from leadkeeper.lead import OutgoingLead
from leadkeeper.network import answer
from leadkeeper.network.trouble import NETWORK_ERRORS


class StorageVerdict(NamedTuple):
    """What an error code or status means; ``outcome`` where it is not the kind's usual one."""

    kind: AnyKind
    outcome: Outcome | None = None


BEING_DELETED_SECONDS: Final = 45.0
"""How long to wait for the end of a deletion: Azure says at least 40 s."""

TABLE_MISSING: Final = frozenset({"TableNotFound", "ResourceNotFound"})
"""Codes that may mean that the table is not there (the second also: not the account)."""

CONTAINER_MISSING: Final = frozenset({"ContainerNotFound", "ResourceNotFound"})
"""The same of the container."""

THERE_ALREADY: Final = frozenset(
    {
        "BlobAlreadyExists",
        "ConditionNotMet",
        "UnauthorizedBlobOverwrite",
        "BlobImmutableDueToPolicy",
        "BlobImmutableDueToLegalHold",
        "LeaseIdMissing",
        "BlobArchived",
        "BlobBeingRehydrated",
    }
)
"""What is said of a blob that was to be created (``If-None-Match: *``) and is there already. Which it is depends on
what the signature may do and on what the account's owner does with blobs: lock, lease, archive."""

_MEANINGS: Final[dict[StorageVerdict, str]] = {
    StorageVerdict(AzureStorageKind.KEY_REJECTED): """
        AuthenticationFailed InvalidAuthenticationInfo NoAuthenticationInformation Unauthorized""",
    StorageVerdict(AzureStorageKind.ACCESS_BLOCKED): """
        AuthorizationFailure AuthorizationPermissionMismatch AuthorizationProtocolMismatch Forbidden
        AuthorizationSourceIPMismatch AuthorizationResourceTypeMismatch AuthorizationServiceMismatch
        InsufficientAccountPermissions KeyBasedAuthenticationNotPermitted ContainerDisabled""",
    StorageVerdict(AzureStorageKind.ACCOUNT_DISABLED): "AccountIsDisabled",
    StorageVerdict(AzureStorageKind.SETTING_INVALID): """
        AccountRequiresHttps InvalidHeaderValue InvalidUri RequestUrlFailedToParse InvalidResourceName OutOfRangeInput
        InvalidBlobType BlockCountExceedsLimit LeaseIdMissing InvalidQueryParameterValue""",
    StorageVerdict(
        Kind.ENDPOINT_NOT_FOUND
    ): "TableNotFound ContainerNotFound ResourceNotFound EntityNotFound BlobNotFound",
    StorageVerdict(AzureStorageKind.TABLE_BEING_DELETED): "TableBeingDeleted ContainerBeingDeleted",
    StorageVerdict(Kind.LEAD_TOO_LARGE): "EntityTooLarge PropertyValueTooLarge RequestBodyTooLarge",
    StorageVerdict(Kind.LEAD_REFUSED): """
        TooManyProperties PropertyNameInvalid PropertyNameTooLong PropertiesNeedValue InvalidInput InvalidDuplicateRow
        InvalidValueType DuplicatePropertiesSpecified""",
    StorageVerdict(Kind.SERVER_ERROR): """
        UpdateConditionNotSatisfied ConditionNotMet AppendPositionConditionNotMet AccountBeingCreated""",
    StorageVerdict(Kind.SERVER_ERROR, Outcome.AMBIGUOUS): "OperationTimedOut InternalError",
    StorageVerdict(Kind.THROTTLED): "ServerBusy TooManyRequests",
}
CODES: Final = {code: verdict for verdict, codes in _MEANINGS.items() for code in codes.split()}
"""What each error code of the service means. A code says more than its status and is looked up first."""

STATUSES: Final[dict[int, StorageVerdict]] = {
    401: StorageVerdict(AzureStorageKind.KEY_REJECTED),
    403: StorageVerdict(AzureStorageKind.ACCESS_BLOCKED),
    404: StorageVerdict(Kind.ENDPOINT_NOT_FOUND),
    405: StorageVerdict(Kind.METHOD_REFUSED),
    407: StorageVerdict(Kind.ANSWER_NOT_UNDERSTOOD),
    408: StorageVerdict(Kind.SERVER_ERROR),
    409: StorageVerdict(Kind.SERVER_ERROR),
    410: StorageVerdict(Kind.ENDPOINT_GONE),
    412: StorageVerdict(Kind.SERVER_ERROR),
    413: StorageVerdict(Kind.LEAD_TOO_LARGE),
    429: StorageVerdict(Kind.THROTTLED),
}
"""What a status means when the code is unknown; the rest goes by its class."""


@dataclass(frozen=True, slots=True)
class StorageError:
    """An error answer of the service, not masked. ``index`` is the operation of a transaction that failed."""

    status: int
    code: str | None = None
    message: str = ""
    request_id: str | None = None
    retry_after: float | None = None
    index: int | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a call to the service failed; ``index`` is the operation of a transaction that it is due to."""

    diagnosis: Diagnosis
    code: str | None = None
    index: int | None = None

    @property
    def is_duplicate(self) -> bool:
        """What was to be created is there already."""
        return self.code in {"EntityAlreadyExists", "BlobAlreadyExists"}

    @property
    def concerns_lead(self) -> bool:
        """It is about the lead, or leads, that were sent: others may fare better."""
        return self.is_duplicate or self.diagnosis.outcome is Outcome.REFUSED

    @property
    def unsent(self) -> Diagnosis:
        """The diagnosis where no lead was sent: none can have arrived, and none can be at fault."""
        if self.concerns_lead:
            return diagnose(AzureStorageKind.SETTING_INVALID, self.diagnosis.evidence)
        ambiguous = self.diagnosis.outcome is Outcome.AMBIGUOUS
        return replace(self.diagnosis, outcome=Outcome.FAILED) if ambiguous else self.diagnosis


_XML: Final = re.compile(r"\ufeff?\s*(<\?xml[^>]*>\s*)?<(?:\w+:)?error\b", re.IGNORECASE)
_XML_CODE: Final = re.compile(r"<(?:\w+:)?code\b[^>]*>\s*([^<]*?)\s*<", re.IGNORECASE)
_XML_MESSAGE: Final = re.compile(r"<(?:\w+:)?message\b[^>]*>\s*([^<]*?)\s*<", re.IGNORECASE)
_MILLISECONDS: Final = re.compile(r"[0-9]{1,9}")
_INDEX: Final = re.compile(r"(\d{1,3}):")
_TRAILER: Final = re.compile(r"\s*RequestId:([0-9A-Fa-f-]{36})\s*(?:Time:\S+)?")
_OBSERVED: Final = 4_096
_SHARED: Final = 8


def read_storage_error(status: int, headers: Mapping[str, str], body: bytes, *, now: float) -> StorageError:
    """The service's error answer, its code from the ``x-ms-error-code`` header or the JSON or XML body.

    ``headers`` must be found in any case; ``now`` is in seconds since 1970. Takes any answer, also one that no
    storage service gives: then its message is the beginning of the body, or a web page's title.
    """
    text = body.decode("utf-8", "replace")
    code, message = _read_json(text) or _read_xml(text) or answer.read_error(headers.get("content-type", ""), body)
    index, trailer = _INDEX.match(message), _TRAILER.search(message)
    return StorageError(
        status=status,
        code=headers.get("x-ms-error-code") or code,
        message=_TRAILER.sub("", message)[:_OBSERVED],
        request_id=headers.get("x-ms-request-id") or (trailer[1] if trailer else None),
        retry_after=_retry_after(headers, now),
        index=int(index[1]) if index else None,
    )


def _retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds to wait, from ``Retry-After`` or, as Cosmos DB says it, ``x-ms-retry-after-ms``."""
    milliseconds = headers.get("x-ms-retry-after-ms", "")
    if _MILLISECONDS.fullmatch(milliseconds):
        return min(int(milliseconds) / 1000, answer.LONGEST_WAIT)
    return answer.retry_after(headers, now)


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
    if not _XML.match(text):
        return None
    code, message = _XML_CODE.search(text), _XML_MESSAGE.search(text)
    return code[1] if code else None, message[1] if message else ""


def storage_verdict_on(error: StorageError) -> StorageVerdict:
    """What the error means: by its code, else by its status, else by its status's class."""
    known = CODES.get(error.code or "") or STATUSES.get(error.status)
    if known:
        return known
    if error.status in (502, 503, 504) and error.retry_after is not None:
        return StorageVerdict(Kind.THROTTLED)
    kind = answer.kind_of_status(error.status)
    return StorageVerdict(kind, Outcome.AMBIGUOUS if kind is Kind.ANSWER_NOT_UNDERSTOOD else None)


def diagnose_storage(error: StorageError, leads: Sequence[OutgoingLead], secrets: Sequence[str]) -> Diagnosis:
    """The diagnosis of an error answer to a request about ``leads``; it shows neither them nor ``secrets``."""
    kind, outcome = storage_verdict_on(error)
    wait = error.retry_after
    if kind is AzureStorageKind.TABLE_BEING_DELETED:
        wait = max(wait or 0.0, BEING_DELETED_SECONDS)
    return diagnose(kind, _evidence(error, leads, secrets), outcome=outcome, retry_after=wait)


def _evidence(error: StorageError, leads: Sequence[OutgoingLead], secrets: Sequence[str]) -> Evidence:
    """An answer that repeats one lead is masked; one that may repeat several is not shown at all."""
    observed = html.unescape(unquote(f"{error.message} {error.code} {error.request_id}")).casefold()
    stretches = {observed[start : start + _SHARED] for start in range(len(observed) - _SHARED + 1)}
    echoed = [lead for lead in leads if "\\u" in observed or _is_echoed(lead, observed, stretches)]
    known = error.code if error.code in CODES else None
    if len(echoed) > 1:
        return Evidence(error.status, known)
    private = answer.Private(echoed[0] if echoed else None, secrets)
    text = private.mask(error.message) or None
    return Evidence(error.status, known or private.shown(error.code), private.shown(error.request_id), text)


def _is_echoed(lead: OutgoingLead, observed: str, stretches: set[str]) -> bool:
    """Whether ``observed`` holds one of the lead's private texts, a word of its customer's, or a long part of one."""
    texts = [text.casefold() for text in lead.private]
    c = lead.customer
    words = re.findall(r"\w{3,}", f"{c.first_name} {c.last_name} {c.email} {c.company} {c.title}".casefold())
    return (
        any(len(text) >= 2 and text in observed for text in texts)
        or any(word in observed for word in words)
        or any(text[start : start + _SHARED] in stretches for text in texts for start in range(len(text) - _SHARED + 1))
    )


def network_error(error: BaseException) -> BaseException | None:
    """The network's error inside one of the Azure SDK's, which does not always name it as the cause."""
    links = [error]
    for link in links:
        if isinstance(link, NETWORK_ERRORS):
            return link
        inner = (link.__cause__, getattr(link, "inner_exception", None), link.__context__)
        links.extend(each for each in inner if isinstance(each, BaseException) and each not in links)
    return None
