"""A Marketo subscription: its fields, forms and people, and what becomes of a person that is sent in.

Source: ``docs/reference/vendors/marketo.md``. Forms call fields by their SOAP names (``FirstName``), the REST API by
its own (``firstName``); people are kept under the latter. People are found by e-mail address, capitals apart.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

NEW_LEAD: Final = 12
VALUE_CHANGED: Final = 13
LEAD_DELETED: Final = 37
_EMAIL: Final = re.compile(r"[!-?A-~]+@[!-?A-~]+\.[!-?A-~]+")


@dataclass(frozen=True, slots=True)
class PersonField:
    """A field of a person: its REST name, its name in forms, its label and type; ``length`` 0: no limit.

    ``searched``: leads can be found by it. ``own``: only the service writes it.
    """

    rest: str
    form: str
    label: str
    kind: str = "string"
    length: int = 255
    searched: bool = False
    own: bool = False


ID: Final = "id"
FIELDS: Final = (
    PersonField(ID, "", "Id", "integer", 0, searched=True, own=True),
    PersonField("createdAt", "", "Created At", "datetime", 0, own=True),
    PersonField("updatedAt", "", "Updated At", "datetime", 0, own=True),
    PersonField("email", "Email", "Email Address", "email", searched=True),
    PersonField("firstName", "FirstName", "First Name"),
    PersonField("lastName", "LastName", "Last Name"),
    PersonField("company", "Company", "Company Name"),
    PersonField("title", "Title", "Job Title"),
    PersonField("phone", "Phone", "Phone Number", "phone"),
    PersonField("country", "Country", "Country"),
    PersonField("city", "City", "City"),
    PersonField("salutation", "Salutation", "Salutation"),
    PersonField("middleName", "MiddleName", "Middle Name"),
    PersonField("address", "Address", "Address", "text", 2_000),
    PersonField("state", "State", "State"),
    PersonField("postalCode", "PostalCode", "Postal Code"),
    PersonField("mobilePhone", "MobilePhone", "Mobile Phone Number", "phone"),
    PersonField("fax", "Fax", "Fax Number", "phone"),
    PersonField("website", "Website", "Website", "url"),
    PersonField("industry", "Industry", "Industry"),
    PersonField("department", "Department", "Department"),
    PersonField("rating", "Rating", "Lead Rating"),
    PersonField("leadStatus", "LeadStatus", "Lead Status"),
    PersonField("leadSource", "LeadSource", "Lead Source"),
    PersonField("numberOfEmployees", "NumberOfEmployees", "Num Employees", "integer", 0),
    PersonField("unsubscribed", "Unsubscribed", "Unsubscribed", "boolean", 0),
    PersonField("marketplaceLeadId", "MarketplaceLeadId__c", "Marketplace Lead Id", searched=True),
    PersonField("marketplaceNote", "MarketplaceNote__c", "Marketplace Note", "text", 2_000),
)
_USUAL: Final = ("Email", "FirstName", "LastName", "Company", "Title", "Phone", "Country", "LeadSource")


@dataclass(frozen=True, slots=True)
class Form:
    """A form: the fields on it by their form names, those that must be filled in, and its version's id."""

    id: int
    fields: tuple[str, ...] = (*_USUAL, "MarketplaceLeadId__c", "MarketplaceNote__c")
    required: tuple[str, ...] = ("Email", "LastName")
    name: str = "MarketplaceLeadBackend"
    approved: bool = True
    version: int = 0

    @property
    def vid(self) -> int:
        """The version's id, commonly the form's own."""
        return self.version or self.id


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a record is skipped."""

    code: str
    message: str


@dataclass(slots=True)
class Person:
    """One person, or one post that became none: ``status`` created, lost, or gone when it was deleted or merged into
    another; ``ignored`` are fields that were not on the form.
    """

    door: str
    status: str
    at: float
    values: dict[str, object]
    id: int = 0
    reason: str = ""
    times: int = 1
    ignored: set[str] = field(default_factory=set)
    updated: float = 0.0

    def shown(self) -> dict[str, object]:
        """The person as values that JSON knows."""
        return {
            "via": self.door,
            "status": self.status,
            "reason": self.reason,
            "id": self.id,
            "times": self.times,
            "fields": dict(self.values),
            "ignored": sorted(self.ignored),
        }


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to a person: the ``kind`` of activity (12 new, 13 a value changed, 37 deleted), whom, when."""

    number: int
    kind: int
    person: int
    at: float
    about: str = ""
    name: str = ""
    old: object = None
    new: object = None


