"""Salesforce: Web-to-Lead and the REST API, by ``docs/reference/vendors/salesforce.md``."""

from __future__ import annotations

from typing import Final

from leadkeeper.destinations.salesforce.diagnoses import SalesforceKind
from leadkeeper.destinations.salesforce.provider import SALESFORCE
from leadkeeper.diagnosis import AnyKind, Kind
from leadkeeper.sandbox.mishaps import Match
from leadkeeper.sandbox.salesforce.fields import EXTERNAL_ID
from leadkeeper.sandbox.salesforce.org import Org
from tests.contracts.cases.case import (
    ADMIN,
    AMBIGUOUS,
    BROKEN,
    DELIVERED,
    FAILED,
    NOBODY,
    PUBLISHER,
    REFUSED,
    THROTTLED,
    UNCONFIRMED,
    Expected,
    Line,
    State,
)

ORG: Final = Org()
WEB_SETTINGS: Final = {"objectIdentifier": ORG.oid}
REST_SETTINGS: Final = {
    **WEB_SETTINGS,
    "myDomainUrl": "https://contoso.my.salesforce.com",
    "clientId": ORG.client_id,
    "clientSecret": ORG.client_secret,
    "externalIdField": EXTERNAL_ID,
}

SILENT: Final = (
    State("reCaptchaRequired", "200 true, lost", UNCONFIRMED),
    State("webToLeadDisabled", "200 true, lost", UNCONFIRMED),
    State("noDefaultLeadCreator", "200 true, lost", UNCONFIRMED),
    State("webToLeadQuotaUsed", "200 true, queued", UNCONFIRMED),
    State("webToLeadQueueFull", "200 true, lost", UNCONFIRMED),
    State("validationRule", "200 true, lost", UNCONFIRMED),
    State("duplicateRuleBlock", "200 true, lost when known", UNCONFIRMED),
    State("duplicateRuleAlert", "200 true, lost when known", UNCONFIRMED),
    State("picklistMandatory", "200 true, lost", UNCONFIRMED),
    State("countryPicklist", "200 true, lost", UNCONFIRMED),
    State("requiredCustomField", "200 true, lost", UNCONFIRMED),
    State(
        "an organization that is not there",
        "200 true Exception",
        BROKEN,
        SalesforceKind.FORM_REJECTED,
        PUBLISHER,
        check=False,
        settings={"objectIdentifier": "00D5e000000NoOr"},
    ),
)


def _token(name: str, code: str, kind: AnyKind, who: object) -> State:
    outcome = THROTTLED if kind is Kind.THROTTLED else BROKEN
    return State(name, f"400 {code}", outcome, kind, who)  # type: ignore[arg-type]


