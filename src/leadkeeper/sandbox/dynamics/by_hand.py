"""What people do with leads in Dynamics 365's own pages, as the control API asks for it.

A call names ``do``, the ``environment`` (a host) and ``id``: ``delete``; ``change`` (``values``); ``qualify`` (the
lead becomes a contact and stays, closed); ``merge`` (``other`` is the lead that stays open: the one named by ``id``
stays too, deactivated); ``assign`` (``owner``). Source: the table's reference (``merged``, ``masterid``,
``statecode``).
"""

from __future__ import annotations

from collections.abc import Mapping

from leadkeeper.sandbox.dynamics.organization import Lead, Organization


class Impossible(ValueError):
    """It cannot be done; the text says why."""


def act(organizations: Mapping[str, Organization], asked: Mapping[str, object]) -> dict[str, object]:
    """Do what is asked for; what the record shows then, empty when it is gone."""
    organization = organizations.get(str(asked.get("environment")))
    if organization is None:
        raise Impossible("environment is the host of one")
    lead = _lead(organization, asked.get("id"))
    match asked.get("do"):
        case "delete":
            del organization.leads[str(lead.record["leadid"])]
            return {}
        case "change":
            values = asked.get("values")
            if not isinstance(values, dict):
                raise Impossible("values is an object")
            lead.values |= values
            lead.record |= values
        case "qualify":
            lead.record |= {"statecode": 1, "statuscode": 3}
        case "merge":
            master = _lead(organization, asked.get("other"))
            if master is lead:
                raise Impossible("other must be another lead")
            lead.record |= {"merged": True, "statecode": 2, "statuscode": 7}
            lead.record["_masterid_value"] = master.record["leadid"]
        case "assign":
            lead.record["_ownerid_value"] = str(asked.get("owner"))
        case _:
            raise Impossible("do is one of delete, change, qualify, merge, assign")
    return dict(lead.record)


def _lead(organization: Organization, number: object) -> Lead:
    lead = organization.leads.get(str(number))
    if lead is None:
        raise Impossible(f"there is no lead {number}")
    return lead
