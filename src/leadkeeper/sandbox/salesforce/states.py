"""What can be wrong with a Salesforce org, by name, and how the REST API says it.

Source: ``docs/reference/vendors/salesforce.md#rest-api-errors``.

What Web-to-Lead makes of a state is in :mod:`.salesforce_web`; how fields change is :func:`.salesforce_org.fields_in`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from leadkeeper.sandbox.salesforce.org import Flaw
from leadkeeper.sandbox.stand_in import OK

TOKEN_REFUSALS: Final[Mapping[str, tuple[str, str]]] = {
    "clientIdUnknown": ("invalid_client_id", "client identifier invalid"),
    "clientSecretWrong": ("invalid_client", "invalid client credentials"),
    "noRunAsUser": ("invalid_grant", "no client credentials user enabled"),
    "userInactive": ("inactive_user", "user is inactive"),
    "orgInactive": ("inactive_org", "organization is inactive"),
    "grantUnsupported": ("unsupported_grant_type", "grant type not supported"),
    "tokenRateLimit": ("rate_limit_exceeded", "login rate exceeded"),
}
"""States in which no token is given: ``error`` and ``error_description``, with 400."""
REFUSALS: Final[Mapping[str, tuple[int, str, str]]] = {
    "dailyRequestsUsed": (403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."),
    "longRequests": (403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded."),
    "apiDisabled": (403, "API_DISABLED_FOR_ORG", "API is disabled for this organization or partner."),
    "unknownException": (500, "UNKNOWN_EXCEPTION", "An unexpected error occurred. ErrorId: 1234567890-12345"),
    "serverUnavailable": (503, "SERVER_UNAVAILABLE", "The server is temporarily unavailable."),
}
"""States in which every request is refused."""
WRITE_REFUSALS: Final[Mapping[str, tuple[int, Flaw]]] = {
    "readOnly": (403, Flaw("INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id")),
    "crossReferenceDenied": (
        403,
        Flaw(
            "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
            "insufficient access rights on cross-reference id: 00G5e000001QueueAAA",
        ),
    ),
    "storageFull": (403, Flaw("STORAGE_LIMIT_EXCEEDED", "storage limit exceeded")),
    "rowLocked": (400, Flaw("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record or 1 records")),
    "apexError": (400, Flaw("APEX_ERROR", "System.DmlException: Insert failed. First exception on row 0")),
    "triggerFails": (
        400,
        Flaw("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "LeadTrigger: execution of BeforeInsert caused by: Exception"),
    ),
    "flowFails": (
        400,
        Flaw("CANNOT_EXECUTE_FLOW_TRIGGER", "We can't save this record because the \u201cRoute\u201d process failed."),
    ),
    "validationRule": (400, Flaw("FIELD_CUSTOM_VALIDATION_EXCEPTION", "Leads need a territory.", ("Company",))),
    "fieldIntegrity": (400, Flaw("FIELD_INTEGRITY_EXCEPTION", "There's a problem with this state.", ("State",))),
    "duplicateValue": (400, Flaw("DUPLICATE_VALUE", "duplicate value found: <unknown> duplicates value on record")),
    "ownerMissing": (404, Flaw("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")),
    "recordDeleted": (404, Flaw("ENTITY_IS_DELETED", "entity is deleted")),
}
"""States in which nothing is written, with the status of a single record; in a collection it is 200 all the same."""

STATES: Final[Mapping[str, str]] = {
    OK: "behaves as the real service does when nothing is wrong",
    # Web-to-Lead: each is answered as if all were well
    "reCaptchaRequired": "Web-to-Lead wants reCAPTCHA: leads are lost without a word",
    "webToLeadDisabled": "Web-to-Lead is off: leads are lost without a word",
    "noDefaultLeadCreator": "no default lead creator: Web-to-Lead leads are lost without a word",
    "webToLeadQuotaUsed": "the rolling day's Web-to-Lead quota is used up: leads wait in the queue",
    "webToLeadQueueFull": "quota and queue are full: Web-to-Lead leads are lost without a word",
    # both doors: lost without a word over Web-to-Lead, an error over REST
    "validationRule": "a validation rule refuses every lead (FIELD_CUSTOM_VALIDATION_EXCEPTION)",
    "duplicateRuleBlock": "the duplicate rule blocks leads with a known e-mail address (DUPLICATES_DETECTED)",
    "duplicateRuleAlert": "the duplicate rule alerts on known e-mail addresses (DUPLICATES_DETECTED unless allowSave)",
    "picklistMandatory": "LeadSource is a mandatory, restricted picklist (INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST)",
    "countryPicklist": "Country is a picklist: Portugal, United Kingdom, United States (FIELD_INTEGRITY_EXCEPTION)",
    "requiredCustomField": "the custom field Region__c is required (REQUIRED_FIELD_MISSING)",
    # the token endpoint
    **{name: f"no token: {error}" for name, (error, _) in TOKEN_REFUSALS.items()},
    # REST
    "sessionExpired": "the sessions given so far have ended; new ones work (INVALID_SESSION_ID)",
    "sessionRefused": "no session is accepted, new ones neither (INVALID_SESSION_ID)",
    **{name: f"REST: {code}, {text}" for name, (_, code, text) in REFUSALS.items()},
    "maintenance": "REST: 503 with a web page",
    "noRoute": "REST: 420, Salesforce's edge has no routing information for the host",
    **{
        name: f"REST: nothing is written, {flaw.code}"
        for name, (_, flaw) in WRITE_REFUSALS.items()
        if name != "validationRule"
    },
    "externalIdMissing": "the external id field is not there: 404 NOT_FOUND, 400 INVALID_FIELD for a collection",
    "externalIdAmbiguous": "the external id field is not unique: several leads may match (300)",
    "fieldHidden": "the user does not see the field Title (INVALID_FIELD)",
    "fieldReadOnly": "the user may not write the field Description (INVALID_FIELD_FOR_INSERT_UPDATE)",
}
