"""The metadata of an environment: its tables, the columns of ``lead``, keys and relationships. It is only read."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from leadkeeper.sandbox.dynamics import errors
from leadkeeper.sandbox.dynamics.caller import JSON_HEADERS, Caller
from leadkeeper.sandbox.dynamics.definitions import (
    CRM,
    TABLES,
    attribute_definition,
    cast_of,
    has_options,
    key_definition,
)
from leadkeeper.sandbox.dynamics.errors import Refused
from leadkeeper.sandbox.dynamics.filter import condition
from leadkeeper.sandbox.dynamics.organization import METADATA
from leadkeeper.sandbox.dynamics.query import check_options, selected
from leadkeeper.sandbox.dynamics.references import RELATIONSHIPS
from leadkeeper.sandbox.dynamics.schema import ENTITY, Attribute, guid
from leadkeeper.sandbox.stand_in import Answer, Request

SERVICES: Final = ("EntityDefinitions", "RelationshipDefinitions", "GlobalOptionSetDefinitions", "CreateEntities")
"""What the paths of metadata begin with."""

_TABLE: Final = re.compile(r"EntityDefinitions(?:\((?P<table>[^)]*)\)(?:/(?P<rest>.*))?)?")
_ATTRIBUTES: Final = re.compile(
    r"Attributes(?:\((?P<attribute>[^)]*)\))?(?:/Microsoft\.Dynamics\.CRM\.(?P<kind>\w+)AttributeMetadata)?"
)
_RELATIONSHIP: Final = re.compile(
    r"RelationshipDefinitions(?:\((?P<key>[^)]*)\))?(?:/Microsoft\.Dynamics\.CRM\.(?P<cast>\w+RelationshipMetadata))?"
)
_LOGICAL_NAME: Final = re.compile(r"LogicalName='([^']*)'")
_SCHEMA_NAME: Final = re.compile(r"SchemaName='([^']*)'")
_OPTIONS: Final = re.compile(r"OptionSet(\(\$select=[\w,]+\))?(,GlobalOptionSet(\(\$select=[\w,]+\))?)?")
_WITH_ATTRIBUTES: Final = re.compile(r"Attributes(?:\(\$select=(?P<names>[\w,]+)\))?")
_RELATIONS: Final = {
    "ManyToOneRelationships": RELATIONSHIPS,
    "OneToManyRelationships": tuple(each for each in RELATIONSHIPS if each.table == ENTITY),
    "ManyToManyRelationships": (),
}
_EXAMPLES: Final = Attribute("example")
Definition = Mapping[str, object]


def metadata(path: str, caller: Caller, request: Request) -> Answer:
    """Answer a request for metadata; raises :class:`Refused`."""
    if request.method != "GET":
        raise Refused(errors.NOT_BUILT, what="metadata can be read, not changed")
    caller.demand(METADATA)
    if found := _RELATIONSHIP.fullmatch(path):
        return _relationships(caller, request, found["key"])
    found = _TABLE.fullmatch(path)
    if found is None:
        raise Refused(errors.NOT_BUILT, what=path.partition("(")[0].partition("/")[0])
    if found["table"] is None:
        check_options(request.query, {"$select", "$filter"})
        return _many(caller, request, "EntityDefinitions", "EntityMetadata", [*TABLES.values()])
    table = _table(found["table"])
    if found["rest"] is None:
        return _one_table(caller, request, table)
    if table["LogicalName"] != ENTITY:
        raise Refused(errors.NOT_BUILT, what=f"the columns of {table['LogicalName']}")
    return _of_leads(found["rest"], caller, request)


def _table(key: str) -> Definition:
    """The table of a key: its logical name, or its id."""
    named = _LOGICAL_NAME.fullmatch(key)
    for name, table in TABLES.items():
        if (named and named[1] == name) or guid(key) == table["MetadataId"]:
            return table
    raise Refused(errors.NO_KEY, entity=named[1] if named else "EntityMetadata")


def _one_table(caller: Caller, request: Request, table: Definition) -> Answer:
    query = request.query
    check_options(query, {"$select", "$expand"})
    shown = _reduced(table, selected(query, table, "EntityMetadata"))
    if "$expand" in query:
        wanted = _WITH_ATTRIBUTES.fullmatch(query["$expand"])
        if wanted is None or table["LogicalName"] != ENTITY:
            raise Refused(errors.NOT_BUILT, what=f"$expand={query['$expand']}")
        names = wanted["names"].split(",") if wanted["names"] else None
        columns = (attribute_definition(each, options=False) for each in caller.organization.attributes.values())
        shown["Attributes"] = [_reduced(each, names, "@odata.type") for each in columns]
    context = {"@odata.context": f"{caller.base}$metadata#EntityDefinitions/$entity"}
    return Answer.json(200, context | shown, JSON_HEADERS)


def _of_leads(rest: str, caller: Caller, request: Request) -> Answer:
    """What belongs to the table ``lead``: columns, keys and relationships."""
    if found := _ATTRIBUTES.fullmatch(rest):
        return _attributes(caller, request, found["attribute"], found["kind"])
    room = f"EntityDefinitions('{ENTITY}')/{rest}"
    check_options(request.query, {"$select", "$filter"})
    if rest == "Keys":
        keys = [key_definition(each) for each in sorted(caller.organization.keys)]
        return _many(caller, request, room, "EntityKeyMetadata", keys, key_definition(("example",)))
    if rest in _RELATIONS:
        relations = [each.definition() for each in _RELATIONS[rest]]
        example = RELATIONSHIPS[0].definition()
        return _many(caller, request, room, "OneToManyRelationshipMetadata", relations, example)
    raise Refused(errors.NO_SEGMENT, name=rest.rpartition("/")[2])


def _relationships(caller: Caller, request: Request, key: str | None) -> Answer:
    check_options(request.query, {"$select", "$filter"})
    every = [each.definition() for each in RELATIONSHIPS]
    if key is None:
        return _many(caller, request, "RelationshipDefinitions", "RelationshipMetadataBase", every)
    named = _SCHEMA_NAME.fullmatch(key)
    for each in every:
        if (named and named[1] == each["SchemaName"]) or guid(key) == each["MetadataId"]:
            names = selected(request.query, each, "RelationshipMetadataBase")
            return _one(caller, "RelationshipDefinitions", _reduced(each, names, "@odata.type"))
    raise Refused(errors.NO_KEY, entity="RelationshipMetadataBase")


def _attributes(caller: Caller, request: Request, key: str | None, kind: str | None) -> Answer:
    query = request.query
    check_options(query, {"$select", "$filter", "$expand"})
    type_name = f"{kind or ''}AttributeMetadata"
    fits = [each for each in caller.organization.attributes.values() if kind is None or cast_of(each) == type_name]
    if not fits:
        raise Refused(errors.NO_SEGMENT, name=f"{CRM}{type_name}")
    expanded = "$expand" in query
    if expanded and not (kind and has_options(fits[0]) and _OPTIONS.fullmatch(query["$expand"])):
        raise Refused(errors.UNKNOWN_PROPERTY, name=query["$expand"], type=type_name)
    known = attribute_definition(fits[0] if kind else _EXAMPLES, options=False)
    if kind is None:  # what only some kinds have cannot be asked of all
        known = {name: known[name] for name in known if name not in {"MaxLength", "Format", "FormatName"}}
    columns = [attribute_definition(each, options=expanded) for each in fits if _is(each, key)]
    if kind is not None:
        columns = [{name: each[name] for name in each if name != "@odata.type"} for each in columns]
    room = f"EntityDefinitions('{ENTITY}')/Attributes"
    if key is None:
        return _many(caller, request, room, type_name, columns, known)
    if not columns:
        raise Refused(errors.NO_KEY, entity="attribute")
    names = selected(query, known, type_name)
    return _one(caller, room, _reduced(columns[0], names, "OptionSet", "@odata.type"))


def _is(attribute: Attribute, key: str | None) -> bool:
    """Whether the key, a logical name or an id, is the column's."""
    named = _LOGICAL_NAME.fullmatch(key) if key is not None else None
    return key is None or (named[1] == attribute.logical_name if named else guid(key) == attribute.metadata_id)


def _reduced(shown: Definition, names: Collection[str] | None, *always: str) -> dict[str, object]:
    if names is None:
        return dict(shown)
    return {name: value for name, value in shown.items() if name in {*names, *always, "MetadataId"}}


def _one(caller: Caller, room: str, shown: Definition) -> Answer:
    context = {"@odata.context": f"{caller.base}$metadata#{room}/$entity"}
    return Answer.json(200, context | dict(shown), JSON_HEADERS)


def _many(
    caller: Caller,
    request: Request,
    room: str,
    type_name: str,
    all_of: Sequence[Definition],
    example: Definition = MappingProxyType({}),
) -> Answer:
    """Those of ``$filter`` with what ``$select`` names; ``example`` has every property that may be asked for."""
    query = request.query
    known = example or all_of[0]
    names = selected(query, known, type_name)
    fits = condition(query["$filter"], known, type_name) if "$filter" in query else None
    shown = [_reduced(each, names, "OptionSet", "@odata.type") for each in all_of if fits is None or fits(each)]
    context = f"{caller.base}$metadata#{room}"
    return Answer.json(200, {"@odata.context": context, "value": shown}, JSON_HEADERS)
