"""Lead configuration as Microsoft's ingestion API writes it, to and from ``customer-leads``. Pure.

Source: ``docs/reference/vendors/marketplace.md#lead-configuration``. Secrets are never told; one that is not sent stays
as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from leadkeeper.connections.resource import MASK, Stored, secret_fields
from leadkeeper.destinations.interface import Provider
from leadkeeper.destinations.registry import OURS, Destinations
from leadkeeper.problem import FieldError, Problem, ProblemType, every_error
from leadkeeper.texts import lazy_gettext

_AUTHENTICATIONS: Final = {"azuread": "azureAD", "aad": "azureAD", "office365": "office365", "o365": "office365"}
_DIGEST: Final = "dailyDigestEmailContacts"


def read_configuration(
    body: Mapping[str, Any], stored: Stored | None, destinations: Destinations = OURS
) -> dict[str, Any]:
    """The configuration as ``customer-leads``; what it has no word for, and secrets not sent, stay as ``stored`` are.

    Raises :class:`Problem` that names the field.
    """
    types = _types(destinations)
    kind = body.get("resourceType")
    adapter = types.get(kind) if isinstance(kind, str) else None
    if adapter is None:
        raise _invalid(FieldError("resourceType", lazy_gettext("must be one of %(types)s", types=", ".join(types))))
    names = _settings_of(adapter)
    kept = stored if stored is not None and stored.destination == adapter.name else None
    settings: dict[str, Any] = {}
    if kept is not None:
        summary = {*names.values(), "contactEmail", "notice"}
        settings = {name: value for name, value in kept.settings.items() if name not in summary}
        settings |= {name: MASK for name in secret_fields(adapter.config) if name in kept.secrets}
    settings |= {ours: body[theirs] for theirs, ours in names.items() if body.get(theirs) not in (None, "")}
    if isinstance(how := settings.get("authentication"), str):
        settings["authentication"] = _AUTHENTICATIONS.get(how.replace(" ", "").casefold(), how)
        gone = ("applicationKey",) if settings["authentication"] == "office365" else ("password",)
        for name in gone:
            if settings.get(name) == MASK:
                del settings[name]
    settings |= _summary_to(body)
    return {"leadDestination": adapter.lead_destination, adapter.config_key: settings}


def _summary_to(body: Mapping[str, Any]) -> dict[str, Any]:
    """Who is told, and when: the one or the other, since a connection has one rule for all its contacts."""
    text = body.get("contactEmail") or ""
    each = [part.strip() for part in re.split("[;,]", str(text)) if part.strip()]
    daily = body.get(_DIGEST) or []
    if not isinstance(daily, list):
        raise _invalid(FieldError(_DIGEST, lazy_gettext("must be a list of e-mail addresses")))
    if each and daily:
        raise _invalid(
            FieldError(_DIGEST, lazy_gettext("cannot be given besides contactEmail here: leave one of them out"))
        )
    if daily:
        return {"contactEmail": daily, "notice": "daily"}
    return {"contactEmail": each} if each else {}


def show_configuration(stored: Stored) -> dict[str, Any] | None:
    """The settings as the ingestion API tells them, without secrets; ``None`` where it has no such destination."""
    known = stored.provider.microsoft.ingestion
    if known is None:
        return None
    settings = stored.settings
    summary = list(settings.get("contactEmail", []))
    daily = summary if settings.get("notice") == "daily" else []
    shown = {theirs: settings[ours] for theirs, ours in known.settings.items() if ours in settings}
    return {
        "resourceType": known.resource_type,
        "contactEmail": "" if daily else ";".join(summary),
        _DIGEST: daily,
        **shown,
    }


def by_their_names(problem: Problem, body: Mapping[str, Any], destinations: Destinations = OURS) -> Problem:
    """The same problem about ``body``, with fields named as they were sent."""
    adapter = _types(destinations)[str(body.get("resourceType"))]
    theirs = {ours: name for name, ours in _settings_of(adapter).items()}
    errors = tuple(_renamed(error, theirs) for error in problem.errors)
    return _invalid(*errors) if errors else problem


def _types(destinations: Destinations) -> dict[str, Provider]:
    known = ((each.microsoft.ingestion, each) for each in destinations)
    return {names.resource_type: each for names, each in known if names is not None}


def _settings_of(provider: Provider) -> Mapping[str, str]:
    return {} if provider.microsoft.ingestion is None else provider.microsoft.ingestion.settings


def _renamed(error: FieldError, theirs: Mapping[str, str]) -> FieldError:
    field, message = error.field.rpartition("LeadConfiguration.")[2] or error.field, error.message
    for ours, name in theirs.items():
        if re.search(rf"\b{ours}\b", message):  # else it stays as it is, and can be told in a language
            message = re.sub(rf"\b{ours}\b", name, message)
    return FieldError(theirs.get(field, field), message)


def _invalid(*errors: FieldError) -> Problem:
    detail = lazy_gettext("The lead configuration cannot be taken: %(errors)s", errors=every_error(errors))
    return Problem(ProblemType.INVALID_REQUEST, detail, errors)
