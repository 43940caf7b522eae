"""Dynamics 365 and Entra ID: ``docs/reference/vendors/dynamics.md`` and ``docs/reference/vendors/entra.md``."""

from __future__ import annotations

from typing import Final

from leadkeeper.destinations.dynamics.diagnoses import DynamicsKind
from leadkeeper.destinations.dynamics.provider import DYNAMICS
from leadkeeper.destinations.dynamics.sign_in_diagnoses import DynamicsSignInKind
from leadkeeper.diagnosis import AnyKind, Kind, Outcome
from leadkeeper.network.entra.diagnoses import EntraKind
from leadkeeper.sandbox.entra.directory import APPLICATION, PASSWORD, PUBLIC_APPLICATION, SECRET, TENANT, USER
from leadkeeper.sandbox.mishaps import Match
from tests.contracts.cases.case import (
    ADMIN,
    AMBIGUOUS,
    BROKEN,
    DELIVERED,
    FAILED,
    NOBODY,
    OPERATOR,
    PUBLISHER,
    REFUSED,
    THROTTLED,
    Expected,
    Line,
    State,
)

URL: Final = "https://contoso.crm4.dynamics.com"
APPLICATION_SETTINGS: Final = {
    "instanceUrl": URL,
    "authentication": "azureAD",
    "applicationId": APPLICATION,
    "applicationKey": SECRET,
    "directoryId": TENANT,
}
USER_SETTINGS: Final = {
    "instanceUrl": URL,
    "authentication": "office365",
    "username": USER,
    "password": PASSWORD,
    "publicClientId": PUBLIC_APPLICATION,
}
_OTHER_ID: Final = "0a0a0a0a-1111-4222-8333-444444444444"

STATES: Final = (
    State("notMember", "403 0x80072560", BROKEN, DynamicsKind.USER_NOT_MEMBER, ADMIN),
    State("noRoles", "403 0x80042f09", BROKEN, DynamicsKind.NO_SECURITY_ROLE, ADMIN),
    State("noRoles401", "401 0x80042f09", BROKEN, DynamicsKind.NO_SECURITY_ROLE, ADMIN),
    State("noLicence", "an application needs none", DELIVERED),
    State("userDisabled", "403 0x80040225", BROKEN, DynamicsKind.USER_DISABLED, ADMIN),
    State("adminOnly", "403 0x8004A113", BROKEN, DynamicsKind.ENVIRONMENT_ADMIN_ONLY, ADMIN),
    State("tenantForbidden", "403 0x80044507", BROKEN, DynamicsSignInKind.RESOURCE_NOT_IN_TENANT, PUBLISHER),
    State("privilegeMissing", "403 0x80040220", BROKEN, DynamicsKind.CREATE_PRIVILEGE_MISSING, ADMIN),
    State("accessDenied", "403 0x80048306", BROKEN, DynamicsKind.CREATE_PRIVILEGE_MISSING, ADMIN, check=False),
    State("createOnly", "403 0x80040220 to the upsert, then POST", DELIVERED),
    State("createOnlyUpsert", "204", DELIVERED),
    State("metadataForbidden", "403 0x80040220 to metadata", DELIVERED),
    State("fieldForbidden", "403 0x8004F502", BROKEN, DynamicsKind.FIELD_PERMISSION_MISSING, ADMIN, check=False),
    State("plugInAborts", "400 0x80040265", REFUSED, DynamicsKind.ORG_RULE_REFUSED, ADMIN, check=False),
    State("duplicateFound", "412 0x80040333", REFUSED, DynamicsKind.DUPLICATE_REFUSED, PUBLISHER, check=False),
    State("duplicateFound500", "500 0x80040333", REFUSED, DynamicsKind.DUPLICATE_REFUSED, PUBLISHER, check=False),
    State("upsertCodeEmpty", "412 without a code", DELIVERED),
    State("throttledRequests", "429 0x80072322", THROTTLED, Kind.THROTTLED, NOBODY),
    State("throttledTime", "429 0x80072321", THROTTLED, Kind.THROTTLED, NOBODY),
    State("throttledConcurrent", "429 0x80072326", THROTTLED, Kind.THROTTLED, NOBODY),
    State("serviceBusy", "503 0x8005F103", THROTTLED, Kind.THROTTLED, NOBODY),
    State("serviceThrottled", "429 0x80060308", THROTTLED, Kind.THROTTLED, NOBODY),
    State("unexpectedError", "500 0x80040216", FAILED, Kind.SERVER_ERROR, NOBODY, check=False),
    State("sqlTimeout", "500 0x80044151", FAILED, Kind.SERVER_ERROR, NOBODY, check=False),
    State("gateway", "503 HTML", FAILED, Kind.SERVER_ERROR, NOBODY),
    State("signInPage", "200 HTML", AMBIGUOUS, Kind.ANSWER_NOT_UNDERSTOOD, ADMIN),
    State("noAnswer", "no answer", AMBIGUOUS, Kind.NO_ANSWER, NOBODY, check=DynamicsKind.NO_ANSWER),
    State(
        "an address that is no environment",
        "AADSTS500011",
        BROKEN,
        DynamicsSignInKind.RESOURCE_NOT_IN_TENANT,
        PUBLISHER,
        settings={"instanceUrl": "https://nobody.crm4.dynamics.com"},
    ),
    State(
        "a column that is not there",
        "400 0x80060888",
        BROKEN,
        DynamicsKind.FIELD_NOT_KNOWN,
        PUBLISHER,
        settings={"fields": {"new_colour": "{campaign}"}},
    ),
    State(
        "an option that is not there",
        "400 0x8004431A",
        BROKEN,
        DynamicsKind.PICKLIST_VALUE,
        PUBLISHER,
        settings={"leadSourceCode": 100_000_042},
    ),
)


