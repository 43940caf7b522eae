"""How metadata shows the tables of an environment, the columns of ``lead``, its choices and its keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from leadkeeper.sandbox.dynamics.columns import DEFAULT_STATUS, STATUS_STATES
from leadkeeper.sandbox.dynamics.schema import (
    CHOICES,
    ENTITY,
    NUMBERS,
    REFERENCES,
    TEXTS,
    Attribute,
    definition_id,
)

CRM: Final = "Microsoft.Dynamics.CRM."
_METADATA: Final = "AttributeMetadata"
_CASTS: Final = {"Uniqueidentifier": "UniqueIdentifier", **dict.fromkeys(REFERENCES, "Lookup")}
_VIRTUAL: Final = frozenset({"Image"})
_CHOICE_TYPE: Final = {"State": "State", "Status": "Status"}


def label(text: str) -> dict[str, object]:
    """A text in the environment's one language; empty text is no label."""
    own = {
        "Label": text,
        "LanguageCode": 1033,
        "IsManaged": True,
        "MetadataId": definition_id(f"label/{text}"),
    }
    return {"LocalizedLabels": [own] if text else [], "UserLocalizedLabel": own if text else None}


def _table(name: str, schema: str, entity_set: str, code: int, primary: str, shown: str) -> dict[str, object]:
    return {
        "MetadataId": "c8a1b6fd-1d5e-4f53-9a0b-6a2b3d5e7f10" if name == ENTITY else definition_id(f"table/{name}"),
        "LogicalName": name,
        "SchemaName": schema,
        "EntitySetName": entity_set,
        "LogicalCollectionName": entity_set,
        "CollectionSchemaName": f"{schema}s",
        "PrimaryIdAttribute": f"{name}id",
        "PrimaryNameAttribute": primary,
        "ObjectTypeCode": code,
        "OwnershipType": "UserOwned",
        "TableType": "Standard",
        "IsPrivate": False,
        "IsActivity": False,
        "IsCustomEntity": False,
        "IsManaged": True,
        "IsIntersect": False,
        "IsLogicalEntity": False,
        "DisplayName": label(shown),
        "DisplayCollectionName": label(f"{shown}s"),
        "Description": label(""),
    }


TABLES: Final[Mapping[str, Mapping[str, object]]] = {
    ENTITY: _table(ENTITY, "Lead", "leads", 4, "fullname", "Lead"),
    "campaign": _table("campaign", "Campaign", "campaigns", 4400, "name", "Campaign"),
}
"""The tables that there are, by logical name; leads have columns and records, campaigns are only referred to."""


def cast_of(attribute: Attribute) -> str:
    """The type of the column's definition, without namespace."""
    return _CASTS.get(attribute.kind, attribute.kind) + _METADATA


def attribute_definition(attribute: Attribute, *, options: bool) -> dict[str, object]:
    """All that metadata says of a column; ``options`` when its choices are asked for too."""
    name = attribute.logical_name
    shown: dict[str, object] = {
        "@odata.type": f"#{CRM}{cast_of(attribute)}",
        "MetadataId": attribute.metadata_id,
        "LogicalName": name,
        "SchemaName": attribute.schema or name.title(),
        "EntityLogicalName": ENTITY,
        "AttributeType": "Virtual" if attribute.kind in _VIRTUAL else attribute.kind,
        "AttributeTypeName": {"Value": f"{attribute.kind}Type"},
        "AttributeOf": attribute.of,
        "DisplayName": label(attribute.label if attribute.schema else name.replace("_", " ").capitalize()),
        "Description": label(""),
        "IsCustomAttribute": not attribute.schema,
        "IsPrimaryId": name == "leadid",
        "IsPrimaryName": name == "fullname",
        "IsValidForCreate": "create" not in attribute.invalid_for,
        "IsValidForUpdate": "update" not in attribute.invalid_for,
        "IsValidForRead": attribute.readable or attribute.kind == "EntityName" or attribute.of is not None,
        "RequiredLevel": {"Value": attribute.required, "CanBeChanged": attribute.required != "SystemRequired"},
    }
    shown |= _particulars(attribute)
    if options:
        shown["OptionSet"] = _option_set(attribute)
    return shown


def _particulars(attribute: Attribute) -> dict[str, object]:
    """What only some kinds of columns have."""
    if attribute.kind in TEXTS:
        shape = {"FormatName": {"Value": attribute.format or "Text"}} if attribute.kind == "String" else {}
        return {"MaxLength": attribute.limit, "Format": attribute.format or "Text"} | shape
    if attribute.kind in NUMBERS:
        found: dict[str, object] = {"MinValue": attribute.least, "MaxValue": attribute.limit}
        if attribute.kind == "Integer":
            return found | {"Format": attribute.format or "None"}
        precision = {"Money": 4 if attribute.name.endswith("_base") else 2, "Decimal": 12}
        if attribute.kind == "Double":
            precision["Double"] = 2 if attribute.name == "estimatedvalue" else 5
        return found | ({"Precision": precision[attribute.kind]} if attribute.kind in precision else {})
    if attribute.kind == "DateTime":
        return {"Format": attribute.format}
    if attribute.kind in REFERENCES:
        return {"Targets": list(attribute.targets)}
    return {"DefaultValue": attribute.name == "followemail"} if attribute.kind == "Boolean" else {}


def _option_set(attribute: Attribute) -> dict[str, object]:
    known: dict[str, object] = {"MetadataId": definition_id(f"{attribute.name}/options"), "IsGlobal": False}
    options = [{"Value": value, "Label": label(text)} for value, text in attribute.options.items()]
    if attribute.kind == "Boolean":
        return known | {"FalseOption": options[0], "TrueOption": options[1]}
    for each in options:
        value = each["Value"]
        if attribute.kind == "State" and isinstance(value, int):
            each |= {"DefaultStatus": DEFAULT_STATUS[value], "InvariantName": attribute.options[value]}
        elif attribute.kind == "Status" and isinstance(value, int):
            each |= {"State": STATUS_STATES[value]}
    return known | {"Options": options, "OptionSetType": _CHOICE_TYPE.get(attribute.kind, "Picklist")}


def has_options(attribute: Attribute) -> bool:
    """Whether the column has choices."""
    return attribute.kind in CHOICES or attribute.kind == "Boolean"


def key_definition(columns: tuple[str, ...]) -> dict[str, object]:
    """An alternate key as metadata shows it."""
    name = f"key_{'_'.join(columns)}"
    return {
        "MetadataId": definition_id(f"key/{name}"),
        "LogicalName": name,
        "SchemaName": name,
        "EntityLogicalName": ENTITY,
        "KeyAttributes": list(columns),
        "EntityKeyIndexStatus": "Active",
        "DisplayName": label(name),
    }
