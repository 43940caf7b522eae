"""Marketo: Forms2 and the REST API, by ``docs/reference/vendors/marketo.md``."""

from __future__ import annotations

from typing import Final

from leadkeeper.destinations.marketo.diagnoses import MarketoKind
from leadkeeper.destinations.marketo.provider import MARKETO
from leadkeeper.diagnosis import AnyKind, Kind
from leadkeeper.sandbox.marketo.leads import Subscription
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

THERE: Final = Subscription()
FORM_SETTINGS: Final = {"serverId": THERE.server_id, "munchkinId": THERE.munchkin_id, "formId": "1179"}
REST_SETTINGS: Final = {**FORM_SETTINGS, "clientId": THERE.client_id, "clientSecret": THERE.client_secret}

_BLOCKED: Final = Expected(THROTTLED, MarketoKind.POSTS_BLOCKED, PUBLISHER)
_UNREAD: Final = Expected(AMBIGUOUS, Kind.ANSWER_NOT_UNDERSTOOD, ADMIN)

FORMS: Final = (
    State("rejectInvalidChecksum", "200; our checksum is right", UNCONFIRMED),
    State("formReCaptcha", "200, lost", UNCONFIRMED),
    State("formNotApproved", "error true", BROKEN, MarketoKind.FORM_NOT_FOUND, PUBLISHER),
    State("captchaPage", "200 HTML", *_BLOCKED, check=False),
    State("captchaPage403", "403 HTML", *_BLOCKED, check=False),
    State(
        "a form that is not there",
        "error true",
        BROKEN,
        MarketoKind.FORM_NOT_FOUND,
        PUBLISHER,
        settings={"formId": "4711"},
    ),
    State(
        "a Munchkin id that is not there",
        "error true",
        BROKEN,
        MarketoKind.FORM_NOT_FOUND,
        PUBLISHER,
        settings={"munchkinId": "999-XYZ-999"},
    ),
    State(
        "another pod",
        "error true",
        BROKEN,
        MarketoKind.FORM_NOT_FOUND,
        PUBLISHER,
        settings={"serverId": "sj01"},
    ),
)


def _busy(name: str, code: str, *, check: bool = True) -> State:
    return State(name, code, FAILED, MarketoKind.BUSY, NOBODY, check=check)


def _skipped(name: str, code: str, kind: AnyKind, who: object, outcome: object = BROKEN) -> State:
    return State(name, code, outcome, kind, who, check=False)  # type: ignore[arg-type]


