"""Forms of destinations' settings: from a settings model to fields, from what was posted to the API's JSON. Pure.

A form holds one text for each field. A secret is never put into a page: its field is empty, and empty keeps the stored
one. A field of several texts has one on each line; a mapping has rows named ``fields.0.name``, ``.kind``, ``.value``.
"""

from __future__ import annotations

import json
import math
import re
import types
import typing
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final, Literal

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from leadkeeper.connections.resource import MASK
from leadkeeper.destinations.interface import Config
from leadkeeper.problem import FieldError
from leadkeeper.texts import ENGLISH, Language, LazyText, _, lazy_gettext

MOST_ROWS: Final = 100
"""The most rows of a mapping in one form."""
SPARE_ROWS: Final = 2
REMOVE: Final = ".remove"
"""Ends the name of the box that removes a stored secret."""


class FieldKind(StrEnum):
    """What a field looks like."""

    TEXT = "text"
    SECRET = "secret"
    LINES = "lines"
    CHOICE = "choice"
    SWITCH = "switch"
    NUMBER = "number"
    DATE = "date"
    MAPPING = "mapping"


class RowKind(StrEnum):
    """What a row of a mapping gives its field."""

    TEXT = "text"
    NUMBER = "number"
    YES = "yes"
    NO = "no"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class MappingRow:
    """One row of a mapping: a field of the remote system, and what it gets."""

    name: str = ""
    kind: RowKind = RowKind.TEXT
    value: str = ""


@dataclass(frozen=True, slots=True)
class FormField:
    """One field of a form. ``name`` is its JSON name; ``stored``: a secret of it is kept, and is not shown."""

    name: str
    label: str
    help: str
    kind: FieldKind
    required: bool
    value: str = ""
    choices: tuple[str, ...] = ()
    stored: bool = False
    rows: tuple[MappingRow, ...] = ()
    error: str = ""
    marked: bool = False
    """What is wrong with the connection usually is here."""
    dropped: bool = False
    """A secret was entered that was not saved, and is not shown: it is to be entered again."""
    removable: bool = False
    """The stored secret can be removed."""
    removing: bool = False


def json_names(config: type[Config]) -> tuple[str, ...]:
    """The settings of ``config`` by their JSON names, in their order."""
    return tuple(info.alias or name for name, info in config.model_fields.items())


def form_fields(
    config: type[Config],
    names: Collection[str],
    values: Mapping[str, str],
    *,
    stored: Collection[str] = (),
    errors: Mapping[str, str] | None = None,
    marked: Collection[str] = (),
    needed: Collection[str] = (),
    made: Collection[str] = (),
    spare: int = SPARE_ROWS,
) -> tuple[FormField, ...]:
    """The fields of ``names``, in the order of ``names``, with the ``values`` of a form.

    ``stored`` are the secrets that are kept, ``needed`` what this form cannot do without though the model can, ``made``
    those that are made where none is given, so that there is nothing to remove.
    """
    infos = {info.alias or name: info for name, info in config.model_fields.items()}
    found = []
    for name in (name for name in names if name in infos):
        info, kind = infos[name], field_kind(infos[name])
        found.append(
            FormField(
                name=name,
                label=info.title or name,
                help=info.description or "",
                kind=kind,
                required=(info.is_required() or name in needed) and name not in stored,
                value="" if kind is FieldKind.SECRET else values.get(name, ""),
                choices=_choices(info),
                stored=name in stored,
                rows=rows_of(values, name, spare) if kind is FieldKind.MAPPING else (),
                error=(errors or {}).get(name, ""),
                marked=name in marked,
                dropped=kind is FieldKind.SECRET and bool(values.get(name, "").strip()),
                removable=name in stored and not info.is_required() and name not in (*needed, *made),
                removing=values.get(name + REMOVE) == "yes",
            )
        )
    return tuple(found)


