"""What the answers of Marketo's REST API mean: by the codes inside them, for the status is 200 whatever happens.

Source: ``docs/reference/vendors/marketo.md#rest-api-errors``. Codes are texts; a code of three digits is about the
whole request, one of four digits about a lead in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from leadkeeper.catalogue import diagnose
from leadkeeper.destinations.marketo.diagnoses import MarketoKind
from leadkeeper.diagnosis import AnyKind, Diagnosis, Evidence, Kind, Outcome
from leadkeeper.network import rest
from leadkeeper.network.answer import Private, RemoteMessage, kind_of_status, read_error, retry_after
from leadkeeper.network.client import Answered
from leadkeeper.network.rest import Reply

TOKEN_CODES: Final = frozenset({"600", "601", "602"})
"""The token is missing, wrong or out of date: another one may do."""

RATE_SECONDS: Final = {"606": 20.0, "615": 2.0}
"""How long to rest when too many calls were made in 20 seconds, or run at once."""

ALREADY_THERE: Final = "1005"
FIELD_CODES: Final = frozenset({"1006", "1011"})
"""A field is not on the form, or does not take values."""

_MEANINGS: Final[dict[AnyKind, str]] = {
    MarketoKind.SERVICE_REJECTED: "600 601 602",
    MarketoKind.ACCESS_DENIED: "603",
    MarketoKind.BUSY: "500 502 604 608 611 614 713 719 1014 1016 1019 1022 1029",
    MarketoKind.REQUEST_REJECTED: "605 609 610 612 613",
    MarketoKind.RATE_LIMIT: "606 615",
    MarketoKind.DAILY_QUOTA: "607",
    MarketoKind.FEATURE_OFF: "616 703 1018",
    MarketoKind.FORM_NOT_FOUND: "702 1013",
    MarketoKind.FIELD_UNKNOWN: "1006 1011",
    MarketoKind.SEVERAL_MATCH: "1007",
    MarketoKind.PARTITION_UNUSABLE: "1008 1009 1010",
    MarketoKind.LEAD_REFUSED: "701 704 709 1001 1002 1003 1004 1012 1021 1036 1037",
}
CODES: Final = {code: kind for kind, codes in _MEANINGS.items() for code in codes.split()}
"""What each code means; :data:`ALREADY_THERE` is no failure."""

STATUSES: Final[dict[int, AnyKind]] = {
    401: MarketoKind.SERVICE_REJECTED,
    403: MarketoKind.ACCESS_DENIED,
    408: Kind.SERVER_ERROR,
    413: Kind.LEAD_TOO_LARGE,
    429: Kind.THROTTLED,
}
"""What a status other than 200 means; the rest goes by its class."""


_REJECTED: Final = MarketoKind.REQUEST_REJECTED
_OURS: Final = frozenset({400, 404, 405, 406, 410, 411, 414, 415, 417, 422})
"""Statuses of a request that is wrong as these settings make it, whatever lead is in it."""


class FailedRecord(NamedTuple):
    """Why a request, or the lead in it, failed: the code that Marketo gave, if any, and the diagnosis."""

    code: str | None
    diagnosis: Diagnosis
    message: str = ""


def read_marketo_error(answered: Answered, content: Any) -> RemoteMessage:
    """What an answer says: the first error inside it, whatever its status, else the usual fields."""
    if answered.status == 200 and isinstance(content, dict) and content.get("success") is False:
        return _first(content.get("errors"))
    return rest.read_words(answered, content)


def read_answer(reply: Reply, evidence: Evidence, now: float) -> list[Any] | FailedRecord:
    """The ``result`` of an answer, or why there is none. ``now`` in seconds since 1970."""
    if reply.status != 200:
        return FailedRecord(None, _by_status(reply.answered, evidence, now))
    content = reply.content
    if isinstance(content, dict) and content.get("success") is False:
        return _failed(reply.error, evidence, now)
    if isinstance(content, dict) and content.get("success") is True:
        if isinstance(result := content.get("result"), list):
            return result
        if isinstance(content.get("warnings"), list):  # how asset calls say that there is none
            return []
    found = diagnose(Kind.ANSWER_NOT_UNDERSTOOD, Evidence(reply.status), outcome=Outcome.AMBIGUOUS)
    return FailedRecord(None, found)


def read_reasons(result: Mapping[str, Any], private: Private, now: float) -> FailedRecord:
    """Why a lead was skipped."""
    message = _first(result.get("reasons"))
    code = message.code if message.code in CODES else private.shown(message.code)
    return _failed(message, Evidence(200, code, text=private.mask(message.text) or None), now)


def _first(errors: Any) -> RemoteMessage:
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
    return RemoteMessage(str(first.get("code", "")) or None, str(first.get("message", ""))[:2_000])


def _failed(message: RemoteMessage, evidence: Evidence, now: float) -> FailedRecord:
    kind = CODES.get(message.code or "") or _unknown(message.code)
    wait = RATE_SECONDS.get(message.code or "")
    if kind is MarketoKind.DAILY_QUOTA:
        wait = seconds_to_marketo_midnight(now)
    return FailedRecord(message.code, diagnose(kind, evidence, retry_after=wait), message.text)


def _unknown(code: str | None) -> AnyKind:
    """A code that nobody told us of: about the lead if it has four digits, else about Marketo's moment."""
    return MarketoKind.LEAD_REFUSED if code is not None and len(code) == 4 else MarketoKind.BUSY


def _by_status(answered: Answered, evidence: Evidence, now: float) -> Diagnosis:
    status = answered.status
    wait = retry_after(answered.headers, now)
    if status == 503 and wait is not None:
        return diagnose(Kind.THROTTLED, evidence, retry_after=wait)
    kind = STATUSES.get(status) or (_REJECTED if status in _OURS else kind_of_status(status))
    outcome = Outcome.AMBIGUOUS if kind is Kind.ANSWER_NOT_UNDERSTOOD else None
    return diagnose(kind, evidence, outcome=outcome, retry_after=wait if kind is Kind.THROTTLED else None)


def diagnose_marketo_sign_in(answered: Answered, content: Any, private: Private, now: float) -> Diagnosis:
    """Why the identity service gave no token. Nothing of a lead was sent."""
    code = content.get("error") if isinstance(content, dict) else None
    words = content.get("error_description") if isinstance(content, dict) else None
    if answered.status in (400, 401, 403) or (answered.status == 200 and isinstance(code, str)):
        shown = private.shown(code) if isinstance(code, str) else None
        text = private.mask(words) if isinstance(words, str) else None
        return diagnose(MarketoKind.SERVICE_REJECTED, Evidence(answered.status, shown, text=text or None))
    message = read_error(answered.headers.get("content-type", ""), answered.body)
    evidence = Evidence(answered.status, private.shown(message.code), text=private.mask(message.text) or None)
    return _by_status(answered, evidence, now)


def seconds_to_marketo_midnight(now: float) -> float:
    """The seconds until the day ends in US Central time, when Marketo's daily quota begins anew.

    Where the system knows no time zones, until 06:00 UTC: the same in winter, an hour later in summer.
    """
    moment = datetime.fromtimestamp(now, UTC)
    try:
        local = moment.astimezone(ZoneInfo("America/Chicago"))
        midnight = datetime.combine(local.date() + timedelta(days=1), time(), local.tzinfo)
    except ZoneInfoNotFoundError:
        midnight = datetime.combine((moment - timedelta(hours=6)).date() + timedelta(days=1), time(6), UTC)
    return max((midnight - moment).total_seconds(), 1.0)
