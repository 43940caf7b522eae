"""A Salesforce org: its settings, its leads, and what it refuses. Pure but for ids and sessions.

Sources: ``docs/reference/vendors/salesforce.md``, ``docs/reference/vendors/marketplace.md#salesforce-form``. Texts of
errors are the service's own where they are known; an adapter must go by the codes. They repeat what was sent, as the
real ones do, so that a caller who shows them shows personal data.
"""

from __future__ import annotations

import re
import secrets
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from leadkeeper.sandbox.salesforce.fields import EXTERNAL_ID, FIELDS, UNIQUE, LeadField

DAY: Final = 86_400.0
SEARCHED: Final = (EXTERNAL_ID, UNIQUE, "Email")
"""The fields by which leads are found fast; by others every lead is looked at."""

_TYPED: Final[Mapping[str, type | tuple[type, ...]]] = {
    "int": int,
    "boolean": bool,
    "double": (int, float),
    "currency": (int, float),
}
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
_ID: Final = re.compile(r"[A-Za-z0-9]{15}|[A-Za-z0-9]{18}")
_SUFFIX: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def long_id(short: str) -> str:
    """The form with 18 characters of an id with 15: the last three say which letters are capitals."""
    bits = [sum(1 << place for place, mark in enumerate(short[at : at + 5]) if mark.isupper()) for at in (0, 5, 10)]
    return short + "".join(_SUFFIX[each] for each in bits)


@dataclass(frozen=True, slots=True)
class Flaw:
    """Why a record is refused: the code, what is said, the fields it is about, and keys of this code only."""

    code: str
    message: str
    fields: tuple[str, ...] = ()
    more: Mapping[str, object] = field(default_factory=dict)


@dataclass(slots=True)
class StoredLead:
    """One lead in the org. One that is ``converted`` has become an account and a contact, and cannot be changed.

    ``created``, ``modified`` and ``deleted`` are seconds since 1970; one that is deleted is in the recycle bin.
    ``master`` is the lead that it was merged into.
    """

    id: str
    values: dict[str, object]
    converted: bool = False
    created: float = 0.0
    modified: float = 0.0
    deleted: float | None = None
    master: str | None = None


class Leads(dict[str, StoredLead]):
    """The leads of an org by id. Those fields that are searched have an index, so that a day's leads can be many."""

    def __init__(self) -> None:
        super().__init__()
        self._index: dict[tuple[str, str], dict[str, StoredLead]] = {}

    def write(self, lead: StoredLead, values: dict[str, object]) -> None:
        """Keep the lead with ``values`` instead of what it held."""
        self.drop(lead)
        lead.values = values
        self[lead.id] = lead
        for key in _keys(values):
            self._index.setdefault(key, {})[lead.id] = lead

    def drop(self, lead: StoredLead) -> None:
        """Let the lead go, if it is there."""
        if self.pop(lead.id, None):
            for key in _keys(lead.values):
                self._index[key].pop(lead.id, None)

    def clear(self) -> None:
        """Let all go."""
        super().clear()
        self._index.clear()

    def find(self, name: str, value: object) -> list[StoredLead]:
        """The leads whose field ``name`` holds ``value``, capitals apart."""
        if name not in SEARCHED:
            wanted = str(value).casefold()
            return [
                each for each in self.values() if name in each.values and str(each.values[name]).casefold() == wanted
            ]
        return list(self._index.get((name, str(value).casefold()), {}).values())


def _keys(values: Mapping[str, object]) -> list[tuple[str, str]]:
    return [(name, str(values[name]).casefold()) for name in SEARCHED if name in values]


@dataclass(slots=True)
class Arrival:
    """One lead as it came, and what became of it: ``created``, ``queued``, ``lost``, ``refused`` or ``deleted``.

    ``assigned`` is how often the org's assignment rule ran for it.
    """

    door: str
    status: str
    at: float
    values: dict[str, object]
    id: str = ""
    reason: str = ""
    times: int = 1
    assigned: int = 0

    def shown(self) -> dict[str, object]:
        """The arrival as values that JSON knows."""
        return {
            "via": self.door,
            "status": self.status,
            "reason": self.reason,
            "id": self.id,
            "times": self.times,
            "assigned": self.assigned,
            "fields": dict(self.values),
        }


