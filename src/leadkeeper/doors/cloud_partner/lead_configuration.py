"""Lead configuration by the property names of Cloud Partner Portal's offers, to and from ``customer-leads``. Pure.

Only ``leadDestination``, the names of the objects and ``connectionString`` are documented; the rest of what stands in
these objects is not, so every spelling of Microsoft's other two APIs is understood. Source:
``docs/reference/vendors/marketplace.md#lead-configuration``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from leadkeeper.connections.resource import MASK, NONE, Stored, secret_fields
from leadkeeper.destinations.registry import BY_LEAD_DESTINATION, BY_NAME, DESTINATIONS
from leadkeeper.publishing.listing import PREFIX

_DESTINATION: Final = "leaddestination"
_EMAILS: Final = "leadnotificationemails"
_NAMES: Final = {each.lead_destination: each.microsoft.cloud_partner for each in DESTINATIONS}
"""How a destination is written; read are these and all of :data:`_SPELLINGS`, in any case."""
_SPELLINGS: Final = {
    **{name.casefold(): destination for destination, name in _NAMES.items()},
    **{destination.casefold(): destination for destination in BY_LEAD_DESTINATION},
    "": NONE,
    "none": NONE,
    "crm": "dynamics",
    "dynamicscrmonline": "dynamics",
    "dynamics365": "dynamics",
    "https": "httpsEndpoint",
}
_OBJECTS: Final = {each.lead_destination: each.microsoft.cloud_partner_key for each in DESTINATIONS}
_BY_OBJECT: Final = {name.casefold(): destination for destination, name in _OBJECTS.items()} | {
    "dynamicsleadconfiguration": "dynamics"
}
_LEAD_KEYS: Final = frozenset({_DESTINATION, _EMAILS, *_BY_OBJECT})
_SETTINGS: Final[Mapping[str, Mapping[str, str]]] = {
    "table": {"connectionstring": "storageAccountConnectionString"},
    "blob": {"connectionstring": "storageAccountConnectionString"},
    "httpsEndpoint": {"httpsendpointuri": "httpsEndpointUrl", "uri": "httpsEndpointUrl", "url": "httpsEndpointUrl"},
    "dynamics": {"uri": "instanceUrl", "url": "instanceUrl"},
    "marketo": {"munchkinaccountid": "munchkinId"},
}
"""Spellings of settings that differ from ours by more than case."""
_AUTHENTICATIONS: Final = {"azuread": "azureAD", "aad": "azureAD", "office365": "office365", "o365": "office365"}


def read_lead_configuration(
    properties: Mapping[str, Any], stored: Stored | None
) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """The offer's properties without lead configuration, and that as Microsoft's ``customer-leads`` resource.

    Of the lead configuration only its keys stay among the properties, without values: which prefix they have is the
    client's choice, and :func:`lead_configuration` gives them back so. ``stored`` are the settings of now: a secret
    that is not sent is kept, since none is ever sent back. The resource is ``None`` when no destination is named.
    Raises ``ValueError`` for a destination that nobody knows, and for keys that contradict each other.
    """
    rest = dict(properties)
    given: dict[str, tuple[str, Any]] = {}
    for key, value in properties.items():
        name = _last_part(key)
        if name not in _LEAD_KEYS:
            continue
        rest[key] = None
        name = _BY_OBJECT.get(name, name)
        before = given.get(name)
        if before is not None and _is_filled(before[1]) and _is_filled(value) and not _agree(name, before[1], value):
            raise ValueError(f"{before[0]} and {key} contradict each other: leave one of them out")
        if before is None or _is_filled(value):
            given[name] = (key, value)
    if _DESTINATION not in given:
        return rest, None
    named = given[_DESTINATION][1]
    destination = _destination("" if named is None else str(named))
    objects = {name: value for name, (_, value) in given.items() if name in _OBJECTS}
    if destination == NONE:
        filled = [given[name][0] for name, value in objects.items() if _is_filled(value)]
        if filled and not _is_filled(named):
            raise ValueError(f"names no destination, but {filled[0]} is filled: name it, or None")
        return rest, {"leadDestination": NONE}
    chosen = objects.get(destination)
    emails = given.get(_EMAILS, ("", None))[1]
    settings = _settings(destination, chosen if isinstance(chosen, Mapping) else {}, emails)
    _keep_secrets(destination, settings, stored)
    return rest, {"leadDestination": destination, BY_LEAD_DESTINATION[destination].config_key: settings}


def _last_part(key: object) -> str:
    return str(key).rpartition(".")[2].casefold()


def _is_filled(value: object) -> bool:
    return value not in (None, "", {}, [])


def _agree(name: str, one: Any, other: Any) -> bool:
    """Whether two values of the same property mean the same."""
    if one == other:
        return True
    if name == _DESTINATION:
        return _spelt(str(one)) == _spelt(str(other))
    if name in _OBJECTS and isinstance(one, Mapping) and isinstance(other, Mapping):
        return _settings(name, one, None) == _settings(name, other, None)
    return name == _EMAILS and _addresses(one) == _addresses(other)


def _spelt(named: str) -> str | None:
    return _SPELLINGS.get(re.sub(r"[\s_-]", "", named).casefold())


def _destination(named: str) -> str:
    found = _spelt(named)
    if found is None:
        raise ValueError(f"{named[:100]!r} is none of None, {', '.join(_NAMES.values())}")
    return found


def _addresses(told: object) -> object:
    if isinstance(told, str):
        return [part.strip() for part in re.split(r"[;,]", told) if part.strip()]
    return told


def _settings(destination: str, given: Mapping[str, Any], emails: object) -> dict[str, Any]:
    config = BY_LEAD_DESTINATION[destination].config
    known = {(field.alias or name).casefold(): field.alias or name for name, field in config.model_fields.items()}
    known |= _SETTINGS.get(destination, {})
    settings: dict[str, Any] = {}
    for key, value in given.items():
        name = known.get(str(key).casefold(), str(key))
        if _is_filled(settings.get(name)) and _is_filled(value) and settings[name] != value:
            raise ValueError(f"{name} is given twice in {_OBJECTS[destination]}, and the two contradict each other")
        if name not in settings or _is_filled(value):
            settings[name] = value
    told, others = _addresses(settings.pop("contactEmail", None)), _addresses(emails)
    if _is_filled(told) and _is_filled(others) and told != others:
        raise ValueError(f"contactEmail in {_OBJECTS[destination]} and leadNotificationEmails contradict each other")
    told = told if _is_filled(told) else others
    if told:
        settings["contactEmail"] = told
    if isinstance(settings.get("authentication"), str):
        text = settings["authentication"]
        settings["authentication"] = _AUTHENTICATIONS.get(text.replace(" ", "").casefold(), text)
    if isinstance(settings.get("formId"), int):
        settings["formId"] = str(settings["formId"])
    return {key: value for key, value in settings.items() if value not in (None, "")}


def _keep_secrets(destination: str, settings: dict[str, Any], stored: Stored | None) -> None:
    adapter = BY_LEAD_DESTINATION[destination]
    if stored is None or stored.destination != adapter.name:
        return
    for name in secret_fields(adapter.config):
        if name in stored.secrets:
            settings.setdefault(name, MASK)


def lead_configuration(stored: Stored | None, properties: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The properties that tell the offer's lead configuration: all of them, the unused ones empty, no secret.

    Their keys are those of ``properties``, where lead configuration was put with the offer.
    """
    found: dict[str, Any] = {name: {} for name in _OBJECTS}
    told: list[str] = []
    named = "None"
    if stored is not None:
        destination = BY_NAME[stored.destination].lead_destination
        named = _NAMES[destination]
        settings = dict(stored.settings)
        told = settings.pop("contactEmail", [])  # in one place, so that changing it there changes it
        found[destination] = settings
    values = {_DESTINATION: named, **found, _EMAILS: ";".join(told)}
    keys = _keys(properties or {})
    return {key: value for name, value in values.items() for key in keys[name]}


def destination_key(properties: Mapping[str, Any]) -> str:
    """By what key ``properties`` name the lead destination."""
    return _keys(properties)[_DESTINATION][0]


def _keys(properties: Mapping[str, Any]) -> dict[str, list[str]]:
    """By what each property of the lead configuration is called in ``properties``, those it lacks by its prefix."""
    used: dict[str, list[str]] = {}
    for key in properties:
        name = _last_part(key)
        if name in _LEAD_KEYS:
            used.setdefault(_BY_OBJECT.get(name, name), []).append(str(key))
    prefix = next((keys[0].rpartition(".")[0] + "." for keys in used.values() if "." in keys[0]), PREFIX)
    usual = {_DESTINATION: "leadDestination", **_OBJECTS, _EMAILS: "leadNotificationEmails"}
    return {name: used.get(name) or [prefix + shown] for name, shown in usual.items()}
