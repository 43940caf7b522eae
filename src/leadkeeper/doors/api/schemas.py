"""What the REST API takes: request bodies, camelCase, nothing unknown; wrong input is never repeated in errors."""

from __future__ import annotations

import contextlib
import re
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
)
from pydantic.alias_generators import to_camel
from pydantic.config import JsonDict

from leadkeeper.delivery.schedule import State
from leadkeeper.intake.new_lead import NewLead
from leadkeeper.intake.normal import is_address, normal_address
from leadkeeper.intake.texts import is_clean
from leadkeeper.json_types import WHOLE, Flag
from leadkeeper.lead import Customer, canonical_action, canonical_source
from leadkeeper.offer import OFFER_ID, PUBLISHER_ID, OfferRef
from leadkeeper.problem import FieldError, Problem, ProblemType
from leadkeeper.publishing.links import LONGEST_LINK
from leadkeeper.publishing.listing import LONGEST, CallToAction
from leadkeeper.publishing.suspension import LONGEST_REASON
from leadkeeper.texts import _, lazy_gettext

MOST_OF_CONTACT: Final = 300
LONGEST_EMAIL: Final = 320
_AT: Final = re.compile("[@\\uff20\\ufe6b]")
"""As it is written, full width and small: intake makes one of all; see ``intake.normal``."""
_NOT_CLEAN: Final = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"
_SOURCE: Final = re.compile(r"[^|\-]*[^|\-\s][^|\-]*")
_ACTION: Final = re.compile(r"[^|]*[^|\s][^|]*")


def _clean(text: str) -> str:
    if not is_clean(text):
        raise ValueError(lazy_gettext("may hold no control characters other than tab and line breaks"))
    return text


def _source(text: str) -> str:
    if _SOURCE.fullmatch(text) is None:
        raise ValueError(lazy_gettext("may not be empty and may hold neither - nor |"))
    return text


def _action(text: str) -> str:
    if _ACTION.fullmatch(text) is None:
        raise ValueError(lazy_gettext("may not be empty and may not hold |"))
    return text


def _email(text: str) -> str:
    if text and len(_AT.findall(text)) != 1 and not is_address(normal_address(text)):
        raise ValueError(lazy_gettext("must hold one @"))
    return text


def _pattern(pattern: str) -> Any:
    """How a rule that is checked in Python, for the sake of its message, stands in the schema."""
    return Field(json_schema_extra={"pattern": pattern})


def _longest(text: str) -> Any:
    """How the longest text of a listing stands in the schema: the catalogue refuses one that is longer, and says so."""
    return Field(json_schema_extra={"maxLength": LONGEST[text]})


Text = Annotated[str, AfterValidator(_clean), _pattern(f"^[^{_NOT_CLEAN}]*$")]
Name = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_clean), _pattern(f"^[^{_NOT_CLEAN}]*$")]
Title = Annotated[str, Field(min_length=1), AfterValidator(_clean), _pattern(f"^[^{_NOT_CLEAN}]*$"), _longest("title")]
Source = Annotated[
    str,
    Field(max_length=200),
    AfterValidator(_clean),
    AfterValidator(_source),
    _pattern(rf"^[^|\-{_NOT_CLEAN}]*[^|\-\s{_NOT_CLEAN}][^|\-{_NOT_CLEAN}]*$"),
]
Action = Annotated[
    str,
    Field(max_length=200),
    AfterValidator(_clean),
    AfterValidator(_action),
    _pattern(rf"^[^|{_NOT_CLEAN}]*[^|\s{_NOT_CLEAN}][^|{_NOT_CLEAN}]*$"),
]
Email = Annotated[
    str,
    Field(max_length=LONGEST_EMAIL),
    AfterValidator(_clean),
    AfterValidator(_email),
    _pattern(rf"^([^@\uff20\ufe6b{_NOT_CLEAN}]*[@\uff20\ufe6b][^@\uff20\ufe6b{_NOT_CLEAN}]*)?$"),
]