@dataclass(slots=True)
class Org:
    """One org. What is set up stays over a reset; leads, sessions and counts do not.

    ``web_limit`` is the most Web-to-Lead records in a rolling day, ``web_queue`` the most that wait beyond it;
    ``api_limit`` the most API requests in a rolling day; ``session_seconds`` how long a session lives. ``assigns_to``
    is the owner that the active assignment rule gives leads, one of ``users``; without it there is no such rule.
    """

    oid: str = "00D5e000000HjKL"
    my_domain: str = "contoso"
    client_id: str = "3MVG9contoso.consumer.key"
    client_secret: str = "contoso-consumer-secret"
    is_sandbox: bool = False
    fields: tuple[LeadField, ...] = FIELDS
    users: tuple[str, ...] = ("0055e000001UserAAA",)
    session_seconds: float = 7_200.0
    api_limit: int = 5_000
    web_limit: int = 500
    web_queue: int = 50_000
    assigns_to: str = ""
    leads: Leads = field(default_factory=Leads)
    bin: dict[str, StoredLead] = field(default_factory=dict)
    arrivals: list[Arrival] = field(default_factory=list)
    arrived: dict[str, Arrival] = field(default_factory=dict)
    sessions: dict[str, float] = field(default_factory=dict)
    pages: dict[str, list[dict[str, object]]] = field(default_factory=dict)
    requests: deque[float] = field(default_factory=deque)
    web_done: deque[float] = field(default_factory=deque)
    waiting: deque[Arrival] = field(default_factory=deque)

    @property
    def host(self) -> str:
        """The org's own host name (My Domain)."""
        return f"{self.my_domain}{'.sandbox' if self.is_sandbox else ''}.my.salesforce.com"

    def known_as(self, oid: str) -> bool:
        """``oid`` is this org's id, with 15 characters or with 18."""
        return oid in {self.oid, long_id(self.oid)}

    def forget(self) -> None:
        """Nothing was received and nothing was counted."""
        for kept in (self.leads, self.bin, self.arrivals, self.arrived, self.sessions, self.pages):
            kept.clear()
        for counted in (self.requests, self.web_done, self.waiting):
            counted.clear()

    def new_session(self, now: float) -> str:
        """A new access token."""
        token = f"{self.oid}!{secrets.token_urlsafe(48)}"
        self.sessions[token] = now + self.session_seconds
        return token

    def find(self, name: str, value: object) -> list[StoredLead]:
        """The leads whose field ``name`` holds ``value``; see :meth:`Leads.find`."""
        return self.leads.find(name, value)

    def store(
        self, values: Mapping[str, object], existing: StoredLead | None = None, at: float | None = None
    ) -> StoredLead:
        """Write a lead at the time ``at``: a new one, or over ``existing``. An empty value clears the field."""
        lead = existing or StoredLead(long_id(f"00Q5e{secrets.randbelow(10**10):010}"), {}, created=at or 0.0)
        lead.modified = lead.modified if at is None else at
        merged = lead.values | dict(values)
        self.leads.write(lead, {name: value for name, value in merged.items() if not blank(value)})
        return lead

    def lead(self, number: str) -> StoredLead | None:
        """The lead with this id, of 15 or 18 characters, also when it is deleted."""
        wanted = long_id(number[:15])
        return self.leads.get(wanted) or self.bin.get(wanted)

    def delete(self, lead: StoredLead, at: float) -> None:
        """Put the lead into the recycle bin; its unique values are free again."""
        self.leads.drop(lead)
        lead.deleted = lead.modified = at
        self.bin[lead.id] = lead
        if arrival := self.arrived.get(lead.id):
            arrival.status = "deleted"

    def checkpoint(self) -> Callable[[], None]:
        """How to bring leads and arrivals back to what they are now."""
        leads = [(each, each.values, each.modified) for each in self.leads.values()]
        binned, arrived = dict(self.bin), dict(self.arrived)
        arrivals = [(each, each.values, each.times, each.status, each.assigned) for each in self.arrivals]

        def undo() -> None:
            self.leads.clear()
            for lead, values, modified in leads:
                lead.modified, lead.deleted = modified, None
                self.leads.write(lead, values)
            self.bin, self.arrived = binned, arrived
            self.arrivals = [each for each, *_ in arrivals]
            for each, values, times, status, assigned in arrivals:
                each.values, each.times, each.status, each.assigned = values, times, status, assigned

        return undo


def blank(value: object) -> bool:
    """The service takes no value and an empty text for the same."""
    return value is None or value == ""


