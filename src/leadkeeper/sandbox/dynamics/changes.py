"""``RetrieveMetadataChanges``: a query of metadata that projects what each kind of column has of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from leadkeeper.sandbox.dynamics import errors
from leadkeeper.sandbox.dynamics.caller import JSON_HEADERS, Caller
from leadkeeper.sandbox.dynamics.definitions import TABLES, attribute_definition, has_options
from leadkeeper.sandbox.dynamics.errors import Refused
from leadkeeper.sandbox.dynamics.organization import METADATA
from leadkeeper.sandbox.dynamics.schema import ENTITY
from leadkeeper.sandbox.stand_in import Answer, Request

PATH: Final = "RetrieveMetadataChanges(Query=@"


def changes(path: str, caller: Caller, request: Request) -> Answer:
    """The tables and columns that the query names; raises :class:`Refused`."""
    if request.method != "GET":
        raise Refused(errors.NO_METHOD, method=request.method)
    caller.demand(METADATA)
    alias = "@" + path.removeprefix(PATH).partition(")")[0].partition(",")[0]
    try:
        query = json.loads(request.query.get(alias, ""))
    except ValueError:
        raise Refused(errors.BAD_SYNTAX) from None
    found = [_table(each, query, caller) for each in TABLES.values() if _named(query, str(each["LogicalName"]))]
    body = {
        "@odata.context": f"{caller.base}$metadata#Microsoft.Dynamics.CRM.RetrieveMetadataChangesResponse",
        "ServerVersionStamp": "1!536529",
        "DeletedMetadata": None,
        "EntityMetadata": found,
    }
    return Answer.json(200, body, JSON_HEADERS)


def _table(table: Mapping[str, object], query: object, caller: Caller) -> dict[str, object]:
    names = _names(query)
    shown = {name: value for name, value in table.items() if names is None or name in {*names, "MetadataId"}}
    columns = _part(query, "AttributeQuery")
    if columns is not None and table["LogicalName"] == ENTITY:
        wanted = _names(columns)
        shown["Attributes"] = [
            {name: value for name, value in each.items() if wanted is None or name in {*wanted, *_ALWAYS}}
            for each in (
                attribute_definition(attribute, options=has_options(attribute))
                for attribute in caller.organization.attributes.values()
                if _named(columns, attribute.logical_name)
            )
        ]
    return shown


_ALWAYS: Final = ("@odata.type", "MetadataId")


def _part(query: object, name: str) -> object:
    return query.get(name) if isinstance(query, dict) else None


def _names(query: object) -> list[str] | None:
    """The properties that are wanted, None for all."""
    properties = _part(query, "Properties")
    names = _part(properties, "PropertyNames")
    if _part(properties, "AllProperties") is True or names is None:
        return None
    if not isinstance(names, list):
        raise Refused(errors.BAD_SYNTAX)
    return [str(each) for each in names]


def _named(query: object, logical_name: str) -> bool:
    """Whether the query's conditions fit; only those on the logical name are known here."""
    conditions = _part(_part(query, "Criteria"), "Conditions")
    for each in conditions if isinstance(conditions, list) else []:
        if (_part(each, "PropertyName"), _part(each, "ConditionOperator")) != ("LogicalName", "Equals"):
            raise Refused(errors.NOT_BUILT, what="conditions of RetrieveMetadataChanges but LogicalName Equals")
        if _part(_part(each, "Value"), "Value") != logical_name:
            return False
    return True
