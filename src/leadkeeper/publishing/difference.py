"""What differs between an offer as customers have it and its draft, field by field. Pure.

What customers read (title, summary, description, calls to action) is compared as they read it, so that another spelling
of the same is no difference; every other property by its name. A secret is never told: only that it changed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from leadkeeper.connections.resource import MASK, Stored
from leadkeeper.publishing.listing import read_listing
from leadkeeper.publishing.secret_properties import is_secret_name, secret_shape

_READ: Final = ("title", "summary", "description", "calltoaction", "logo")
"""The last parts of properties that the listing holds."""


class Part(StrEnum):
    """What a change is a change of."""

    LISTING = "listing"
    DESTINATION = "destination"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field: what customers have (``old``) and what they would have; ``None`` where there is nothing.

    Both are masked where the field is a ``secret``. A destination's field begins with its connection's name.
    """

    part: Part
    field: str
    old: str | None
    new: str | None
    secret: bool = False


def listing_changes(live: Mapping[str, Any] | None, draft: Mapping[str, Any]) -> tuple[FieldChange, ...]:
    """What the draft's definition changes; all that it says where nothing is live."""
    old, new = (_texts({} if each is None else each) for each in (live, draft))
    return _changes(Part.LISTING, old, new)


def destination_changes(name: str, live: Stored | None, draft: Stored) -> tuple[FieldChange, ...]:
    """What the settings of ``draft`` change of the connection ``name``; all of them where nothing is live."""
    old, new = (_settings(name, each) for each in (live, draft))
    secret = {f"{name}.{each}" for stored in (live, draft) if stored is not None for each in stored.secrets}
    return _changes(Part.DESTINATION, old, new, secret)


def _changes(
    part: Part, old: Mapping[str, str], new: Mapping[str, str], secret: set[str] | None = None
) -> tuple[FieldChange, ...]:
    found = []
    for field in dict.fromkeys((*new, *old)):
        was, becomes = old.get(field), new.get(field)
        if was == becomes:
            continue
        if field in (secret or ()) or _looks_secret(field, was, becomes):
            hidden = [None if text is None else MASK for text in (was, becomes)]
            found.append(FieldChange(part, field, hidden[0], hidden[1], secret=True))
        else:
            found.append(FieldChange(part, field, was, becomes))
    return tuple(found)


def _looks_secret(field: str, *texts: str | None) -> bool:
    return is_secret_name(field) or any(text is not None and secret_shape(text) for text in texts)


def _settings(name: str, stored: Stored | None) -> dict[str, str]:
    if stored is None:
        return {}
    texts = dict(_leaves(stored.settings, f"{name}."))
    return {name: stored.destination, **texts, **{f"{name}.{key}": text for key, text in stored.secrets.items()}}


def _texts(definition: Mapping[str, Any]) -> dict[str, str]:
    listing = read_listing(definition)
    read = {
        "title": listing.title,
        "summary": listing.summary,
        "description": listing.description,
        "callToAction": ", ".join([*listing.calls_to_action, *listing.wrong_calls]),
        "logo": listing.logo,
    }
    rest = {name: value for name, value in definition.items() if name not in ("displayText", "offer")}
    texts = {name: text for name, text in read.items() if text} | dict(_leaves(rest, ""))
    offer = definition.get("offer")
    properties = offer if isinstance(offer, Mapping) else {}
    names = {_last(name) for name in properties}
    skipped = (*_READ, *(() if "description" in names else ("longsummary",)))
    return texts | dict(_leaves({n: v for n, v in properties.items() if _last(n) not in skipped}, "offer."))


def _last(name: object) -> str:
    return str(name).rpartition(".")[2].casefold()


def _leaves(value: object, place: str) -> Iterator[tuple[str, str]]:
    """The texts within ``value`` by their places; what is empty has none."""
    if isinstance(value, Mapping):
        for name, each in value.items():
            yield from _leaves(each, f"{place}{name}." if _is_deep(each) else f"{place}{name}")
    elif _is_deep(value):
        assert isinstance(value, Sequence)
        for number, each in enumerate(value, 1):
            yield from _leaves(each, f"{place}{number}." if _is_deep(each) else f"{place}{number}")
    elif isinstance(value, str):
        if value.strip():
            yield place, value.strip()
    elif isinstance(value, Sequence):
        if value:
            yield place, "\n".join(each if isinstance(each, str) else json.dumps(each) for each in value)
    elif value is not None:
        yield place, json.dumps(value)


def _is_deep(value: object) -> bool:
    if isinstance(value, Mapping):
        return True
    return isinstance(value, list | tuple) and any(isinstance(each, Mapping | list | tuple) for each in value)
