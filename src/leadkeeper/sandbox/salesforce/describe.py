"""What an org tells of itself: its API versions, its resources, its objects, the fields of Lead, its limits."""

from __future__ import annotations

from typing import Final

from leadkeeper.sandbox.salesforce.identity import identity_url
from leadkeeper.sandbox.salesforce.org import Org, rolled
from leadkeeper.sandbox.salesforce.records import Records
from leadkeeper.sandbox.stand_in import Answer

VERSIONS: Final = range(31, 70)
_SEASONS: Final = ("Spring", "Summer", "Winter")
_RESOURCES: Final = ("sobjects", "query", "queryAll", "limits", "composite")


def versions() -> Answer:
    """Every version of the API, oldest first; no session is needed."""
    return Answer.json(200, [_version(number) for number in VERSIONS])


def _version(number: int) -> dict[str, str]:
    years, season = divmod(number - 60, 3)  # v60 is Spring '24; a winter's release bears the next year
    label = f"{_SEASONS[season]} '{24 + years + (season == 2)}"
    return {"label": label, "url": f"/services/data/v{number}.0", "version": f"{number}.0"}


def resources(org: Org, version: int) -> Answer:
    """What is below a version."""
    base = f"/services/data/v{version}.0"
    return Answer.json(200, {"identity": identity_url(org)} | {name: f"{base}/{name}" for name in _RESOURCES})


def every_object(records: Records, version: int) -> Answer:
    """Describe global: here, Lead is all there is."""
    return Answer.json(200, {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": [_lead(records, version)]})


def about_lead(records: Records, version: int) -> Answer:
    """The short form, with the leads last written."""
    recent = sorted(records.org.leads.values(), key=lambda lead: lead.modified, reverse=True)[:20]
    items = [{"attributes": {"type": "Lead"}, "Id": each.id, "Name": each.values.get("LastName")} for each in recent]
    return Answer.json(200, {"objectDescribe": _lead(records, version), "recentItems": items})


def lead(records: Records, version: int) -> Answer:
    """Lead with its fields."""
    fields = [each.described() for each in records.fields]
    return Answer.json(
        200, _lead(records, version) | {"fields": fields, "recordTypeInfos": [], "childRelationships": []}
    )


def _lead(records: Records, version: int) -> dict[str, object]:
    allowed = records.state != "readOnly"
    base = f"/services/data/v{version}.0/sobjects/Lead"
    return {
        "name": "Lead",
        "label": "Lead",
        "labelPlural": "Leads",
        "keyPrefix": "00Q",
        "custom": False,
        "activateable": False,
        "createable": allowed,
        "updateable": allowed,
        "deletable": allowed,
        "mergeable": allowed,
        "queryable": True,
        "retrieveable": True,
        "replicateable": True,
        "searchable": True,
        "urls": {
            "sobject": base,
            "describe": f"{base}/describe",
            "rowTemplate": f"{base}/{{ID}}",
        },
    }


def limits(records: Records) -> Answer:
    """What the org allows in a day, and what is left."""
    org = records.org
    left = org.api_limit - rolled(org.requests, records.now)
    storage = 0 if records.state == "storageFull" else 1_000
    message = {
        "DailyApiRequests": {"Max": org.api_limit, "Remaining": left},
        "DataStorageMB": {"Max": 1_024, "Remaining": storage},
    }
    return Answer.json(200, message)