class Body(BaseModel):
    """Base of all request bodies."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        hide_input_in_errors=True,
    )


class CustomerBody(Body):
    """Who acted; every part may be missing or null."""

    first_name: Text | None = None
    last_name: Text | None = None
    email: Email | None = None
    phone: Text | None = None
    country: Text | None = None
    company: Text | None = None
    title: Text | None = None

    def customer(self) -> Customer:
        """The customer."""
        return Customer(
            self.first_name or "",
            self.last_name or "",
            self.email or "",
            self.phone or "",
            self.country or "",
            self.company or "",
            self.title or "",
        )


_EXAMPLE: Final[JsonDict] = {
    "publisherId": "contoso",
    "offerId": "crm-pro",
    "source": "AzureMarketplace",
    "action": "INS",
    "customer": {
        "firstName": "Ada",
        "lastName": "Lovelace",
        "email": "ada@contoso.com",
        "phone": "+44 20 7946 0958",
        "country": "GB",
        "company": "Contoso",
        "title": "CTO",
    },
    "description": "Please call in the morning.",
    "campaign": "spring-26",
}


class LeadBody(Body):
    """A lead: one customer action on one offer."""

    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    publisher_id: Annotated[str, Field(pattern=PUBLISHER_ID)]
    offer_id: Annotated[str, Field(pattern=OFFER_ID)]
    source: Source = Field(description="AzureMarketplace, AzurePortal, TestDrive, SPZA, or another.")
    action: Action = Field(description="INS, PLT, DNC, Create, StartTestDrive, or another.")
    customer: CustomerBody | None = None
    description: Text | None = None
    campaign: Text | None = None

    def lead(self, idempotency_key: str | None = None, hops: int = 0) -> NewLead:
        """The lead (passed on ``hops`` times), its source and action in their usual spelling."""
        return NewLead(
            OfferRef(self.publisher_id, self.offer_id),
            canonical_source(self.source),
            canonical_action(self.action),
            Customer() if self.customer is None else self.customer.customer(),
            self.description or "",
            self.campaign or "",
            idempotency_key=idempotency_key,
            hops=hops,
        )


class PreviewBody(Body):
    """A lead to preview; without a source it is a test lead."""

    source: Source | None = None
    action: Action | None = None
    customer: CustomerBody | None = None
    description: Text | None = None
    campaign: Text | None = None

    def lead(self, offer: OfferRef) -> NewLead | None:
        """The lead, or ``None`` for a test lead."""
        if self.source is None:
            return None
        return NewLead(
            offer,
            canonical_source(self.source),
            canonical_action(self.action or ""),
            Customer() if self.customer is None else self.customer.customer(),
            self.description or "",
            self.campaign or "",
        )


INVALID_LEAD: Final = _("The lead cannot be taken: %(errors)s")
"""What is wrong with a lead, told by :func:`leadkeeper.doors.api.problems.invalid_model`."""
IDEMPOTENCY_KEY: Final = "^[!-~]{1,255}$"
_KEY: Final = re.compile(rb"[!-~]{1,255}")


def parse_idempotency_key(value: bytes | None) -> str | None:
    """The key in this header, if there is one. Raises :class:`Problem` for one that cannot be taken."""
    if value is None:
        return None
    if _KEY.fullmatch(value) is None:
        rule = lazy_gettext("1 to 255 visible ASCII characters")
        error = FieldError("Idempotency-Key", rule)
        raise Problem(ProblemType.INVALID_REQUEST, lazy_gettext("An Idempotency-Key is %(rule)s.", rule=rule), (error,))
    return value.decode()


Own = Annotated[int, Field(ge=1, le=2**31 - 1), WHOLE] | None


class QuotasBody(Body):
    """A publisher's own quotas. What is left out stays; null goes back to the installation's."""

    connections_per_offer: Own = None
    connections: Own = None
    hooks_per_offer: Own = None
    hooks: Own = None
    offers: Own = None
    contacts_per_connection: Own = None
    contacts: Own = None
    hook_leads_a_minute: Own = None
    hook_leads_a_day: Own = None
    key_leads_a_minute: Own = None
    key_leads_a_day: Own = None
    validations_at_once: Own = None
    validations_a_minute: Own = None
    publishing_checks_a_minute: Own = None
    requests_a_minute: Own = None
    channels: Own = None
    bulk_runs: Own = None

    def given(self) -> dict[str, int | None]:
        """Those that are said, by their JSON names."""
        return self.model_dump(by_alias=True, exclude_unset=True)


class PublisherBody(Body):
    """What may be said of a publisher; what is left out stays as it is."""

    display_name: Name | None = Field(None, description="A new publisher needs it.", examples=["Contoso"])
    quotas: QuotasBody | None = Field(None, description="What it may take that differs from the installation's quotas.")
    contact: Annotated[Text, Field(max_length=MOST_OF_CONTACT)] | None = Field(
        None, description="Whom an operator asks about it: a name, an address. What is left out stays."
    )


class SuspensionBody(Body):
    """Why a publisher is suspended."""

    reason: Annotated[Text, Field(min_length=1, max_length=LONGEST_REASON)] = Field(
        description="Its members read it.", examples=["Its contract ended."]
    )


class OfferBody(Body):
    """What may be said of an offer; what is left out stays as it is."""

    title: Title | None = Field(None, description="A new offer needs it.", examples=["Contoso CRM Pro"])
    offer_type: Annotated[Name, Field(max_length=128)] | None = Field(
        None, description="Microsoft's or your own word; saas for a new offer. Fixed once the offer is published."
    )
    live: Flag | None = Field(
        None,
        description="Only a live offer takes leads: true when customers act on it elsewhere, which a new offer is taken"
        " for. Publishing an offer here makes it live too, and shows it in the storefront.",
    )
    summary: Annotated[Text, _longest("summary")] | None = Field(None, description="One sentence for customers.")
    description: Annotated[Text, _longest("description")] | None = Field(
        None, description="What customers read on the offer's page."
    )
    category: Annotated[str, _longest("category")] | None = Field(
        None, description="Where customers find it in the storefront, such as Sales or Analytics."
    )
    price: Annotated[str, _longest("price")] | None = Field(
        None, description="What it costs, in one line for customers."
    )
    support: Annotated[Text, Field(max_length=LONGEST_LINK)] | None = Field(
        None, description="Where customers find help: an e-mail address, or the whole address of a page."
    )
    privacy: Annotated[Text, Field(max_length=LONGEST_LINK)] | None = Field(
        None, description="The whole address of the page on what becomes of customers' data."
    )
    calls_to_action: list[CallToAction] | None = Field(
        None, max_length=5, description="What customers can do; by default what is usual for the type."
    )


def _written_moment(given: object, read: ValidatorFunctionWrapHandler) -> object:
    """Pydantic takes 20261130 for seconds since 1970: more would be listed, or sent, than was meant."""
    if isinstance(given, datetime) or (isinstance(given, str) and _WRITTEN_DAY.match(given)):
        with contextlib.suppress(ValidationError):
            return read(given)
    raise ValueError(
        lazy_gettext(
            "write a day or a moment, such as 2026-11-30 or 2026-11-30T09:00:00Z; in an address + is written %%2B"
        )
    )


_WRITTEN_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
_SCHEMA: Final = {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}]}
IsoMoment = Annotated[datetime, WrapValidator(_written_moment), WithJsonSchema(_SCHEMA, mode="validation")]
"""A day or a moment as ISO 8601 writes it."""


def to_ms(moment: datetime | None) -> int | None:
    """``moment`` (UTC unless it says otherwise) in milliseconds since 1970, within what a database holds."""
    if moment is None:
        return None
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return max(0, int(aware.timestamp() * 1000))


ReplayState = Literal["delivered", "unconfirmed", "setAside", "waiting"]


class ReplayBody(Body):
    """Which of a connection's leads to send again."""

    since: IsoMoment | None = Field(None, description="Leads handed in at or after this moment.")
    until: IsoMoment | None = Field(None, description="Leads handed in before this moment.")
    states: list[ReplayState] = Field(["setAside"], description="Deliveries in these states.")
    missing: Flag = Field(False, description="Also leads that came before this connection was there.")
    dry_run: Flag = Field(False, description="Only count them.")

    def wanted(self) -> list[State]:
        """The states in our own words."""
        return [State(state) for state in self.states]
