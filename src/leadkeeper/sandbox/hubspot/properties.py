"""The properties of HubSpot's objects, and what values they take.

Source: ``docs/reference/vendors/hubspot.md#properties``. HubSpot takes the top-level domains of IANA's list; here those
of two letters and the usual longer ones are known, and those reserved for examples are taken unless told otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from leadkeeper.sandbox.hubspot.errors import invalid, wrong_value, wrong_values

LONGEST: Final = 65_536
_EMAIL: Final = re.compile(r'[^\s@"<>(),;:\\\[\]]{1,64}@(?:[^\W_](?:[\w-]*[^\W_])?\.)+([^\W\d_][\w-]*)', re.ASCII)
_NUMBER: Final = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_MILLISECONDS: Final = re.compile(r"-?\d{1,15}")
_LONG_DOMAINS: Final = (
    "com net org edu gov mil int info biz name pro aero coop museum jobs mobi travel tel cat asia post xxx app dev"
    " cloud online site store tech design email company agency consulting digital software solutions systems services"
    " group global world shop blog news media network engineering finance legal bank health energy industries vegas"
    " london berlin paris tokyo nyc academy center support technology ventures"
)
_RESERVED: Final = frozenset({"test", "example"})


@dataclass(frozen=True, slots=True)
class Property:
    """A property. ``options`` are an enumeration's values with their labels; ``unique``: no two records share a value;
    ``own``: only HubSpot writes it; ``on_forms``: a form can hold it.
    """

    name: str
    label: str
    type: str = "string"
    field_type: str = "text"
    options: tuple[tuple[str, str], ...] = ()
    unique: bool = False
    own: bool = False
    on_forms: bool = True
    ours: bool = True
    group: str = "contactinformation"

    def described(self) -> dict[str, object]:
        """The property as the properties API tells it."""
        options = [
            {"label": label, "value": value, "displayOrder": number, "hidden": False}
            for number, (value, label) in enumerate(self.options)
        ]
        return {
            "name": self.name,
            "label": self.label,
            "type": self.type,
            "fieldType": self.field_type,
            "description": "",
            "groupName": self.group,
            "options": options,
            "hasUniqueValue": self.unique,
            "hidden": False,
            "displayOrder": -1,
            "calculated": False,
            "externalOptions": False,
            "archived": False,
            "hubspotDefined": self.ours,
            "formField": self.on_forms,
            "modificationMetadata": {
                "archivable": not self.ours,
                "readOnlyDefinition": self.ours,
                "readOnlyValue": self.own,
            },
        }


def _list(name: str, label: str, *values: str) -> Property:
    options = tuple((value, value.replace("_", " ").capitalize()) for value in values)
    return Property(name, label, "enumeration", "select", options)


def _own(name: str, label: str, kind: str = "datetime", field_type: str = "date") -> Property:
    return Property(name, label, kind, field_type, own=True, on_forms=False)


_STAGES: Final = (
    *("subscriber", "lead", "marketingqualifiedlead", "salesqualifiedlead"),
    *("opportunity", "customer", "evangelist", "other"),
)
_STATUSES: Final = (
    *("NEW", "OPEN", "IN_PROGRESS", "OPEN_DEAL", "UNQUALIFIED", "ATTEMPTED_TO_CONTACT", "CONNECTED", "BAD_TIMING"),
)

CONTACT: Final = (
    Property("email", "Email", unique=False),
    Property("firstname", "First Name"),
    Property("lastname", "Last Name"),
    Property("phone", "Phone Number", field_type="phonenumber"),
    Property("mobilephone", "Mobile Phone Number", field_type="phonenumber"),
    Property("company", "Company Name"),
    Property("jobtitle", "Job Title"),
    Property("country", "Country/Region"),
    Property("city", "City"),
    Property("state", "State/Region"),
    Property("zip", "Postal Code"),
    Property("address", "Street Address"),
    Property("website", "Website URL"),
    Property("message", "Message", field_type="textarea"),
    Property("industry", "Industry"),
    Property("numemployees", "Number of Employees", "number", "number"),
    Property("date_of_first_contact", "Date of First Contact", "date", "date", ours=False),
    Property("newsletter", "Newsletter", "bool", "booleancheckbox", (("true", "Yes"), ("false", "No")), ours=False),
    _list("hs_lead_status", "Lead Status", *_STATUSES),
    _list("lifecyclestage", "Lifecycle Stage", *_STAGES),
    Property("hs_additional_emails", "Additional email addresses", "enumeration", "checkbox", own=True, on_forms=False),
    Property("marketplace_lead_id", "Marketplace lead id", unique=True, ours=False),
    Property("marketplace_note", "Marketplace note", field_type="textarea", ours=False),
    Property("marketplace_source", "Marketplace source", ours=False),
    _own("createdate", "Create Date"),
    _own("lastmodifieddate", "Last Modified Date"),
    _own("hs_object_id", "Record ID", "number", "number"),
)
LEAD: Final = (
    Property("hs_lead_name", "Lead name", group="leadinformation"),
    _list("hs_lead_type", "Lead type", "NEW BUSINESS", "RE-ATTEMPTING", "UPSELL"),
    _list("hs_lead_label", "Lead label", "HOT", "WARM", "COLD"),
    Property("hubspot_owner_id", "Lead owner", "enumeration", "select", group="leadinformation"),
    Property("marketplace_lead_id", "Marketplace lead id", unique=True, ours=False, group="leadinformation"),
    Property("marketplace_note", "Marketplace note", field_type="textarea", ours=False, group="leadinformation"),
    _own("hs_createdate", "Create Date"),
    _own("hs_lastmodifieddate", "Last Modified Date"),
    _own("hs_object_id", "Record ID", "number", "number"),
)


def values_of(data: object) -> dict[str, str]:
    """The ``properties`` of an input: texts by name."""
    if not isinstance(data, dict):
        raise invalid("Invalid input JSON on line 1, column 1: properties must be an object of texts")
    for name, value in data.items():
        if not isinstance(value, str):
            raise invalid(f"Invalid input JSON on line 1, column 1: the value of {name} is not a text")
    return data


def check(values: Mapping[str, str], known: Mapping[str, Property], *, reserved: bool) -> None:
    """Raise for values that cannot be taken, all of them in one error."""
    too_long = next((name for name, value in values.items() if len(value) > LONGEST), None)
    if too_long:
        raise invalid(f"The value of {too_long} is longer than {LONGEST} characters")
    found = list(_faults(values, known, reserved=reserved))
    if found:
        raise wrong_values(found)


def _faults(values: Mapping[str, str], known: Mapping[str, Property], *, reserved: bool) -> Iterator[dict[str, object]]:
    for name, value in values.items():
        there = known.get(name)
        if there is None:
            yield wrong_value(name, "PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist')
        elif there.own:
            yield wrong_value(name, "READ_ONLY_VALUE", f'"{name}" is a read only property; its value cannot be set.')
        elif value:
            yield from _misfit(there, value, reserved=reserved)


def _misfit(there: Property, value: str, *, reserved: bool) -> Iterator[dict[str, object]]:
    name = there.name
    if name == "email":
        if not is_address(value, reserved=reserved):
            yield wrong_value(name, "INVALID_EMAIL", f"Email address {value} is invalid")
    elif there.type == "number":
        if not _NUMBER.fullmatch(value):
            yield wrong_value(name, "INVALID_INTEGER", f"{value} was not a valid number.")
    elif there.type in {"enumeration", "bool"} and there.options:
        allowed = [option for option, _ in there.options]
        chosen = value.split(";") if there.field_type == "checkbox" else [value]
        if any(each not in allowed for each in chosen):
            yield wrong_value(name, "INVALID_OPTION", f"{value} was not one of the allowed options: {allowed}")
    elif there.type in {"date", "datetime"} and not is_moment(value, there.type):
        yield wrong_value(name, "INVALID_DATE", f"{value} was not a valid {there.type}.")


def is_address(text: str, *, reserved: bool) -> bool:
    """An e-mail address as HubSpot takes it; ``reserved``: domains for examples too."""
    local, at, domain = text.rpartition("@")
    try:
        found = _EMAIL.fullmatch(f"{local}{at}{domain.encode('idna').decode()}")
    except UnicodeError:
        return False
    if found is None:
        return False
    last = found[1].lower()
    country = len(last) == 2 and last.isalpha()
    known = country or last.startswith("xn--") or last in _LONG_DOMAINS.split()
    return known or (reserved and last in _RESERVED)


def is_moment(text: str, kind: str) -> bool:
    """A date, or a moment, in ISO 8601 or in milliseconds; a date in milliseconds is a midnight in UTC."""
    if _MILLISECONDS.fullmatch(text):
        return kind == "datetime" or int(text) % 86_400_000 == 0
    try:
        if kind == "date":
            return date.fromisoformat(text).isoformat() == text
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
