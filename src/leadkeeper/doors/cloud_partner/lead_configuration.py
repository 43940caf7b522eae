"""Lead configuration by the property names of Cloud Partner Portal's offers, to and from ``customer-leads``. Pure.

Only ``leadDestination``, the names of the objects and ``connectionString`` are documented; the rest of what stands in
these objects is not, so every spelling of Microsoft's other two APIs is understood. Source:
``docs/reference/vendors/marketplace.md#lead-configuration``.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from leadkeeper.connections.resource import MASK, NONE, Stored, secret_fields
from leadkeeper.destinations.interface import Provider
from leadkeeper.destinations.registry import OURS, Destinations
from leadkeeper.publishing.listing import PREFIX

_DESTINATION: Final = "leaddestination"
_EMAILS: Final = "leadnotificationemails"
_NO: Final = {"": NONE, "none": NONE}
_AUTHENTICATIONS: Final = {"azuread": "azureAD", "aad": "azureAD", "office365": "office365", "o365": "office365"}


@dataclass(frozen=True, slots=True)
class _Words:
    """What the destinations of an installation are called in offers, by their names in ``customer-leads``."""

    destinations: Destinations
    names: Mapping[str, str]
    """How a destination is written; read are these and all of ``spellings``, in any case."""
    spellings: Mapping[str, str]
    objects: Mapping[str, str]
    by_object: Mapping[str, str]
    keys: frozenset[str]

    def provider(self, destination: str) -> Provider:
        """The one that ``customer-leads`` calls so; it is there."""
        found = self.destinations.taking(destination)
        assert found is not None
        return found


@functools.lru_cache(maxsize=8)
def _words(destinations: Destinations) -> _Words:
    names = {each.lead_destination: each.microsoft.cloud_partner for each in destinations}
    spellings = {name.casefold(): destination for destination, name in names.items()}
    spellings |= {destination.casefold(): destination for destination in names} | _NO
    spellings |= {also: each.lead_destination for each in destinations for also in each.microsoft.spellings}
    objects = {each.lead_destination: each.microsoft.cloud_partner_key for each in destinations}
    by_object = {name.casefold(): destination for destination, name in objects.items()}
    by_object |= {also: each.lead_destination for each in destinations for also in each.microsoft.keys}
    return _Words(destinations, names, spellings, objects, by_object, frozenset({_DESTINATION, _EMAILS, *by_object}))


def read_lead_configuration(
    properties: Mapping[str, Any], stored: Stored | None, destinations: Destinations = OURS
) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """The offer's properties without lead configuration, and that as Microsoft's ``customer-leads`` resource.

    Of the lead configuration only its keys stay among the properties, without values: which prefix they have is the
    client's choice, and :func:`lead_configuration` gives them back so. ``stored`` are the settings of now: a secret
    that is not sent is kept, since none is ever sent back. The resource is ``None`` when no destination is named.
    Raises ``ValueError`` for a destination that nobody knows, and for keys that contradict each other.
    """
    words, rest = _words(destinations), dict(properties)
    given: dict[str, tuple[str, Any]] = {}
    for key, value in properties.items():
        name = _last_part(key)
        if name not in words.keys:
            continue
        rest[key] = None
        name = words.by_object.get(name, name)
        before = given.get(name)
        if (
            before is not None
            and _is_filled(before[1])
            and _is_filled(value)
            and not _agree(words, name, before[1], value)
        ):
            raise ValueError(f"{before[0]} and {key} contradict each other: leave one of them out")
        if before is None or _is_filled(value):
            given[name] = (key, value)
    if _DESTINATION not in given:
        return rest, None
    named = given[_DESTINATION][1]
    destination = _destination(words, "" if named is None else str(named))
    objects = {name: value for name, (_, value) in given.items() if name in words.objects}
    if destination == NONE:
        filled = [given[name][0] for name, value in objects.items() if _is_filled(value)]
        if filled and not _is_filled(named):
            raise ValueError(f"names no destination, but {filled[0]} is filled: name it, or None")
        return rest, {"leadDestination": NONE}
    chosen = objects.get(destination)
    emails = given.get(_EMAILS, ("", None))[1]
    settings = _settings(words, destination, chosen if isinstance(chosen, Mapping) else {}, emails)
    provider = words.provider(destination)
    _keep_secrets(provider, settings, stored)
    return rest, {"leadDestination": destination, provider.config_key: settings}


def _last_part(key: object) -> str:
    return str(key).rpartition(".")[2].casefold()


def _is_filled(value: object) -> bool:
    return value not in (None, "", {}, [])


def _agree(words: _Words, name: str, one: Any, other: Any) -> bool:
    """Whether two values of the same property mean the same."""
    if one == other:
        return True
    if name == _DESTINATION:
        return _spelt(words, str(one)) == _spelt(words, str(other))
    if name in words.objects and isinstance(one, Mapping) and isinstance(other, Mapping):
        return _settings(words, name, one, None) == _settings(words, name, other, None)
    return name == _EMAILS and _addresses(one) == _addresses(other)


def _spelt(words: _Words, named: str) -> str | None:
    return words.spellings.get(re.sub(r"[\s_-]", "", named).casefold())


def _destination(words: _Words, named: str) -> str:
    found = _spelt(words, named)
    if found is None:
        raise ValueError(f"{named[:100]!r} is none of None, {', '.join(words.names.values())}")
    return found


def _addresses(summary: object) -> object:
    if isinstance(summary, str):
        return [part.strip() for part in re.split(r"[;,]", summary) if part.strip()]
    return summary


def _settings(words: _Words, destination: str, given: Mapping[str, Any], emails: object) -> dict[str, Any]:
    provider, called = words.provider(destination), words.objects[destination]
    config = provider.config
    known = {(field.alias or name).casefold(): field.alias or name for name, field in config.model_fields.items()}
    known |= provider.microsoft.settings
    settings: dict[str, Any] = {}
    for key, value in given.items():
        name = known.get(str(key).casefold(), str(key))
        if _is_filled(settings.get(name)) and _is_filled(value) and settings[name] != value:
            raise ValueError(f"{name} is given twice in {called}, and the two contradict each other")
        if name not in settings or _is_filled(value):
            settings[name] = value
    summary, others = _addresses(settings.pop("contactEmail", None)), _addresses(emails)
    if _is_filled(summary) and _is_filled(others) and summary != others:
        raise ValueError(f"contactEmail in {called} and leadNotificationEmails contradict each other")
    summary = summary if _is_filled(summary) else others
    if summary:
        settings["contactEmail"] = summary
    if isinstance(settings.get("authentication"), str):
        text = settings["authentication"]
        settings["authentication"] = _AUTHENTICATIONS.get(text.replace(" ", "").casefold(), text)
    if isinstance(settings.get("formId"), int):
        settings["formId"] = str(settings["formId"])
    return {key: value for key, value in settings.items() if value not in (None, "")}


def _keep_secrets(provider: Provider, settings: dict[str, Any], stored: Stored | None) -> None:
    if stored is None or stored.destination != provider.name:
        return
    for name in secret_fields(provider.config):
        if name in stored.secrets:
            settings.setdefault(name, MASK)


def lead_configuration(
    stored: Stored | None, properties: Mapping[str, Any] | None = None, destinations: Destinations = OURS
) -> dict[str, Any]:
    """The properties that tell the offer's lead configuration: all of them, the unused ones empty, no secret.

    Their keys are those of ``properties``, where lead configuration was put with the offer.
    """
    words = _words(destinations)
    found: dict[str, Any] = {name: {} for name in words.objects}
    summary: list[str] = []
    named = "None"
    if stored is not None and stored.provider.installed:
        destination = stored.provider.lead_destination
        named = words.names[destination]
        settings = dict(stored.settings)
        summary = settings.pop("contactEmail", [])  # in one place, so that changing it there changes it
        found[destination] = settings
    values = {_DESTINATION: named, **found, _EMAILS: ";".join(summary)}
    keys = _keys(words, properties or {})
    return {key: value for name, value in values.items() for key in keys[name]}


def destination_key(properties: Mapping[str, Any], destinations: Destinations = OURS) -> str:
    """By what key ``properties`` name the lead destination."""
    return _keys(_words(destinations), properties)[_DESTINATION][0]


def _keys(words: _Words, properties: Mapping[str, Any]) -> dict[str, list[str]]:
    """By what each property of the lead configuration is called in ``properties``, those it lacks by its prefix."""
    used: dict[str, list[str]] = {}
    for key in properties:
        name = _last_part(key)
        if name in words.keys:
            used.setdefault(words.by_object.get(name, name), []).append(str(key))
    prefix = next((keys[0].rpartition(".")[0] + "." for keys in used.values() if "." in keys[0]), PREFIX)
    usual = {_DESTINATION: "leadDestination", **words.objects, _EMAILS: "leadNotificationEmails"}
    return {name: used.get(name) or [prefix + shown] for name, shown in usual.items()}