def _entra(name: str, code: str, kind: AnyKind, who: object = PUBLISHER) -> State:
    waits: dict[AnyKind, Outcome] = {Kind.SERVER_ERROR: FAILED, Kind.THROTTLED: THROTTLED}
    outcome = waits.get(kind, BROKEN)
    return State(name, code, outcome, kind, who, stand_in="entra")  # type: ignore[arg-type]


ENTRA: Final = (
    _entra("tenantMissing", "AADSTS90002", EntraKind.TENANT_NOT_FOUND),
    _entra("tenantInvalid", "AADSTS90002", EntraKind.TENANT_NOT_FOUND),
    _entra("tenantMalformed", "AADSTS900023", EntraKind.TENANT_INVALID),
    _entra("applicationUnknown", "AADSTS700016", EntraKind.APPLICATION_NOT_FOUND),
    _entra("secretWrong", "AADSTS7000215", EntraKind.CLIENT_SECRET_WRONG),
    _entra("secretExpired", "AADSTS7000222", EntraKind.CLIENT_SECRET_EXPIRED),
    _entra("conditionalAccess", "AADSTS53003", EntraKind.CONDITIONAL_ACCESS, ADMIN),
    _entra("resourceUnknown", "AADSTS500011", DynamicsSignInKind.RESOURCE_NOT_IN_TENANT),
    _entra("unavailable", "AADSTS90033", Kind.SERVER_ERROR, NOBODY),
    _entra("throttled", "429", Kind.THROTTLED, NOBODY),
    _entra("requestLoop", "AADSTS50196", Kind.THROTTLED, NOBODY),
    _entra("code90014", "AADSTS90014", DynamicsSignInKind.TOKEN_REQUEST_INVALID, OPERATOR),
    _entra("code50059", "AADSTS50059", EntraKind.TENANT_INVALID),
    _entra("code50128", "AADSTS50128", EntraKind.TENANT_INVALID),
    _entra("code700030", "AADSTS700030", EntraKind.CLIENT_SECRET_WRONG),
    _entra("code7000112", "AADSTS7000112", EntraKind.APPLICATION_DISABLED, ADMIN),
    _entra("code7000229", "AADSTS7000229", EntraKind.APPLICATION_NOT_FOUND),
    _entra("code50033", "AADSTS50033", Kind.SERVER_ERROR, NOBODY),
    _entra("code50087", "AADSTS50087", Kind.SERVER_ERROR, NOBODY),
)
PASSWORDS: Final = (
    _entra("passwordWrong", "AADSTS50126", EntraKind.SIGN_IN_REJECTED),
    _entra("userUnknown", "AADSTS50034", EntraKind.SIGN_IN_REJECTED),
    _entra("passwordExpired", "AADSTS50055", EntraKind.PASSWORD_EXPIRED),
    _entra("userLocked", "AADSTS50053", EntraKind.ACCOUNT_LOCKED, ADMIN),
    _entra("userDisabled", "AADSTS50057", EntraKind.SIGN_IN_BLOCKED, ADMIN),
    _entra("mfaNeeded", "AADSTS50076", EntraKind.MULTI_FACTOR_REQUIRED),
    _entra("mfaInteraction", "AADSTS50076", EntraKind.MULTI_FACTOR_REQUIRED),
    _entra("consentMissing", "AADSTS65001", DynamicsSignInKind.CONSENT_MISSING, ADMIN),
    _entra("publicClientOff", "AADSTS7000218", EntraKind.PUBLIC_CLIENT_REFUSED, ADMIN),
    _entra("code50072", "AADSTS50072", EntraKind.MULTI_FACTOR_REQUIRED),
    _entra("code50074", "AADSTS50074", EntraKind.MULTI_FACTOR_REQUIRED),
    _entra("code50079", "AADSTS50079", EntraKind.MULTI_FACTOR_REQUIRED),
    _entra("code53000", "AADSTS53000", EntraKind.CONDITIONAL_ACCESS, ADMIN),
    _entra("code50158", "AADSTS50158", EntraKind.CONDITIONAL_ACCESS, ADMIN),
    _entra("code50056", "AADSTS50056", EntraKind.SIGN_IN_REJECTED),
    _entra("code50105", "AADSTS50105", EntraKind.APPLICATION_NOT_ASSIGNED, ADMIN),
)

