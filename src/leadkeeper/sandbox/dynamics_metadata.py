"""The metadata of an environment: the table ``lead`` and its columns, as ``EntityDefinitions`` shows them."""

from __future__ import annotations

import re
from typing import Final

from leadkeeper.sandbox import dynamics_errors as errors
from leadkeeper.sandbox.dynamics_errors import Refused
from leadkeeper.sandbox.dynamics_leads import JSON_HEADERS, Caller
from leadkeeper.sandbox.dynamics_organization import METADATA
from leadkeeper.sandbox.dynamics_query import check_options, equality, selected
from leadkeeper.sandbox.dynamics_schema import ENTITY, Attribute
from leadkeeper.sandbox.stand_in import Answer, Request

_TABLE: Final = {
    "MetadataId": "c8a1b6fd-1d5e-4f53-9a0b-6a2b3d5e7f10",
    "LogicalName": ENTITY,
    "SchemaName": "Lead",
    "EntitySetName": "leads",
    "LogicalCollectionName": "leads",
    "PrimaryIdAttribute": "leadid",
    "PrimaryNameAttribute": "fullname",
    "ObjectTypeCode": 4,
}
_PATH: Final = re.compile(
    r"EntityDefinitions(?:\(LogicalName='(?P<entity>[^']*)'\)"
    r"(?P<attributes>/Attributes(?:\(LogicalName='(?P<attribute>[^']*)'\))?"
    r"(?:/Microsoft\.Dynamics\.CRM\.(?P<kind>\w+)AttributeMetadata)?)?)?"
)
_RELATIONS: Final = f"EntityDefinitions(LogicalName='{ENTITY}')/ManyToOneRelationships"
_RELATION: Final = {
    "MetadataId": "4d9c1b0e-7c3a-4a51-8d2f-0b1c2d3e4f50",
    "SchemaName": "Campaign_leads",
    "ReferencingEntity": ENTITY,
    "ReferencingAttribute": "campaignid",
    "ReferencedEntity": "campaign",
    "ReferencedAttribute": "campaignid",
    "ReferencingEntityNavigationPropertyName": "campaignid",
}
"""The one lookup that leads of the stand-in have."""
_KINDS: Final = frozenset({"String", "Memo", "Picklist", "Integer", "Money", "DateTime"})
_EXPANSION: Final = re.compile(r"OptionSet(\(\$select=Options\))?(,GlobalOptionSet(\(\$select=Options\))?)?")


def metadata(path: str, caller: Caller, request: Request) -> Answer:
    """Answer a request for metadata; raises :class:`Refused`."""
    found = _PATH.fullmatch(path)
    if path == _RELATIONS:
        return _many_to_one(caller, request)
    if found is None:
        raise Refused(errors.NO_SEGMENT, name=path.rpartition("/")[2])
    if request.method != "GET":
        raise Refused(errors.NO_METHOD, method=request.method)
    caller.demand(METADATA)
    if found["entity"] is None:
        return _tables(caller, request)
    if found["entity"] != ENTITY:
        raise Refused(errors.NO_KEY, entity=found["entity"])
    if found["attributes"] is None:
        check_options(request.query, {"$select"})
        names = selected(request.query, _TABLE, "EntityMetadata")
        return _one(caller, "EntityDefinitions", _reduced(dict(_TABLE), names))
    if found["kind"] is not None and found["kind"] not in _KINDS:
        raise Refused(errors.NO_SEGMENT, name=f"Microsoft.Dynamics.CRM.{found['kind']}AttributeMetadata")
    return _attributes(caller, request, found["attribute"], found["kind"])


def _many_to_one(caller: Caller, request: Request) -> Answer:
    if request.method != "GET":
        raise Refused(errors.NO_METHOD, method=request.method)
    caller.demand(METADATA)
    check_options(request.query, {"$select"})
    names = selected(request.query, _RELATION, "OneToManyRelationshipMetadata")
    return _many(caller, f"EntityDefinitions('{ENTITY}')/ManyToOneRelationships", [_reduced(dict(_RELATION), names)])


def _tables(caller: Caller, request: Request) -> Answer:
    check_options(request.query, {"$select", "$filter"})
    names = selected(request.query, _TABLE, "EntityMetadata")
    sought = equality(request.query, _TABLE, "EntityMetadata")
    fits = sought is None or str(_TABLE[sought[0]]) == sought[1]
    return _many(caller, "EntityDefinitions", [_reduced(dict(_TABLE), names)] if fits else [])


def _attributes(caller: Caller, request: Request, attribute: str | None, kind: str | None) -> Answer:
    query = request.query
    check_options(query, {"$select", "$filter", "$expand"})
    expanded = "$expand" in query
    if expanded and (kind != "Picklist" or not _EXPANSION.fullmatch(query["$expand"])):
        raise Refused(errors.UNKNOWN_PROPERTY, name=query["$expand"], type=f"{kind or ''}AttributeMetadata")
    type_name = f"{kind or ''}AttributeMetadata"
    known = _example(kind).definition(typed=kind is not None, options=False)
    names = selected(query, known, type_name)
    sought = equality(query, known, type_name)
    columns = [
        each.definition(typed=kind is not None, options=expanded)
        for each in caller.organization.attributes.values()
        if kind in {None, each.kind} and attribute in {None, each.name}
    ]
    shown = [
        _reduced(each, names, "OptionSet") for each in columns if sought is None or str(each[sought[0]]) == sought[1]
    ]
    room = f"EntityDefinitions('{ENTITY}')/Attributes"
    if attribute is None:
        return _many(caller, room, shown)
    if not shown:
        raise Refused(errors.NO_KEY, entity="attribute")
    return _one(caller, room, shown[0])


def _example(kind: str | None) -> Attribute:
    """A column of the kind, to see which properties its definition has."""
    match kind:
        case "Memo" | "Picklist" | "Integer" | "Money" | "DateTime":
            return Attribute("example", kind)
        case _:
            return Attribute("example")


def _reduced(shown: dict[str, object], names: list[str] | None, *always: str) -> dict[str, object]:
    if names is None:
        return shown
    return {name: value for name, value in shown.items() if name in {*names, *always, "MetadataId"}}


def _one(caller: Caller, room: str, shown: dict[str, object]) -> Answer:
    context = {"@odata.context": f"{caller.base}$metadata#{room}/$entity"}
    return Answer.json(200, context | shown, JSON_HEADERS)


def _many(caller: Caller, room: str, shown: list[dict[str, object]]) -> Answer:
    context = f"{caller.base}$metadata#{room}"
    return Answer.json(200, {"@odata.context": context, "value": shown}, JSON_HEADERS)
