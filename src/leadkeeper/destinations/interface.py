"""What every destination is: one small interface, and what goes over it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Literal, Protocol, Self, runtime_checkable

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from leadkeeper.check import Check
from leadkeeper.destinations.guide import Guide
from leadkeeper.diagnosis import Answer, AnyKind, Diagnosis, Receipt
from leadkeeper.lead import OutgoingLead
from leadkeeper.mail.address import ContactEmail
from leadkeeper.mail.service import MailService
from leadkeeper.network.client import Network
from leadkeeper.texts import lazy_gettext


class Config(BaseModel):
    """Base of every destination's settings: Microsoft's ``<name>LeadConfiguration`` object, camelCase, nothing unknown.

    Fields of type ``SecretStr`` are secrets: encrypted at rest, masked on reading. Titles and descriptions are shown
    in the API schema, in forms and in the docs.
    """

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", hide_input_in_errors=True
    )

    contact_email: list[ContactEmail] = Field(
        default_factory=list,
        max_length=50,
        title=lazy_gettext("Contact e-mails"),
        description=lazy_gettext(
            "Who is told that a lead came, or that the connection broke. No personal data is sent there."
        ),
    )

    notice: Literal["each", "daily", "none"] = Field(
        default="each",
        title=lazy_gettext("Notice of leads"),
        description=lazy_gettext(
            "each: the contact e-mails hear of leads at once; daily: one mail a day; none: only of trouble."
        ),
    )

    @property
    def ends_at(self) -> date | None:
        """When the credentials in these settings end: a moment in UTC, or a date; ``None`` where nobody knows."""
        return None

    def completed(self, kept: Mapping[str, str]) -> Self:
        """These settings with what we make for the publisher (``kept``: the secrets stored now, by JSON name)."""
        return self

    @property
    def announces(self) -> Literal["each", "daily", "none"]:
        """Whether and when the contact e-mails are told of each lead, beside its delivery."""
        return self.notice if self.contact_email else "none"

    @property
    def repeatable(self) -> bool:
        """Whether, with these settings, delivering the same lead twice makes one record."""
        return True

    @property
    def host(self) -> str:
        """The host that leads go to, as far as it may be shown; empty when there is none."""
        return ""


class DatedConfig(Config):
    """Settings with a secret whose end only people know."""

    secret_expires: date | None = Field(
        default=None,
        title=lazy_gettext("The secret ends on"),
        description=lazy_gettext(
            "When the secret or password above stops working, as the other system told you when it was "
            "made. You are reminded 30, 7 and 1 days before. It changes nothing else."
        ),
    )

    @property
    def ends_at(self) -> date | None:
        """As it was entered."""
        return self.secret_expires


@dataclass(frozen=True, slots=True)
class Preview:
    """What would be sent for a lead: the record as the remote system names its fields, and what it lacks or cuts."""

    record: Mapping[str, Any]
    notes: tuple[str, ...] = ()


@runtime_checkable
class Previews(Protocol):
    """What a destination can besides, if it maps fields: show the record without sending it."""

    async def preview(self, lead: OutgoingLead) -> Preview:
        """The record for ``lead``. May read from the remote system, never writes, never raises for what it does."""
        ...


class Presence(StrEnum):
    """What became of a record that was delivered. What people did to it on purpose is not missing."""

    THERE = "there"
    CONVERTED = "converted"
    MERGED = "merged"
    MISSING = "missing"
    UNKNOWN = "unknown"
    """Not found, though nothing proves that it was removed."""


@dataclass(frozen=True, slots=True)
class SentRecord:
    """A lead that was delivered, and what the remote system said of it then. ``at`` is when that was, where known."""

    lead: OutgoingLead
    receipt: Receipt
    at: datetime | None = None


@runtime_checkable
class ReadsBack(Protocol):
    """What a destination can besides, if it can be asked which leads are there."""

    @property
    def find_batch(self) -> int:
        """The most leads of one call of :meth:`find`."""
        ...

    async def find(self, sent: Sequence[SentRecord]) -> Sequence[Presence] | Diagnosis:
        """What became of each record, in order; a diagnosis where that cannot be known, for all of them.

        Only what is proven not to be there is missing. Reads alone, in as few calls as the system allows, and within
        its pace; never raises for what the other side does.
        """
        ...


@dataclass(frozen=True, slots=True)
class LookedUp:
    """What became of a record, and the receipt for it where it was found: what is known of it from now on."""

    presence: Presence
    receipt: Receipt | None = None


@runtime_checkable
class Confirms(ReadsBack, Protocol):
    """What a destination can besides that confirms no lead when it takes it, if it can be asked afterwards.

    Unlike others it is asked for leads that are unconfirmed, too, and those sent with earlier settings.
    """

    async def confirm(self, sent: Sequence[SentRecord]) -> Sequence[LookedUp] | Diagnosis:
        """As :meth:`find`, with the receipts of those that are there."""
        ...


@dataclass(frozen=True, slots=True)
class QuotaPlace:
    """What :meth:`Quota.take` answers: how many leads count, the one that was let through among them.

    ``wait`` are the seconds until the next may go; ``None`` where this one may. ``slot`` says where it was counted.
    """

    used: int
    slot: int
    wait: float | None = None


class Quota(Protocol):
    """How much of a limit of 24 hours is used that the remote system keeps to itself.

    A lead is counted before it is sent, for all processes at once, and stays counted whatever becomes of it and of its
    connection. ``owner`` is the publisher whose connection it is: what one uses is never another's to see or to wait
    for.
    """

    @property
    def owner(self) -> str:
        """Whose connection it is."""
        ...

    async def take(self, limit: int) -> QuotaPlace:
        """Count one more lead, unless ``limit`` were sent to the same system in the last 24 hours, or may have been.

        Raises ``StorageAway``; then nothing is to be sent.
        """
        ...

    async def give_back(self, place: QuotaPlace) -> None:
        """Count that lead no longer: the system refused it, or it never got there. Never raises for the database."""
        ...


class Standing(StrEnum):
    """Whether a contact e-mail may get mail: only one that is confirmed may, besides the one question."""

    CONFIRMED = "confirmed"
    ASKED = "asked"
    WAITING = "waiting"  # to be asked
    DECLINED = "declined"


class Contacts(Protocol):
    """A connection's contact e-mails, for a destination that writes to them."""

    async def standings(self, emails: Sequence[str]) -> Mapping[str, Standing]:
        """How each of them stands."""
        ...

    async def spend(self, mails: int) -> float | None:
        """Count ``mails`` for the publisher. If it may not send so many now: the seconds until it may again."""
        ...

    async def report(self, results: Mapping[str, Diagnosis | None]) -> None:
        """Remember what came of a mail for each recipient, to be shown beside it."""
        ...

    async def try_again(self, lead_id: str, emails: Sequence[str]) -> None:
        """See to it that these hear of the lead later."""
        ...


