"""What the refusals of Microsoft Entra ID mean: by their ``AADSTS`` numbers, else by ``error``, never by their words.

Source: ``docs/reference/vendors/entra.md#refusals``, and Microsoft's list of error codes that it names, gone through
for every number that an application's or a user's sign-in can meet. What only a browser, a device, SAML, a code or a
refresh token can meet is left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum, auto
from typing import Any, Final

from leadkeeper.catalogue import CATALOGUE, diagnose
from leadkeeper.diagnosis import AnyKind, Diagnosis, Evidence, Kind, Outcome
from leadkeeper.network.answer import Private, read_error, retry_after
from leadkeeper.network.client import Answered
from leadkeeper.network.entra.diagnoses import EntraKind
from leadkeeper.network.entra.system import Cause, SystemCause, SystemKinds
from leadkeeper.network.rest import read_json
from leadkeeper.texts import lazy_gettext

WHERE: Final = lazy_gettext("While asking Microsoft Entra ID for a token.")


class SignInWay(Enum):
    """How somebody signs in: an application with its secret, or a user, under an application of the publisher's
    choice or under that of Microsoft's own tools."""

    APPLICATION = auto()
    USER = auto()
    USER_OF_MICROSOFTS = auto()


_MEANINGS: Final[dict[Cause, str]] = {
    EntraKind.TENANT_NOT_FOUND: "90002",
    EntraKind.TENANT_INVALID: "900023 50059 50128 90019 50049 50029",
    SystemCause.IN_ANOTHER_CLOUD: "90038 90051 900382 900432 1000104",
    EntraKind.TENANT_RESTRICTED: "50002 500021 500022 500212 500213",
    EntraKind.APPLICATION_NOT_FOUND: "700016 700011 7000229",
    EntraKind.APPLICATION_DISABLED: "7000112 70001 1000031",
    EntraKind.APPLICATION_NOT_ASSIGNED: "50105",
    EntraKind.APPLICATION_SINGLE_TENANT: "50194",
    EntraKind.APPLICATION_PUBLIC: "700025",
    EntraKind.CLIENT_SECRET_WRONG: "7000215 70002 700030",
    EntraKind.CLIENT_SECRET_EXPIRED: "7000222",
    EntraKind.PUBLIC_CLIENT_REFUSED: "7000218",
    EntraKind.SIGN_IN_REJECTED: "50126 50034 50056 50064 50014 50020 51004 50197 90013 90101",
    EntraKind.SIGN_IN_BLOCKED: "50057",
    EntraKind.PASSWORD_EXPIRED: "50055 50135",
    EntraKind.DIRECTORY_PASSWORD_EXPIRED: "50144",
    EntraKind.ACCOUNT_LOCKED: "50053",
    EntraKind.USER_AT_RISK: "53011 530034",
    EntraKind.MULTI_FACTOR_REQUIRED: "50072 50074 50076 50078 50079 50125 53004 53010 700020 16000",
    EntraKind.SECURITY_DEFAULTS: "530035",
    EntraKind.CONDITIONAL_ACCESS: """
        53000 53001 53002 53003 530032 50005 50097 50129 50131 50155 50158 50187""",
    SystemCause.CONSENT_MISSING: "65001 65004 650056 650057 90094 90095 90099 9002341",
    SystemCause.NOT_IN_TENANT: "500011 50001 65005 650052 650054",
    SystemCause.REQUEST_INVALID: """
        70003 70011 28002 28003 1002012 900144 90014 90023 9002313 90100 901002 9001023 90124 90130""",
    EntraKind.DIRECTORY_NOT_REACHED: "80001 80002 80005 80007 80010 80013 80014",
    EntraKind.LOGON_HOURS: "80012",
    Kind.THROTTLED: "50196 90055",
    Kind.SERVER_ERROR: "50033 90033 50087 90006 90012 90024 90090 90091 70012 50000 90036",
}
SYSTEM: Final = "Microsoft Entra ID"

CODES: Final[Mapping[int, Cause]] = {int(code): kind for kind, codes in _MEANINGS.items() for code in codes.split()}
"""What each ``AADSTS`` number means. Those of passing troubles mean it whatever status they come with."""

ERRORS: Final[Mapping[str, Cause]] = {
    "temporarily_unavailable": Kind.SERVER_ERROR,
    "server_error": Kind.SERVER_ERROR,
    "invalid_tenant": EntraKind.TENANT_NOT_FOUND,
    "unauthorized_client": EntraKind.APPLICATION_NOT_FOUND,
    "invalid_client": EntraKind.CLIENT_SECRET_WRONG,
    "invalid_grant": EntraKind.SIGN_IN_REJECTED,
    "access_denied": EntraKind.SIGN_IN_REJECTED,
    "interaction_required": EntraKind.MULTI_FACTOR_REQUIRED,
    "consent_required": SystemCause.CONSENT_MISSING,
    "invalid_resource": SystemCause.NOT_IN_TENANT,
    "invalid_scope": SystemCause.REQUEST_INVALID,
    "invalid_request": SystemCause.REQUEST_INVALID,
    "unsupported_grant_type": SystemCause.REQUEST_INVALID,
}
"""What an OAuth error means when its numbers are not known."""

_SUBERRORS: Final[Mapping[str, Cause]] = {
    "user_password_expired": EntraKind.PASSWORD_EXPIRED,
    "consent_required": SystemCause.CONSENT_MISSING,
    "basic_action": EntraKind.MULTI_FACTOR_REQUIRED,
}

