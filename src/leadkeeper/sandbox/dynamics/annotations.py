"""What stands beside a value when the caller prefers annotations: how people see it, and where a reference leads."""

from __future__ import annotations

import re
from typing import Final

from leadkeeper.sandbox.dynamics.references import BY_COLUMN
from leadkeeper.sandbox.dynamics.schema import CHOICES, NUMBERS, REFERENCES, Attribute
from leadkeeper.sandbox.stand_in import Request

FORMATTED: Final = "OData.Community.Display.V1.FormattedValue"
TABLE: Final = "Microsoft.Dynamics.CRM.lookuplogicalname"
NAVIGATION: Final = "Microsoft.Dynamics.CRM.associatednavigationproperty"
_PREFERENCE: Final = re.compile(r'odata\.include-annotations="?([^";\s]+)"?')


def preference(request: Request) -> str | None:
    """The preference for annotations as it was said, None without it."""
    found = _PREFERENCE.search(request.headers.get("prefer", ""))
    return None if found is None else found[0]


def beside(request: Request, attribute: Attribute, value: object) -> dict[str, object]:
    """The annotations of a value that the request prefers; nothing stands beside an empty value."""
    found = _PREFERENCE.search(request.headers.get("prefer", ""))
    if found is None or value is None:
        return {}
    masks = found[1].split(",")
    message: dict[str, object] = {}
    if attribute.kind in REFERENCES:
        message[TABLE] = attribute.targets[0]
        if attribute.name in BY_COLUMN:
            message[NAVIGATION] = BY_COLUMN[attribute.name].navigation
    else:
        message[FORMATTED] = _formatted(attribute, value)
    return {
        f"{attribute.name}@{name}": text
        for name, text in message.items()
        if text is not None and any(_fits(mask, name) for mask in masks)
    }


def _fits(mask: str, name: str) -> bool:
    return name.startswith(mask.removesuffix("*")) if mask.endswith("*") else name == mask


def _formatted(attribute: Attribute, value: object) -> str | None:
    """The value in the words of people who read English; None for texts and ids, which are as they are."""
    if attribute.kind in CHOICES or attribute.kind == "Boolean":
        return attribute.options.get(int(value)) if isinstance(value, int) else None
    if attribute.kind in NUMBERS and isinstance(value, int | float):
        return f"${value:,.2f}" if attribute.kind == "Money" else f"{value:,}"
    return None