@dataclass(frozen=True, slots=True)
class Context:
    """What an adapter is opened with, besides the settings.

    ``now`` gives the time in seconds since 1970, ``clock`` seconds from anywhere. ``quota`` and ``contacts`` are those
    of the connection; without them nothing is held back, and every contact e-mail counts as confirmed. ``carrying``
    says how many processes carry leads, this one among them: what a system allows in all is divided among them.
    """

    network: Network
    mail: MailService = field(default_factory=MailService)
    now: Callable[[], float] = time.time
    clock: Callable[[], float] = time.monotonic
    quota: Quota | None = None
    contacts: Contacts | None = None
    carrying: Callable[[], int] = lambda: 1


class Adapter(Protocol):
    """An open line to one system, with one connection's settings. One instance serves many sends at once.

    ``batch`` is the most leads in one call; ``repeatable`` says that delivering the same lead twice makes one record,
    with these settings.
    """

    @property
    def batch(self) -> int:
        """The most leads in one call."""
        ...

    @property
    def repeatable(self) -> bool:
        """Whether delivering the same lead twice makes one record."""
        ...

    async def check(self) -> Check:
        """Prove what can be proven without writing. Never raises for what the other side does."""
        ...

    async def deliver(self, leads: Sequence[OutgoingLead]) -> Sequence[Answer]:
        """Send at most ``batch`` leads; one answer per lead, in order. Raises only on bugs of ours.

        Ends by itself within the network's total time (default 30 s) per remote call.
        """
        ...

    async def aclose(self) -> None:
        """Release what the instance alone holds; the shared network session stays open."""
        ...


