"""What HubSpot's error answers mean: by the most particular code that they hold, by status where there is none.

Source: ``docs/reference/vendors/hubspot.md#errors``. A validation error tells its reasons in ``errors[]``, or as JSON
at the end of its message.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from leadkeeper.catalogue import diagnose
from leadkeeper.destinations.hubspot.diagnoses import HubSpotKind
from leadkeeper.diagnosis import AnyKind, Diagnosis, Evidence, Kind, Outcome
from leadkeeper.network import rest
from leadkeeper.network.answer import Private, RemoteMessage, kind_of_status, retry_after
from leadkeeper.network.client import Answered
from leadkeeper.network.rest import Reply

CONFLICT: Final = "CONFLICT"
NOT_FOUND: Final = "OBJECT_NOT_FOUND"
SCOPES: Final = "MISSING_SCOPES"
UNIQUE_TAKEN: Final = "CONFLICTING_UNIQUE_VALUE"

BURST_SECONDS: Final = 10.0
"""How long to rest when the calls of ten seconds are used up and no header tells the interval."""
LOCKED_SECONDS: Final = 2.0
"""How long a lock lasts."""
MOVING_SECONDS: Final = 600.0
"""How long to rest while the account is being moved and nothing says how long that takes."""
UNKNOWN_MIDNIGHT_SECONDS: Final = 3_600.0
"""How long to rest when the calls of the day are used up and the account's time zone is not known."""
BLOCKED_SECONDS: Final = 60.0
"""How long HubSpot keeps off an address that posts to forms too fast."""

_DAY: Final = 86_400.0
_NAME: Final = re.compile(r"[a-z][a-z0-9_.]{0,99}")
_MEANINGS: Final[dict[AnyKind, str]] = {
    HubSpotKind.TOKEN_REJECTED: "INVALID_AUTHENTICATION",
    HubSpotKind.TOKEN_EXPIRED: "EXPIRED_AUTHENTICATION",
    HubSpotKind.SCOPE_MISSING: SCOPES,
    HubSpotKind.CREATOR_GONE: "USER_DOES_NOT_HAVE_PERMISSIONS",
    HubSpotKind.APP_BLOCKED: "BANNED",
    HubSpotKind.RATE_LIMIT: "RATE_LIMITS RATE_LIMIT SECONDLY TEN_SECONDLY_ROLLING",
    HubSpotKind.DAILY_LIMIT: "DAILY",
    HubSpotKind.RECORD_CHANGED: f"{CONFLICT} {NOT_FOUND}",
    HubSpotKind.LEAD_REFUSED: "VALIDATION_ERROR",
    HubSpotKind.PROPERTY_UNUSABLE: "PROPERTY_DOESNT_EXIST READ_ONLY_VALUE",
    HubSpotKind.EMAIL_UNUSABLE: "INVALID_EMAIL BLOCKED_EMAIL",
    HubSpotKind.VALUE_REFUSED: """
        INVALID_OPTION INVALID_INTEGER INVALID_DATE INVALID_NUMBER INPUT_TOO_LARGE NUMBER_OUT_OF_RANGE
        VALUE_NOT_IN_FIELD_DEFINITION""",
    HubSpotKind.VALUE_TAKEN: UNIQUE_TAKEN,
    Kind.SERVER_ERROR: "INTERNAL_ERROR",
    HubSpotKind.FORM_DEMANDS: "REQUIRED_FIELD",
    HubSpotKind.FORM_FIELD_UNKNOWN: "FIELD_NOT_IN_FORM_DEFINITION",
    HubSpotKind.FORM_PROTECTED: "FORM_HAS_RECAPTCHA_ENABLED",
    HubSpotKind.FORM_CONSENT: """
        INVALID_LEGAL_OPTION_FORMAT MISSING_PROCESSING_CONSENT MISSING_PROCESSING_CONSENT_TEXT
        MISSING_COMMUNICATION_CONSENT_TEXT MISSING_LEGITIMATE_INTEREST_TEXT DUPLICATE_SUBSCRIPTION_TYPE_ID""",
    HubSpotKind.REQUEST_REJECTED: """
        MAX_NUMBER_OF_SUBMITTED_VALUES_EXCEEDED INVALID_METADATA INVALID_GOTOWEBINAR_WEBINAR_KEY INVALID_HUTK
        INVALID_IP_ADDRESS INVALID_PAGE_URI""",
}
CODES: Final = {code: kind for kind, codes in _MEANINGS.items() for code in codes.split()}
"""What each category, reason, limit's policy and form's error type means."""

