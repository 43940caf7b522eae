"""The names of the causes that only Salesforce has."""

from __future__ import annotations

from leadkeeper.diagnosis import AnyKind


class SalesforceKind(AnyKind):
    """Causes that only Salesforce has."""

    TEST_LEAD_NOT_FOUND = "salesforceTestLeadNotFound"
    FORM_REJECTED = "salesforceFormRejected"
    FORM_NOT_THERE = "salesforceFormNotThere"
    DAILY_LIMIT = "salesforceDailyLimit"
    DOMAIN_NOT_FOUND = "salesforceDomainNotFound"
    APP_REJECTED = "salesforceAppRejected"
    APP_NOT_ALLOWED = "salesforceAppNotAllowed"
    INACTIVE = "salesforceInactive"
    SESSION_REJECTED = "salesforceSessionRejected"
    API_LIMIT = "salesforceApiLimit"
    CONCURRENCY_LIMIT = "salesforceConcurrencyLimit"
    ROW_LOCKED = "salesforceRowLocked"
    API_DISABLED = "salesforceApiDisabled"
    ACCESS_MISSING = "salesforceAccessMissing"
    STORAGE_FULL = "salesforceStorageFull"
    FIELD_UNKNOWN = "salesforceFieldUnknown"
    EXTERNAL_ID_UNUSABLE = "salesforceExternalIdUnusable"
    REQUEST_REJECTED = "salesforceRequestRejected"
    NOT_FOUND = "salesforceNotFound"
    RULE_REFUSED = "salesforceRuleRefused"
    AUTOMATION_FAILED = "salesforceAutomationFailed"
    DUPLICATE_RULE = "salesforceDuplicateRule"
    VALUE_TAKEN = "salesforceValueTaken"
    SEVERAL_MATCH = "salesforceSeveralMatch"
    LEAD_CONVERTED = "salesforceLeadConverted"
    NO_ROUTE = "salesforceNoRoute"
