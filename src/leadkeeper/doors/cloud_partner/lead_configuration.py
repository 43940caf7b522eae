"""Lead configuration by the property names of Cloud Partner Portal's offers, to and from ``customer-leads``. Pure.

Only ``leadDestination``, the names of the objects and ``connectionString`` are documented; the rest of what stands in
these objects is not, so every spelling of Microsoft's other two APIs is understood. Sources:
``facts/microsoft-leads.md`` 3.1 to 3.4.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from leadkeeper.connections.resource import MASK, NONE, Stored, secret_fields
from leadkeeper.destinations.registry import BY_LEAD_DESTINATION, BY_NAME
from leadkeeper.publishing.listing import PREFIX

_DESTINATION: Final = "leaddestination"
_EMAILS: Final = "leadnotificationemails"
_NAMES: Final = {
    "table": "AzureTable",
    "blob": "AzureBlob",
    "salesforce": "Salesforce",
    "dynamics": "DynamicsCRM",
    "httpsEndpoint": "HttpsEndpoint",
    "marketo": "Marketo",
    "email": "Email",
}
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
_OBJECTS: Final = {
    "table": "tableLeadConfiguration",
    "blob": "blobLeadConfiguration",
    "salesforce": "salesForceLeadConfiguration",
    "dynamics": "crmLeadConfiguration",
    "httpsEndpoint": "httpsEndpointLeadConfiguration",
    "marketo": "marketoLeadConfiguration",
    "email": "emailLeadConfiguration",
}
_BY_OBJECT: Final = {name.casefold(): destination for destination, name in _OBJECTS.items()} | {
    "dynamicsleadconfiguration": "dynamics"
}
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

    ``stored`` are the settings of now: a secret that is not sent is kept, since none is ever sent back. The resource is
    ``None`` when no destination is named. Raises ``ValueError`` for a destination that nobody knows.
    """
    rest, named, objects, emails = {}, None, {}, None
    for key, value in properties.items():
        name = str(key).rpartition(".")[2].casefold()
        if name == _DESTINATION:
            named = "" if value is None else str(value)
        elif name == _EMAILS:
            emails = value
        elif name in _BY_OBJECT:
            objects[_BY_OBJECT[name]] = value
        else:
            rest[key] = value
    if named is None:
        return rest, None
    destination = _SPELLINGS.get(re.sub(r"[\s_-]", "", named).casefold())
    if destination is None:
        raise ValueError(f"{named[:100]!r} is none of None, {', '.join(_NAMES.values())}")
    if destination == NONE:
        return rest, {"leadDestination": NONE}
    given = objects.get(destination)
    settings = _settings(destination, given if isinstance(given, Mapping) else {}, emails)
    _keep_secrets(destination, settings, stored)
    return rest, {"leadDestination": destination, BY_LEAD_DESTINATION[destination].config_key: settings}


def _settings(destination: str, given: Mapping[str, Any], emails: object) -> dict[str, Any]:
    config = BY_LEAD_DESTINATION[destination].config
    known = {(field.alias or name).casefold(): field.alias or name for name, field in config.model_fields.items()}
    known |= _SETTINGS.get(destination, {})
    settings = {known.get(str(key).casefold(), str(key)): value for key, value in given.items()}
    told = settings.get("contactEmail", emails)
    if isinstance(told, str):
        told = [part.strip() for part in re.split(r"[;,]", told) if part.strip()]
    settings.pop("contactEmail", None)
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


def lead_configuration(stored: Stored | None) -> dict[str, Any]:
    """The properties that tell the offer's lead configuration: all of them, the unused ones empty, no secret."""
    found: dict[str, Any] = {PREFIX + name: {} for name in _OBJECTS.values()}
    told: list[str] = []
    named = "None"
    if stored is not None:
        destination = BY_NAME[stored.destination].lead_destination
        named = _NAMES[destination]
        settings = dict(stored.settings)
        told = settings.get("contactEmail", [])
        found[PREFIX + _OBJECTS[destination]] = settings
    return {
        PREFIX + "leadDestination": named,
        **found,
        PREFIX + "leadNotificationEmails": ";".join(told),
    }
