"""What the error answers of Salesforce's REST API mean: by ``errorCode`` first, by status where there is none.

Source: ``docs/reference/vendors/salesforce.md#rest-api-errors``. Several codes mean something else than their status
says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from leadkeeper.catalogue import diagnose
from leadkeeper.destinations.salesforce.diagnoses import SalesforceKind
from leadkeeper.diagnosis import AnyKind, Diagnosis, Evidence, Kind, Outcome
from leadkeeper.network import rest
from leadkeeper.network.answer import Private, RemoteMessage, kind_of_status, read_error, retry_after
from leadkeeper.network.client import Answered
from leadkeeper.network.rest import Reply, read_json

DUPLICATE_VALUE: Final = "DUPLICATE_VALUE"
DUPLICATES_DETECTED: Final = "DUPLICATES_DETECTED"
CONVERTED: Final = "CANNOT_UPDATE_CONVERTED_LEAD"
PERHAPS_THERE: Final = frozenset({DUPLICATE_VALUE, DUPLICATES_DETECTED, CONVERTED})
"""Refusals of a lead that may be there already: a unique value is taken, perhaps our id; the organization's duplicate
rule found somebody like it, perhaps this lead; a converted lead would have been changed, perhaps this one."""

DAY_USED_UP_SECONDS: Final = 900.0
"""How long to rest when the organization's requests of 24 hours are used up; they come back bit by bit."""

CONCURRENCY_SECONDS: Final = 20.0
"""How long to rest when too many long requests run; a request is long after 20 seconds."""

_MEANINGS: Final[dict[AnyKind, str]] = {
    SalesforceKind.SESSION_REJECTED: "INVALID_SESSION_ID INVALID_AUTH_HEADER",
    SalesforceKind.RULE_REFUSED: """
        REQUIRED_FIELD_MISSING STRING_TOO_LONG INVALID_EMAIL_ADDRESS INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST
        FIELD_CUSTOM_VALIDATION_EXCEPTION FIELD_INTEGRITY_EXCEPTION NUMBER_OUTSIDE_VALID_RANGE""",
    SalesforceKind.DUPLICATE_RULE: DUPLICATES_DETECTED,
    SalesforceKind.LEAD_CONVERTED: CONVERTED,
    SalesforceKind.VALUE_TAKEN: DUPLICATE_VALUE,
    SalesforceKind.AUTOMATION_FAILED: """
        CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY CANNOT_EXECUTE_FLOW_TRIGGER APEX_ERROR""",
    SalesforceKind.FIELD_UNKNOWN: "INVALID_FIELD INVALID_FIELD_FOR_INSERT_UPDATE",
    SalesforceKind.REQUEST_REJECTED: "JSON_PARSER_ERROR MALFORMED_ID",
    SalesforceKind.ROW_LOCKED: "UNABLE_TO_LOCK_ROW",
    SalesforceKind.API_LIMIT: "REQUEST_LIMIT_EXCEEDED",
    SalesforceKind.API_DISABLED: "API_DISABLED_FOR_ORG",
    SalesforceKind.ACCESS_MISSING: """
        INSUFFICIENT_ACCESS INSUFFICIENT_ACCESS_OR_READONLY INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY""",
    SalesforceKind.STORAGE_FULL: "STORAGE_LIMIT_EXCEEDED",
    SalesforceKind.NOT_FOUND: "NOT_FOUND INVALID_CROSS_REFERENCE_KEY ENTITY_IS_DELETED",
    Kind.SERVER_ERROR: "UNKNOWN_EXCEPTION SERVER_UNAVAILABLE API_CURRENTLY_DISABLED REQUEST_RUNNING_TOO_LONG",
}
CODES: Final = {code: kind for kind, codes in _MEANINGS.items() for code in codes.split()}
"""What each error code means. A code says more than its status and is looked up first."""

STATUSES: Final[dict[int, AnyKind]] = {
    300: SalesforceKind.SEVERAL_MATCH,
    401: SalesforceKind.SESSION_REJECTED,
    403: SalesforceKind.ACCESS_MISSING,
    404: SalesforceKind.NOT_FOUND,
    405: Kind.METHOD_REFUSED,
    408: Kind.SERVER_ERROR,
    410: SalesforceKind.NOT_FOUND,
    413: Kind.LEAD_TOO_LARGE,
    415: SalesforceKind.REQUEST_REJECTED,
    420: SalesforceKind.NO_ROUTE,
    429: Kind.THROTTLED,
}
"""What a status means when no code is known; the rest goes by its class."""

SIGN_IN: Final[dict[str, AnyKind]] = {
    "invalid_client_id": SalesforceKind.APP_REJECTED,
    "invalid_client": SalesforceKind.APP_REJECTED,
    "invalid_client_credentials": SalesforceKind.APP_REJECTED,
    "invalid_grant": SalesforceKind.APP_NOT_ALLOWED,
    "unsupported_grant_type": SalesforceKind.APP_NOT_ALLOWED,
    "unauthorized_client": SalesforceKind.APP_NOT_ALLOWED,
    "inactive_user": SalesforceKind.INACTIVE,
    "inactive_org": SalesforceKind.INACTIVE,
    "rate_limit_exceeded": Kind.THROTTLED,
}
"""What the token endpoint's ``error`` means."""