def field_kind(info: FieldInfo) -> FieldKind:
    """What the field of this setting looks like."""
    kinds = {_kind(part) for part in _parts(info.annotation)}
    return next((kind for kind in kinds if kind is not None), FieldKind.TEXT)


def _kind(annotation: Any) -> FieldKind | None:
    if annotation is type(None):
        return None
    if annotation is SecretStr:
        return FieldKind.SECRET
    origin = typing.get_origin(annotation)
    if origin is Literal:
        return FieldKind.CHOICE
    by_type = {list: FieldKind.LINES, dict: FieldKind.MAPPING, bool: FieldKind.SWITCH, int: FieldKind.NUMBER}
    by_type[date] = FieldKind.DATE
    return by_type.get(origin or annotation, FieldKind.TEXT)


def _parts(annotation: Any) -> list[Any]:
    """The members of a union, with nothing annotated around them."""
    if hasattr(annotation, "__metadata__"):
        return _parts(annotation.__origin__)
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return [part for each in typing.get_args(annotation) for part in _parts(each)]
    return [annotation]


def _choices(info: FieldInfo) -> tuple[str, ...]:
    for part in _parts(info.annotation):
        if typing.get_origin(part) is Literal:
            return tuple(str(each) for each in typing.get_args(part))
    return ()


def default_values(config: type[Config]) -> dict[str, str]:
    """A new form's values: the model's defaults."""
    defaults = {
        info.alias or name: info.get_default(call_default_factory=True)
        for name, info in config.model_fields.items()
        if not info.is_required()
    }
    return form_values({name: value for name, value in defaults.items() if value is not None})


def form_values(settings: Mapping[str, Any]) -> dict[str, str]:
    """Settings as they are stored (without secrets), as a form holds them."""
    values: dict[str, str] = {}
    for name, value in settings.items():
        if isinstance(value, Mapping):
            for number, (field, given) in enumerate(value.items()):
                row = _row(field, given)
                values |= {f"{name}.{number}.name": row.name, f"{name}.{number}.kind": row.kind.value}
                values[f"{name}.{number}.value"] = row.value
        elif isinstance(value, list):
            values[name] = "\n".join(map(str, value))
        elif isinstance(value, bool):
            values[name] = "yes" if value else ""
        elif not isinstance(value, SecretStr):
            values[name] = str(value)
    return values


def _row(name: str, given: object) -> MappingRow:
    if given is None:
        return MappingRow(name, RowKind.NOTHING)
    if isinstance(given, bool):
        return MappingRow(name, RowKind.YES if given else RowKind.NO)
    if isinstance(given, int | float):
        return MappingRow(name, RowKind.NUMBER, json.dumps(given))
    return MappingRow(name, RowKind.TEXT, str(given))


def rows_of(values: Mapping[str, str], name: str, spare: int = SPARE_ROWS) -> tuple[MappingRow, ...]:
    """The rows of a mapping that are filled, and ``spare`` empty ones."""
    pattern = re.compile(rf"{re.escape(name)}\.(\d{{1,3}})\.(?:name|value|kind)")
    numbers = sorted({int(found[1]) for key in values if (found := pattern.fullmatch(key))})
    rows = [
        MappingRow(
            values.get(f"{name}.{number}.name", "").strip(),
            _row_kind(values.get(f"{name}.{number}.kind", "")),
            values.get(f"{name}.{number}.value", ""),
        )
        for number in numbers
    ]
    filled = [row for row in rows if row.name or row.value.strip()]
    return (*filled, *(MappingRow() for _ in range(min(spare, max(0, MOST_ROWS - len(filled))))))


def _row_kind(text: str) -> RowKind:
    return RowKind(text) if text in list(RowKind) else RowKind.TEXT


