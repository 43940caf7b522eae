"""One property of a lead, and one reference of it, addressed as parts of the record."""

from __future__ import annotations

import re
from typing import Final

from leadkeeper.sandbox.dynamics import errors
from leadkeeper.sandbox.dynamics.caller import DONE, JSON_HEADERS, Caller
from leadkeeper.sandbox.dynamics.errors import Refused
from leadkeeper.sandbox.dynamics.leads import Leads
from leadkeeper.sandbox.dynamics.organization import READ, WRITE, Lead
from leadkeeper.sandbox.dynamics.payload import checked, json_object, typed
from leadkeeper.sandbox.dynamics.references import NAVIGATION, Relationship, referred
from leadkeeper.sandbox.stand_in import Answer, Request

PATH: Final = re.compile(r"leads\((?P<key>.*?)\)/(?P<name>\w+)(?P<end>/\$ref|/\$value)?")


def part(found: re.Match[str], caller: Caller, request: Request) -> Answer:
    """Read, fill in or empty the part of a lead that :data:`PATH` found; raises :class:`Refused`."""
    leads = Leads(caller, request)
    relationship = NAVIGATION.get(found["name"])
    if found["end"] == "/$ref" and relationship is not None:
        return _reference(leads, leads.find(found["key"]), relationship, caller, request)
    attribute = caller.organization.attributes.get(found["name"])
    if attribute is None or not attribute.readable or found["end"] == "/$ref":
        raise Refused(errors.NO_SEGMENT, name=found["name"])
    return _property(leads, leads.find(found["key"]), found["name"], caller, request, raw=found["end"] == "/$value")


def _property(leads: Leads, lead: Lead, name: str, caller: Caller, request: Request, *, raw: bool) -> Answer:
    if request.method == "GET":
        caller.demand(READ)
        value = lead.record.get(name)
        if value is None:
            return DONE
        if raw:
            return Answer.text(200, str(value), {"OData-Version": "4.0"})
        context = f"{caller.base}$metadata#leads({lead.values['leadid']})/{name}"
        return Answer.json(200, {"@odata.context": context, "value": value}, JSON_HEADERS)
    if request.method == "DELETE":
        value = None
    elif request.method == "PUT" and "value" in (body := json_object(request.body)):
        value = body["value"]
    elif request.method == "PUT":
        raise Refused(errors.BAD_PAYLOAD, reason="Microsoft.OData.ODataException: the body has no value.")
    else:
        raise Refused(errors.NO_METHOD, method=request.method)
    caller.demand(WRITE)
    leads.change(lead, checked(caller, typed(caller, {name: value}), lead))
    return DONE


def _reference(leads: Leads, lead: Lead, to: Relationship, caller: Caller, request: Request) -> Answer:
    if request.method == "GET":
        caller.demand(READ)
        there = lead.record.get(to.column)
        if there is None:
            return DONE
        shown = {
            "@odata.context": f"{caller.base}$metadata#$ref",
            "@odata.id": f"{caller.base}{to.entity_set}({there})",
        }
        return Answer.json(200, shown, JSON_HEADERS)
    if request.method == "PUT":
        record = referred(caller, to, json_object(request.body).get("@odata.id", ""))
    elif request.method == "DELETE":
        record = None
    else:
        raise Refused(errors.NO_METHOD, method=request.method)
    caller.demand(WRITE)
    leads.change(lead, {to.column: record})
    return DONE
