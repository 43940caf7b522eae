"""The errors of the Entra token endpoint, each with the status, the OAuth error and the text of recorded answers."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal

from leadkeeper.sandbox.entra import codes as entra_codes
from leadkeeper.sandbox.stand_in import Answer

Grant = Literal["client_credentials", "password"]

DATAVERSE: Final = "00000007-0000-0000-c000-000000000000"
_CHANGED: Final = "Due to a configuration change made by your administrator, or because you moved to a new location,"
HEADERS: Final = {
    "Cache-Control": "no-store, no-cache",
    "Pragma": "no-cache",
    "Expires": "-1",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "P3P": 'CP="DSP CUR OTPi IND OTRi ONL FIN"',
}


@dataclass(frozen=True, slots=True)
class EntraError:
    """One error. ``text`` may name ``{tenant}``, ``{app}``, ``{resource}``, ``{value}`` (what was wrong)."""

    code: int | None
    status: int
    error: str
    text: str
    suberror: str | None = None

    def answer(self, now: datetime, correlation_id: str | None, headers: Mapping[str, str], **names: str) -> Answer:
        """The error as it is sent; ``names`` fill the text."""
        trace, correlation = str(uuid.uuid4()), correlation_id or str(uuid.uuid4())
        stamp = f"{now:%Y-%m-%d %H:%M:%S}Z"
        prefix = "" if self.code is None else f"AADSTS{self.code}: "
        text = self.text.format_map(_Blank(names))
        body: dict[str, object] = {
            "error": self.error,
            "error_description": f"{prefix}{text} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {stamp}",
            "error_codes": [] if self.code is None else [self.code],
            "timestamp": stamp,
            "trace_id": trace,
            "correlation_id": correlation,
        }
        if self.code is not None:
            body["error_uri"] = f"https://login.microsoftonline.com/error?code={self.code}"
        if self.suberror is not None:
            body["suberror"] = self.suberror
        always = HEADERS | {"x-ms-request-id": trace, "client-request-id": correlation}
        return Answer.json(self.status, body, always | dict(headers))


class _Blank(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return ""


ERRORS: Final[Mapping[int, EntraError]] = {
    each.code: each
    for each in (
        EntraError(
            90002,
            400,
            "invalid_request",
            "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the "
            "correct cloud. Check with your subscription administrator, this may happen if there are no active "
            "subscriptions for the tenant.",
        ),
        EntraError(
            900023,
            400,
            "invalid_request",
            "Specified tenant identifier '{tenant}' is neither a valid DNS name, nor a valid external domain.",
        ),
        EntraError(
            700016,
            400,
            "unauthorized_client",
            "Application with identifier '{app}' was not found in the directory '{tenant}'. This can happen if the "
            "application has not been installed by the administrator of the tenant or consented to by any user in the "
            "tenant. You may have sent your authentication request to the wrong tenant.",
        ),
        EntraError(
            7000215,
            401,
            "invalid_client",
            "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, "
            "not the client secret ID, for a secret added to app '{app}'.",
        ),
        EntraError(
            7000222,
            401,
            "invalid_client",
            "The provided client secret keys for app '{app}' are expired. Visit the Azure portal to create new keys "
            "for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added "
            "security: https://aka.ms/certCreds.",
        ),
        EntraError(
            7000218,
            401,
            "invalid_client",
            "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
        ),
        EntraError(
            50126,
            400,
            "invalid_grant",
            "Error validating credentials due to invalid username or password.",
        ),
        EntraError(
            50034,
            400,
            "invalid_grant",
            "The user account {value} does not exist in the {tenant} directory. To sign into this application, the "
            "account must be added to the directory.",
        ),
        EntraError(
            50053,
            400,
            "invalid_grant",
            "The account is locked, you've tried to sign in too many times with an incorrect user ID or password.",
        ),
        EntraError(50055, 400, "invalid_grant", "The password is expired.", "user_password_expired"),
        EntraError(50057, 400, "invalid_grant", "The user account is disabled."),
        EntraError(
            50076,
            400,
            "invalid_grant",
            f"{_CHANGED} you must use multi-factor authentication to access '{DATAVERSE}'.",
            "basic_action",
        ),
        EntraError(
            53003,
            400,
            "invalid_grant",
            "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.",
        ),
        EntraError(
            65001,
            400,
            "invalid_grant",
            "The user or administrator has not consented to use the application with ID '{app}'. Send an interactive "
            "authorization request for this user and resource.",
            "consent_required",
        ),
        EntraError(
            500011,
            400,
            "invalid_resource",
            "The resource principal named {resource} was not found in the tenant named {tenant}. This can happen if "
            "the application has not been installed by the administrator of the tenant or consented to by any user in "
            "the tenant. You might have sent your authentication request to the wrong tenant.",
        ),
        EntraError(
            70011,
            400,
            "invalid_scope",
            "The provided request must include a 'scope' input parameter. The provided value for the input parameter "
            "'scope' is not valid. The scope {value} is not valid.",
        ),
        EntraError(
            1002012,
            400,
            "invalid_scope",
            "The provided value for scope {value} is not valid. Client credential flows must have a scope value with "
            "/.default suffixed to the resource identifier (application ID URI).",
        ),
        EntraError(900144, 400, "invalid_request", "The request body must contain the following parameter: '{value}'."),
        EntraError(901002, 400, "invalid_request", "The 'resource' request parameter isn't supported."),
        EntraError(70003, 400, "unsupported_grant_type", "The app requested an unsupported grant type '{value}'."),
        EntraError(
            9001023,
            400,
            "invalid_grant",
            "The grant type is not supported over the /common or /consumers endpoints. Please use the /organizations "
            "or tenant-specific endpoint.",
        ),
        EntraError(
            50059,
            400,
            "invalid_request",
            "No tenant-identifying information found in either the request or implied by any provided credentials.",
        ),
        EntraError(
            900561, 400, "invalid_request", "The endpoint only accepts POST requests. Received a {value} request."
        ),
        EntraError(
            50196,
            400,
            "invalid_grant",
            "The server terminated an operation because it encountered a client request loop. Please contact your app "
            "vendor.",
        ),
        EntraError(
            50072,
            400,
            "invalid_grant",
            f"{_CHANGED} you must enroll in multi-factor authentication to access '{DATAVERSE}'.",
            "basic_action",
        ),
        EntraError(50074, 400, "invalid_grant", "Strong Authentication is required.", "basic_action"),
        EntraError(
            50079,
            400,
            "invalid_grant",
            f"{_CHANGED} you must enroll in multi-factor authentication to access '{DATAVERSE}'.",
            "basic_action",
        ),
        EntraError(53000, 400, "invalid_grant", "Device is not in required device state: compliant."),
        EntraError(50158, 400, "invalid_grant", "External security challenge not satisfied."),
        EntraError(50056, 400, "invalid_grant", "Invalid or null password: password does not exist in the directory."),
        EntraError(90014, 400, "invalid_request", "The required field '{value}' is missing from the credential."),
        EntraError(50105, 400, "invalid_grant", "The signed in user is not assigned to a role for the application."),
        EntraError(50128, 400, "invalid_request", "Invalid domain name - No tenant-identifying information found."),
        EntraError(9002313, 400, "invalid_grant", "Invalid request. Request is malformed or invalid."),
        EntraError(700030, 400, "invalid_client", "Invalid certificate - subject name is not authorized."),
        EntraError(7000112, 400, "unauthorized_client", "Application '{app}' is disabled."),
        EntraError(
            7000229,
            400,
            "unauthorized_client",
            "The client application '{app}' is missing service principal in the tenant '{tenant}'.",
        ),
        EntraError(50033, 503, "temporarily_unavailable", "A transient error has occurred. Please try again."),
        EntraError(50087, 500, "temporarily_unavailable", "A transient error has occurred. Please try again."),
        EntraError(90033, 503, "temporarily_unavailable", "A transient error has occurred. Please try again."),
        *(
            EntraError(code, {entra_codes.CLIENT: 401, entra_codes.BUSY: 503}.get(error, 400), error, text)
            for code, (error, text) in (entra_codes.OF_ALL | entra_codes.OF_PEOPLE).items()
        ),
    )
    if each.code is not None
}
THROTTLED: Final = EntraError(None, 429, "temporarily_unavailable", "Too many requests.")


@dataclass(frozen=True, slots=True)
class State:
    """A state of the stand-in: what it says to every request of the ``grants``, with or without a client secret."""

    error: EntraError
    about: str
    grants: tuple[Grant, ...] = ("client_credentials", "password")
    with_secret: bool | None = None


_PASSWORD: Final[tuple[Grant, ...]] = ("password",)
_OF_USERS: Final = (50072, 50074, 50079, 53000, 50158, 50056, 50105, *entra_codes.OF_PEOPLE)
_OF_ALL: Final = (
    *(90014, 50059, 50128, 700030, 7000112, 7000229, 50033, 50087),
    *(70003, 70011, 1002012, 900144, 9002313, 901002, 9001023),
    *entra_codes.OF_ALL,
)
STATES: Final[Mapping[str, State]] = {
    "tenantMissing": State(ERRORS[90002], "no tenant is known (90002)"),
    "tenantInvalid": State(replace(ERRORS[90002], error="invalid_tenant"), "the same, as discovery says it"),
    "tenantMalformed": State(ERRORS[900023], "every tenant is said to be malformed (900023)"),
    "applicationUnknown": State(ERRORS[700016], "no application is known (700016)"),
    "secretWrong": State(ERRORS[7000215], "every client secret is wrong (7000215)", with_secret=True),
    "secretExpired": State(ERRORS[7000222], "every client secret has expired (7000222)", with_secret=True),
    "passwordWrong": State(ERRORS[50126], "every password is wrong (50126, password grant)", _PASSWORD),
    "userUnknown": State(ERRORS[50034], "no user is known (50034, password grant)", _PASSWORD),
    "passwordExpired": State(ERRORS[50055], "every password has expired (50055, password grant)", _PASSWORD),
    "userLocked": State(ERRORS[50053], "every user is locked (50053, password grant)", _PASSWORD),
    "userDisabled": State(ERRORS[50057], "every user is disabled (50057, password grant)", _PASSWORD),
    "mfaNeeded": State(ERRORS[50076], "every user needs a second factor (50076, password grant)", _PASSWORD),
    "mfaInteraction": State(replace(ERRORS[50076], error="interaction_required"), "the same, as in 2020", _PASSWORD),
    "conditionalAccess": State(ERRORS[53003], "a conditional access policy blocks all (53003)"),
    "consentMissing": State(ERRORS[65001], "nobody has consented (65001, password grant)", _PASSWORD),
    "resourceUnknown": State(ERRORS[500011], "no resource is known in any tenant (500011)"),
    "publicClientOff": State(
        ERRORS[7000218], "public client flows are off (7000218, password grant without a secret)", _PASSWORD, False
    ),
    "unavailable": State(ERRORS[90033], "temporarily unavailable (503)"),
    "throttled": State(THROTTLED, "too many requests (429 with Retry-After)"),
    "requestLoop": State(ERRORS[50196], "the same request came too often (50196)"),
    **{f"code{code}": State(ERRORS[code], f"AADSTS{code} (password grant)", _PASSWORD) for code in _OF_USERS},
    **{f"code{code}": State(ERRORS[code], f"AADSTS{code}") for code in _OF_ALL},
}
