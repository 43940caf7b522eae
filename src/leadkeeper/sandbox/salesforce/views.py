"""A lead as the REST API shows it: what was written, and what the service says of it by itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

from leadkeeper.sandbox.salesforce.fields import OPEN, LeadField
from leadkeeper.sandbox.salesforce.org import Org, StoredLead

_PLACE: Final = ("City", "Country", "GeocodeAccuracy", "Latitude", "Longitude", "PostalCode", "State", "Street")


def moment(at: float) -> str:
    """A time as the service writes it: UTC, with milliseconds."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{int(at * 1000) % 1000:03}+0000"


def whole(org: Org, lead: StoredLead, fields: Iterable[LeadField]) -> dict[str, object]:
    """Every field of the lead by its name; None where there is nothing."""
    own = _own(org, lead)
    shown: dict[str, object] = {}
    for each in fields:
        empty = False if each.kind == "boolean" else None
        shown[each.name] = lead.values.get(each.name, own.get(each.name, empty))
    return shown


def record(lead: StoredLead, version: int, values: Mapping[str, object]) -> dict[str, object]:
    """``values`` as a record, with what it is and where."""
    address = f"/services/data/v{version}.0/sobjects/Lead/{lead.id}"
    return {"attributes": {"type": "Lead", "url": address}} | dict(values)


def _own(org: Org, lead: StoredLead) -> dict[str, object]:
    values, user = lead.values, org.users[0]
    place = {f"{name[0].lower()}{name[1:]}": values.get(name) for name in _PLACE}
    own: dict[str, object] = {
        "Id": lead.id,
        "IsDeleted": lead.deleted is not None,
        "MasterRecordId": lead.master,
        "Name": " ".join(str(values[name]) for name in ("FirstName", "LastName") if values.get(name)),
        "Address": place if any(each is not None for each in place.values()) else None,
        "Status": OPEN,
        "OwnerId": user,
        "IsUnreadByOwner": True,
        "CreatedDate": moment(lead.created),
        "CreatedById": user,
        "LastModifiedDate": moment(lead.modified),
        "LastModifiedById": user,
        "SystemModstamp": moment(lead.modified),
    }
    if lead.converted:
        own |= {"IsConverted": True, "Status": "Closed - Converted", "ConvertedDate": moment(lead.modified)[:10]}
        for name, prefix in (("Account", "001"), ("Contact", "003")):
            own[f"Converted{name}Id"] = f"{prefix}{lead.id[3:]}"
    return own