@dataclass(frozen=True, slots=True)
class IngestionNames:
    """What the ingestion API calls a destination: its ``resourceType``, and its settings by their names there."""

    resource_type: str
    settings: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class MicrosoftNames:
    """What Microsoft calls a destination: in ``customer-leads``, in Cloud Partner's offers, in the ingestion API.

    Where one of them has no such destination, it is named as it is here, and ``ingestion`` is ``None``.
    """

    lead_destination: str
    config_key: str
    cloud_partner: str
    cloud_partner_key: str
    spellings: tuple[str, ...] = ()
    """How offers have called it besides, in lower case without blanks."""
    keys: tuple[str, ...] = ()
    """How offers have called the object with its settings besides, in lower case."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Spellings of settings in offers, in lower case, that differ from ours by more than case."""
    ingestion: IngestionNames | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ErrorCodes:
    """What one system's error codes mean, as its adapter reads them; ``explain`` finds diagnoses by them.

    ``system`` is the system's name, and ``words`` are those in a text that speak of it, in lower case. ``named`` are
    its codes, ``sign_in`` those of OAuth (several systems have the same), ``statuses`` its HTTP statuses, ``numbers``
    codes of digits alone, ``hex`` codes such as ``0x80040220``, in lower case.
    """

    system: str
    words: tuple[str, ...]
    named: Mapping[str, AnyKind] = field(default_factory=dict)
    sign_in: Mapping[str, AnyKind] = field(default_factory=dict)
    statuses: Mapping[int, AnyKind] = field(default_factory=dict)
    numbers: Mapping[str, AnyKind] = field(default_factory=dict)
    hex: Mapping[str, AnyKind] = field(default_factory=dict)


def _never(_: Config) -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Provider:
    """All that the rest of the program knows of a kind of destination.

    ``name`` is also its package, stand-in, docs page and test case file. ``open`` makes an adapter from settings of the
    class ``config``; it raises :class:`~leadkeeper.network.addresses.AddressRefused` for an address that the network
    forbids.
    """

    name: str
    title: str
    microsoft: MicrosoftNames
    config: type[Config]
    open: Callable[[Config, Context], Adapter]
    least_batch: int = 1
    """What every adapter of this kind takes in one call, whatever its settings: known before one is opened."""
    kinds: tuple[type[AnyKind], ...] = ()
    """The lists of the causes that its package gives beside the common ones, declared in the catalogue."""
    if_not_found: AnyKind | None = None
    """What usually is wrong when a lead that it took without confirming it cannot be found there; ``None`` where it
    confirms every lead that it takes."""
    guide: Guide | None = None
    """What a publisher is told who connects it; without one, its form has the settings alone."""
    account: tuple[str, ...] = ()
    """The settings by which two connections share a quota, by their JSON names."""
    codes: tuple[ErrorCodes, ...] = ()
    """What the error codes of its systems mean."""
    dollars_per_thousand: float | None = None
    """About how many US dollars 1,000 leads cost there; ``None`` where nothing is known."""
    expiring: tuple[str, ...] = ()
    """The settings that stop working on some day, by their JSON names; see :attr:`Config.ends_at`."""
    reads_back: Callable[[Config], bool] = _never
    """Whether, with these settings, its adapter can say which leads are still there; see :class:`ReadsBack`."""
    installed: bool = True
    """Whether this program has it; false for what a stored connection names though nobody provides it any more."""

    @property
    def page(self) -> str:
        """Its page in the documentation, from the documentation's folder."""
        return f"destinations/{self.name}.md"

    @property
    def lead_destination(self) -> str:
        """Its name in ``customer-leads``."""
        return self.microsoft.lead_destination

    @property
    def config_key(self) -> str:
        """The name of its settings in ``customer-leads``."""
        return self.microsoft.config_key