REST: Final = (
    _token("clientIdUnknown", "invalid_client_id", SalesforceKind.APP_REJECTED, PUBLISHER),
    _token("clientSecretWrong", "invalid_client", SalesforceKind.APP_REJECTED, PUBLISHER),
    _token("noRunAsUser", "invalid_grant", SalesforceKind.APP_NOT_ALLOWED, ADMIN),
    _token("userInactive", "inactive_user", SalesforceKind.INACTIVE, ADMIN),
    _token("orgInactive", "inactive_org", SalesforceKind.INACTIVE, ADMIN),
    _token("grantUnsupported", "unsupported_grant_type", SalesforceKind.APP_NOT_ALLOWED, ADMIN),
    _token("tokenRateLimit", "rate_limit_exceeded", Kind.THROTTLED, NOBODY),
    State("sessionExpired", "401 INVALID_SESSION_ID", DELIVERED),
    State("sessionRefused", "401 INVALID_SESSION_ID", BROKEN, SalesforceKind.SESSION_REJECTED, ADMIN),
    State("dailyRequestsUsed", "403 REQUEST_LIMIT_EXCEEDED", THROTTLED, SalesforceKind.API_LIMIT, PUBLISHER),
    State("longRequests", "403 REQUEST_LIMIT_EXCEEDED", THROTTLED, SalesforceKind.CONCURRENCY_LIMIT, NOBODY),
    State("apiDisabled", "403 API_DISABLED_FOR_ORG", BROKEN, SalesforceKind.API_DISABLED, ADMIN),
    State("unknownException", "500 UNKNOWN_EXCEPTION", FAILED, Kind.SERVER_ERROR, NOBODY),
    State("serverUnavailable", "503 SERVER_UNAVAILABLE", FAILED, Kind.SERVER_ERROR, NOBODY),
    State("maintenance", "503 HTML", FAILED, Kind.SERVER_ERROR, NOBODY),
    State("noRoute", "420 HTML", FAILED, SalesforceKind.NO_ROUTE, PUBLISHER),
    State("readOnly", "403 INSUFFICIENT_ACCESS_OR_READONLY", BROKEN, SalesforceKind.ACCESS_MISSING, ADMIN),
    State(
        "crossReferenceDenied",
        "403 INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
        BROKEN,
        SalesforceKind.ACCESS_MISSING,
        ADMIN,
        check=False,
    ),
    State("storageFull", "403 STORAGE_LIMIT_EXCEEDED", BROKEN, SalesforceKind.STORAGE_FULL, ADMIN, check=False),
    State("rowLocked", "400 UNABLE_TO_LOCK_ROW", FAILED, SalesforceKind.ROW_LOCKED, NOBODY, check=False),
    State("apexError", "400 APEX_ERROR", REFUSED, SalesforceKind.AUTOMATION_FAILED, ADMIN, check=False),
    State(
        "triggerFails",
        "400 CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
        REFUSED,
        SalesforceKind.AUTOMATION_FAILED,
        ADMIN,
        check=False,
    ),
    State(
        "flowFails", "400 CANNOT_EXECUTE_FLOW_TRIGGER", REFUSED, SalesforceKind.AUTOMATION_FAILED, ADMIN, check=False
    ),
    State(
        "validationRule",
        "400 FIELD_CUSTOM_VALIDATION_EXCEPTION",
        REFUSED,
        SalesforceKind.RULE_REFUSED,
        PUBLISHER,
        check=False,
    ),
    State(
        "fieldIntegrity", "400 FIELD_INTEGRITY_EXCEPTION", REFUSED, SalesforceKind.RULE_REFUSED, PUBLISHER, check=False
    ),
    State(
        "picklistMandatory",
        "400 INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        REFUSED,
        SalesforceKind.RULE_REFUSED,
        PUBLISHER,
        check=False,
    ),
    State(
        "countryPicklist",
        "400 FIELD_INTEGRITY_EXCEPTION",
        REFUSED,
        SalesforceKind.RULE_REFUSED,
        PUBLISHER,
        check=False,
    ),
    State(
        "requiredCustomField",
        "400 REQUIRED_FIELD_MISSING",
        REFUSED,
        SalesforceKind.RULE_REFUSED,
        PUBLISHER,
        check=True,
    ),
    State("duplicateRuleBlock", "201 as long as the address is new", DELIVERED),
    State("duplicateRuleAlert", "201 as long as the address is new", DELIVERED),
    State("duplicateValue", "400 DUPLICATE_VALUE", REFUSED, SalesforceKind.VALUE_TAKEN, PUBLISHER, check=False),
    State("ownerMissing", "404 INVALID_CROSS_REFERENCE_KEY", BROKEN, SalesforceKind.NOT_FOUND, PUBLISHER, check=False),
    State("recordDeleted", "404 ENTITY_IS_DELETED", BROKEN, SalesforceKind.NOT_FOUND, PUBLISHER, check=False),
    State(
        "externalIdMissing",
        "404 NOT_FOUND",
        BROKEN,
        SalesforceKind.EXTERNAL_ID_UNUSABLE,
        ADMIN,
    ),
    State(
        "externalIdAmbiguous",
        "201 as long as nothing matches",
        BROKEN,
        SalesforceKind.EXTERNAL_ID_UNUSABLE,
        ADMIN,
    ),
    State("fieldHidden", "400 INVALID_FIELD", BROKEN, SalesforceKind.FIELD_UNKNOWN, PUBLISHER),
    State("fieldReadOnly", "400 INVALID_FIELD_FOR_INSERT_UPDATE", BROKEN, SalesforceKind.FIELD_UNKNOWN, PUBLISHER),
    State(
        "a My Domain that is not there",
        "no such host name",
        BROKEN,
        SalesforceKind.DOMAIN_NOT_FOUND,
        PUBLISHER,
        settings={"myDomainUrl": "https://nobody.my.salesforce.com"},
    ),
    State(
        "another secret",
        "400 invalid_client",
        BROKEN,
        SalesforceKind.APP_REJECTED,
        PUBLISHER,
        settings={"clientSecret": "not-the-consumer-secret"},
    ),
)

