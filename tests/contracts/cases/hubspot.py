"""HubSpot: the REST API with leads and without, and a form, by ``docs/reference/vendors/hubspot.md``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from leadkeeper.destinations.hubspot.diagnoses import HubSpotKind
from leadkeeper.destinations.hubspot.provider import HUBSPOT
from leadkeeper.diagnosis import AnyKind, Kind
from leadkeeper.sandbox.hubspot.account import Account, Form
from leadkeeper.sandbox.hubspot.states import FORM_STATES
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
    UNCONFIRMED,
    Expected,
    Line,
    State,
)

THERE: Final = Account()
REST_SETTINGS: Final = {"accessToken": THERE.token}
FORM_SETTINGS: Final = {"portalId": str(THERE.portal_id), "formGuid": Form().guid}
OTHER_TOKEN: Final = "pat-na1-00000000-0000-4000-8000-000000000000"

_DOWN: Final = (
    *("internalError", "badGateway", "unavailable", "gatewayTimeout", "serverDown", "connectionTimeout"),
    *("originUnreachable", "timeout", "handshakeFailed", "certificateInvalid"),
)
COMMON: Final = (
    State("tokenUnknown", "401 INVALID_AUTHENTICATION", BROKEN, HubSpotKind.TOKEN_REJECTED, PUBLISHER),
    State("tokenExpired", "401 EXPIRED_AUTHENTICATION", BROKEN, HubSpotKind.TOKEN_EXPIRED, PUBLISHER),
    State("creatorLeft", "403 USER_DOES_NOT_HAVE_PERMISSIONS", BROKEN, HubSpotKind.CREATOR_GONE, ADMIN),
    State("appBlocked", "403 BANNED", BROKEN, HubSpotKind.APP_BLOCKED, ADMIN),
    State("burstReached", "429 TEN_SECONDLY_ROLLING", THROTTLED, HubSpotKind.RATE_LIMIT, NOBODY),
    State("secondReached", "429 SECONDLY", THROTTLED, HubSpotKind.RATE_LIMIT, NOBODY),
    State("limitByCategory", "429 RATE_LIMITS", THROTTLED, HubSpotKind.RATE_LIMIT, NOBODY),
    State("dailyReached", "429 DAILY", THROTTLED, HubSpotKind.DAILY_LIMIT, PUBLISHER),
    State("locked", "423", THROTTLED, HubSpotKind.LOCKED, NOBODY),
    State("migrating", "477", THROTTLED, HubSpotKind.MOVING, NOBODY),
    State("uriTooLong", "414", BROKEN, HubSpotKind.REQUEST_REJECTED, OPERATOR),
    *(State(name, "5xx", FAILED, Kind.SERVER_ERROR, NOBODY) for name in _DOWN),
    State("readScopeMissing", "403 MISSING_SCOPES", BROKEN, HubSpotKind.SCOPE_MISSING, ADMIN),
    State("writeScopeMissing", "403 MISSING_SCOPES", BROKEN, HubSpotKind.SCOPE_MISSING, ADMIN),
    State("ruleViolated", "400 VALIDATION_ERROR", REFUSED, HubSpotKind.LEAD_REFUSED, PUBLISHER, check=False),
    State("emailRefused", "400 INVALID_EMAIL", REFUSED, HubSpotKind.EMAIL_UNUSABLE, PUBLISHER, check=False),
    State("propertyGone", "left out, since the settings do not name it", DELIVERED),
    State("propertyFixed", "left out, since the settings do not name it", DELIVERED),
    State("emailTaken", "409 CONFLICT, and nobody there", FAILED, HubSpotKind.RECORD_CHANGED, NOBODY, check=False),
    State("upsertEmpties", "nothing is upserted", DELIVERED),
    State("updateSkips", "201: the contact is new", DELIVERED),
    State("searchEmpty", "nothing is searched for", DELIVERED),
    State(
        "a property that is not there",
        "400 PROPERTY_DOESNT_EXIST",
        BROKEN,
        HubSpotKind.PROPERTY_UNUSABLE,
        PUBLISHER,
        settings={"fields": {"no_such_property": "{leadSource}"}},
    ),
    State(
        "a value that is no option",
        "400 INVALID_OPTION",
        REFUSED,
        HubSpotKind.VALUE_REFUSED,
        PUBLISHER,
        check=False,
        settings={"fields": {"hs_lead_status": "nothing of the kind"}},
    ),
    State(
        "another token",
        "401 INVALID_AUTHENTICATION",
        BROKEN,
        HubSpotKind.TOKEN_REJECTED,
        PUBLISHER,
        settings={"accessToken": OTHER_TOKEN},
    ),
)
WITH_LEADS: Final = (
    State("leadWriteScopeMissing", "403 MISSING_SCOPES", BROKEN, HubSpotKind.SCOPE_MISSING, ADMIN),
    State("leadRefused", "400 VALIDATION_ERROR", REFUSED, HubSpotKind.LEAD_REFUSED, PUBLISHER, check=False),
    State("leadsLocked", "423", THROTTLED, HubSpotKind.LOCKED, NOBODY),
    State(
        "leadsNotInEdition",
        "403 MISSING_SCOPES",
        BROKEN,
        HubSpotKind.SCOPE_MISSING,
        ADMIN,
        settings={"leads": "always"},
    ),
    State(
        "leadsUnknown",
        "400 VALIDATION_ERROR",
        BROKEN,
        HubSpotKind.LEADS_UNAVAILABLE,
        ADMIN,
        settings={"leads": "always"},
    ),
    State(
        "leads without a property for our id",
        "not unique",
        BROKEN,
        HubSpotKind.LEAD_PROPERTY_UNUSABLE,
        PUBLISHER,
        settings={"leadIdProperty": "marketplace_note"},
    ),
)
WITHOUT_LEADS: Final = (
    State("leadReadScopeMissing", "403 MISSING_SCOPES", DELIVERED, settings={"leads": "whereAvailable"}),
    State("leadsNotInEdition", "403 MISSING_SCOPES", DELIVERED, settings={"leads": "whereAvailable"}),
    State("leadsUnknown", "400 VALIDATION_ERROR", DELIVERED, settings={"leads": "whereAvailable"}),
    State("formsScopeMissing", "forms are not asked", DELIVERED),
)

_FORM_KINDS: Final[Mapping[str, AnyKind]] = {
    "INVALID_EMAIL": HubSpotKind.EMAIL_UNUSABLE,
    "BLOCKED_EMAIL": HubSpotKind.EMAIL_UNUSABLE,
    "REQUIRED_FIELD": HubSpotKind.FORM_DEMANDS,
    **dict.fromkeys(
        ("INVALID_NUMBER", "INPUT_TOO_LARGE", "NUMBER_OUT_OF_RANGE", "VALUE_NOT_IN_FIELD_DEFINITION"),
        HubSpotKind.VALUE_REFUSED,
    ),
}
_FORM_BROKEN: Final = {
    "FIELD_NOT_IN_FORM_DEFINITION": (HubSpotKind.FORM_FIELD_UNKNOWN, PUBLISHER),
    "FORM_HAS_RECAPTCHA_ENABLED": (HubSpotKind.FORM_PROTECTED, PUBLISHER),
    **dict.fromkeys(
        (
            *("INVALID_LEGAL_OPTION_FORMAT", "MISSING_PROCESSING_CONSENT", "MISSING_PROCESSING_CONSENT_TEXT"),
            *("MISSING_COMMUNICATION_CONSENT_TEXT", "MISSING_LEGITIMATE_INTEREST_TEXT"),
            "DUPLICATE_SUBSCRIPTION_TYPE_ID",
        ),
        (HubSpotKind.FORM_CONSENT, PUBLISHER),
    ),
    **dict.fromkeys(
        (
            *("MAX_NUMBER_OF_SUBMITTED_VALUES_EXCEEDED", "INVALID_METADATA", "INVALID_GOTOWEBINAR_WEBINAR_KEY"),
            *("INVALID_HUTK", "INVALID_IP_ADDRESS", "INVALID_PAGE_URI"),
        ),
        (HubSpotKind.REQUEST_REJECTED, OPERATOR),
    ),
}


def _form_state(name: str, error: str) -> State:
    if error in _FORM_KINDS:
        return State(name, error, REFUSED, _FORM_KINDS[error], PUBLISHER, check=False)
    return State(name, error, BROKEN, *_FORM_BROKEN[error], check=False)


FORMS: Final = (
    *(_form_state(name, error) for name, error in FORM_STATES.items()),
    State("formMissing", "404", BROKEN, HubSpotKind.FORM_NOT_FOUND, PUBLISHER, check=False),
    State("formLimit", "429", THROTTLED, HubSpotKind.RATE_LIMIT, NOBODY, check=False),
    State("formLost", "200, lost", UNCONFIRMED),
    State("formDown", "503 HTML", AMBIGUOUS, Kind.SERVER_ERROR, NOBODY, check=False),
    State(
        "another region",
        "404",
        BROKEN,
        HubSpotKind.FORM_NOT_FOUND,
        PUBLISHER,
        check=False,
        settings={"region": "eu1"},
    ),
)


def contacts(received: Sequence[Mapping[str, object]]) -> list[str]:
    """The contacts, of which each lead here has its own."""
    return [str(each) for each in received if each["object"] == "contacts" and each["status"] == "there"]


def leads(received: Sequence[Mapping[str, object]]) -> list[str]:
    """The leads, each with the contact that it is tied to as its primary one."""
    people = {str(each["id"]): each for each in received if each["object"] == "contacts"}
    found = []
    for each in received:
        ties = each["contacts"] if each["object"] == "leads" else {}
        assert isinstance(ties, dict)
        found += [f"{each} {people[number]}" for number, types in ties.items() if 578 in types]
    return found


_UNREAD: Final = Expected(AMBIGUOUS, Kind.ANSWER_NOT_UNDERSTOOD, ADMIN)
_REST: Final = {
    "hang after the headers": _UNREAD,
    "reset within the body": _UNREAD,
    "HTML": _UNREAD,
    "wrong content type": Expected(DELIVERED),
    "giant answer": _UNREAD,
    "commit, then drop the answer": Expected(DELIVERED),
    "401 once": Expected(BROKEN, HubSpotKind.TOKEN_REJECTED, PUBLISHER),
    "401": Expected(BROKEN, HubSpotKind.TOKEN_REJECTED, PUBLISHER),
    "403": Expected(BROKEN, Kind.PERMISSION_MISSING, ADMIN),
    "404": Expected(BROKEN, HubSpotKind.REQUEST_REJECTED, OPERATOR),
    "410": Expected(BROKEN, HubSpotKind.REQUEST_REJECTED, OPERATOR),
}

LINES: Final = (
    Line(
        name="hubspot, leads",
        destination=HUBSPOT,
        settings=REST_SETTINGS,
        stand_in="hubspot",
        carries=Match("api.hubapi.com", "POST", "*leads/batch/create"),
        states=(*COMMON, *WITH_LEADS),
        differs=_REST,
        secrets=(THERE.token, OTHER_TOKEN),
        many=True,
        records=leads,
    ),
    Line(
        name="hubspot, contacts",
        destination=HUBSPOT,
        settings={**REST_SETTINGS, "leads": "never"},
        stand_in="hubspot",
        carries=Match("api.hubapi.com", "POST", "*contacts/batch/create"),
        states=(*COMMON, *WITHOUT_LEADS),
        differs=_REST,
        secrets=(THERE.token, OTHER_TOKEN),
        many=True,
        records=contacts,
    ),
    Line(
        name="hubspot, form",
        destination=HUBSPOT,
        settings=FORM_SETTINGS,
        stand_in="hubspot",
        carries=Match("api.hsforms.com", "POST"),
        states=FORMS,
        taken=UNCONFIRMED,
        differs={
            "hang after the headers": _UNREAD,
            "reset within the body": _UNREAD,
            "HTML": _UNREAD,
            "wrong content type": Expected(UNCONFIRMED),
            "giant answer": _UNREAD,
            "commit, then drop the answer": Expected(AMBIGUOUS, Kind.CONNECTION_LOST, NOBODY),
            "echo of the request": Expected(AMBIGUOUS, Kind.SERVER_ERROR, NOBODY),
            "500": Expected(AMBIGUOUS, Kind.SERVER_ERROR, NOBODY),
            "503": Expected(AMBIGUOUS, Kind.SERVER_ERROR, NOBODY),
            "401 once": Expected(BROKEN, Kind.PERMISSION_MISSING, ADMIN),
            "401": Expected(BROKEN, Kind.PERMISSION_MISSING, ADMIN),
            "403": Expected(BROKEN, Kind.PERMISSION_MISSING, ADMIN),
            "404": Expected(BROKEN, HubSpotKind.FORM_NOT_FOUND, PUBLISHER),
            "410": Expected(BROKEN, HubSpotKind.FORM_NOT_FOUND, PUBLISHER),
        },
        records=contacts,
    ),
)
