"""What publishing would change, as the pages tell it: the fields by the names that people know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from leadkeeper.destinations.registry import BY_NAME
from leadkeeper.publishing.difference import Change, Part
from leadkeeper.texts import lazy_gettext as _

MOST: Final = 100
"""How many changes a page shows; a page that tells of more says how many there are."""
_LISTING: Final[Mapping[str, str]] = {
    "title": _("Title"),
    "summary": _("Summary"),
    "description": _("Description"),
    "callToAction": _("What customers can do"),
}


@dataclass(frozen=True, slots=True)
class ShownChange:
    """One change: what it is called, where it belongs, and what was there and will be."""

    label: str
    where: str
    old: str | None
    new: str | None
    secret: bool


def shown_changes(changes: Sequence[Change]) -> list[ShownChange]:
    """The first :data:`MOST` of ``changes``, as people read them."""
    kinds = {each.field: each.new or each.old or "" for each in changes if _names_destination(each)}
    return [_shown(each, kinds) for each in changes[:MOST]]


def _names_destination(change: Change) -> bool:
    return change.part is Part.DESTINATION and "." not in change.field


def _shown(change: Change, kinds: Mapping[str, str]) -> ShownChange:
    if change.part is Part.LISTING:
        label = _LISTING.get(change.field, change.field.removeprefix("offer."))
        return ShownChange(label, "", change.old, change.new, change.secret)
    name, _dot, setting = change.field.partition(".")
    if not setting:
        old, new = (None if kind is None else _title(kind) for kind in (change.old, change.new))
        return ShownChange(_("Destination"), name, old, new, change.secret)
    return ShownChange(_label(kinds.get(name), setting), name, change.old, change.new, change.secret)


def _title(kind: str) -> str:
    return BY_NAME[kind].title if kind in BY_NAME else kind


def _label(kind: str | None, setting: str) -> str:
    """The setting's title: of its destination where that is known, else of any that has such a setting."""
    providers = [BY_NAME[kind]] if kind in BY_NAME else BY_NAME.values()
    first, dot, rest = setting.partition(".")
    for provider in providers:
        for name, info in provider.config.model_fields.items():
            if (info.alias or name) == first:
                return f"{info.title or first}{dot and ': '}{rest}"
    return setting
