"""What a caller did wrong, or what we cannot do just now: one value for every door. Pure data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from leadkeeper.offer import OfferRef
from leadkeeper.texts import ENGLISH, JoinedTexts, Language, _, join_lazily, lazy_gettext


class ProblemType(StrEnum):
    """The closed list of problems; the end of a problem document's ``type`` address, stable for callers."""

    MALFORMED_REQUEST = "malformed-request"
    INVALID_REQUEST = "invalid-request"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not-found"
    METHOD_NOT_ALLOWED = "method-not-allowed"
    UNKNOWN_PUBLISHER = "unknown-publisher"
    UNKNOWN_OFFER = "unknown-offer"
    PUBLISHER_SUSPENDED = "publisher-suspended"
    OFFER_NOT_LIVE = "offer-not-live"
    UNKNOWN_CONNECTION = "unknown-connection"
    UNKNOWN_DELIVERY = "unknown-delivery"
    IDEMPOTENCY_KEY_REUSED = "idempotency-key-reused"
    NOT_REPEATABLE_NOW = "not-repeatable-now"
    LEAD_EXPIRED = "lead-expired"
    PRECONDITION_FAILED = "precondition-failed"
    OPERATION_RUNNING = "operation-running"
    UNKNOWN_OPERATION = "unknown-operation"
    NOT_PUBLISHABLE = "not-publishable"
    NOT_POSSIBLE_NOW = "not-possible-now"
    DESTINATION_REQUIRED = "destination-required"
    TOO_LARGE = "too-large"
    HEAD_TOO_LARGE = "head-too-large"
    TOO_SLOW = "too-slow"
    TOO_BUSY = "too-busy"
    QUOTA_EXCEEDED = "quota-exceeded"
    UNSUPPORTED_MEDIA_TYPE = "unsupported-media-type"
    TOO_MANY_REQUESTS = "too-many-requests"
    STORAGE_AWAY = "storage-away"
    RECORD_DAMAGED = "record-damaged"
    INTERNAL = "internal"


STATUS: Mapping[ProblemType, int] = {
    ProblemType.MALFORMED_REQUEST: 400,
    ProblemType.INVALID_REQUEST: 422,
    ProblemType.UNAUTHORIZED: 401,
    ProblemType.FORBIDDEN: 403,
    ProblemType.NOT_FOUND: 404,
    ProblemType.METHOD_NOT_ALLOWED: 405,
    ProblemType.UNKNOWN_PUBLISHER: 404,
    ProblemType.UNKNOWN_OFFER: 404,
    ProblemType.PUBLISHER_SUSPENDED: 403,
    ProblemType.OFFER_NOT_LIVE: 409,
    ProblemType.UNKNOWN_CONNECTION: 404,
    ProblemType.UNKNOWN_DELIVERY: 404,
    ProblemType.IDEMPOTENCY_KEY_REUSED: 409,
    ProblemType.NOT_REPEATABLE_NOW: 409,
    ProblemType.LEAD_EXPIRED: 409,
    ProblemType.PRECONDITION_FAILED: 412,
    ProblemType.OPERATION_RUNNING: 409,
    ProblemType.UNKNOWN_OPERATION: 404,
    ProblemType.NOT_PUBLISHABLE: 422,
    ProblemType.NOT_POSSIBLE_NOW: 409,
    ProblemType.DESTINATION_REQUIRED: 409,
    ProblemType.TOO_LARGE: 413,
    ProblemType.HEAD_TOO_LARGE: 431,
    ProblemType.TOO_SLOW: 408,
    ProblemType.TOO_BUSY: 503,
    ProblemType.QUOTA_EXCEEDED: 409,
    ProblemType.UNSUPPORTED_MEDIA_TYPE: 415,
    ProblemType.TOO_MANY_REQUESTS: 429,
    ProblemType.STORAGE_AWAY: 503,
    ProblemType.RECORD_DAMAGED: 500,
    ProblemType.INTERNAL: 500,
}
"""The HTTP status that a problem is answered with."""


