"""What came of sending a lead: a receipt, or a diagnosis that says why not, who must act, and how. Pure data."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Outcome(StrEnum):
    """How one send of one lead ended. What follows from it is decided in ``delivery.schedule``."""

    DELIVERED = "delivered"
    UNCONFIRMED = "unconfirmed"
    REFUSED = "refused"
    BROKEN = "broken"
    THROTTLED = "throttled"
    FAILED = "failed"
    AMBIGUOUS = "ambiguous"
    OURS = "ours"


class Who(StrEnum):
    """Who must act on a diagnosis."""

    NOBODY = "nobody"
    PUBLISHER = "publisher"
    DESTINATION_ADMIN = "destinationAdmin"
    OPERATOR = "operator"
    LEADKEEPER = "leadkeeper"


class Kind(StrEnum):
    """The closed list of causes. Each has an entry in ``catalogue`` and a heading in the docs."""

    ADDRESS_NOT_FOUND = "addressNotFound"
    ADDRESS_REFUSED = "addressRefused"
    OWN_ADDRESS = "ownAddress"
    CONNECTION_FAILED = "connectionFailed"
    TLS_FAILED = "tlsFailed"
    NO_ANSWER = "noAnswer"
    CONNECTION_LOST = "connectionLost"
    ANSWER_TOO_LARGE = "answerTooLarge"
    ANSWER_NOT_UNDERSTOOD = "answerNotUnderstood"
    REDIRECTED = "redirected"
    CREDENTIALS_REJECTED = "credentialsRejected"
    PERMISSION_MISSING = "permissionMissing"
    ENDPOINT_NOT_FOUND = "endpointNotFound"
    ENDPOINT_GONE = "endpointGone"
    METHOD_REFUSED = "methodRefused"
    LEAD_REFUSED = "leadRefused"
    LEAD_TOO_LARGE = "leadTooLarge"
    EVERY_LEAD_REFUSED = "everyLeadRefused"
    THROTTLED = "throttled"
    SERVER_ERROR = "serverError"
    REQUEST_TURNED_AWAY = "requestTurnedAway"
    ENDPOINT_LEAD_NOT_FOUND = "endpointLeadNotFound"
    FLOW_SIGNATURE_REJECTED = "flowSignatureRejected"
    FLOW_NOT_FOUND = "flowNotFound"
    FLOW_SCHEMA_MISMATCH = "flowSchemaMismatch"
    STORAGE_KEY_REJECTED = "storageKeyRejected"
    STORAGE_ACCESS_BLOCKED = "storageAccessBlocked"
    STORAGE_ACCOUNT_DISABLED = "storageAccountDisabled"
    STORAGE_ACCOUNT_NOT_FOUND = "storageAccountNotFound"
    STORAGE_SETTING_INVALID = "storageSettingInvalid"
    TABLE_BEING_DELETED = "tableBeingDeleted"
    SETTINGS_INVALID = "settingsInvalid"
    DESTINATION_NOT_INSTALLED = "destinationNotInstalled"
    PASSED_ON_TOO_OFTEN = "passedOnTooOften"
    MAY_HAVE_ARRIVED = "mayHaveArrived"
    GAVE_UP = "gaveUp"
    INTERRUPTED = "interrupted"
    INTERNAL_ERROR = "internalError"
    RECORD_DAMAGED = "recordDamaged"
    READ_BACK_FORBIDDEN = "readBackForbidden"

    # Mail
    MAIL_NOT_SET_UP = "mailNotSetUp"
    MAIL_SIGN_IN_REJECTED = "mailSignInRejected"
    MAIL_SENDER_REFUSED = "mailSenderRefused"
    MAIL_RECIPIENT_REFUSED = "mailRecipientRefused"
    MAIL_ADDRESS_UNSUPPORTED = "mailAddressUnsupported"
    MAIL_GREETING_REFUSED = "mailGreetingRefused"
    MAIL_CONTACT_UNCONFIRMED = "mailContactUnconfirmed"
    MAIL_CONTACT_DECLINED = "mailContactDeclined"
    MAIL_BOUND_REACHED = "mailBoundReached"
    MAIL_REFUSED = "mailRefused"
    MAIL_SERVER_BUSY = "mailServerBusy"
    MAIL_NOTICE_NOT_FOUND = "mailNoticeNotFound"

    # Salesforce
    SALESFORCE_TEST_LEAD_NOT_FOUND = "salesforceTestLeadNotFound"
    SALESFORCE_FORM_REJECTED = "salesforceFormRejected"
    SALESFORCE_FORM_NOT_THERE = "salesforceFormNotThere"
    SALESFORCE_DAILY_LIMIT = "salesforceDailyLimit"
    SALESFORCE_DOMAIN_NOT_FOUND = "salesforceDomainNotFound"
    SALESFORCE_APP_REJECTED = "salesforceAppRejected"
    SALESFORCE_APP_NOT_ALLOWED = "salesforceAppNotAllowed"
    SALESFORCE_INACTIVE = "salesforceInactive"
    SALESFORCE_SESSION_REJECTED = "salesforceSessionRejected"
    SALESFORCE_API_LIMIT = "salesforceApiLimit"
    SALESFORCE_CONCURRENCY_LIMIT = "salesforceConcurrencyLimit"
    SALESFORCE_ROW_LOCKED = "salesforceRowLocked"
    SALESFORCE_API_DISABLED = "salesforceApiDisabled"
    SALESFORCE_ACCESS_MISSING = "salesforceAccessMissing"
    SALESFORCE_STORAGE_FULL = "salesforceStorageFull"
    SALESFORCE_FIELD_UNKNOWN = "salesforceFieldUnknown"
    SALESFORCE_EXTERNAL_ID_UNUSABLE = "salesforceExternalIdUnusable"
    SALESFORCE_REQUEST_REJECTED = "salesforceRequestRejected"
    SALESFORCE_NOT_FOUND = "salesforceNotFound"
    SALESFORCE_RULE_REFUSED = "salesforceRuleRefused"
    SALESFORCE_AUTOMATION_FAILED = "salesforceAutomationFailed"
    SALESFORCE_DUPLICATE_RULE = "salesforceDuplicateRule"
    SALESFORCE_VALUE_TAKEN = "salesforceValueTaken"
    SALESFORCE_SEVERAL_MATCH = "salesforceSeveralMatch"
    SALESFORCE_LEAD_CONVERTED = "salesforceLeadConverted"
    SALESFORCE_NO_ROUTE = "salesforceNoRoute"

    # Marketo
    MARKETO_TEST_LEAD_NOT_FOUND = "marketoTestLeadNotFound"
    MARKETO_FORM_NOT_FOUND = "marketoFormNotFound"
    MARKETO_FORM_DEMANDS = "marketoFormDemands"
    MARKETO_FORM_PROTECTED = "marketoFormProtected"
    MARKETO_FORM_REJECTED = "marketoFormRejected"
    MARKETO_POSTS_BLOCKED = "marketoPostsBlocked"
    MARKETO_EMAIL_UNUSABLE = "marketoEmailUnusable"
    MARKETO_ACCOUNT_NOT_FOUND = "marketoAccountNotFound"
    MARKETO_SERVER_NOT_FOUND = "marketoServerNotFound"
    MARKETO_SERVICE_REJECTED = "marketoServiceRejected"
    MARKETO_ACCESS_DENIED = "marketoAccessDenied"
    MARKETO_PACED = "marketoPaced"
    MARKETO_RATE_LIMIT = "marketoRateLimit"
    MARKETO_DAILY_QUOTA = "marketoDailyQuota"
    MARKETO_BUSY = "marketoBusy"
    MARKETO_REQUEST_REJECTED = "marketoRequestRejected"
    MARKETO_FEATURE_OFF = "marketoFeatureOff"
    MARKETO_FIELD_UNKNOWN = "marketoFieldUnknown"
    MARKETO_PARTITION_UNUSABLE = "marketoPartitionUnusable"
    MARKETO_SEVERAL_MATCH = "marketoSeveralMatch"
    MARKETO_LEAD_REFUSED = "marketoLeadRefused"

    # HubSpot
    HUBSPOT_TEST_LEAD_NOT_FOUND = "hubSpotTestLeadNotFound"
    HUBSPOT_TOKEN_REJECTED = "hubSpotTokenRejected"
    HUBSPOT_TOKEN_EXPIRED = "hubSpotTokenExpired"
    HUBSPOT_SCOPE_MISSING = "hubSpotScopeMissing"
    HUBSPOT_CREATOR_GONE = "hubSpotCreatorGone"
    HUBSPOT_APP_BLOCKED = "hubSpotAppBlocked"
    HUBSPOT_RATE_LIMIT = "hubSpotRateLimit"
    HUBSPOT_DAILY_LIMIT = "hubSpotDailyLimit"
    HUBSPOT_LOCKED = "hubSpotLocked"
    HUBSPOT_MOVING = "hubSpotMoving"
    HUBSPOT_REQUEST_REJECTED = "hubSpotRequestRejected"
    HUBSPOT_PROPERTY_UNUSABLE = "hubSpotPropertyUnusable"
    HUBSPOT_LEADS_UNAVAILABLE = "hubSpotLeadsUnavailable"
    HUBSPOT_LEAD_PROPERTY_UNUSABLE = "hubSpotLeadPropertyUnusable"
    HUBSPOT_EMAIL_UNUSABLE = "hubSpotEmailUnusable"
    HUBSPOT_VALUE_REFUSED = "hubSpotValueRefused"
    HUBSPOT_VALUE_TAKEN = "hubSpotValueTaken"
    HUBSPOT_RECORD_CHANGED = "hubSpotRecordChanged"
    HUBSPOT_LEAD_REFUSED = "hubSpotLeadRefused"
    HUBSPOT_FORM_NOT_FOUND = "hubSpotFormNotFound"
    HUBSPOT_FORM_DEMANDS = "hubSpotFormDemands"
    HUBSPOT_FORM_FIELD_UNKNOWN = "hubSpotFormFieldUnknown"
    HUBSPOT_FORM_PROTECTED = "hubSpotFormProtected"
    HUBSPOT_FORM_CONSENT = "hubSpotFormConsent"
    HUBSPOT_FORM_REJECTED = "hubSpotFormRejected"

    # Microsoft Entra ID: signing in
    TENANT_NOT_FOUND = "tenantNotFound"
    TENANT_INVALID = "tenantInvalid"
    APPLICATION_NOT_FOUND = "applicationNotFound"
    APPLICATION_DISABLED = "applicationDisabled"
    APPLICATION_NOT_ASSIGNED = "applicationNotAssigned"
    CLIENT_SECRET_WRONG = "clientSecretWrong"
    CLIENT_SECRET_EXPIRED = "clientSecretExpired"
    PUBLIC_CLIENT_REFUSED = "publicClientRefused"
    SIGN_IN_REJECTED = "signInRejected"
    SIGN_IN_BLOCKED = "signInBlocked"
    PASSWORD_EXPIRED = "passwordExpired"
    ACCOUNT_LOCKED = "accountLocked"
    MULTI_FACTOR_REQUIRED = "multiFactorRequired"
    CONDITIONAL_ACCESS = "conditionalAccess"
    CONSENT_MISSING = "consentMissing"
    RESOURCE_NOT_IN_TENANT = "resourceNotInTenant"
    TOKEN_REQUEST_INVALID = "tokenRequestInvalid"
    TENANT_IN_ANOTHER_CLOUD = "tenantInAnotherCloud"
    TENANT_RESTRICTED = "tenantRestricted"
    APPLICATION_SINGLE_TENANT = "applicationSingleTenant"
    APPLICATION_PUBLIC = "applicationPublic"
    PUBLIC_CLIENT_MISSING = "publicClientMissing"
    PUBLIC_CLIENT_NOT_FOUND = "publicClientNotFound"
    DIRECTORY_PASSWORD_EXPIRED = "directoryPasswordExpired"
    DIRECTORY_NOT_REACHED = "directoryNotReached"
    LOGON_HOURS = "logonHours"
    SECURITY_DEFAULTS = "securityDefaults"
    USER_AT_RISK = "userAtRisk"

    # Dynamics 365
    DYNAMICS_ADDRESS_WRONG = "dynamicsAddressWrong"
    DYNAMICS_NO_ANSWER = "dynamicsNoAnswer"
    TOKEN_REJECTED = "tokenRejected"
    USER_NOT_MEMBER = "userNotMember"
    NO_SECURITY_ROLE = "noSecurityRole"
    CREATE_PRIVILEGE_MISSING = "createPrivilegeMissing"
    FIELD_PERMISSION_MISSING = "fieldPermissionMissing"
    USER_DISABLED = "userDisabled"
    LICENCE_MISSING = "licenceMissing"
    ENVIRONMENT_ADMIN_ONLY = "environmentAdminOnly"
    FIELD_NOT_KNOWN = "fieldNotKnown"
    FIELD_VALUE_WRONG = "fieldValueWrong"
    PICKLIST_VALUE = "picklistValue"
    FIELD_TOO_LONG = "fieldTooLong"
    LOOKUP_NOT_FOUND = "lookupNotFound"
    ORG_RULE_REFUSED = "orgRuleRefused"
    DUPLICATE_REFUSED = "duplicateRefused"


EVIDENCE_LIMIT: Final = 500
"""The most characters of a remote answer that a diagnosis shows, after masking."""

_EMAIL: Final = re.compile(r"[^\s@<>\"',;:()\[\]{}]+@[^\s@<>\"',;:()\[\]{}]+")
_LONG_TOKEN: Final = re.compile(r"(?<![A-Za-z0-9+/_=-])(?=[A-Za-z0-9+/_=-]*\d)[A-Za-z0-9+/_-]{24,}={0,2}")
_PHONE: Final = re.compile(r"\+?\d[\d ()./-]{6,}\d")
_CREDENTIAL: Final = re.compile(
    r"(?i)\b(sig|signature|code|accountkey|sharedaccesskey|password|client_secret|secret|token|authorization)"
    r"(\"?\s*[=:]\s*\"?)(?!\*\*\*)(bearer\s+)?[^\s&;,\"']+"
)


def masked(text: str, private: tuple[str, ...] = ()) -> str:
    """``text`` fit to be shown: at most :data:`EVIDENCE_LIMIT` characters, one line, nothing private.

    Masked with ``***``: every text of ``private`` (the lead's own values, the settings' secrets; those under two
    characters are left), mail addresses, values of names like ``sig`` or ``AccountKey``, long random-looking tokens,
    phone numbers. What is masked may be harmless; what is private must not be shown.
    """
    for value in sorted({p.strip() for p in private}, key=len, reverse=True):
        if len(value) >= 2:
            text = re.sub(re.escape(value), "***", text, flags=re.IGNORECASE)
    text = _EMAIL.sub("***", text)
    text = _CREDENTIAL.sub(r"\1\2***", text)
    text = _LONG_TOKEN.sub("***", text)
    text = _PHONE.sub("***", text)
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= EVIDENCE_LIMIT else text[: EVIDENCE_LIMIT - 1] + "…"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the remote side said, already masked: HTTP status, its error code, its request id, its words."""

    status: int | None = None
    code: str | None = None
    request_id: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Why a lead did not arrive. Made by ``catalogue.diagnose``; holds neither secrets nor personal data.

    ``retry_after`` is in seconds, as the destination asked, or ``None``.
    """

    kind: Kind
    outcome: Outcome
    who: Who
    summary: str
    steps: tuple[str, ...]
    docs: str
    evidence: Evidence = Evidence()
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the destination said when it took the lead.

    ``result`` is ``created``, ``updated`` or ``duplicate``; ``confirmed`` is false where taking it proves nothing yet.
    """

    result: str = "created"
    remote_id: str | None = None
    link: str | None = None
    confirmed: bool = True
    note: str | None = None

    @property
    def outcome(self) -> Outcome:
        """``delivered``, or ``unconfirmed`` where the destination proved nothing."""
        return Outcome.DELIVERED if self.confirmed else Outcome.UNCONFIRMED


Answer = Receipt | Diagnosis
"""What one send of one lead gives."""
