"""What a caller did wrong, or what we cannot do just now: one value for every door. Pure data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from leadkeeper.offer import OfferRef
from leadkeeper.texts import ENGLISH, JoinedTexts, Language, _, join_lazily, lazy_gettext


class ProblemType(StrEnum):
    """The closed list of problems; each is the end of a problem document's ``type``, stable for callers."""

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


REMEDIES: Mapping[ProblemType, str] = {
    ProblemType.MALFORMED_REQUEST: _("Send HTTP, and a body in chunks of more than a few bytes."),
    ProblemType.INVALID_REQUEST: _("Correct the fields that `errors` names (at most 20)."),
    ProblemType.UNAUTHORIZED: _("Send a key that is known: `Authorization: Bearer <key>`."),
    ProblemType.FORBIDDEN: _("Use a key whose role allows it."),
    ProblemType.NOT_FOUND: _("Look at the address and at the id in it."),
    ProblemType.METHOD_NOT_ALLOWED: _("Use one of the methods in the header `Allow`."),
    ProblemType.UNKNOWN_PUBLISHER: _("Make the publisher, or correct its id."),
    ProblemType.UNKNOWN_OFFER: _("Make the offer, or correct its id."),
    ProblemType.PUBLISHER_SUSPENDED: _("Ask the operator of the installation to release the publisher."),
    ProblemType.OFFER_NOT_LIVE: _("Publish the offer, or set its `live` to true."),
    ProblemType.UNKNOWN_CONNECTION: _("Make the connection, or correct its name."),
    ProblemType.UNKNOWN_DELIVERY: _("Take the delivery's id from the lead: `GET /v1/leads/{id}`."),
    ProblemType.IDEMPOTENCY_KEY_REUSED: _("Use a new key for every lead."),
    ProblemType.NOT_REPEATABLE_NOW: _(
        "The delivery is being sent just now, or its lead is withheld: look at the delivery again."
    ),
    ProblemType.LEAD_EXPIRED: _("The personal data of the lead were removed, so that nothing is left to send."),
    ProblemType.PRECONDITION_FAILED: _("Read the offer again, and repeat the change on what it is now."),
    ProblemType.OPERATION_RUNNING: _("Wait for the offer's operation to end, or cancel it."),
    ProblemType.UNKNOWN_OPERATION: _("Take the operation's id from the list of the offer's operations."),
    ProblemType.NOT_PUBLISHABLE: _("Add what `errors` names to the offer, then publish it."),
    ProblemType.NOT_POSSIBLE_NOW: _("Look at the state of the offer or operation; `detail` says what must come first."),
    ProblemType.DESTINATION_REQUIRED: _(
        "An offer of this type keeps a lead destination while it is live: change it instead of removing it."
    ),
    ProblemType.TOO_LARGE: _("Send less: at most 64 KiB in a body, and in a line of a batch."),
    ProblemType.HEAD_TOO_LARGE: _("Send a shorter address and fewer headers: at most 16 KiB together."),
    ProblemType.TOO_SLOW: _("Send the request without long pauses, and in whole packets."),
    ProblemType.TOO_BUSY: _("All connections are in use, and nothing was done: repeat after `Retry-After` seconds."),
    ProblemType.QUOTA_EXCEEDED: _(
        "The publisher has as many as it may have; `errors` names the quota. Remove what is not needed, or ask "
        "the operator for more."
    ),
    ProblemType.UNSUPPORTED_MEDIA_TYPE: _("Send `application/json` (a batch: `application/x-ndjson`)."),
    ProblemType.TOO_MANY_REQUESTS: _(
        "Wait `Retry-After` seconds. After wrong keys, send the right one; after validations, let some end; "
        "`errors` names a quota of the minute or the day that is used up."
    ),
    ProblemType.STORAGE_AWAY: _("Nothing was kept: repeat after `Retry-After` seconds."),
    ProblemType.RECORD_DAMAGED: _(
        "What is stored cannot be read, and nothing was changed: enter the offer's draft again, or ask the "
        "operator to restore its row."
    ),
    ProblemType.INTERNAL: _(
        "The fault is ours, and whether it was done is not known: repeat with an `Idempotency-Key`. The log of "
        "the installation has a line with the same `requestId`."
    ),
}
"""What a caller can do about a problem, in Markdown; ``Language.gettext`` tells it in a language."""

_TRANSLATED_PAGES: Final = frozenset({"pt"})

TYPE_BASE: Final = "/docs/reference/problems.html#"
"""What the ``type`` of every problem document begins with: the page of problems, which each installation serves."""


def type_reference(type: ProblemType) -> str:
    """The problem document's ``type``: a relative reference (RFC 9457, 3.1.1), the same in every installation."""
    return f"{TYPE_BASE}{type.value}"


def page_of(type: ProblemType, language: Language) -> str:
    """The address below ``/docs`` that treats the problem: in that language, or in English where no page is in it."""
    primary = language.code.partition("-")[0]
    return type_reference(type).replace(".html", f".{primary}.html" if primary in _TRANSLATED_PAGES else ".html")


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field that cannot be taken: where it is (``customer.email``) and what is wrong with it."""

    field: str
    message: str


def every_error(errors: Iterable[FieldError]) -> JoinedTexts:
    """All of ``errors`` in one line, each with its field."""
    found = (join_lazily((error.field, error.message), ": ") if error.field else error.message for error in errors)
    return join_lazily(found, "; ")


_ERRORS_ARE_THE_REMEDY: Final = frozenset({ProblemType.INVALID_REQUEST, ProblemType.NOT_PUBLISHABLE})


def whole_detail(type: str, detail: str, errors: Iterable[FieldError]) -> str:
    """``detail`` in one line with what the ``errors`` add to it, for whoever is shown nothing else of a problem.

    Errors of other types than those whose remedy they are only name the field that ``detail`` is about.
    """
    further = [each for each in errors if str(each.message).rstrip(".") not in str(detail)]
    return join_lazily((detail, every_error(further))) if further and type in _ERRORS_ARE_THE_REMEDY else detail


class Problem(Exception):
    """A use case refuses: nothing was changed. ``detail`` says what and what to do; it repeats no personal data.

    Texts of ``texts.lazy_gettext`` are told in the caller's language; others are English.

    ``retry_after`` is when (s) trying again may help, where that is known.
    """

    def __init__(
        self, type: ProblemType, detail: str, errors: tuple[FieldError, ...] = (), *, retry_after: int | None = None
    ) -> None:
        super().__init__(detail)
        self.type = type
        self.detail = detail
        self.errors = errors
        self.retry_after = retry_after

    def language(self, wanted: Language) -> Language:
        """The language to tell it in: ``wanted``, or English where a part of it cannot be told so."""
        texts = (self.detail, *(error.message for error in self.errors))
        return wanted if all(map(wanted.can_tell, texts)) else ENGLISH

    @property
    def whole_detail(self) -> str:
        """The ``detail`` with what ``errors`` add to it."""
        return whole_detail(self.type, self.detail, self.errors)

    @property
    def status(self) -> int:
        """The HTTP status of this problem."""
        return STATUS[self.type]


def internal() -> Problem:
    """The problem of a caller who met a fault of ours."""
    detail = lazy_gettext("The fault is ours; the log says more. It is not known whether it was done.")
    return Problem(ProblemType.INTERNAL, detail)


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
