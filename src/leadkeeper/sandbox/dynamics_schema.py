"""The table ``lead`` of a Dynamics 365 environment: its columns, what fits in them, and how metadata shows them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from leadkeeper.sandbox import dynamics_columns as columns
from leadkeeper.sandbox import dynamics_errors as errors
from leadkeeper.sandbox.dynamics_errors import Refused

Kind = Literal["String", "Memo", "Picklist", "Integer", "Money", "DateTime", "Uniqueidentifier", "Boolean"]

ENTITY: Final = "lead"
_SPACE: Final = uuid.UUID("7d0b5f3a-1c52-4f0e-9b1e-3f6f0a9d2c11")


@dataclass(frozen=True, slots=True)
class Attribute:
    """One column. ``limit`` is the longest text in UTF-16 units, or the largest number; options by value."""

    name: str
    kind: Kind = "String"
    limit: int = 100
    options: Mapping[int, str] = field(default_factory=dict)
    writable: bool = True

    @property
    def metadata_id(self) -> str:
        """The id of the column's definition, the same everywhere."""
        return str(uuid.uuid5(_SPACE, self.name))

    def check_type(self, value: object) -> None:
        """Raises :class:`Refused` when the value is of another type; null never is."""
        if value is None or self._is_typed(value):
            return
        wanted = "Edm.String" if self.kind in {"String", "Memo"} else f"Edm.{_EDM.get(self.kind, self.kind)}"
        reason = (
            "System.FormatException: Microsoft.OData.ODataException: Cannot convert a value of the property "
            f"'{self.name}' to the expected type '{wanted}'."
        )
        raise Refused(errors.BAD_PAYLOAD, reason=reason)

    def check_value(self, value: object) -> None:
        """Raises :class:`Refused` when a value of the right type is too long or out of range."""
        if value is None:
            return
        if self.kind in {"String", "Memo"} and isinstance(value, str) and _units(value) > self.limit:
            raise Refused(errors.TOO_LONG, name=self.name, limit=self.limit)
        if self.kind == "Picklist" and value not in self.options:
            options = ",".join(str(each) for each in self.options)
            raise Refused(errors.OUT_OF_RANGE, name=self.name, value=value, options=options)
        if self.kind in {"Integer", "Money"} and isinstance(value, int | float) and not 0 <= value <= self.limit:
            reason = f"A validation error occurred. The value of '{self.name}' is outside the valid range."
            raise Refused(errors.BAD_ARGUMENT, reason=reason)

    def _is_typed(self, value: object) -> bool:
        if isinstance(value, bool) or self.kind == "Boolean":
            return isinstance(value, bool) and self.kind == "Boolean"
        match self.kind:
            case "Picklist" | "Integer":
                return isinstance(value, int)
            case "Money":
                return isinstance(value, int | float)
            case "Uniqueidentifier":
                return isinstance(value, str) and guid(value) is not None
            case _:
                return isinstance(value, str)

    def definition(self, *, typed: bool, options: bool) -> dict[str, object]:
        """The column as metadata shows it; ``typed`` when the caller cast it to its kind, ``options`` expanded."""
        lookup = self.name.startswith("_")  # a record shows it as _name_value, metadata by its name
        name = self.name.removeprefix("_").removesuffix("_value") if lookup else self.name
        shown: dict[str, object] = {
            "MetadataId": self.metadata_id,
            "LogicalName": name,
            "SchemaName": name.title(),
            "EntityLogicalName": ENTITY,
            "AttributeType": "Lookup" if lookup else self.kind,
            "DisplayName": _label(name.replace("_", " ").capitalize()),
            "IsValidForCreate": self.writable,
            "IsValidForUpdate": self.writable and self.kind != "Uniqueidentifier",
            "RequiredLevel": {"Value": "ApplicationRequired" if self.name in _APPLICATION_REQUIRED else "None"},
        }
        if typed and self.kind in {"String", "Memo"}:
            shown["MaxLength"] = self.limit
        if typed and self.kind in {"Integer", "Money"}:
            shown |= {"MinValue": 0, "MaxValue": self.limit}
        if options:
            values = [{"Value": value, "Label": _label(label)} for value, label in self.options.items()]
            shown["OptionSet"] = {"MetadataId": str(uuid.uuid5(_SPACE, f"{self.name}/options")), "Options": values}
        return shown


