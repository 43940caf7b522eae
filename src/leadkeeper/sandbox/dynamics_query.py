"""OData's query options as far as the stand-in for Dynamics 365 knows them."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Final

from leadkeeper.sandbox import dynamics_errors as errors
from leadkeeper.sandbox.dynamics_errors import Refused

_EQUALITY: Final = re.compile(r"\s*(?P<name>\w+)\s+eq\s+(?:'(?P<text>(?:[^']|'')*)'|(?P<literal>[\w-]+))\s*")


def check_options(query: Mapping[str, str], known: Collection[str]) -> None:
    """Raises :class:`Refused`: 501 for an option that is OData's but not known here, 400 for any other."""
    for name in query:
        if name not in known:
            raise Refused(errors.NOT_BUILT if name.startswith("$") else errors.BAD_SYNTAX)


def selected(query: Mapping[str, str], known: Collection[str], type_name: str) -> list[str] | None:
    """The names of ``$select``, or None for all; raises :class:`Refused` for one that the type does not have."""
    if "$select" not in query:
        return None
    names = [name.strip() for name in query["$select"].split(",")]
    for name in names:
        if name not in known:
            raise Refused(errors.UNKNOWN_PROPERTY, name=name, type=type_name)
    return names


def equality(query: Mapping[str, str], known: Collection[str], type_name: str) -> tuple[str, str] | None:
    """Name and value of a ``$filter`` of one ``eq``, None without a filter; raises :class:`Refused` for any other."""
    if "$filter" not in query:
        return None
    found = _EQUALITY.fullmatch(query["$filter"])
    if found is None:
        raise Refused(errors.BAD_SYNTAX)
    if found["name"] not in known:
        raise Refused(errors.UNKNOWN_PROPERTY, name=found["name"], type=type_name)
    return found["name"], found["literal"] if found["text"] is None else found["text"].replace("''", "'")