@dataclass(slots=True)
class Subscription:
    """One subscription. What is set up stays over a reset; people, tokens and counts do not.

    ``rate_limit`` calls in any ``rate_seconds``, ``daily_limit`` calls a day (US Central), ``concurrent`` calls at a
    time; ``posts_limit`` form posts in any ``posts_seconds`` before a captcha page comes.
    """

    munchkin_id: str = "123-PQR-789"
    server_id: str = "ys12"
    client_id: str = "7d1f3c52-9d0b-4d0c-a6a5-sandboxclient"
    client_secret: str = "sandbox-client-secret"
    fields: tuple[PersonField, ...] = FIELDS
    forms: tuple[Form, ...] = (
        Form(1179),
        Form(1180, ("Email", "FirstName", "LastName"), ("Email",), "Short"),
        Form(1181, name="Draft", approved=False),
    )
    programs: tuple[int, ...] = (1044,)
    program_names: tuple[str, ...] = ("Marketplace",)
    partitions: tuple[str, ...] = ("Default",)
    token_seconds: float = 3_600.0
    rate_limit: int = 100
    rate_seconds: float = 20.0
    daily_limit: int = 50_000
    concurrent: int = 10
    posts_limit: int = 60
    posts_seconds: float = 30.0
    people: list[Person] = field(default_factory=list)
    by_email: dict[str, list[Person]] = field(default_factory=dict)
    lost: list[Person] = field(default_factory=list)
    gone: list[Person] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    tokens: dict[str, float] = field(default_factory=dict)
    calls: deque[float] = field(default_factory=deque)
    days: dict[str, int] = field(default_factory=dict)
    errors: dict[str, dict[str, int]] = field(default_factory=dict)
    pages: dict[str, int] = field(default_factory=dict)
    posts: deque[float] = field(default_factory=deque)
    under_way: int = 0
    next_id: int = 319_174

    def forget(self) -> None:
        """Nothing was received and nothing was counted; calls under way still end."""
        for kept in (self.people, self.by_email, self.lost, self.gone, self.changes, self.posts):
            kept.clear()
        for counted in (self.tokens, self.calls, self.days, self.errors, self.pages):
            counted.clear()

    def form(self, number: str) -> Form | None:
        """The form with this id."""
        return next((each for each in self.forms if str(each.id) == number), None)

    def on_form(self, form: Form) -> tuple[PersonField, ...]:
        """The fields on a form, in its order."""
        known = {each.form: each for each in self.fields if each.form}
        return tuple(known[name] for name in form.fields if name in known)

    def find(self, name: str, value: object) -> list[Person]:
        """The people whose field ``name`` (REST) holds ``value``."""
        wanted = str(value).casefold()
        if name == ID:
            return [each for each in self.people if str(each.id) == wanted]
        known = self.by_email.get(wanted, []) if name == "email" else self.people
        return [each for each in known if str(each.values.get(name, "")).casefold() == wanted]

    def create(self, door: str, at: float, values: Mapping[str, object]) -> Person:
        """A new person, whoever is there already."""
        self.next_id += 1
        person = Person(door, "created", at, dict(values), self.next_id, updated=at)
        self.people.append(person)
        self._note_email(person)
        self.note(NEW_LEAD, person, at)
        return person

    def update(self, person: Person, values: Mapping[str, object], at: float) -> None:
        """Write over what is known of a person."""
        old, person.values = person.values, person.values | dict(values)
        person.times += 1
        person.updated = at
        for name, value in values.items():
            if old.get(name) != value:
                self.note(VALUE_CHANGED, person, at, name, old.get(name), value)
        self._note_email(person)

    def remove(self, person: Person, reason: str) -> None:
        """The person is no lead any more."""
        person.status, person.reason = "gone", reason
        self.people.remove(person)
        for known in self.by_email.values():
            known[:] = [each for each in known if each is not person]
        self.gone.append(person)

    def merge(self, winner: Person, loser: Person, at: float) -> None:
        """``loser`` becomes part of ``winner``, who gets what was empty. It is no deletion."""
        new = {name: value for name, value in loser.values.items() if name not in winner.values}
        self.remove(loser, f"merged into {winner.id}")
        self.update(winner, new, at)

    def note(
        self, kind: int, person: Person, at: float, name: str = "", old: object = None, new: object = None
    ) -> None:
        """Note what happened."""
        full = " ".join(str(person.values[each]) for each in ("firstName", "lastName") if person.values.get(each))
        about = full or str(person.values.get("email", person.id))
        self.changes.append(Change(len(self.changes) + 102_988, kind, person.id, at, about, name, old, new))

    def _note_email(self, person: Person) -> None:
        """An address that a person once had stays noted; :meth:`find` looks at what it has now."""
        noted = self.by_email.setdefault(str(person.values.get("email", "")).casefold(), [])
        if not any(each is person for each in noted):
            noted.append(person)


def misfit(values: Mapping[str, object], fields: tuple[PersonField, ...]) -> Reason | None:
    """The first value that cannot be taken, by REST names; ``fields`` are those that may be sent."""
    known = {each.rest: each for each in fields}
    for name, value in values.items():
        if name not in known:
            return Reason("1006", f"Field '{name}' not found")
        if known[name].own:
            return Reason("1003", f"Invalid data: field '{name}' cannot be written")
        if value is None:
            continue
        reason = _type_reason(known[name], value) or _value_reason(known[name], value)
        if reason:
            return reason
    return None


def _type_reason(each: PersonField, value: object) -> Reason | None:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    fits = {"integer": is_number, "boolean": isinstance(value, bool)}.get(each.kind, isinstance(value, str))
    return None if fits else Reason("1001", f"Invalid value '{value}'. Required of type '{each.kind.title()}'")


def _value_reason(each: PersonField, value: object) -> Reason | None:
    if each.length and len(str(value)) > each.length:
        return Reason("1003", f"Invalid data: {each.rest} is longer than {each.length}")
    if each.kind == "email" and not is_address(str(value)):
        return Reason("1003", f"Invalid data: email '{value}'")
    return None


def is_address(text: str) -> bool:
    """An e-mail address as Marketo takes it: ASCII only."""
    return _EMAIL.fullmatch(text) is not None


def within(times: deque[float], now: float, seconds: float) -> int:
    """How many of ``times`` lie in the last ``seconds``; older ones are forgotten."""
    while times and times[0] <= now - seconds:
        times.popleft()
    return len(times)