_GENERAL: Final = frozenset({"VALIDATION_ERROR", "RATE_LIMIT", "RATE_LIMITS"})
"""Codes that others, in the same answer, say more than."""

STATUSES: Final[dict[int, AnyKind]] = {
    401: HubSpotKind.TOKEN_REJECTED,
    403: Kind.PERMISSION_MISSING,
    404: HubSpotKind.REQUEST_REJECTED,
    405: HubSpotKind.REQUEST_REJECTED,
    408: Kind.SERVER_ERROR,
    409: HubSpotKind.RECORD_CHANGED,
    410: HubSpotKind.REQUEST_REJECTED,
    413: Kind.LEAD_TOO_LARGE,
    414: HubSpotKind.REQUEST_REJECTED,
    415: HubSpotKind.REQUEST_REJECTED,
    423: HubSpotKind.LOCKED,
    429: Kind.THROTTLED,
    477: HubSpotKind.MOVING,
}
"""What a status means when no code is known; the rest goes by its class."""


class Fault(NamedTuple):
    """One error: of an answer, or of one input of a batch. Nothing is masked yet."""

    code: str | None
    text: str
    traces: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    """The properties or scopes that it is about: names of the account's, which hold nothing of a lead."""


def read_fault(error: Mapping[str, Any]) -> Fault:
    """What an error says: its most particular code, its words with the properties or scopes that it is about."""
    context = error.get("context")
    summary = [*_reasons(error), *_details(error)]
    codes = [code for code, _ in summary] + [error.get(key) for key in ("policyName", "subCategory", "category")]
    codes += [error.get("errorType")]
    named = [code for code in codes if isinstance(code, str) and code]
    known = [code for code in named if code in CODES]
    best = next((code for code in known if code not in _GENERAL), next(iter(known or named), None))
    about = tuple(dict.fromkeys(text for _, text in summary if text))
    message = error.get("message")
    words = message.partition("[{")[0] if isinstance(message, str) else ""
    text = f"{words[:2_000]} ({', '.join(about)})" if about else words[:2_000]
    names = tuple(part for each in about for part in each.split(", ") if _NAME.fullmatch(part))
    return Fault(best, text, _texts(context, "objectWriteTraceId"), _texts(context, "ids"), names)


def _reasons(error: Mapping[str, Any]) -> Iterator[tuple[Any, str]]:
    """The reasons that stand as JSON at the end of the message: what is wrong, and with which property."""
    message = error.get("message")
    start = message.find("[{") if isinstance(message, str) else -1
    if not isinstance(message, str) or start < 0:
        return
    try:
        found = json.loads(message[start:])
    except (ValueError, RecursionError):
        return
    yield from ((each.get("error"), _word(each.get("name"))) for each in found if isinstance(each, dict))


def _details(error: Mapping[str, Any]) -> Iterator[tuple[Any, str]]:
    """The reasons in ``errors[]``: a code or a form's error type, and the property or the scopes it is about."""
    found = error.get("errors")
    for each in found if isinstance(found, list) else ():
        if not isinstance(each, dict):
            continue
        context = each.get("context")
        names = [*_texts(context, "propertyName"), *_texts(context, "requiredGranularScopes")]
        names = names or [*_texts(context, "requiredScopes")]
        message = each.get("message")
        about = ", ".join(names) or (_word(message, 300) if isinstance(each.get("errorType"), str) else "")
        yield each.get("code") or each.get("errorType") or each.get("subCategory"), about