_NOT_THERE: Final = Expected(BROKEN, SalesforceKind.FORM_NOT_THERE, PUBLISHER)
_UNREAD: Final = Expected(AMBIGUOUS, Kind.ANSWER_NOT_UNDERSTOOD, ADMIN)

LINES: Final = (
    Line(
        name="salesforce, Web-to-Lead",
        destination=SALESFORCE,
        settings=WEB_SETTINGS,
        stand_in="salesforce",
        carries=Match("webto.salesforce.com", "POST"),
        states=SILENT,
        taken=UNCONFIRMED,
        differs={
            "hang after the headers": _NOT_THERE,
            "reset within the body": _NOT_THERE,
            "HTML": _NOT_THERE,
            "wrong content type": Expected(UNCONFIRMED),
            "giant answer": _NOT_THERE,
            "commit, then drop the answer": Expected(AMBIGUOUS, Kind.CONNECTION_LOST, NOBODY),
            "echo of the request": Expected(AMBIGUOUS, Kind.SERVER_ERROR, NOBODY),
            "500": Expected(AMBIGUOUS, Kind.SERVER_ERROR, NOBODY),
            "503": Expected(AMBIGUOUS, Kind.SERVER_ERROR, NOBODY),
            "401 once": Expected(BROKEN, Kind.CREDENTIALS_REJECTED, PUBLISHER),
            "401": Expected(BROKEN, Kind.CREDENTIALS_REJECTED, PUBLISHER),
            "403": Expected(BROKEN, Kind.PERMISSION_MISSING, ADMIN),
            "404": Expected(BROKEN, Kind.ENDPOINT_NOT_FOUND, PUBLISHER),
            "410": Expected(BROKEN, Kind.ENDPOINT_GONE, PUBLISHER),
        },
    ),
    Line(
        name="salesforce, REST",
        many=True,
        destination=SALESFORCE,
        settings=REST_SETTINGS,
        stand_in="salesforce",
        carries=Match("*.my.salesforce.com", "POST", "*sobjects*"),
        states=REST,
        differs={
            "hang after the headers": _UNREAD,
            "reset within the body": _UNREAD,
            "HTML": _UNREAD,
            "wrong content type": Expected(DELIVERED),
            "giant answer": _UNREAD,
            "commit, then drop the answer": Expected(DELIVERED),
            "401 once": Expected(DELIVERED),
            "401": Expected(BROKEN, SalesforceKind.SESSION_REJECTED, ADMIN),
            "403": Expected(BROKEN, SalesforceKind.ACCESS_MISSING, ADMIN),
            "404": Expected(BROKEN, SalesforceKind.NOT_FOUND, PUBLISHER),
            "410": Expected(BROKEN, SalesforceKind.NOT_FOUND, PUBLISHER),
        },
        secrets=(ORG.client_id, ORG.client_secret, "not-the-consumer-secret"),
    ),
)
