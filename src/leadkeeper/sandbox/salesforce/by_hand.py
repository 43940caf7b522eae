"""What people do with leads in Salesforce's own pages, as the control API asks for it.

A call names ``do`` and ``id``, in the first org: ``delete`` (into the recycle bin), ``purge`` (out of it), ``change``
(``values``), ``convert`` (it becomes an account and a contact, and stays), ``merge`` (``other`` is the master; the one
named by ``id`` goes to the bin and names its master).
"""

from __future__ import annotations

from collections.abc import Mapping

from leadkeeper.sandbox.salesforce.org import Org, StoredLead


class Impossible(ValueError):
    """It cannot be done; the text says why."""


def act(org: Org, now: float, asked: Mapping[str, object]) -> dict[str, object]:
    """Do what is asked for; the id of the lead that it concerned."""
    lead = _lead(org, asked.get("id"))
    if (asked.get("do") == "purge") is (lead.deleted is None):
        raise Impossible("purge is for what lies in the recycle bin, and nothing else is")
    match asked.get("do"):
        case "purge":
            del org.bin[lead.id]
        case "delete":
            org.delete(lead, now)
        case "change":
            values = asked.get("values")
            if not isinstance(values, dict):
                raise Impossible("values is an object")
            org.store(values, lead, now)
        case "convert":
            lead.converted, lead.modified = True, now
        case "merge":
            master = _lead(org, asked.get("other"))
            if master is lead or master.deleted is not None:
                raise Impossible("other must be another lead that is there")
            org.delete(lead, now)
            lead.master = master.id
        case _:
            raise Impossible("do is one of delete, purge, change, convert, merge")
    return {"id": lead.id}


def _lead(org: Org, number: object) -> StoredLead:
    lead = org.lead(str(number))
    if lead is None:
        raise Impossible(f"there is no lead {number}")
    return lead
