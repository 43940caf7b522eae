"""A lead as HubSpot takes it: the properties of its contact, and of the lead that is tied to it. Pure.

Source: ``docs/reference/vendors/hubspot.md``. All values are texts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from leadkeeper.destinations.hubspot.settings import HubSpotConfig
from leadkeeper.destinations.mapping import Value, cut, record, sendable_text
from leadkeeper.lead import OutgoingLead

EMAIL: Final = "email"
MORE_EMAILS: Final = "hs_additional_emails"
LEAD_NAME: Final = "hs_lead_name"
LEAD_TO_PRIMARY_CONTACT: Final = 578
LONGEST: Final = 65_536
"""The most characters of a text."""

CONTACT_FIELDS: Final[Mapping[str, Value]] = {
    "firstname": "{firstName}",
    "lastname": "{lastName}",
    "phone": "{phone}",
    "company": "{company}",
    "jobtitle": "{title}",
    "country": "{country}",
    "message": "Lead source: {leadSource}\nCampaign: {campaign}\nLead id: {leadId}\n\n{description}",
}
"""What each property of a contact gets, beside ``email``."""
LEAD_FIELDS: Final[Mapping[str, Value]] = {LEAD_NAME: "{firstName} {lastName}: {offerTitle} ({action})"}
"""What each property of a lead gets, beside the one for our id."""

_TEST_CONTACT: Final[Mapping[str, Value]] = {"message": "{description}"}
_TEST_LEAD: Final[Mapping[str, Value]] = {LEAD_NAME: "{lastName}"}
_PLAIN: Final[Mapping[str, Value]] = {LEAD_NAME: "{firstName} {lastName}: {offerTitle}"}
_ADDRESS: Final = re.compile(r'[^\s@"<>(),;:\\]{1,64}@[^\s@"<>(),;:\\]+\.[^\s@"<>(),;:\\]+')
_ADDRESS_LIMIT: Final = 254

Properties = Mapping[str, Mapping[str, Any]]
"""An object's properties as HubSpot describes them, by name."""


def contact_of(lead: OutgoingLead, config: HubSpotConfig) -> tuple[dict[str, str], tuple[str, ...]]:
    """The contact's properties without its address, and what was cut."""
    defaults = {**CONTACT_FIELDS, **(_TEST_CONTACT if lead.test else {})}
    fields, notes = cut(record(defaults, config.fields, lead), dict.fromkeys({**defaults, **config.fields}, LONGEST))
    return _texts(fields), notes


def lead_properties(lead: OutgoingLead, config: HubSpotConfig) -> tuple[dict[str, str], tuple[str, ...]]:
    """The lead's properties with our id, and what was cut. HubSpot takes no lead without a name."""
    defaults = _TEST_LEAD if lead.test else LEAD_FIELDS if lead.action else _PLAIN
    named = record(defaults, config.lead_fields, lead)
    named = named if named.get(LEAD_NAME) else named | {LEAD_NAME: lead.lead_source}
    fields, notes = cut(named, dict.fromkeys(named, LONGEST))
    return _texts(fields) | {config.lead_id_property: lead.id}, notes


def address_of(lead: OutgoingLead) -> str | None:
    """The address by which the contact is found; ``None`` when HubSpot would not take it."""
    text = sendable_text(lead.customer.email)
    return text if len(text) <= _ADDRESS_LIMIT and _ADDRESS.fullmatch(text) else None


def fillable_properties(config: HubSpotConfig) -> tuple[str, ...]:
    """The properties of contacts that leads may fill in."""
    return tuple(name for name, value in {**CONTACT_FIELDS, **config.fields}.items() if value is not None)


def lead_wanted(config: HubSpotConfig) -> tuple[str, ...]:
    """The properties of leads that are filled in."""
    named = tuple(name for name, value in {**LEAD_FIELDS, **config.lead_fields}.items() if value is not None)
    return (*named, config.lead_id_property)


def unusable(names: Iterable[str], known: Properties) -> list[str]:
    """Those that the account lacks, or that only HubSpot writes."""
    return [name for name in names if name not in known or _read_only(known[name])]


def _read_only(described: Mapping[str, Any]) -> bool:
    rules = described.get("modificationMetadata")
    fixed = isinstance(rules, dict) and rules.get("readOnlyValue") is True
    return fixed or described.get("calculated") is True or described.get("archived") is True


@dataclass(frozen=True, slots=True)
class HubSpotContact:
    """A contact as it was read: its id and what its properties hold."""

    id: str
    values: Mapping[str, Any]

    @property
    def addresses(self) -> Iterator[str]:
        """Its address, and those that it had before it was merged with others."""
        own, more = self.values.get(EMAIL), self.values.get(MORE_EMAILS)
        if isinstance(own, str):
            yield own.casefold()
        if isinstance(more, str):
            yield from (each.strip().casefold() for each in more.split(";"))

    def empty_of(self, properties: Mapping[str, str]) -> dict[str, str]:
        """Those of ``properties`` that the contact has no value for."""
        return {name: value for name, value in properties.items() if self.values.get(name) in (None, "")}


def read_records(content: Any) -> Iterator[HubSpotContact]:
    """The records of an answer to a batch."""
    results = content.get("results") if isinstance(content, dict) else None
    for each in results if isinstance(results, list) else ():
        if isinstance(each, dict) and isinstance(each.get("id"), str) and each["id"].isdecimal():
            values = each.get("properties")
            yield HubSpotContact(each["id"], values if isinstance(values, dict) else {})


def merged_contact(each: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """One contact's properties out of several leads': the earlier lead's value stands."""
    found: dict[str, str] = {}
    for properties in each:
        found = {**properties, **found}
    return found


def _texts(fields: Mapping[str, Any]) -> dict[str, str]:
    """Values as HubSpot has them, without space around them."""
    texts = {name: _text(value) for name, value in fields.items()}
    return {name: text for name, text in texts.items() if text}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).strip()
