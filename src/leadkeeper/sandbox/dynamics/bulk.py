"""Many leads in one call: the actions CreateMultiple, UpdateMultiple, UpsertMultiple and BulkDelete.

As Microsoft documents them for standard tables, one that fails undoes all. BulkDelete is a job of the system, which
this environment has done by the time it answers.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from typing import Final

from leadkeeper.sandbox.dynamics import errors
from leadkeeper.sandbox.dynamics.caller import DONE, JSON_HEADERS, Caller
from leadkeeper.sandbox.dynamics.errors import Refused
from leadkeeper.sandbox.dynamics.leads import Leads
from leadkeeper.sandbox.dynamics.organization import DELETE
from leadkeeper.sandbox.dynamics.payload import json_object
from leadkeeper.sandbox.dynamics.schema import ENTITY, guid
from leadkeeper.sandbox.stand_in import Answer, Request

PATH: Final = re.compile(r"leads/Microsoft\.Dynamics\.CRM\.(?P<action>Create|Update|Upsert)Multiple")
_TYPE: Final = f"Microsoft.Dynamics.CRM.{ENTITY}"
_ID: Final = re.compile(r"(?:.*/)?leads\((?P<key>.*)\)")
_ABOUT_ONE: Final = ("if-match", "if-none-match", "prefer")


def multiple(action: str, caller: Caller, request: Request) -> Answer:
    """Do the action with every target, or with none; raises :class:`Refused`."""
    if request.method != "POST":
        raise Refused(errors.NO_METHOD, method=request.method)
    targets = json_object(request.body).get("Targets")
    if not isinstance(targets, list) or not targets:
        raise Refused(errors.BAD_PAYLOAD, reason="Microsoft.OData.ODataException: Targets is a list of records.")
    with caller.organization.all_or_nothing():
        answers = [_one(action, _target(each), caller, request) for each in targets]
    if action != "Create":
        return DONE
    context = f"{caller.base}$metadata#Microsoft.Dynamics.CRM.CreateMultipleResponse"
    ids = [each.headers["OData-EntityId"].rpartition("(")[2].rstrip(")") for each in answers]
    return Answer.json(200, {"@odata.context": context, "Ids": ids}, JSON_HEADERS)


def _target(item: object) -> dict[str, object]:
    if not isinstance(item, dict):
        raise Refused(errors.BAD_PAYLOAD, reason="Microsoft.OData.ODataException: a target is a record.")
    if str(item.get("@odata.type", "")).removeprefix("#") != _TYPE:
        reason = f"Microsoft.OData.ODataException: a target's @odata.type is {_TYPE}."
        raise Refused(errors.BAD_PAYLOAD, reason=reason)
    return item


def _one(action: str, target: Mapping[str, object], caller: Caller, request: Request) -> Answer:
    """The answer to the same thing asked of one lead."""
    headers = {name: value for name, value in request.headers.items() if name not in _ABOUT_ONE}
    method, key = "POST", None
    if action != "Create":
        method, key = "PATCH", _key(target)
        target = {name: value for name, value in target.items() if name != "leadid"}
        headers |= {"if-match": "*"} if action == "Update" else {}
    base, _, _ = request.target.partition("/leads/")
    body = json.dumps(target).encode()
    return Leads(caller, Request(method, request.host, f"{base}/leads", headers, body)).answer(key)


def _key(target: Mapping[str, object]) -> str:
    """The id or the alternate key of a target."""
    if isinstance(target.get("leadid"), str):
        return str(target["leadid"])
    found = _ID.fullmatch(str(target.get("@odata.id", "")))
    if found is None:
        reason = "Microsoft.OData.ODataException: a target has leadid, or @odata.id with an alternate key."
        raise Refused(errors.BAD_PAYLOAD, reason=reason)
    return found["key"]


def bulk_delete(caller: Caller, request: Request) -> Answer:
    """Delete the leads whose ids a query names, and say the job's id; raises :class:`Refused`."""
    if request.method != "POST":
        raise Refused(errors.NO_METHOD, method=request.method)
    caller.demand(DELETE)
    for lead_id in _wanted(json_object(request.body).get("QuerySet")):
        caller.organization.leads.pop(lead_id, None)
    context = f"{caller.base}$metadata#Microsoft.Dynamics.CRM.BulkDeleteResponse"
    return Answer.json(200, {"@odata.context": context, "JobId": str(uuid.uuid4())}, JSON_HEADERS)


def _wanted(queries: object) -> list[str]:
    """The ids of queries of leads by id; other queries are not known here."""
    wanted: list[str] = []
    for query in queries if isinstance(queries, list) else [None]:
        criteria = query.get("Criteria") if isinstance(query, dict) else None
        conditions = criteria.get("Conditions") if isinstance(criteria, dict) else None
        if (
            not isinstance(query, dict)
            or query.get("EntityName") != ENTITY
            or not isinstance(conditions, list)
            or not conditions
        ):
            raise Refused(errors.NOT_BUILT, what="this query of BulkDelete")
        for each in conditions:
            if (each.get("AttributeName"), each.get("Operator")) not in {("leadid", "In"), ("leadid", "Equal")}:
                raise Refused(errors.NOT_BUILT, what="this condition of BulkDelete")
            wanted += [str(guid(str(value.get("Value")).lower())) for value in each.get("Values", [])]
    return wanted
