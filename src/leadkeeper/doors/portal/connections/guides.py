"""What the forms of connections say of settings, and how they show the guides of the destinations."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from leadkeeper.destinations.guide import Guide, Way
from leadkeeper.destinations.interface import Config, Provider
from leadkeeper.doors.portal.connections.fields import json_names
from leadkeeper.texts import lazy_gettext as _

COMMON: Final = ("contactEmail", "notice")
"""Settings that every destination has, and that stand together at the end of its form."""
ENDS: Final = "secretExpires"
"""The day on which a secret ends; a way whose secret always does asks for it beside the secret."""

_CHOICES: Final[Mapping[tuple[str, str], str]] = {
    ("notice", "each"): _("At once, for each lead"),
    ("notice", "daily"): _("Once a day"),
    ("notice", "none"): _("Only of trouble"),
}
_HELP: Final[Mapping[str, str]] = {
    "notice": _("When the contact e-mails hear of leads. Of trouble they hear at once in any case."),
    ENDS: _(
        "When it stops working, as the other system told you when it was made. You are reminded 30, 7 and 1 days "
        "before."
    ),
}
_EXAMPLES: Final[Mapping[str, str]] = {"contactEmail": "sales@contoso.com"}


def choices_of(guide: Guide) -> Mapping[tuple[str, str], str]:
    """How the choices of a destination's settings read, by the setting and the choice.

    What a way alone fixes reads as that way.
    """
    fixed = [(one, way.title) for way in guide.ways for one in way.fixed.items()]
    return {**_CHOICES, **dict(fixed), **guide.choices}


def help_of(guide: Guide) -> Mapping[str, str]:
    """What stands below the fields of a destination's settings, where it is not the settings' own text."""
    return {**_HELP, **guide.help}


def examples_of(guide: Guide) -> Mapping[str, str]:
    """What the values of a destination's settings look like."""
    return {**_EXAMPLES, **guide.examples}


def guide_of(destination: Provider) -> Guide:
    """The guide of a destination; a plain one where nobody wrote any."""
    if destination.guide is not None:
        return destination.guide
    names = tuple(info.alias or name for name, info in destination.config.model_fields.items() if info.is_required())
    return Guide("plug-connected", destination.title, (Way("settings", destination.title, "", names, ()),))


def ordered_guides(destinations: tuple[Provider, ...]) -> tuple[Provider, ...]:
    """The destinations as their cards stand: by the places of their guides, what is retired last."""

    def place(destination: Provider) -> tuple[bool, int, str]:
        guide = guide_of(destination)
        return bool(guide.instead), guide.place, destination.title

    return tuple(sorted(destinations, key=place))


def way_of(guide: Guide, settings: Mapping[str, Any], secrets: Collection[str] = ()) -> Way:
    """The way of stored ``settings``, and of the names of ``secrets`` that are stored besides."""
    for way in guide.ways:
        if way.fixed and all(settings.get(name) == value for name, value in way.fixed.items()):
            return way
    for way in guide.ways:
        if way.tells and (settings.get(way.tells) or way.tells in secrets):
            return way
    return guide.ways[-1]


def more_fields(config: type[Config], guide: Guide, way: Way) -> tuple[str, ...]:
    """The settings behind *More settings*: those of the way, and those that no way names; a mapping is not one."""
    named = {name for each in guide.ways for name in (*each.fields, *each.more, *each.fixed)}
    rest = (name for name in json_names(config) if name not in named and name not in (*COMMON, "fields"))
    return (*way.more, *rest)


def all_fields(config: type[Config], guide: Guide, way: Way) -> tuple[str, ...]:
    """Every setting that the form of ``way`` has."""
    there = json_names(config)
    wanted = (*way.fields, *more_fields(config, guide, way), "fields", *COMMON)
    return tuple(dict.fromkeys(name for name in wanted if name in there and name not in way.fixed))