def _texts(context: object, key: str) -> tuple[str, ...]:
    found = context.get(key) if isinstance(context, dict) else None
    values = found if isinstance(found, list) else [found]
    return tuple(_word(each) for each in values[:100] if isinstance(each, str))


def _word(value: object, limit: int = 100) -> str:
    return value[:limit] if isinstance(value, str) else ""


def read_hubspot_error(answered: Answered, content: Any) -> RemoteMessage:
    """What an answer as a whole says."""
    if answered.status // 100 == 2:
        return rest.NO_ERROR
    if not isinstance(content, dict):
        return rest.read_words(answered, content)
    fault = read_fault(content)
    return RemoteMessage(fault.code, fault.text) if fault.code or fault.text else rest.read_words(answered, content)


def diagnose_fault(fault: Fault, private: Private, status: int | None = None) -> Diagnosis:
    """Why one input of a batch was not written."""
    evidence = Evidence(status, _shown(fault.code, private), text=private.mask(fault.text) or None)
    return diagnose(CODES.get(fault.code or "", HubSpotKind.LEAD_REFUSED), evidence)


def _shown(code: str | None, private: Private) -> str | None:
    return code if code in CODES else private.shown(code)


def diagnose_hubspot_reply(reply: Reply, evidence: Evidence, now: float, offset: float | None) -> Diagnosis:
    """Why a request failed as a whole. ``offset`` is the account's, in seconds east of UTC, if it is known."""
    headers = reply.answered.headers
    wait = retry_after(headers, now)
    kind = kind_of_answer(reply)
    if kind is Kind.SERVER_ERROR and reply.status == 503 and wait is not None:
        kind = Kind.THROTTLED
    match kind:
        case HubSpotKind.DAILY_LIMIT:
            wait = wait or seconds_to_hubspot_midnight(now, offset)
        case HubSpotKind.RATE_LIMIT:
            wait = wait or _interval(headers)
        case HubSpotKind.LOCKED:
            wait = wait or LOCKED_SECONDS
        case HubSpotKind.MOVING:
            wait = wait or MOVING_SECONDS
        case Kind.THROTTLED:
            pass
        case _:
            wait = None
    outcome = Outcome.AMBIGUOUS if kind is Kind.ANSWER_NOT_UNDERSTOOD else None
    return diagnose(kind, evidence, outcome=outcome, retry_after=wait)


def kind_of_answer(reply: Reply) -> AnyKind:
    """What an answer that is no success means: the code says more than the status, and headers whose limit it is."""
    kind = CODES.get(reply.code or "") or STATUSES.get(reply.status)
    headers = reply.answered.headers
    if reply.status == 429 and reply.code not in ("DAILY", "SECONDLY", "TEN_SECONDLY_ROLLING"):
        if headers.get("X-HubSpot-RateLimit-Daily-Remaining", "").strip() == "0":
            return HubSpotKind.DAILY_LIMIT
        if headers.get("X-HubSpot-RateLimit-Remaining", "").strip() == "0":
            return HubSpotKind.RATE_LIMIT
    return kind or kind_of_status(reply.status)


def _interval(headers: Mapping[str, str]) -> float:
    text = headers.get("X-HubSpot-RateLimit-Interval-Milliseconds", "").strip()
    return min(max(int(text) / 1_000, 1.0), 60.0) if text.isascii() and text.isdecimal() else BURST_SECONDS


def seconds_to_hubspot_midnight(now: float, offset: float | None) -> float:
    """The seconds until the account's day ends, and its calls are counted anew."""
    if offset is None:
        return UNKNOWN_MIDNIGHT_SECONDS
    return max(_DAY - (now + offset) % _DAY, 1.0)