def settings_of(
    config: type[Config],
    names: Iterable[str],
    form: Mapping[str, str],
    *,
    stored: Collection[str] = (),
    fixed: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """What was posted as the API takes it: only ``names``, and what is ``fixed``; what is empty is left out.

    A secret of ``stored`` that was left empty is kept, unless its box says that it is to go.
    """
    infos = {info.alias or name: info for name, info in config.model_fields.items()}
    settings: dict[str, Any] = dict(fixed or {})
    for name in names:
        if name not in infos or name in settings:
            continue
        text, kind = form.get(name, "").strip(), field_kind(infos[name])
        if kind is FieldKind.SECRET and not text and name in stored:
            if form.get(name + REMOVE) != "yes":
                settings[name] = MASK
        elif kind is FieldKind.SWITCH:
            settings[name] = text == "yes"
        elif kind is FieldKind.MAPPING:
            settings[name] = {row.name: _given(row) for row in rows_of(form, name, spare=0)}
        elif kind is FieldKind.LINES:
            settings[name] = lines_in(text)
        elif text:
            settings[name] = _number(text) if kind is FieldKind.NUMBER else text
    return settings


def lines_in(text: str) -> list[str]:
    """What stands on the lines of a field, or between its commas."""
    return [line.strip() for line in re.split(r"[\n,;]", text) if line.strip()]


def wrong_rows(form: Mapping[str, str], name: str) -> LazyText | None:
    """What is wrong with the rows of a mapping that its model cannot see: it gets one value for each field."""
    rows, seen = rows_of(form, name, spare=0), set[str]()
    for row in rows:
        if row.name in seen:
            return lazy_gettext("%(field)s stands in two rows: keep one of them.", field=row.name)
        seen.add(row.name)
        if row.kind is RowKind.NUMBER and isinstance(_number(row.value.strip()), str):
            return lazy_gettext("%(field)s: enter a number, or choose Text.", field=row.name)
    return None


def _given(row: MappingRow) -> str | int | float | bool | None:
    match row.kind:
        case RowKind.NOTHING:
            return None
        case RowKind.YES | RowKind.NO:
            return row.kind is RowKind.YES
        case RowKind.NUMBER:
            return _number(row.value.strip())
        case RowKind.TEXT:
            return row.value


def _number(text: str) -> int | float | str:
    """The number that ``text`` is, else the text itself: the model says what is wrong with it."""
    for read in (int, float):
        try:
            number = read(text)
        except ValueError:
            continue
        return number if math.isfinite(number) else text  # JSON has no other numbers
    return text


_MESSAGE: Final = {
    "Field required": _("Enter this."),
    "String should have at least 1 character": _("Enter this."),
    "List should have at least 1 item": _("Enter at least one."),
    "Input should be a valid UUID": _("Enter an ID such as 8a1e0c5a-4f1d-4d7e-9c0b-2f6c1f0e7a11."),
    "Input should be a valid date": _("Enter a date, such as 2027-03-31."),
    "Input should be a valid integer": _("Enter a whole number."),
}


def field_errors(
    errors: Sequence[FieldError], config: type[Config], config_key: str, language: Language = ENGLISH
) -> tuple[dict[str, str], str]:
    """What is wrong, told in ``language``, by JSON name of the field; and what belongs to no field of the form.

    What a model says of several settings stands at each setting that it names.
    """
    names, found, general = json_names(config), dict[str, str](), list[str]()
    for error in errors:
        parts = error.field.split(".")
        inner = parts[1:] if parts[0] == config_key else parts
        message = _plain(error.message, language)
        # A rule of the whole model names its settings in its text.
        named = [inner[0]] if inner and inner[0] in names else _named(names, error.message)
        for name in named:
            found[name] = message if name not in found else f"{found[name]} {message}"
        if not named:
            general.append(message)
    return found, " ".join(general)


def _named(names: Iterable[str], message: str) -> list[str]:
    words = set(re.findall(r"\w+", message))
    return [name for name in names if name in words]


def _plain(message: str, language: Language) -> str:
    for begin, reason in _MESSAGE.items():
        if message.startswith(begin):
            return language.gettext(reason)
    message = language.tell(message)
    return message[:1].upper() + message[1:]