REST: Final = (
    State("clientUnknown", "401 unauthorized", BROKEN, MarketoKind.SERVICE_REJECTED, PUBLISHER),
    State("secretWrong", "401 invalid_client", BROKEN, MarketoKind.SERVICE_REJECTED, PUBLISHER),
    State("tokenExpired", "602", DELIVERED),
    State("tokenRefused", "601", BROKEN, MarketoKind.SERVICE_REJECTED, PUBLISHER),
    State("assetRoleMissing", "603 for the form only", DELIVERED),
    State("formMissing", "1013", BROKEN, MarketoKind.FORM_NOT_FOUND, PUBLISHER),
    State("gatewayDown", "503 HTML", FAILED, Kind.SERVER_ERROR, NOBODY),
    State("accessDenied", "603", BROKEN, MarketoKind.ACCESS_DENIED, ADMIN),
    _busy("timedOut", "604"),
    State("rateLimited", "606", THROTTLED, MarketoKind.RATE_LIMIT, NOBODY),
    State("quotaReached", "607", THROTTLED, MarketoKind.DAILY_QUOTA, PUBLISHER),
    _busy("unavailable", "608"),
    _busy("systemError", "611"),
    _busy("subscriptionUnreachable", "614"),
    State("concurrencyReached", "615", THROTTLED, MarketoKind.RATE_LIMIT, NOBODY),
    State("subscriptionType", "616", BROKEN, MarketoKind.FEATURE_OFF, ADMIN),
    State("noData", "702", BROKEN, MarketoKind.FORM_NOT_FOUND, PUBLISHER),
    State("featureOff", "703", BROKEN, MarketoKind.FEATURE_OFF, ADMIN),
    State("ruleViolated", "709", REFUSED, MarketoKind.LEAD_REFUSED, PUBLISHER),
    _busy("transient", "713"),
    _busy("lockTimedOut", "719"),
    _busy("badGateway", "502"),
    _busy("internalError", "500"),
    _skipped("partitionDenied", "1008", MarketoKind.PARTITION_UNUSABLE, ADMIN),
    _skipped("partitionRequired", "1009", MarketoKind.PARTITION_UNUSABLE, ADMIN),
    _skipped("partitionFixed", "1010", MarketoKind.PARTITION_UNUSABLE, ADMIN),
    _busy("createFailed", "1014", check=False),
    _busy("tooManyImports", "1016", check=False),
    _skipped("crmEnabled", "1018", MarketoKind.FEATURE_OFF, ADMIN),
    _busy("importRunning", "1019", check=False),
    _skipped("companyFixed", "1021", MarketoKind.LEAD_REFUSED, PUBLISHER, REFUSED),
    _busy("objectInUse", "1022", check=False),
    _busy("tooManyJobs", "1029", check=False),
    _skipped("duplicateInput", "1036", MarketoKind.LEAD_REFUSED, PUBLISHER, REFUSED),
    _skipped("leadSkipped", "1037", MarketoKind.LEAD_REFUSED, PUBLISHER, REFUSED),
    State(
        "a program that is not there",
        "1013",
        BROKEN,
        MarketoKind.FORM_NOT_FOUND,
        PUBLISHER,
        check=False,
        settings={"programId": "77"},
    ),
    State(
        "a Munchkin id that is not there",
        "no such host name",
        BROKEN,
        MarketoKind.ACCOUNT_NOT_FOUND,
        PUBLISHER,
        settings={"munchkinId": "999-XYZ-999"},
    ),
    State(
        "another secret",
        "401 invalid_client",
        BROKEN,
        MarketoKind.SERVICE_REJECTED,
        PUBLISHER,
        settings={"clientSecret": "not-the-client-secret"},
    ),
)

LINES: Final = (
    Line(
        name="marketo, Forms2",
        destination=MARKETO,
        settings=FORM_SETTINGS,
        stand_in="marketo",
        carries=Match("app-*.marketo.com", "POST"),
        states=FORMS,
        taken=UNCONFIRMED,
        differs={
            "hang after the headers": _UNREAD,
            "reset within the body": _UNREAD,
            "HTML": _BLOCKED,
            "wrong content type": Expected(UNCONFIRMED),
            "giant answer": _UNREAD,
            "commit, then drop the answer": Expected(AMBIGUOUS, Kind.CONNECTION_LOST, NOBODY),
            "echo of the request": Expected(AMBIGUOUS, Kind.SERVER_ERROR, NOBODY),
            "500": Expected(AMBIGUOUS, Kind.SERVER_ERROR, NOBODY),
            "503": Expected(AMBIGUOUS, Kind.SERVER_ERROR, NOBODY),
            "401 once": _BLOCKED,
            "401": _BLOCKED,
            "403": _BLOCKED,
            "404": Expected(BROKEN, Kind.ENDPOINT_NOT_FOUND, PUBLISHER),
            "410": Expected(BROKEN, Kind.ENDPOINT_GONE, PUBLISHER),
        },
    ),
    Line(
        name="marketo, REST",
        destination=MARKETO,
        settings=REST_SETTINGS,
        stand_in="marketo",
        carries=Match("*.mktorest.com", "POST", "/rest/*"),
        states=REST,
        differs={
            "hang after the headers": _UNREAD,
            "reset within the body": _UNREAD,
            "HTML": _UNREAD,
            "wrong content type": Expected(DELIVERED),
            "giant answer": _UNREAD,
            "commit, then drop the answer": Expected(DELIVERED),
            "401 once": Expected(DELIVERED),
            "401": Expected(BROKEN, MarketoKind.SERVICE_REJECTED, PUBLISHER),
            "403": Expected(BROKEN, MarketoKind.ACCESS_DENIED, ADMIN),
            "404": Expected(BROKEN, MarketoKind.REQUEST_REJECTED, OPERATOR),
            "410": Expected(BROKEN, MarketoKind.REQUEST_REJECTED, OPERATOR),
        },
        secrets=(THERE.client_id, THERE.client_secret, "not-the-client-secret"),
    ),
)
