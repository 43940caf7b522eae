"""A HubSpot account: its tokens, objects, records and forms, and what people do in it by hand.

Source: ``docs/reference/vendors/hubspot.md``. A contact is found by its address and by additional ones, capitals apart.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from leadkeeper.sandbox.hubspot.errors import taken, wrong_value, wrong_values
from leadkeeper.sandbox.hubspot.properties import CONTACT, LEAD, Property

CONTACTS: Final = "contacts"
LEADS: Final = "leads"
TYPES: Final = {CONTACTS: CONTACTS, "contact": CONTACTS, "0-1": CONTACTS, LEADS: LEADS, "lead": LEADS, "0-136": LEADS}
"""The objects by every name that a path may give them."""
TYPE_IDS: Final = {CONTACTS: "0-1", LEADS: "0-136"}
SINGULAR: Final = {CONTACTS: "contact", LEADS: "lead"}
EMAIL: Final = "email"
ADDITIONAL: Final = "hs_additional_emails"
PRIMARY_CONTACT: Final = 578
LABELS: Final = {
    PRIMARY_CONTACT: ("LEAD_TO_PRIMARY_CONTACT", "Primary"),
    608: ("LEAD_TO_CONTACT", None),
}
"""The kinds of association from a lead to a contact, with what the API calls them."""
ALL_SCOPES: Final = frozenset(
    {
        *("crm.objects.contacts.read", "crm.objects.contacts.write", "crm.schemas.contacts.read"),
        *("crm.objects.leads.read", "crm.objects.leads.write", "forms"),
    }
)


@dataclass(slots=True)
class Token:
    """A static token with its scopes; ``oauth``, which every token has, is not named. ``calls`` are those counted."""

    value: str = "pat-na1-7d1f3c52-9d0b-4d0c-a6a5-3b1e5a0c9f24"
    scopes: frozenset[str] = ALL_SCOPES
    expired: bool = False
    calls: deque[float] = field(default_factory=deque)


@dataclass(frozen=True, slots=True)
class FormField:
    """A field of a form; ``least`` and ``most`` bound a number."""

    name: str
    required: bool = False
    least: float | None = None
    most: float | None = None


_USUAL: Final = ("firstname", "company", "jobtitle", "phone", "country", "message", "hs_lead_status", "newsletter")
_FIELDS: Final = (
    FormField(EMAIL, required=True),
    FormField("lastname", required=True),
    *(FormField(name) for name in (*_USUAL, "marketplace_lead_id", "marketplace_note", "marketplace_source")),
    FormField("numemployees", least=1, most=1_000_000),
)


@dataclass(frozen=True, slots=True)
class Form:
    """A form by its GUID. ``strict``: it refuses fields that are not on it, as those made since March 2022 do."""

    guid: str = "78c2891f-ebdd-44c0-bd94-15c012bbbfbf"
    fields: tuple[FormField, ...] = _FIELDS
    name: str = "Marketplace leads"
    captcha: bool = False
    archived: bool = False
    strict: bool = True
    consent: bool = False
    blocked: tuple[str, ...] = ("blocked.example",)
    redirect: str = ""


FORMS: Final = (
    Form(),
    Form("1f0a2b3c-4d5e-4f60-8a7b-8c9d0e1f2a3b", name="With CAPTCHA", captcha=True),
    Form("2a1b3c4d-5e6f-4a70-9b8c-9d0e1f2a3b4c", name="Archived", archived=True),
    Form("3b2c4d5e-6f7a-4b80-8c9d-0e1f2a3b4c5d", name="With consent", consent=True),
    Form("4c3d5e6f-7a8b-4c90-9d0e-1f2a3b4c5d6e", name="Old", strict=False, redirect="https://www.contoso.com/thanks"),
)


@dataclass(slots=True)
class Record:
    """A record of the object ``kind``.

    ``door`` is what made it (api, form or hand), ``status`` there, archived or merged, ``ties`` the contacts that a
    lead is associated with, by the types of the association, ``indexed`` what a search still sees of an older state.
    """

    kind: str
    id: str
    door: str
    created: float
    values: dict[str, str]
    updated: float = 0.0
    status: str = "there"
    times: int = 1
    ties: dict[str, set[int]] = field(default_factory=dict)
    indexed: dict[str, str] = field(default_factory=dict)

    def shown(self) -> dict[str, object]:
        """The record as values that JSON knows."""
        return {
            "object": self.kind,
            "id": self.id,
            "via": self.door,
            "status": self.status,
            "times": self.times,
            "properties": dict(self.values),
            "contacts": {number: sorted(types) for number, types in self.ties.items()},
        }


@dataclass(slots=True)
class Account:
    """One account. What is set up stays over a reset; records and counts do not.

    ``has_leads``: its edition has leads. ``reserved``: addresses of domains for examples are taken, which the real
    service refuses. Limits: ``burst`` calls of a token in any ``burst_seconds``, ``daily`` of all in a day of the
    account's time zone, ``searches`` in a second, ``posts`` of forms in any ``posts_seconds`` without a token.
    ``search_lag`` is how many seconds a change needs until a search sees it.
    """

    portal_id: int = 48_123_456
    region: str = "na1"
    time_zone: str = "US/Eastern"
    tokens: list[Token] = field(default_factory=lambda: [Token()])
    has_leads: bool = True
    reserved: bool = True
    properties: dict[str, tuple[Property, ...]] = field(default_factory=lambda: {CONTACTS: CONTACT, LEADS: LEAD})
    forms: list[Form] = field(default_factory=lambda: list(FORMS))
    burst: int = 190
    burst_seconds: float = 10.0
    daily: int = 650_000
    searches: int = 5
    posts: int = 50
    posts_seconds: float = 10.0
    search_lag: float = 10.0
    records: dict[str, list[Record]] = field(default_factory=lambda: {CONTACTS: [], LEADS: []})
    gone: list[Record] = field(default_factory=list)
    merged: dict[str, str] = field(default_factory=dict)
    submissions: list[dict[str, object]] = field(default_factory=list)
    days: dict[str, int] = field(default_factory=dict)
    search_calls: deque[float] = field(default_factory=deque)
    form_posts: deque[float] = field(default_factory=deque)
    next_id: int = 101_550_001

    @property
    def token(self) -> str:
        """The first token, where tests need only one."""
        return self.tokens[0].value

    def forget(self) -> None:
        """Nothing was received and nothing was counted."""
        for each in self.records.values():
            each.clear()
        for kept in (self.gone, self.merged, self.submissions, self.days, self.search_calls, self.form_posts):
            kept.clear()
        for token in self.tokens:
            token.calls.clear()

    def known(self, kind: str) -> dict[str, Property]:
        """The properties of an object by name."""
        return {each.name: each for each in self.properties[kind]}

    def unique(self, kind: str) -> set[str]:
        """The properties by which records can be found, beside the id."""
        own = {EMAIL} if kind == CONTACTS else set()
        return own | {each.name for each in self.properties[kind] if each.unique}

    def form(self, guid: str) -> Form | None:
        """The form with this GUID."""
        return next((each for each in self.forms if each.guid == guid.lower()), None)

    def day(self, now: float) -> str:
        """The day of the account's time zone, as quotas have it."""
        return datetime.fromtimestamp(now, UTC).astimezone(ZoneInfo(self.time_zone)).date().isoformat()

    def find(self, kind: str, value: str, by: str = "") -> Record | None:
        """The record with this id, or with this value of a unique property; ids from before a merge find it too."""
        if not by:
            number = self.merged.get(value, value)
            return next((each for each in self.records[kind] if each.id == number), None)
        return next((each for each in self.records[kind] if value and _holds(each, by, value)), None)

    def create(self, kind: str, door: str, now: float, values: Mapping[str, str]) -> Record:
        """A new record; raises when one of its unique values is taken."""
        self._free(kind, values, None)
        self.next_id += 1
        record = Record(kind, str(self.next_id), door, now, {name: value for name, value in values.items() if value})
        record.updated = now
        self.records[kind].append(record)
        return record

    def update(self, record: Record, now: float, values: Mapping[str, str]) -> None:
        """Write over a record's values; an empty one clears. Raises when a unique value is taken."""
        self._free(record.kind, values, record)
        if now - record.updated >= self.search_lag:
            record.indexed = dict(record.values)
        record.values = {name: value for name, value in (record.values | dict(values)).items() if value}
        record.updated = now
        record.times += 1

    def archive(self, record: Record, status: str = "archived") -> None:
        """The record is no more among those that are read."""
        record.status = status
        self.records[record.kind].remove(record)
        self.gone.append(record)

    def restore(self, record: Record) -> None:
        """The record is back; raises when one of its unique values is taken meanwhile."""
        self._free(record.kind, record.values, record)
        self.gone.remove(record)
        record.status = "there"
        self.records[record.kind].append(record)

    def merge(self, first: Record, second: Record, now: float) -> Record:
        """Two contacts become one with the first one's values, a new id, and the second one's address beside."""
        self.archive(first, "merged")
        self.archive(second, "merged")
        both = second.values | first.values
        others = [*addresses(first), *addresses(second)]
        merged = self.create(first.kind, "hand", now, {name: both[name] for name in both if name != ADDITIONAL})
        more = [each for each in dict.fromkeys(others) if each != merged.values.get(EMAIL)]
        if more:
            merged.values[ADDITIONAL] = ";".join(more)
        for old in (first.id, second.id):
            self.merged |= {old: merged.id} | {each: merged.id for each, now_id in self.merged.items() if now_id == old}
            for lead in self.records[LEADS]:
                if old in lead.ties:
                    lead.ties.setdefault(merged.id, set()).update(lead.ties.pop(old))
        return merged

    def _free(self, kind: str, values: Mapping[str, str], but: Record | None) -> None:
        for name in self.unique(kind) & values.keys():
            there = self.find(kind, values[name], name)
            if there is None or there is but:
                continue
            if name == EMAIL:
                raise taken(there.id)
            summary = f"{SINGULAR[kind]} {there.id} has this value of {name} already"
            raise wrong_values([wrong_value(name, "CONFLICTING_UNIQUE_VALUE", summary)])


def addresses(record: Record) -> Iterator[str]:
    """The addresses of a contact, its own first."""
    if record.values.get(EMAIL):
        yield record.values[EMAIL]
    yield from (each for each in record.values.get(ADDITIONAL, "").split(";") if each)


def _holds(record: Record, name: str, value: str) -> bool:
    if name == EMAIL:
        return value.casefold() in {each.casefold() for each in addresses(record)}
    return record.values.get(name) == value


def within(times: deque[float], now: float, seconds: float) -> int:
    """How many of ``times`` lie in the last ``seconds``; older ones are forgotten."""
    while times and times[0] <= now - seconds:
        times.popleft()
    return len(times)