_FOR_A_USER: Final[Mapping[Cause, Cause]] = {
    # The directory follows from the user name.
    EntraKind.TENANT_INVALID: EntraKind.SIGN_IN_REJECTED,
    EntraKind.TENANT_NOT_FOUND: EntraKind.SIGN_IN_REJECTED,
    EntraKind.APPLICATION_NOT_FOUND: EntraKind.PUBLIC_CLIENT_NOT_FOUND,
    # None was sent, so one is demanded.
    EntraKind.CLIENT_SECRET_WRONG: EntraKind.PUBLIC_CLIENT_REFUSED,
    EntraKind.CLIENT_SECRET_EXPIRED: EntraKind.PUBLIC_CLIENT_REFUSED,
}
"""What a kind is for a user, who has neither a directory nor a secret among the settings."""

_FOR_MICROSOFTS: Final[Mapping[Cause, Cause]] = dict.fromkeys(
    (
        EntraKind.PUBLIC_CLIENT_NOT_FOUND,
        EntraKind.PUBLIC_CLIENT_REFUSED,
        EntraKind.APPLICATION_DISABLED,
        EntraKind.APPLICATION_SINGLE_TENANT,
        SystemCause.CONSENT_MISSING,
    ),
    SystemCause.PUBLIC_CLIENT_MISSING,
)
"""The same under the application of Microsoft's own tools: the publisher cannot change that, only name another."""


def numbers_of(system: SystemKinds) -> Mapping[int, AnyKind]:
    """What each ``AADSTS`` number means to who signs in to ``system``."""
    return {code: system.of(cause) for code, cause in CODES.items()}


def errors_of(system: SystemKinds) -> Mapping[str, AnyKind]:
    """What an OAuth error means to who signs in to ``system``, when its numbers are not known."""
    return {error: system.of(cause) for error, cause in ERRORS.items()}


_IN_WORDS: Final = re.compile(r"AADSTS([0-9]{5,8})(?![0-9])")


def diagnose_refusal(
    answered: Answered, way: SignInWay, system: SystemKinds, private: Private, now: float
) -> Diagnosis:
    """Why there is no token, told by the settings that this way of signing in has, and by the kinds of ``system``.

    Shows nothing ``private``.
    """
    content = read_json(answered)
    summary: Mapping[str, Any] = content if isinstance(content, dict) else {}
    code, by_code = _read_codes(summary)
    wait = retry_after(answered.headers, now)
    kind = system.of(_for(way, _cause(answered.status, summary, by_code, wait)))
    error = summary.get("error")
    evidence = Evidence(
        status=answered.status,
        code=f"AADSTS{code}" if code is not None else private.shown(error if isinstance(error, str) else None),
        request_id=private.shown(answered.headers.get("x-ms-request-id") or _text(summary, "trace_id")),
        text=private.mask(_description(summary) or read_error(_type(answered), answered.body).text) or WHERE,
    )
    return diagnose(kind, evidence, retry_after=wait if _passes(kind) else None)


def _for(way: SignInWay, cause: Cause) -> Cause:
    if way is SignInWay.APPLICATION:
        return cause
    cause = _FOR_A_USER.get(cause, cause)
    return _FOR_MICROSOFTS.get(cause, cause) if way is SignInWay.USER_OF_MICROSOFTS else cause


def _cause(status: int, summary: Mapping[str, Any], by_code: Cause | None, wait: float | None) -> Cause:
    error = _text(summary, "error") or ""
    by_error = ERRORS.get(error)
    if status == 429:
        return Kind.THROTTLED
    if by_code is not None and _passes(by_code) and by_code is not Kind.SERVER_ERROR:
        return by_code
    if status >= 500 or by_error is Kind.SERVER_ERROR or by_code is Kind.SERVER_ERROR:
        return Kind.THROTTLED if wait is not None else Kind.SERVER_ERROR
    if by_code is None and not error:
        return Kind.ANSWER_NOT_UNDERSTOOD
    return by_code or _SUBERRORS.get(_text(summary, "suberror") or "") or by_error or EntraKind.SIGN_IN_REJECTED


def _passes(cause: Cause) -> bool:
    return isinstance(cause, AnyKind) and CATALOGUE[cause].outcome in (Outcome.FAILED, Outcome.THROTTLED)


def _read_codes(summary: Mapping[str, Any]) -> tuple[int | None, Cause | None]:
    """The first number that is known, or simply the first, and what it means; they are in the words as well."""
    codes = summary.get("error_codes")
    numbers = [code for code in codes if isinstance(code, int)] if isinstance(codes, list) else []
    numbers += [int(found) for found in _IN_WORDS.findall(_text(summary, "error_description") or "")[:5]]
    known = next((number for number in numbers if number in CODES), None)
    number = known if known is not None else next(iter(numbers), None)
    return number, None if known is None else CODES[known]


def _description(summary: Mapping[str, Any]) -> str:
    """The service's words without the ids and the time that follow them."""
    text = _text(summary, "error_description") or ""
    return re.split(r"\s*Trace ID:", text, maxsplit=1)[0]


def _text(summary: Mapping[str, Any], name: str) -> str | None:
    value = summary.get(name)
    return value if isinstance(value, str) else None


def _type(answered: Answered) -> str:
    return answered.headers.get("content-type", "")
