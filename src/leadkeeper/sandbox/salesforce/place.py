"""Salesforce in the demo, by Web-to-Lead and over its REST API."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from leadkeeper.sandbox.place import LEAD_ID, FoundLead, Mishap, Place, Scene, is_test_marker
from leadkeeper.sandbox.salesforce.fields import EXTERNAL_ID
from leadkeeper.sandbox.salesforce.stand_in import Salesforce


def places(scene: Scene) -> list[Place]:
    """The connections to it."""
    return [salesforce_web(scene), salesforce_rest(scene)]


def salesforce_web(scene: Scene) -> Place:
    """Salesforce by Web-to-Lead, with the organization's id alone."""
    org = scene.sandbox.stand_in(Salesforce).org

    async def look() -> Mapping[str, FoundLead]:
        return by_web_to_lead(scene.sandbox.stand_in(Salesforce).received())

    right = {"objectIdentifier": org.oid}
    wrong = {"objectIdentifier": "00D5e000000Nope"}
    mishap = Mishap("its organization id has a typing error", "the right id is entered", wrong)
    return Place("salesforce-web", "Salesforce, Web-to-Lead", right, look, mishap, confirms=False)


def salesforce_rest(scene: Scene) -> Place:
    """Salesforce over its REST API."""
    org = scene.sandbox.stand_in(Salesforce).org

    async def look() -> Mapping[str, FoundLead]:
        return by_rest(scene.sandbox.stand_in(Salesforce).received(), EXTERNAL_ID)

    own = {"clientId": org.client_id, "clientSecret": org.client_secret, "externalIdField": EXTERNAL_ID}
    right = {"objectIdentifier": org.oid, "myDomainUrl": f"https://{org.host}", **own}
    mishap = Mishap("its API is switched off", "the API is switched on", state=("salesforce", "apiDisabled"))
    return Place("salesforce", "Salesforce, REST", right, look, mishap)


def by_web_to_lead(records: Iterable[Mapping[str, Any]]) -> dict[str, FoundLead]:
    """Leads that Web-to-Lead created; their description names our lead. A second one of the same id is counted."""
    leads: dict[str, FoundLead] = {}
    for record in records:
        fields = record["fields"]
        text = str(fields.get("Description", ""))
        named = LEAD_ID.search(text)
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
