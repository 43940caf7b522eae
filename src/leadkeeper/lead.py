"""The lead: one customer action on one offer. Pure data and rules."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, Self


class Source(StrEnum):
    """Where the customer acted, as Microsoft's marketplace spells it."""

    AZURE_MARKETPLACE = "AzureMarketplace"
    AZURE_PORTAL = "AzurePortal"
    TEST_DRIVE = "TestDrive"
    SPZA = "SPZA"


class Action(StrEnum):
    """What the customer did."""

    INSTALL = "INS"
    CONTACT_ME = "PLT"
    DO_NOT_CONTACT = "DNC"
    CREATE = "Create"
    START_TEST_DRIVE = "StartTestDrive"


_SOURCES: Final = {s.value.casefold(): s.value for s in Source} | {
    "appsource": Source.SPZA.value,
    "appsource (spza)": Source.SPZA.value,
}
_ACTIONS: Final = {a.value.casefold(): a.value for a in Action}


def canonical_source(text: str) -> str:
    """The known source that ``text`` names in any case (``AppSource (SPZA)`` is ``SPZA``), or ``text`` unchanged."""
    return _SOURCES.get(text.strip().casefold(), text)


def canonical_action(text: str) -> str:
    """The known action that ``text`` names in any case, or ``text`` unchanged."""
    return _ACTIONS.get(text.strip().casefold(), text)


def country_key(text: str) -> str:
    """A customer's country as leads are found by it: without regard to case, at most 64 characters."""
    return text.strip()[:64].casefold()


def is_known_source(text: str) -> bool:
    """Whether ``text`` is one of the sources of :class:`Source`, spelt exactly."""
    return text in _SOURCES.values()


def is_known_action(text: str) -> bool:
    """Whether ``text`` is one of the actions of :class:`Action`, spelt exactly."""
    return text in _ACTIONS.values()


@dataclass(frozen=True, slots=True)
class LeadSource:
    """The text ``Source-Action|publisherId.offerId`` in its parts; a part that the text lacks is ``None``.

    ``offer`` is everything after the first ``|``: usually ``publisherId.offerId``, in a test lead the offer's name.
    Sources and actions that nobody has told us of are kept as they are.
    """

    source: str
    action: str | None = None
    offer: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a lead source: bare (``AzureMarketplace``), with an action, or whole.

        The first ``|`` ends the action, the first ``-`` before it ends the source: offers may hold both.
        Known sources and actions come back in their usual spelling. Any text is accepted.
        """
        head, bar, offer = text.partition("|")
        source, dash, action = head.partition("-")
        return cls(
            canonical_source(source.strip()),
            canonical_action(action.strip()) if dash else None,
            offer.strip() if bar else None,
        )

    def __str__(self) -> str:
        action = "" if self.action is None else f"-{self.action}"
        offer = "" if self.offer is None else f"|{self.offer}"
        return f"{self.source}{action}{offer}"

    @property
    def publisher_id(self) -> str | None:
        """The part of the offer before its first dot, or ``None`` when there is no dot."""
        publisher, dot, _ = (self.offer or "").partition(".")
        return publisher if dot else None

    @property
    def offer_id(self) -> str | None:
        """The part of the offer after its first dot (it may hold more dots), or ``None`` when there is no dot."""
        _, dot, offer = (self.offer or "").partition(".")
        return offer if dot else None


@dataclass(frozen=True, slots=True)
class Customer:
    """Who acted; every part may be empty. These are personal data: see the promise *Private*."""

    first_name: str = ""
    last_name: str = ""
    email: str = ""
    phone: str = ""
    country: str = ""
    company: str = ""
    title: str = ""


TEST_PREFIX: Final = "MSFT_TEST_"
_TICKS_AT_EPOCH: Final = 621_355_968_000_000_000
_TICKS_PER_SECOND: Final = 10_000_000


def dotnet_ticks(moment: datetime) -> int:
    """``moment`` (aware) as .NET ``DateTime.Ticks``: 100 ns units since 0001-01-01 UTC."""
    delta = moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    seconds = delta.days * 86_400 + delta.seconds
    return _TICKS_AT_EPOCH + seconds * _TICKS_PER_SECOND + delta.microseconds * 10


def test_marker(moment: datetime) -> str:
    """The marker that fills all texts of a test lead made at ``moment``, e.g. ``MSFT_TEST_636573304831318844``."""
    return f"{TEST_PREFIX}{dotnet_ticks(moment)}"


def test_customer(marker: str) -> Customer:
    """The customer of the test lead with this marker, as Microsoft's marketplace makes it."""
    return Customer(
        first_name=marker,
        last_name=marker,
        email=f"{marker}@test.com",
        phone="1234567890",
        country="US",
        company=marker,
        title=marker,
    )


def is_test_marker(text: str) -> bool:
    """Whether ``text`` is the marker of a test lead: ``MSFT_TEST_`` and digits, nothing else."""
    return text.startswith(TEST_PREFIX) and text[len(TEST_PREFIX) :].isdecimal()


def is_test(customer: Customer, source: str) -> bool:
    """Whether a lead that came in is a test lead: its source or its customer's last name is a marker."""
    return is_test_marker(source) or is_test_marker(customer.last_name)


def lead_source_text(source: str, action: str, publisher_id: str, offer_id: str, offer_title: str) -> str:
    """The text that every destination receives: ``Source-Action|publisherId.offerId``.

    A test lead names its marker twice and the offer's title, as Microsoft's marketplace does.
    """
    if is_test_marker(source):
        return str(LeadSource(source, source, offer_title))
    return str(LeadSource(source, action or None, f"{publisher_id}.{offer_id}"))


MOST_HOPS: Final = 5
"""How often a lead may have been passed on by installations like this one and still go further; else it loops."""


def read_hops(text: str) -> int:
    """How often a lead was passed on, as the header ``Leadkeeper-Hops`` says; what is no such number is none."""
    text = text.strip()
    if not (text.isascii() and text.isdecimal()):
        return 0
    return min(int(text), 999) if len(text) <= 3 else 999


@dataclass(frozen=True, slots=True)
class OutgoingLead:
    """A lead as an adapter receives it: everything that any destination may be told."""

    id: str
    created_at: datetime
    source: str
    action: str
    lead_source: str
    publisher_id: str
    publisher_name: str
    offer_id: str
    offer_title: str
    customer: Customer
    description: str = ""
    campaign: str = ""
    test: bool = False
    hops: int = 0
    """How often it was passed on before it came here, by installations like this one."""

    @property
    def private(self) -> tuple[str, ...]:
        """The texts that must not be repeated in evidence."""
        c = self.customer
        return (c.first_name, c.last_name, c.email, c.phone, c.company, c.title, self.description)