def rolled(times: deque[float], now: float) -> int:
    """How many of ``times`` lie in the day before ``now``; older ones are forgotten."""
    while times and times[0] <= now - DAY:
        times.popleft()
    return len(times)


def unwritable(values: Mapping[str, object], fields: Sequence[LeadField]) -> Flaw | None:
    """The first field that is not there, or that this user may not write."""
    known = {each.name: each for each in fields}
    for name in values:
        if name not in known:
            return Flaw("INVALID_FIELD", f"No such column '{name}' on sobject of type Lead")
        if not known[name].createable:
            advice = "Please check the security settings of this field and verify that it is read/write."
            text = f"Unable to create/update fields: {name}. {advice}"
            return Flaw("INVALID_FIELD_FOR_INSERT_UPDATE", text, (name,))
    return None


def misfit(values: Mapping[str, object], fields: Sequence[LeadField], *, emails: bool = True) -> Flaw | None:
    """The first value that does not fit its field; ``emails`` says whether addresses are looked at."""
    for each in fields:
        value = values.get(each.name)
        if blank(value):
            continue
        flaw = _typed_flaw(each, value) if each.kind in _TYPED else _text_flaw(each, value, emails)
        if flaw:
            return flaw
    return None


def _typed_flaw(each: LeadField, value: object) -> Flaw | None:
    if isinstance(value, bool) is not (each.kind == "boolean") or not isinstance(value, _TYPED[each.kind]):
        return Flaw("JSON_PARSER_ERROR", f"Cannot deserialize instance of {each.kind} from VALUE_STRING value {value}")
    if each.most and isinstance(value, int) and not 0 <= value <= each.most:
        text = f"{each.label}: value outside of valid range on numeric field: {value}"
        return Flaw("NUMBER_OUTSIDE_VALID_RANGE", text, (each.name,))
    return None


def _text_flaw(each: LeadField, value: object, emails: bool) -> Flaw | None:
    if not isinstance(value, str):
        return Flaw("JSON_PARSER_ERROR", f"Cannot deserialize instance of string from value {value}")
    if each.kind == "reference" and not _ID.fullmatch(value):
        return Flaw("MALFORMED_ID", f"{each.label}: id value of incorrect type: {value}", (each.name,))
    if each.kind == "email" and emails and not _EMAIL.fullmatch(value):
        return Flaw("INVALID_EMAIL_ADDRESS", f"{each.label}: invalid email address: {value}", (each.name,))
    if each.length and len(value) > each.length:
        text = f"{each.label}: data value too large: {value} (max length={each.length})"
        return Flaw("STRING_TOO_LONG", text, (each.name,))
    if each.values and value not in each.values:
        return _picklist_flaw(each, value)
    return None


def _picklist_flaw(each: LeadField, value: str) -> Flaw | None:
    if each.name == "Country":
        text = "There's a problem with this country, even though it may appear correct. Please select a country from "
        return Flaw("FIELD_INTEGRITY_EXCEPTION", f"{text}the list of valid countries.: {each.label}", (each.name,))
    if each.restricted:
        text = f"{each.label}: bad value for restricted picklist field: {value}"
        return Flaw("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", text, (each.name,))
    return None


def incomplete(values: Mapping[str, object], fields: Sequence[LeadField]) -> Flaw | None:
    """The required fields that ``values``, a whole lead, leave empty."""
    missing = tuple(each.name for each in fields if each.required and blank(values.get(each.name)))
    if not missing:
        return None
    return Flaw("REQUIRED_FIELD_MISSING", f"Required fields are missing: [{', '.join(missing)}]", missing)


def taken(org: Org, values: Mapping[str, object], fields: Sequence[LeadField], own: StoredLead | None) -> Flaw | None:
    """A unique field whose value another lead of the org has already."""
    for each in fields:
        if not each.unique or not values.get(each.name):
            continue
        other = next((lead for lead in org.find(each.name, values[each.name]) if lead is not own), None)
        if other is not None:
            text = f"duplicate value found: {each.name} duplicates value on record with id: {other.id}"
            return Flaw("DUPLICATE_VALUE", text)
    return None


def same_person(org: Org, values: Mapping[str, object]) -> StoredLead | None:
    """The lead that the org's duplicate rule finds: the one with the same e-mail address."""
    return next(iter(org.find("Email", values["Email"])), None) if values.get("Email") else None