DIFFERS: Final = {
    "hang after the headers": Expected(AMBIGUOUS, Kind.ANSWER_NOT_UNDERSTOOD, ADMIN),
    "reset within the body": Expected(AMBIGUOUS, Kind.ANSWER_NOT_UNDERSTOOD, ADMIN),
    "HTML": Expected(AMBIGUOUS, Kind.ANSWER_NOT_UNDERSTOOD, ADMIN),
    "wrong content type": Expected(DELIVERED),
    "giant answer": Expected(AMBIGUOUS, Kind.ANSWER_NOT_UNDERSTOOD, ADMIN),
    "commit, then drop the answer": Expected(DELIVERED),
    "401 once": Expected(DELIVERED),
    "401": Expected(BROKEN, DynamicsKind.TOKEN_REJECTED, PUBLISHER),
    "403": Expected(BROKEN, Kind.PERMISSION_MISSING, ADMIN),
    "404": Expected(BROKEN, DynamicsKind.ADDRESS_WRONG, PUBLISHER),
    "410": Expected(BROKEN, DynamicsKind.ADDRESS_WRONG, PUBLISHER),
}

_CARRIES: Final = Match("*.dynamics.com", "PATCH", "*leads(*")

LINES: Final = (
    Line(
        name="dynamics, azureAD",
        destination=DYNAMICS,
        settings=APPLICATION_SETTINGS,
        stand_in="dynamics",
        carries=_CARRIES,
        states=(
            *STATES,
            *ENTRA,
            State(
                "a tenant that is not there",
                "AADSTS90002",
                BROKEN,
                EntraKind.TENANT_NOT_FOUND,
                PUBLISHER,
                settings={"directoryId": _OTHER_ID},
            ),
            State(
                "an application that is not there",
                "AADSTS700016",
                BROKEN,
                EntraKind.APPLICATION_NOT_FOUND,
                PUBLISHER,
                settings={"applicationId": _OTHER_ID},
            ),
            State(
                "another secret",
                "AADSTS7000215",
                BROKEN,
                EntraKind.CLIENT_SECRET_WRONG,
                PUBLISHER,
                settings={"applicationKey": "not~the.secret_of-anything"},
            ),
        ),
        differs=DIFFERS,
        secrets=(SECRET, "not~the.secret_of-anything"),
    ),
    Line(
        name="dynamics, office365",
        destination=DYNAMICS,
        settings=USER_SETTINGS,
        stand_in="dynamics",
        carries=_CARRIES,
        states=(
            State("noLicence", "403 0x8004D24B", BROKEN, DynamicsKind.LICENCE_MISSING, ADMIN),
            *PASSWORDS,
            State(
                "another password",
                "AADSTS50126",
                BROKEN,
                EntraKind.SIGN_IN_REJECTED,
                PUBLISHER,
                settings={"password": "wrong horse battery staple"},
            ),
        ),
        differs=DIFFERS,
        secrets=(PASSWORD, USER, "wrong horse battery staple"),
    ),
)