def _label(text: str) -> dict[str, object]:
    own = {
        "Label": text,
        "LanguageCode": 1033,
        "IsManaged": True,
        "MetadataId": str(uuid.uuid5(_SPACE, f"label/{text}")),
    }
    return {"LocalizedLabels": [own], "UserLocalizedLabel": own}


_EDM: Final = {"Picklist": "Int32", "Integer": "Int32", "Money": "Decimal", "Uniqueidentifier": "Guid"}
_APPLICATION_REQUIRED: Final = frozenset({"subject", "lastname"})
SOURCES: Final = dict(
    enumerate(
        (
            "Advertisement",
            "Employee Referral",
            "External Referral",
            "Partner",
            "Public Relations",
            "Seminar",
            "Trade Show",
            "Web",
            "Word of Mouth",
            "Other",
        ),
        1,
    )
)
_TEXTS: Final = {
    "subject": 300,
    "firstname": 50,
    "lastname": 50,
    "emailaddress1": 100,
    "telephone1": 50,
    "mobilephone": 20,
    "companyname": 100,
    "jobtitle": 100,
    "address1_country": 80,
    "address1_city": 80,
    "address1_stateorprovince": 50,
    "address1_postalcode": 20,
    "address1_line1": 250,
    "address1_line2": 250,
    "address1_line3": 250,
    "websiteurl": 200,
}


def _attributes() -> Iterator[Attribute]:
    yield Attribute("leadid", "Uniqueidentifier")
    yield from (Attribute(name, limit=limit) for name, limit in _TEXTS.items())
    yield Attribute("description", "Memo", 2_000)
    yield Attribute("leadsourcecode", "Picklist", options=SOURCES)
    yield Attribute("leadqualitycode", "Picklist", options={1: "Hot", 2: "Warm", 3: "Cold"})
    yield Attribute("industrycode", "Picklist", options={1: "Accounting", 7: "Consulting", 31: "Utilities"})
    yield Attribute("numberofemployees", "Integer", 1_000_000)
    yield Attribute("revenue", "Money", 922_337_203_685_477)
    yield from _further()
    yield Attribute("createdon", "DateTime", writable=False)
    yield Attribute("modifiedon", "DateTime", writable=False)


def _further() -> Iterator[Attribute]:
    """The standard columns that few fill in; lookups are shown by their ids and set by references only."""
    addresses = {f"address{n}_{name}": limit for n in (1, 2) for name, limit in columns.ADDRESS_TEXTS.items()}
    for name, limit in (addresses | columns.TEXTS).items():
        if name not in _TEXTS:
            yield Attribute(name, limit=limit)
    yield from (Attribute(name, limit=limit, writable=False) for name, limit in columns.READ_ONLY_TEXTS.items())
    yield from (Attribute(name, "Memo", limit) for name, limit in columns.MEMOS.items())
    yield from (Attribute(name, "Boolean") for name in columns.FLAGS)
    yield from (Attribute(name, "Boolean", writable=False) for name in columns.READ_ONLY_FLAGS)
    yield from (Attribute(name, "Money", 922_337_203_685_477) for name in columns.MONEY)
    yield from (Attribute(name, "Integer", 2_147_483_647) for name in columns.INTEGERS)
    yield from (Attribute(name, "Integer", writable=False) for name in columns.READ_ONLY_INTEGERS)
    yield from (Attribute(name, "DateTime") for name in columns.MOMENTS)
    yield from (Attribute(name, "Uniqueidentifier") for name in columns.IDS)
    yield from (Attribute(f"_{name}_value", "Uniqueidentifier", writable=False) for name in columns.LOOKUPS)
    yield from (Attribute(name, "Picklist", options=options) for name, options in columns.CHOICES.items())


def lead_attributes() -> dict[str, Attribute]:
    """The columns of a new environment, by name."""
    return {each.name: each for each in _attributes()}


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def guid(text: str) -> str | None:
    """The text as a guid in lower case, or None when it is none (braces and digits alone are not taken)."""
    try:
        found = str(uuid.UUID(text))
    except ValueError:
        return None
    return found if found == text.lower() else None