_CONCURRENT: Final = "ConcurrentPerOrgLongTxn"
_USAGE: Final = re.compile(r"api-usage=(\d{1,10})/(\d{1,10})")


class RemoteError(NamedTuple):
    """One error of an answer, or of one record in it; nothing is masked yet."""

    code: str | None
    message: str
    fields: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Its words, with the fields it is about."""
        return f"{self.message} [{', '.join(self.fields)}]" if self.fields else self.message


def read_errors(content: Any) -> tuple[RemoteError, ...]:
    """The errors in a JSON array of them, those first whose codes are known. Empty when it is something else."""
    if not isinstance(content, list):
        return ()
    found = [_read(each) for each in content if isinstance(each, dict)]
    return tuple(sorted(found, key=lambda error: error.code not in CODES))


def _read(error: Mapping[str, Any]) -> RemoteError:
    code = error.get("errorCode", error.get("statusCode"))
    message, fields = error.get("message"), error.get("fields")
    names = tuple(str(name) for name in fields[:20]) if isinstance(fields, list) else ()
    return RemoteError(
        code if isinstance(code, str) else None, message[:2_000] if isinstance(message, str) else "", names
    )


def perhaps_there(errors: Sequence[RemoteError]) -> RemoteError | None:
    """The error among ``errors`` for which the lead may be there already, if there is one."""
    return next((error for error in errors if error.code in PERHAPS_THERE), None)


def read_salesforce_error(answered: Answered, content: Any) -> RemoteMessage:
    """What an answer as a whole says: the first error that is known, else the usual fields."""
    errors = read_errors(content)
    return RemoteMessage(errors[0].code, errors[0].text) if errors else rest.read_words(answered, content)


def diagnose_record(errors: Sequence[RemoteError], private: Private) -> Diagnosis:
    """Why one record of an answer was not written."""
    error = errors[0] if errors else RemoteError(None, "")
    kind = CODES.get(error.code or "", Kind.LEAD_REFUSED)
    return _diagnose(kind, error.text, _evidence(None, error, private))


def diagnose_answer(reply: Reply, evidence: Evidence, now: float) -> Diagnosis:
    """Why a request failed as a whole."""
    kind = CODES.get(reply.code or "") or STATUSES.get(reply.status) or kind_of_status(reply.status)
    wait = retry_after(reply.answered.headers, now)
    if kind is Kind.SERVER_ERROR and reply.status == 503 and wait is not None:
        kind = Kind.THROTTLED
    return _diagnose(kind, reply.error.text, evidence, wait, reply.answered.headers.get("Sforce-Limit-Info", ""))


def _evidence(status: int | None, error: RemoteError, private: Private) -> Evidence:
    known = error.code in CODES or error.code in SIGN_IN
    return Evidence(status, error.code if known else private.shown(error.code), text=private.mask(error.text) or None)


def _diagnose(kind: AnyKind, words: str, evidence: Evidence, wait: float | None = None, usage: str = "") -> Diagnosis:
    outcome = Outcome.AMBIGUOUS if kind is Kind.ANSWER_NOT_UNDERSTOOD else None
    if kind is SalesforceKind.API_LIMIT:
        if _is_concurrency(words, usage):
            return diagnose(SalesforceKind.CONCURRENCY_LIMIT, evidence, retry_after=wait or CONCURRENCY_SECONDS)
        return diagnose(kind, evidence, retry_after=wait or DAY_USED_UP_SECONDS)
    return diagnose(kind, evidence, outcome=outcome, retry_after=wait if kind is Kind.THROTTLED else None)


def _is_concurrency(words: str, usage: str) -> bool:
    """Both limits have one code; the limit's own name stands first in the words, the day's usage in a header."""
    if words.startswith(_CONCURRENT):
        return True
    used = _USAGE.search(usage)
    return used is not None and int(used[1]) < int(used[2]) and not words.startswith("TotalRequests")


def diagnose_salesforce_sign_in(answered: Answered, private: Private, now: float) -> Diagnosis:
    """Why the token endpoint gave no token. Nothing of a lead was sent."""
    content = read_json(answered)
    code = content.get("error") if isinstance(content, dict) else None
    words = content.get("error_description") if isinstance(content, dict) else None
    error = RemoteError(
        code if isinstance(code, str) else None,
        words if isinstance(words, str) else read_error(answered.headers.get("content-type", ""), answered.body).text,
    )
    wait = retry_after(answered.headers, now)
    kind = SIGN_IN.get(error.code or "") or _sign_in_by_status(answered.status, wait)
    return _diagnose(kind, error.text, _evidence(answered.status, error, private), wait)


def _sign_in_by_status(status: int, wait: float | None) -> AnyKind:
    if status == 429 or (status == 503 and wait is not None):
        return Kind.THROTTLED
    if status in (400, 401, 403, 415, 422):
        return SalesforceKind.APP_REJECTED
    if status == 404:
        return SalesforceKind.DOMAIN_NOT_FOUND
    if status == 420:
        return SalesforceKind.NO_ROUTE
    return kind_of_status(status) if status >= 300 else Kind.ANSWER_NOT_UNDERSTOOD
