"""Dynamics 365 in the demo."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from leadkeeper.sandbox.dynamics.stand_in import Dynamics
from leadkeeper.sandbox.entra.directory import APPLICATION, SECRET, TENANT, Secret
from leadkeeper.sandbox.entra.stand_in import Entra
from leadkeeper.sandbox.place import LEAD_ID, SOURCE, FoundLead, Mishap, Place, Scene, is_test_marker

INSTANCE: Final = "https://org.crm4.dynamics.com"
_OLD_SECRET: Final = "Old8~sandbox.secret-value_9876543210zyxwvuTS"


def places(scene: Scene) -> list[Place]:
    """The connections to it."""
    return [dynamics(scene)]


def dynamics(scene: Scene) -> Place:
    """Dynamics 365 with an application of Entra, whose old secret has expired."""
    tenant = scene.sandbox.stand_in(Entra).directory.tenants[TENANT]
    tenant.applications[APPLICATION].secrets.append(Secret(_OLD_SECRET, expires_at=0.0))

    def settings(key: str) -> dict[str, Any]:
        own = {"applicationId": APPLICATION, "applicationKey": key, "directoryId": TENANT}
        return {"instanceUrl": INSTANCE, "authentication": "azureAD", **own}

    async def look() -> Mapping[str, FoundLead]:
        return in_dynamics(scene.sandbox.stand_in(Dynamics).received())

    mishap = Mishap("its client secret has expired", "a new client secret is entered", settings(_OLD_SECRET))
    return Place("dynamics", "Dynamics 365", settings(SECRET), look, mishap)


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
        lead_id, source = LEAD_ID.search(text), SOURCE.search(text)
        if lead_id and source:
            address = record.get("emailaddress1")
            leads[lead_id["id"]] = FoundLead(f"lead {record['leadid']}", source["text"], address, record["writes"])
    return leads
