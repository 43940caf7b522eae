"""What can be wrong with a HubSpot account, by name, and how it is said: ``docs/reference/vendors/hubspot.md``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from leadkeeper.sandbox.stand_in import OK


@dataclass(frozen=True, slots=True)
class Refusal:
    """How every call is refused. ``policy`` names a limit, ``page`` says that a web page comes instead of JSON."""

    status: int
    category: str = ""
    message: str = ""
    policy: str = ""
    page: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)


_NO_CREDENTIALS: Final = (
    "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more details"
    " at https://developers.hubspot.com/docs/methods/auth/oauth-overview"
)
UNKNOWN_TOKEN: Final = Refusal(401, "INVALID_AUTHENTICATION", _NO_CREDENTIALS)
EXPIRED_TOKEN: Final = Refusal(401, "EXPIRED_AUTHENTICATION", "The token used to make this call expired.")
REFUSALS: Final[Mapping[str, Refusal]] = {
    "tokenUnknown": UNKNOWN_TOKEN,
    "tokenExpired": EXPIRED_TOKEN,
    "creatorLeft": Refusal(403, "USER_DOES_NOT_HAVE_PERMISSIONS", "The user who made the app lacks permissions."),
    "appBlocked": Refusal(403, "BANNED", "This app is blocked."),
    "burstReached": Refusal(429, policy="TEN_SECONDLY_ROLLING"),
    "secondReached": Refusal(429, policy="SECONDLY"),
    "dailyReached": Refusal(429, policy="DAILY"),
    "limitByCategory": Refusal(429, "RATE_LIMITS", "You have reached your ten_secondly_rolling limit."),
    "locked": Refusal(423, message="The record is locked."),
    "migrating": Refusal(477, message="The account is being moved.", headers={"Retry-After": "600"}),
    "uriTooLong": Refusal(414, page=True),
    "internalError": Refusal(500, "INTERNAL_ERROR", "internal error"),
    "badGateway": Refusal(502, page=True),
    "unavailable": Refusal(503, page=True),
    "gatewayTimeout": Refusal(504, page=True),
    "serverDown": Refusal(521, page=True),
    "connectionTimeout": Refusal(522, page=True),
    "originUnreachable": Refusal(523, page=True),
    "timeout": Refusal(524, page=True),
    "handshakeFailed": Refusal(525, page=True),
    "certificateInvalid": Refusal(526, page=True),
}
"""States in which every call of the REST API is refused."""

LACKING: Final[Mapping[str, frozenset[str]]] = {
    "readScopeMissing": frozenset({"crm.objects.contacts.read", "crm.schemas.contacts.read"}),
    "writeScopeMissing": frozenset({"crm.objects.contacts.write"}),
    "leadReadScopeMissing": frozenset({"crm.objects.leads.read"}),
    "leadWriteScopeMissing": frozenset({"crm.objects.leads.write"}),
    "leadsNotInEdition": frozenset({"crm.objects.leads.read", "crm.objects.leads.write"}),
    "formsScopeMissing": frozenset({"forms"}),
}
"""States in which the token lacks scopes."""

FORM_ERRORS: Final[Mapping[str, str]] = {
    "MAX_NUMBER_OF_SUBMITTED_VALUES_EXCEEDED": "More than 1000 fields were submitted",
    "INVALID_EMAIL": "Error in 'fields.email'. Invalid email address",
    "BLOCKED_EMAIL": "Error in 'fields.email'. Submission from this email address are not allowed",
    "REQUIRED_FIELD": "Error in 'fields.lastname'. Required field 'lastname' is missing",
    "INVALID_NUMBER": "Error in 'fields.numemployees'. Invalid number",
    "INPUT_TOO_LARGE": "Error in 'fields.message'. The value is too large",
    "FIELD_NOT_IN_FORM_DEFINITION": "Error in 'fields.company'. The field is not in the form definition",
    "NUMBER_OUT_OF_RANGE": "Error in 'fields.numemployees'. The number is out of range",
    "VALUE_NOT_IN_FIELD_DEFINITION": "Error in 'fields.hs_lead_status'. The value is not in the field definition",
    "INVALID_METADATA": "Error in 'context'. The metadata is invalid",
    "INVALID_GOTOWEBINAR_WEBINAR_KEY": "Error in 'context.goToWebinarWebinarKey'",
    "INVALID_HUTK": "Error in 'context.hutk'",
    "INVALID_IP_ADDRESS": "Error in 'context.ipAddress'",
    "INVALID_PAGE_URI": "Error in 'context.pageUri'",
    "INVALID_LEGAL_OPTION_FORMAT": "Error in 'legalConsentOptions'",
    "MISSING_PROCESSING_CONSENT": "Error in 'legalConsentOptions.consent.consentToProcess'",
    "MISSING_PROCESSING_CONSENT_TEXT": "Error in 'legalConsentOptions.consent.text'",
    "MISSING_COMMUNICATION_CONSENT_TEXT": "Error in 'legalConsentOptions.consent.communications[0].text'",
    "MISSING_LEGITIMATE_INTEREST_TEXT": "Error in 'legalConsentOptions.legitimateInterest.text'",
    "DUPLICATE_SUBSCRIPTION_TYPE_ID": "Error in 'legalConsentOptions'. A subscription type id stands twice",
    "FORM_HAS_RECAPTCHA_ENABLED": "The form has reCAPTCHA enabled",
}
"""Why a form refuses a post, and how that is said."""


def form_state(error: str) -> str:
    """The name of the state in which every post is refused with ``error``: ``formInvalidEmail`` for INVALID_EMAIL."""
    return "form" + "".join(word.capitalize() for word in error.removeprefix("FORM_").split("_"))


FORM_STATES: Final[Mapping[str, str]] = {form_state(error): error for error in FORM_ERRORS}

STATES: Final[Mapping[str, str]] = {
    OK: "behaves as the real service does when nothing is wrong",
    **{
        name: f"REST: {each.status} {each.policy or each.category or each.message or 'with a web page'}"
        for name, each in REFUSALS.items()
    },
    **{name: f"REST: the token lacks {', '.join(sorted(lacks))} (403)" for name, lacks in LACKING.items()},
    "leadsUnknown": "REST: the account does not know the object leads (400 VALIDATION_ERROR)",
    "leadRefused": "REST: no lead can be created (400 VALIDATION_ERROR); contacts can",
    "leadsLocked": "REST: leads are locked (423); contacts are not",
    "ruleViolated": "REST: a rule of the account refuses what is written (400 VALIDATION_ERROR, codes in errors[])",
    "emailRefused": "REST: every address that is written is refused (400 VALIDATION_ERROR, INVALID_EMAIL)",
    "propertyGone": "REST: the property company is not there any more (PROPERTY_DOESNT_EXIST)",
    "propertyFixed": "REST: only HubSpot writes the property company (READ_ONLY_VALUE)",
    "emailTaken": "REST: whoever creates a contact comes too late (409 CONFLICT)",
    "upsertEmpties": "REST: an upsert by e-mail address empties what it leaves out",
    "updateSkips": "REST: a batch update leaves records out without an error",
    "searchEmpty": "REST: a search finds nothing",
    **{name: f"Forms: every post is refused, {error}" for name, error in FORM_STATES.items()},
    "formMissing": "Forms: the form is not there (404)",
    "formLimit": "Forms: too many posts (429)",
    "formLost": "Forms: posts are answered as if all were well, and become no contact",
    "formDown": "Forms: 503 with a web page",
}
