"""The table ``lead`` of a Dynamics 365 environment: its columns, and what fits in them."""

from __future__ import annotations

import functools
import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

from leadkeeper.sandbox.dynamics import columns, errors
from leadkeeper.sandbox.dynamics.errors import Refused

Kind = Literal[
    "String", "Memo", "Picklist", "State", "Status", "Integer", "BigInt", "Double", "Decimal", "Money", "Boolean",
    "DateTime", "Uniqueidentifier", "Lookup", "Customer", "Owner", "EntityName", "Image",
]  # fmt: skip
Required = Literal["None", "Recommended", "ApplicationRequired", "SystemRequired"]

ENTITY: Final = "lead"
TEXTS: Final = frozenset({"String", "Memo"})
CHOICES: Final = frozenset({"Picklist", "State", "Status"})
NUMBERS: Final = frozenset({"Integer", "BigInt", "Double", "Decimal", "Money"})
REFERENCES: Final = frozenset({"Lookup", "Customer", "Owner"})

_SPACE: Final = uuid.UUID("7d0b5f3a-1c52-4f0e-9b1e-3f6f0a9d2c11")
_EDM: Final = {
    **dict.fromkeys(("Picklist", "State", "Status", "Integer"), "Int32"),
    **dict.fromkeys(("Uniqueidentifier", "Lookup", "Customer", "Owner"), "Guid"),
    "Money": "Decimal",
    "BigInt": "Int64",
    "DateTime": "DateTimeOffset",
    "EntityName": "String",
    "Image": "Binary",
}
_LARGEST: Final = {"Integer": 2**31 - 1, "BigInt": 2**63 - 1}
_WORDS: Final[Mapping[str, Required]] = {
    "required": "ApplicationRequired",
    "recommended": "Recommended",
    "system": "SystemRequired",
}
_RANGE: Final = re.compile(r"(-?[\d.]+?)\.\.(-?[\d.]+)")


@dataclass(frozen=True, slots=True)
class Attribute:
    """One column; ``name`` is what a record calls it (a reference ``_name_value``).

    ``limit`` is the longest text in UTF-16 units, or the largest number, ``least`` the smallest. ``writable`` says
    whether a caller may fill it in at all, ``invalid_for`` what of create, update and read it is not valid for.
    ``of`` is the reference whose name it shows.
    """

    name: str
    kind: Kind = "String"
    limit: float = 100
    options: Mapping[int, str] = field(default_factory=dict)
    writable: bool = True
    least: float = 0
    schema: str = ""
    label: str = ""
    required: Required = "None"
    format: str = ""
    invalid_for: frozenset[str] = frozenset()
    targets: tuple[str, ...] = ()
    of: str | None = None

    @property
    def logical_name(self) -> str:
        """The name that metadata knows it by."""
        return self.name.removeprefix("_").removesuffix("_value") if self.kind in REFERENCES else self.name

    @property
    def metadata_id(self) -> str:
        """The id of the column's definition, the same everywhere."""
        return definition_id(self.name)

    @property
    def edm(self) -> str:
        """The type of its values in OData."""
        return "Edm.String" if self.kind in TEXTS else f"Edm.{_EDM.get(self.kind, self.kind)}"

    @property
    def readable(self) -> bool:
        """Whether a record shows it."""
        return "read" not in self.invalid_for

    def valid_for(self, what: Literal["create", "update"]) -> bool:
        """Whether a value is taken then; else it is passed over, as Dataverse does."""
        return self.writable and what not in self.invalid_for

    def check_type(self, value: object) -> None:
        """Raises :class:`Refused` when the value is of another type; null never is."""
        if value is None or self._is_typed(value):
            return
        reason = (
            "System.FormatException: Microsoft.OData.ODataException: Cannot convert a value of the property "
            f"'{self.name}' to the expected type '{self.edm}'."
        )
        raise Refused(errors.BAD_PAYLOAD, reason=reason)

    def check_value(self, value: object) -> None:
        """Raises :class:`Refused` when a value of the right type is too long or out of range."""
        if value is None:
            return
        if self.kind in TEXTS and isinstance(value, str) and _units(value) > self.limit:
            raise Refused(errors.TOO_LONG, name=self.name, limit=self.limit)
        if self.kind in CHOICES and value not in self.options:
            options = ",".join(str(each) for each in self.options)
            raise Refused(errors.OUT_OF_RANGE, name=self.name, value=value, options=options)
        if self.kind in NUMBERS and isinstance(value, int | float) and not self.least <= value <= self.limit:
            reason = f"A validation error occurred. The value of '{self.name}' is outside the valid range."
            raise Refused(errors.BAD_ARGUMENT, reason=reason)

    def _is_typed(self, value: object) -> bool:
        if isinstance(value, bool) or self.kind == "Boolean":
            return isinstance(value, bool) and self.kind == "Boolean"
        if self.kind in CHOICES or self.kind in {"Integer", "BigInt"}:
            return isinstance(value, int)
        if self.kind in NUMBERS:
            return isinstance(value, int | float)
        if self.kind == "Uniqueidentifier" or self.kind in REFERENCES:
            return isinstance(value, str) and guid(value) is not None
        return isinstance(value, str)


