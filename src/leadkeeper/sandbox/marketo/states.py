"""What can be wrong with a Marketo subscription, by name, and how it is said: ``docs/reference/vendors/marketo.md``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from leadkeeper.sandbox.stand_in import OK

REFUSALS: Final[Mapping[str, tuple[str, str]]] = {
    "accessDenied": ("603", "Access denied"),
    "timedOut": ("604", "Request time-out"),
    "rateLimited": ("606", "Max rate limit '100' exceeded with in '20' secs"),
    "quotaReached": ("607", "Daily quota reached"),
    "unavailable": ("608", "API Temporarily Unavailable"),
    "systemError": ("611", "System error"),
    "subscriptionUnreachable": ("614", "Invalid Subscription"),
    "concurrencyReached": ("615", "Concurrent access limit reached"),
    "subscriptionType": ("616", "Invalid subscription type"),
    "noData": ("702", "No data found for a given search scenario"),
    "featureOff": ("703", "The feature is not enabled for the subscription"),
    "ruleViolated": ("709", "Business Rule Violation"),
    "transient": ("713", "Transient Error"),
    "lockTimedOut": ("719", "Lock wait timeout exception"),
    "badGateway": ("502", "Bad Gateway"),
    "internalError": ("500", "Internal Server error"),
}
"""States in which every REST call is refused, with 200 and ``success`` false."""
SKIPS: Final[Mapping[str, tuple[str, str]]] = {
    "partitionDenied": ("1008", "Access denied to partition 'Default'"),
    "partitionRequired": ("1009", "Partition name must be specified"),
    "partitionFixed": ("1010", "Partition update not allowed"),
    "createFailed": ("1014", "Failed to create Object"),
    "tooManyImports": ("1016", "Too many imports"),
    "crmEnabled": ("1018", "CRM Enabled"),
    "importRunning": ("1019", "Import in progress"),
    "companyFixed": ("1021", "Company update not allowed"),
    "objectInUse": ("1022", "Object in use"),
    "tooManyJobs": ("1029", "Too many jobs in queue"),
    "duplicateInput": ("1036", "Duplicate object found in input"),
    "leadSkipped": ("1037", "Lead was skipped"),
}
"""States in which every record is skipped, with 200 and ``success`` true."""

STATES: Final[Mapping[str, str]] = {
    OK: "behaves as the real service does when nothing is wrong",
    # Forms2
    "rejectInvalidChecksum": "Forms2: posts without a right checksum are dropped, answered as if all were well",
    "formReCaptcha": "Forms2: the form wants reCAPTCHA; posts are dropped, answered as if all were well",
    "formNotApproved": "Forms2: the form is a draft",
    "captchaPage": "Forms2: posts are answered with a captcha page, 200",
    "captchaPage403": "Forms2: posts are answered with a captcha page, 403",
    # identity
    "clientUnknown": "no token: 401 unauthorized",
    "secretWrong": "no token: 401 invalid_client",
    # REST
    "tokenExpired": "the tokens given so far have expired; new ones work (602)",
    "tokenRefused": "no token is accepted, new ones neither (601)",
    "assetRoleMissing": "the user may not read assets (603 for the form, leads work)",
    "formMissing": "the form is gone (1013, and no asset)",
    "gatewayDown": "REST: 503 with a web page",
    **{name: f"REST: {code}, {text}" for name, (code, text) in REFUSALS.items()},
    **{name: f"REST: every record is skipped, {code}, {text}" for name, (code, text) in SKIPS.items()},
}
