"""A lead as Salesforce takes it: the fields of the Web-to-Lead form, and the record of the REST API. Pure.

Sources: ``docs/reference/vendors/salesforce.md#lengths-of-fields``,
``docs/reference/vendors/marketplace.md#salesforce-form``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from leadkeeper.destinations.mapping import Value, cut, record, units
from leadkeeper.destinations.salesforce.settings import SalesforceConfig
from leadkeeper.lead import OutgoingLead
from leadkeeper.texts import _, lazy_gettext

NOT_GIVEN: Final = "(not given)"
"""Stands in the fields that Salesforce demands and the lead lacks."""

WEB_FIELDS: Final[Mapping[str, Value]] = {
    "first_name": "{firstName}",
    "last_name": "{lastName}",
    "email": "{email}",
    "company": "{company}",
    "country": "{country}",
    "phone": "{phone}",
    "title": "{title}",
    "description": "{description}",
    "lead_source": "{leadSource}",
}
_LEFT_OUT: Final = _("%(field)s left out: %(length)s characters, and %(limit)s are the most")
WEB_LENGTHS: Final[Mapping[str, int]] = {
    "first_name": 40,
    "last_name": 80,
    "company": 255,
    "email": 80,
    "phone": 40,
    "mobile": 40,
    "fax": 40,
    "title": 128,
    "salutation": 40,
    "street": 255,
    "city": 40,
    "state": 80,
    "zip": 20,
    "country": 80,
    "URL": 255,
    "lead_source": 255,
    "description": 32_000,
}
"""What Salesforce's standard fields hold, in characters; a longer text makes Web-to-Lead drop the lead wordlessly."""

REST_FIELDS: Final[Mapping[str, Value]] = {
    "FirstName": "{firstName}",
    "LastName": "{lastName}",
    "Email": "{email}",
    "Company": "{company}",
    "Country": "{country}",
    "Phone": "{phone}",
    "Title": "{title}",
    "Description": "{description}",
    "LeadSource": "{leadSource}",
}
REST_LENGTHS: Final[Mapping[str, int]] = {
    "FirstName": 40,
    "LastName": 80,
    "Company": 255,
    "Email": 80,
    "Phone": 40,
    "MobilePhone": 40,
    "Fax": 40,
    "Title": 128,
    "Salutation": 40,
    "Street": 255,
    "City": 40,
    "State": 80,
    "PostalCode": 20,
    "Country": 80,
    "Website": 255,
    "LeadSource": 255,
    "Description": 32_000,
}
"""The same under the API's names."""


def web_form(lead: OutgoingLead, config: SalesforceConfig) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The lead's fields of the form, and what had to be changed to make Salesforce take them.

    The lead's id stands in the field chosen for it, else at the end of the description (unless the settings place it
    elsewhere). The description of a test lead is its marker alone, as the marketplace makes it.
    """
    form = record(WEB_FIELDS, config.fields, lead)
    if config.lead_id_field is not None:
        return _fitted(form | {config.lead_id_field: lead.id}, WEB_LENGTHS, "email", ("last_name", "company"))
    if lead.test or any(isinstance(value, str) and "{leadId}" in value for value in config.fields.values()):
        return _fitted(form, WEB_LENGTHS, "email", ("last_name", "company"))
    line = f"Lead id: {lead.id}"
    lengths = {**WEB_LENGTHS, "description": WEB_LENGTHS["description"] - len(line) - 2}
    form, notes = _fitted(form, lengths, "email", ("last_name", "company"))
    return form | {"description": f"{form.get('description', '')}\n\n{line}".strip()}, notes


def rest_record(lead: OutgoingLead, config: SalesforceConfig) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The lead's record without its external id, and what had to be changed to make Salesforce take it."""
    return _fitted(record(REST_FIELDS, config.fields, lead), REST_LENGTHS, "Email", ("LastName", "Company"))


def _fitted(
    fields: Mapping[str, Any], lengths: Mapping[str, int], email: str, demanded: Sequence[str]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """``fields`` with texts cut, a too long e-mail address left out (cut it would be another's), demands filled in.

    The notes say what was done; they hold no values.
    """
    fields, left = dict(fields), []
    address = fields.get(email)
    if isinstance(address, str) and units(address) > lengths[email]:
        del fields[email]
        left.append(lazy_gettext(_LEFT_OUT, field=email, length=f"{units(address):,}", limit=lengths[email]))
    fitting, cuts = cut(fields, lengths)
    missing = [name for name in demanded if name not in fitting]
    fitting |= dict.fromkeys(missing, NOT_GIVEN)
    filled = [
        lazy_gettext("%(field)s is empty and was sent as %(value)s", field=name, value=NOT_GIVEN) for name in missing
    ]
    return fitting, (*left, *cuts, *filled)