TITLES: Mapping[ProblemType, str] = {
    ProblemType.MALFORMED_REQUEST: _("Malformed request"),
    ProblemType.INVALID_REQUEST: _("Invalid request"),
    ProblemType.UNAUTHORIZED: _("Unauthorized"),
    ProblemType.FORBIDDEN: _("Forbidden"),
    ProblemType.NOT_FOUND: _("Not found"),
    ProblemType.METHOD_NOT_ALLOWED: _("Method not allowed"),
    ProblemType.UNKNOWN_PUBLISHER: _("Unknown publisher"),
    ProblemType.UNKNOWN_OFFER: _("Unknown offer"),
    ProblemType.PUBLISHER_SUSPENDED: _("Publisher suspended"),
    ProblemType.OFFER_NOT_LIVE: _("Offer not live"),
    ProblemType.UNKNOWN_CONNECTION: _("Unknown connection"),
    ProblemType.UNKNOWN_DELIVERY: _("Unknown delivery"),
    ProblemType.IDEMPOTENCY_KEY_REUSED: _("Idempotency key reused"),
    ProblemType.NOT_REPEATABLE_NOW: _("Not repeatable now"),
    ProblemType.LEAD_EXPIRED: _("Lead expired"),
    ProblemType.PRECONDITION_FAILED: _("Precondition failed"),
    ProblemType.OPERATION_RUNNING: _("Operation running"),
    ProblemType.UNKNOWN_OPERATION: _("Unknown operation"),
    ProblemType.NOT_PUBLISHABLE: _("Not publishable"),
    ProblemType.NOT_POSSIBLE_NOW: _("Not possible now"),
    ProblemType.DESTINATION_REQUIRED: _("Destination required"),
    ProblemType.TOO_LARGE: _("Too large"),
    ProblemType.HEAD_TOO_LARGE: _("Head too large"),
    ProblemType.TOO_SLOW: _("Too slow"),
    ProblemType.TOO_BUSY: _("Too busy"),
    ProblemType.QUOTA_EXCEEDED: _("Quota exceeded"),
    ProblemType.UNSUPPORTED_MEDIA_TYPE: _("Unsupported media type"),
    ProblemType.TOO_MANY_REQUESTS: _("Too many requests"),
    ProblemType.STORAGE_AWAY: _("Storage away"),
    ProblemType.RECORD_DAMAGED: _("Record damaged"),
    ProblemType.INTERNAL: _("Internal"),
}
"""What a problem is called; ``Language.gettext`` tells it in a language."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field that cannot be taken: where it is (``customer.email``) and what is wrong with it."""

    field: str
    message: str


def every_error(errors: Iterable[FieldError]) -> JoinedTexts:
    """All of ``errors`` in one line, each with its field."""
    found = (join_lazily((error.field, error.message), ": ") if error.field else error.message for error in errors)
    return join_lazily(found, "; ")


class Problem(Exception):
    """A use case refuses: nothing was changed. ``detail`` says what and what to do; it repeats no personal data.

    Texts of ``texts.lazy_gettext`` are told in the caller's language; others are English.

    ``retry_after`` is when (s) trying again may help, where that is known.
    """

    def __init__(
        self, type: ProblemType, detail: str, errors: tuple[FieldError, ...] = (), *, retry_after: int | None = None
    ) -> None:
        super().__init__(detail)
        self.retry_after = retry_after
        self.type = type
        self.detail = detail
        self.errors = errors
        self.retry_after = retry_after

    def language(self, wanted: Language) -> Language:
        """The language to tell it in: ``wanted``, or English where a part of it cannot be told so."""
        texts = (self.detail, *(error.message for error in self.errors))
        return wanted if all(map(wanted.can_tell, texts)) else ENGLISH

    @property
    def status(self) -> int:
        """The HTTP status of this problem."""
        return STATUS[self.type]


def unknown_offer(offer: OfferRef) -> Problem:
    """The problem of an offer that does not exist."""
    detail = lazy_gettext(
        "There is no offer '%(offer)s' of a publisher '%(publisher)s'.",
        offer=offer.offer_id,
        publisher=offer.publisher_id,
    )
    error = FieldError("offerId", lazy_gettext("unknown offer of this publisher"))
    return Problem(ProblemType.UNKNOWN_OFFER, detail, (error,))


def publisher_suspended(publisher_id: str) -> Problem:
    """The problem of a publisher that may only read, and whose offers take no leads."""
    detail = lazy_gettext(
        "The publisher '%(publisher)s' is suspended: its offers take no leads, and nothing of it can be changed. "
        "What was kept before is held. Ask the operator of this installation to release it.",
        publisher=publisher_id,
    )
    error = FieldError("publisherId", lazy_gettext("the publisher is suspended"))
    return Problem(ProblemType.PUBLISHER_SUSPENDED, detail, (error,))


def damaged_version(offer: OfferRef, number: int) -> Problem:
    """The problem of an offer one of whose versions cannot be read."""
    detail = lazy_gettext(
        "What is stored of version %(number)s of the offer %(offer)s is damaged and could not be read. Nothing was "
        "changed. Enter the offer's draft again, or ask the operator to restore its row: leadkeeper doctor names it.",
        number=number,
        offer=offer,
    )
    error = FieldError("offerId", lazy_gettext("what is stored of it is damaged"))
    return Problem(ProblemType.RECORD_DAMAGED, detail, (error,))


def unknown_connection(offer: OfferRef, name: str) -> Problem:
    """The problem of a connection that does not exist."""
    detail = lazy_gettext("The offer %(offer)s has no connection '%(name)s'.", offer=offer, name=name)
    error = FieldError("name", lazy_gettext("unknown connection of this offer"))
    return Problem(ProblemType.UNKNOWN_CONNECTION, detail, (error,))
