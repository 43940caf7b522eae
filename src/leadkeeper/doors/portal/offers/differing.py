"""What publishing would change, as the pages tell it: the fields and choices by the names that people know."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from leadkeeper.connections.standing import ConnectionStanding
from leadkeeper.destinations.interface import Provider
from leadkeeper.destinations.registry import Destinations
from leadkeeper.doors.portal.connections.guides import choices_of, guide_of
from leadkeeper.doors.portal.labels import CALLS
from leadkeeper.offer import own_title
from leadkeeper.publishing.difference import FieldChange, Part
from leadkeeper.publishing.listing import TEST_DRIVE_ENABLED
from leadkeeper.texts import Language, join_lazily
from leadkeeper.texts import lazy_gettext as _

MOST: Final = 100
"""How many changes a page shows; a page that tells of more says how many there are."""
_LISTING: Final[Mapping[str, str]] = {
    "title": _("Title"),
    "summary": _("Summary"),
    "description": _("Description"),
    "logo": _("Logo"),
    "displaytext": _("Title"),
    "longsummary": _("Description"),
    "calltoaction": _("What customers can do"),
    "category": _("Category"),
    "categories": _("Category"),
    "priceline": _("Price"),
    "supportcontact": _("Support"),
    "privacypolicylink": _("Privacy"),
    "plans": _("Plans"),
}
"""What an offer says, by the last part of the property's name in small letters: its prefix depends on the type."""
_FLAGS: Final[Mapping[str, str]] = {"true": _("Yes"), "false": _("No")}


@dataclass(frozen=True, slots=True)
class ShownChange:
    """One change: what it is called, where it belongs, and what was there and will be."""

    label: str
    where: str
    old: str | None
    new: str | None
    secret: bool
    picture: bool = False
    """Both name a logo."""
    code: str = ""
    """The name by which the API alone knows the field: there is no other."""


def shown_changes(
    changes: Sequence[FieldChange],
    language: Language,
    destinations: Destinations,
    connections: Iterable[ConnectionStanding] = (),
) -> list[ShownChange]:
    """The first :data:`MOST` of ``changes``, as people read them, without what a new destination leaves as usual.

    ``connections`` are those of the offer: they tell what people call them, and where they lead.
    """
    return list(_shown(changes[:MOST], language, destinations, {each.name: each for each in connections}))


def _shown(
    changes: Sequence[FieldChange],
    language: Language,
    destinations: Destinations,
    connections: Mapping[str, ConnectionStanding],
) -> Iterator[ShownChange]:
    # A connection that stays with its destination does not name it among what changes.
    kinds = {name: each.destination for name, each in connections.items()}
    kinds |= {each.field: each.new or each.old or "" for each in changes if _names_destination(each)}
    for change in changes:
        if change.part is Part.LISTING:
            word = listing_word(change.field)
            label = _("A property of the API") if word is None else word
            code = change.field.removeprefix("offer.") if word is None else ""
            old, new = (_listed(change.field, text, language) for text in (change.old, change.new))
            yield ShownChange(label, "", old, new, change.secret, picture=change.field == "logo", code=code)
            continue
        name, _dot, setting = change.field.partition(".")
        if not setting:
            old, new = (None if kind is None else destinations.named(kind).title for kind in (change.old, change.new))
            yield ShownChange(_("Destination"), _where(name, connections), old, new, change.secret)
            continue
        provider = destinations.find(kinds.get(name, ""))
        if not (provider is not None and change.old is None and _is_usual(provider, setting, change.new)):
            old, new = (_chosen(provider, setting, text, language) for text in (change.old, change.new))
            word = setting_word(destinations if provider is None else [provider], setting)
            where, code = _where(name, connections), setting if word is None else ""
            yield ShownChange(word or _("A property of the API"), where, old, new, change.secret, code=code)


def _where(name: str, connections: Mapping[str, ConnectionStanding]) -> str:
    """The connection, where its offer's usual one does not go without saying."""
    return own_title(connections[name].title if name in connections else name)


def _names_destination(change: FieldChange) -> bool:
    return change.part is Part.DESTINATION and "." not in change.field


def _listed(field: str, text: str | None, language: Language) -> str | None:
    if text is None or field != "callToAction":
        return text
    known = {call.value: language.tell(message) for call, message in CALLS.items()}
    return ", ".join(known.get(word, word) for word in text.split(", "))


def _chosen(provider: Provider | None, setting: str, text: str | None, language: Language) -> str | None:
    if text is None:
        return None
    choices = {} if provider is None else choices_of(guide_of(provider))
    chosen = choices.get((setting, text))
    # Whoever sets it over the API, or reads its reference, knows the choice by its code.
    return language.tell(_FLAGS.get(text, text)) if chosen is None else f"{language.tell(chosen)} ({text})"


def _is_usual(provider: Provider, setting: str, text: str | None) -> bool:
    """Whether a setting has the value that it has where nobody chose one."""
    for name, info in provider.config.model_fields.items():
        if (info.alias or name) == setting and not info.is_required():
            return text == _text(info.get_default(call_default_factory=True))
    return False


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)


def listing_word(field: str) -> str | None:
    """What people call a property of an offer's listing; ``None`` for one that only the API knows."""
    known = _LISTING.get(field.rpartition(".")[2].casefold())
    return _("Test drive") if field.removeprefix("offer.") == TEST_DRIVE_ENABLED else known


def setting_word(providers: Iterable[Provider], setting: str) -> str | None:
    """The setting's title of the first destination that has it; ``None`` where none of them has."""
    first, dot, rest = setting.partition(".")
    for each in providers:
        for name, info in each.config.model_fields.items():
            if (info.alias or name) == first:
                return join_lazily((info.title or first, rest), dot and ": ")
    return None
