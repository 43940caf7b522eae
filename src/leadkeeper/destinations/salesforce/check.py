"""What a Salesforce organization says of its leads, held against what a connection sends. Pure.

Source: ``docs/reference/vendors/salesforce.md#rest-api-records``: the description of an object, and the limits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from leadkeeper.catalogue import diagnose
from leadkeeper.check import CheckStep
from leadkeeper.destinations.mapping import Value
from leadkeeper.destinations.salesforce.diagnoses import SalesforceKind
from leadkeeper.diagnosis import Diagnosis, Evidence
from leadkeeper.texts import join_lazily, lazy_gettext

Fields = Mapping[str, Mapping[str, Any]]

_UNSEEN: Final = lazy_gettext(
    "Not looked at, because only a lead can prove it: validation rules, duplicate rules, flows and triggers."
)


def read_description(content: Any) -> Fields | Diagnosis | None:
    """The fields by their names; ``None`` when this is no description; a diagnosis where no lead may be created."""
    if not isinstance(content, dict) or not isinstance(content.get("fields"), list):
        return None
    if content.get("createable") is False:
        return diagnose(SalesforceKind.ACCESS_MISSING, Evidence(text=lazy_gettext("The user may not create leads.")))
    return {str(each.get("name")): each for each in content["fields"] if isinstance(each, dict)}


def judge_fields(fields: Fields, sent: Mapping[str, Value], id_field: str) -> Diagnosis | None:
    """Why no lead would be taken: a field that cannot be written, or one that is mandatory and that no lead has."""
    names = [name for name, value in sent.items() if value is not None]
    bad = [name for name in names if not _writable(fields.get(name))]
    if bad:
        text = lazy_gettext("Not there, or not writable: %(fields)s.", fields=", ".join(bad))
        return diagnose(SalesforceKind.FIELD_UNKNOWN, Evidence(text=text))
    lacking = [name for name, field in fields.items() if _demanded(field) and name not in (*names, id_field)]
    if lacking:
        text = lazy_gettext("Mandatory, and not sent: %(fields)s.", fields=", ".join(lacking))
        return diagnose(SalesforceKind.RULE_REFUSED, Evidence(text=text))
    return None


def judge_external_id(id_field: str, found: Mapping[str, Any] | None) -> Diagnosis | None:
    """Why leads cannot be told apart by the field that holds our ids. It must be unique: leads are only created."""
    text = None
    if found is None:
        text = lazy_gettext("There is no field %(field)s on leads, or the user cannot see it.", field=id_field)
    elif found.get("externalId") is False:
        text = lazy_gettext("%(field)s is not an external id.", field=id_field)
    elif found.get("unique") is False:
        text = lazy_gettext("%(field)s is not unique.", field=id_field)
    elif not _writable(found):
        text = lazy_gettext("The user may not write %(field)s.", field=id_field)
    elif isinstance(length := found.get("length"), int) and 0 < length < 36:
        text = lazy_gettext("%(field)s holds %(length)s characters; our ids have 36.", field=id_field, length=length)
    return None if text is None else diagnose(SalesforceKind.EXTERNAL_ID_UNUSABLE, Evidence(text=text))


def tell_rules(fields: Fields, sent: Mapping[str, Value]) -> CheckStep:
    """What a green check did not look at, with the picklists that may refuse what is sent."""
    names = [name for name, value in sent.items() if value is not None]
    strict = [name for name in names if (fields.get(name) or {}).get("restrictedPicklist") is True]
    texts: tuple[str, ...] = (_UNSEEN,)
    if strict:
        lists = ", ".join(strict)
        texts += (lazy_gettext("A lead is refused whose value is not on the list of %(names)s.", names=lists),)
    return CheckStep("rules", None, join_lazily(texts))


def judge_limits(content: Any) -> tuple[CheckStep, Diagnosis | None]:
    """How much of the day's API requests is used; many users may not see that, which is no fault."""
    daily = content.get("DailyApiRequests") if isinstance(content, dict) else None
    if not isinstance(daily, dict) or not all(isinstance(daily.get(key), int) for key in ("Max", "Remaining")):
        return CheckStep("limits", None, lazy_gettext("The user may not see how many API requests are used.")), None
    used = lazy_gettext(
        "%(used)s of %(all)s API requests of 24 hours are used.",
        used=f"{daily['Max'] - daily['Remaining']:,}",
        all=f"{daily['Max']:,}",
    )
    if daily["Remaining"] > 0:
        return CheckStep("limits", True, used), None
    return CheckStep("limits", False, used), diagnose(SalesforceKind.API_LIMIT, Evidence(text=used))


def _writable(found: Mapping[str, Any] | None) -> bool:
    return found is not None and found.get("createable") is not False


def _demanded(field: Mapping[str, Any]) -> bool:
    """Whether a new lead must have it: it may not be empty, and Salesforce fills nothing in."""
    return (
        field.get("nillable") is False
        and field.get("defaultedOnCreate") is False
        and field.get("createable") is True
        and field.get("type") != "boolean"
    )