def _read(line: str) -> Attribute:
    """The column of one line of :mod:`~leadkeeper.sandbox.dynamics.columns`."""
    schema, words, label, *tables = line.split("|")
    kind, *particulars = words.split()
    found = next(each for each in get_args(Kind) if each == kind)
    limit: float = _LARGEST.get(kind, 0)
    least: float = -limit - 1 if limit else 0
    required: Required = "None"
    shape, invalid = "", set()
    for word in particulars:
        if bounds := _RANGE.fullmatch(word):
            least, limit = (float(each) if "." in each else int(each) for each in bounds.groups())
        elif word.isdecimal():
            limit = int(word)
        elif word.startswith("-"):
            invalid.add(word[1:])
        elif word in _WORDS:
            required = _WORDS[word]
        else:
            shape = word
    name = schema.lower()
    options = columns.CHOICES.get(name, {})
    if kind == "Boolean":
        options = dict(enumerate(columns.FLAGS.get(name, ("No", "Yes"))))
    return Attribute(
        f"_{name}_value" if kind in REFERENCES else name, found, limit, options, kind not in REFERENCES, least,
        schema, label, required, shape or ("Text" if kind == "String" else ""), frozenset(invalid),
        tuple(tables[0].split(",")) if tables else (),
    )  # fmt: skip


def _lines() -> Iterator[str]:
    for number in (1, 2):
        for line in columns.ADDRESS.split("\n"):
            schema, words, label = line.split("|") if line else ("", "", "")
            if schema:
                plain = number == 1 and schema in columns.PLAIN_NAMES
                shown = label if plain else f"Address {number}" + (f": {label}" if label else "")
                yield f"Address{number}_{schema}|{words}|{shown}"
    for part in (columns.COLUMNS, columns.LOOKUPS):
        yield from filter(None, part.split("\n"))


def lead_attributes() -> dict[str, Attribute]:
    """The columns of a new environment, by name."""
    return dict(_lead_attributes())


@functools.cache
def _lead_attributes() -> Mapping[str, Attribute]:
    found = {each.name: each for each in map(_read, _lines())}
    for words in columns.NAMES.split(","):
        schema, limit, of = words.split()
        invalid = frozenset({"create", "update", "read"})
        name = schema.lower()
        found[name] = Attribute(
            name, "String", int(limit), writable=False, schema=schema, format="Text", invalid_for=invalid, of=of
        )
    return found


def definition_id(name: str) -> str:
    """The id of a definition of that name, the same everywhere."""
    return str(uuid.uuid5(_SPACE, name))


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def guid(text: str) -> str | None:
    """The text as a guid in lower case, or None when it is none (braces and digits alone are not taken)."""
    try:
        found = str(uuid.UUID(text))
    except ValueError:
        return None
    return found if found == text.lower() else None
