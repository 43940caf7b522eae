"""What must come of each state of the HubSpot stand-in, before any adapter: ``docs/reference/vendors/hubspot.md``.

The diagnoses are the adapter's; ``cases/hubspot.py`` adds them, each to its state. No outcome: the account lacks leads,
or the right to them, and the settings decide whether a contact alone is a delivery.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from leadkeeper.diagnosis import Outcome, Who
from leadkeeper.sandbox.hubspot.states import FORM_STATES
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
)


class Wanted(NamedTuple):
    """A state, how HubSpot says it, what must come of a send, and who can fix it.

    ``check``: it can be seen without writing a lead.
    """

    state: str
    code: str
    outcome: Outcome | None
    who: Who | None = None
    check: bool = True


def _passing(state: str, code: str) -> Wanted:
    return Wanted(state, code, FAILED, NOBODY)


REST: Final = (
    Wanted("tokenUnknown", "401 INVALID_AUTHENTICATION", BROKEN, PUBLISHER),
    Wanted("tokenExpired", "401 EXPIRED_AUTHENTICATION", BROKEN, PUBLISHER),
    Wanted("creatorLeft", "403 USER_DOES_NOT_HAVE_PERMISSIONS", BROKEN, ADMIN),
    Wanted("appBlocked", "403 BANNED", BROKEN, ADMIN),
    Wanted("burstReached", "429 TEN_SECONDLY_ROLLING", THROTTLED, NOBODY),
    Wanted("secondReached", "429 SECONDLY", THROTTLED, NOBODY),
    Wanted("dailyReached", "429 DAILY", THROTTLED, PUBLISHER),
    Wanted("limitByCategory", "429 RATE_LIMITS", THROTTLED, NOBODY),
    _passing("locked", "423"),
    _passing("migrating", "477, Retry-After"),
    Wanted("uriTooLong", "414", BROKEN, OPERATOR),
    _passing("internalError", "500"),
    _passing("badGateway", "502 HTML"),
    _passing("unavailable", "503 HTML"),
    _passing("gatewayTimeout", "504 HTML"),
    _passing("serverDown", "521 HTML"),
    _passing("connectionTimeout", "522 HTML"),
    _passing("originUnreachable", "523 HTML"),
    _passing("timeout", "524 HTML"),
    _passing("handshakeFailed", "525 HTML"),
    _passing("certificateInvalid", "526 HTML"),
    Wanted("readScopeMissing", "403 MISSING_SCOPES", BROKEN, PUBLISHER),
    Wanted("writeScopeMissing", "403 MISSING_SCOPES for what is written", BROKEN, PUBLISHER, check=False),
    Wanted("leadReadScopeMissing", "403 MISSING_SCOPES for leads that are read", None),
    Wanted("leadWriteScopeMissing", "403 MISSING_SCOPES for leads that are written", None, check=False),
    Wanted("leadsNotInEdition", "403 MISSING_SCOPES for leads", None),
    Wanted("leadsUnknown", "400 VALIDATION_ERROR for leads", None),
    Wanted("formsScopeMissing", "403 MISSING_SCOPES for posts with a token", DELIVERED),
    Wanted("leadRefused", "400 VALIDATION_ERROR for a new lead", REFUSED, PUBLISHER, check=False),
    Wanted("leadsLocked", "423 for leads", FAILED, NOBODY, check=False),
    Wanted("ruleViolated", "400 VALIDATION_ERROR, errors[]", REFUSED, PUBLISHER, check=False),
    Wanted("emailRefused", "400 VALIDATION_ERROR, INVALID_EMAIL", REFUSED, PUBLISHER, check=False),
    Wanted("propertyGone", "400 VALIDATION_ERROR, PROPERTY_DOESNT_EXIST", BROKEN, PUBLISHER),
    Wanted("propertyFixed", "400 VALIDATION_ERROR, READ_ONLY_VALUE", BROKEN, PUBLISHER),
    Wanted("emailTaken", "409 CONFLICT, whoever is not there", FAILED, NOBODY, check=False),
    Wanted("upsertEmpties", "200; nothing that people wrote may be lost", DELIVERED),
    Wanted("updateSkips", "200 without the record", DELIVERED),
    Wanted("searchEmpty", "200, nothing found", DELIVERED),
)
"""The states of the REST API."""

_OF_THE_VALUE: Final = frozenset(
    {
        *("INVALID_EMAIL", "BLOCKED_EMAIL", "REQUIRED_FIELD", "INVALID_NUMBER", "INPUT_TOO_LARGE"),
        *("NUMBER_OUT_OF_RANGE", "VALUE_NOT_IN_FIELD_DEFINITION"),
    }
)
"""Errors of a form that concern one lead; the others concern all."""
_OF_THE_POST: Final = frozenset(
    {
        *("MAX_NUMBER_OF_SUBMITTED_VALUES_EXCEEDED", "INVALID_METADATA", "INVALID_GOTOWEBINAR_WEBINAR_KEY"),
        *("INVALID_HUTK", "INVALID_IP_ADDRESS", "INVALID_PAGE_URI", "INVALID_LEGAL_OPTION_FORMAT"),
        "DUPLICATE_SUBSCRIPTION_TYPE_ID",
    }
)
"""Errors of a form that come from how we post."""


def _of_form(state: str, error: str) -> Wanted:
    if error in _OF_THE_VALUE:
        return Wanted(state, f"400 {error}", REFUSED, PUBLISHER, check=False)
    return Wanted(state, f"400 {error}", BROKEN, OPERATOR if error in _OF_THE_POST else PUBLISHER, check=False)


FORMS: Final = (
    *(_of_form(state, error) for state, error in FORM_STATES.items()),
    Wanted("formMissing", "404", BROKEN, PUBLISHER, check=False),
    Wanted("formLimit", "429 TEN_SECONDLY_ROLLING", THROTTLED, NOBODY, check=False),
    Wanted("formLost", "200, lost", UNCONFIRMED),
    Wanted("formDown", "503 HTML", AMBIGUOUS, NOBODY, check=False),
)
"""The states of the Forms API, without a token."""
