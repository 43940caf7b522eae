"""Leads as the remote systems themselves show them: rows, files, records, people, posts and mails, by the lead's id.

Where a destination has no place of its own for the id, a test lead goes without: it is found by its e-mail address.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from leadkeeper.lead import is_test_marker
from leadkeeper.sandbox.email.stand_in import Mail
from leadkeeper.sandbox.https_endpoint.stand_in import Arrived
from leadkeeper.sandbox.marketo.leads import Subscription

_LEAD_ID: Final = re.compile(r"^Lead id: (?P<id>[0-9a-f-]{36})$", re.MULTILINE)
_SOURCE: Final = re.compile(r"^Lead source: (?P<text>.*)$", re.MULTILINE)
_LINK: Final = re.compile(r"/leads/(?P<id>[0-9a-f-]{36})")


@dataclass(frozen=True, slots=True)
class FoundLead:
    """One lead at one destination, and how often. ``lead_source`` and ``email`` are None where it gets neither.

    ``open_text`` is what anybody may read, so that nothing personal may stand in it.
    """

    receipt: str
    lead_source: str | None
    email: str | None
    times: int = 1
    open_text: str = ""


def in_table(rows: Iterable[Mapping[str, Any]]) -> dict[str, FoundLead]:
    """Rows of the table."""
    return {
        row["RowKey"]: FoundLead(f"row {row['PartitionKey']}/{row['RowKey']}", row["LeadSource"], row["Email"])
        for row in rows
    }


def in_blobs(files: Mapping[str, Mapping[str, str]]) -> dict[str, FoundLead]:
    """Files of the container."""
    return {row["LeadId"]: FoundLead(f"file {name}", row["LeadSource"], row["Email"]) for name, row in files.items()}


def at_endpoint(received: Mapping[str, Arrived]) -> dict[str, FoundLead]:
    """What an endpoint took."""
    leads = {}
    for lead_id, arrived in received.items():
        details = arrived.body["UserDetails"]
        address = str(details["Email"]) if isinstance(details, dict) else ""
        leads[lead_id] = FoundLead("taken, signature valid", str(arrived.body["LeadSource"]), address, arrived.count)
    return leads


def in_dynamics(records: Iterable[Mapping[str, Any]]) -> dict[str, FoundLead]:
    """Leads of the environment; their description names our lead."""
    leads = {}
    for record in records:
        text = str(record.get("description", ""))
        if is_test_marker(text):
            leads[str(record.get("emailaddress1"))] = FoundLead(
                f"lead {record['leadid']}", None, None, record["writes"]
            )
            continue
        lead_id, source = _LEAD_ID.search(text), _SOURCE.search(text)
        if lead_id and source:
            address = record.get("emailaddress1")
            leads[lead_id["id"]] = FoundLead(f"lead {record['leadid']}", source["text"], address, record["writes"])
    return leads


def by_web_to_lead(records: Iterable[Mapping[str, Any]]) -> dict[str, FoundLead]:
    """Leads that Web-to-Lead created; their description names our lead. A second one of the same id is counted."""
    leads: dict[str, FoundLead] = {}
    for record in records:
        fields = record["fields"]
        text = str(fields.get("Description", ""))
        named = _LEAD_ID.search(text)
        key = named["id"] if named else str(fields.get("Email")) if is_test_marker(text) else None
        if record["via"] != "webToLead" or record["status"] != "created" or key is None:
            continue
        before = leads.get(key)
        one = FoundLead(f"lead {record['id']}", fields.get("LeadSource"), fields.get("Email"))
        leads[key] = one if before is None else replace(before, times=before.times + 1)
    return leads


def by_rest(records: Iterable[Mapping[str, Any]], id_field: str) -> dict[str, FoundLead]:
    """Leads that came over Salesforce's REST API."""
    leads = {}
    for record in records:
        fields = record["fields"]
        if record["via"] == "rest" and record["status"] == "created" and fields.get(id_field):
            source, address = fields.get("LeadSource"), fields.get("Email")
            leads[str(fields[id_field])] = FoundLead(f"lead {record['id']}", source, address, record["times"])
    return leads


def in_hubspot(received: Iterable[Mapping[str, Any]]) -> dict[str, FoundLead]:
    """Leads by our id, with the address of the contact that each is tied to."""
    records = list(received)
    people = {each["id"]: each["properties"].get("email") for each in records if each["object"] == "contacts"}
    leads = {}
    for each in records:
        if each["object"] == "leads" and (id_ := each["properties"].get("marketplace_lead_id")):
            address = next((people.get(number) for number in each["contacts"]), None)
            source = each["properties"].get("marketplace_note")
            leads[str(id_)] = FoundLead(f"lead {each['id']}", source, address, each["times"])
    return leads


def in_marketo(there: Subscription) -> dict[str, FoundLead]:
    """People of the subscription; a field of theirs names our lead."""
    leads = {}
    for person in there.people:
        values = {name: str(value) for name, value in person.values.items()}
        if "marketplaceLeadId" in values:
            one = FoundLead(f"person {person.id}", values.get("leadSource"), values.get("email"), person.times)
            leads[values["marketplaceLeadId"]] = one
    return leads


def in_mailbox(mails: Iterable[Mail]) -> dict[str, FoundLead]:
    """Notices: they link to a lead, and must say nothing else of it."""
    leads: dict[str, FoundLead] = {}
    for mail in mails:
        for lead_id in {link["id"] for link in _LINK.finditer(mail.text)}:  # told once in each language
            before = leads.get(lead_id)
            one = FoundLead(f"mail {mail.message['Message-ID']}", None, None, open_text=mail.message.as_string())
            leads[lead_id] = one if before is None else replace(before, times=before.times + 1)
    return leads
