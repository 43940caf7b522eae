"""Leads read over Marketo's REST API, their fields, and the forms, usage and errors of a subscription."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Final

from leadkeeper.sandbox.marketo.answers import Refused, Result, asked, moment, not_there
from leadkeeper.sandbox.marketo.leads import ID, Form, Person, PersonField, Subscription
from leadkeeper.sandbox.stand_in import Request

USUAL: Final = ("id", "updatedAt", "lastName", "email", "createdAt", "firstName")
"""What is shown of a lead when no fields are asked for."""
VALUES: Final = 300
BATCH: Final = 300
MATCHES: Final = 1_000
PAGES: Final = 50
"""Most searches whose further pages are kept; then the oldest is forgotten."""
USER: Final = "api@contoso.com"
_NO_ASSETS: Final = "No assets found for the given search criteria."


def lead(there: Subscription, request: Request, number: str) -> Result:
    """The lead with this id, or nothing."""
    fields = _fields(there, asked(request).get("fields", ""))
    return {"result": [_shown(each, fields) for each in there.find(ID, number)]}


def leads(there: Subscription, request: Request) -> Result:
    """The leads whose field ``filterType`` is one of ``filterValues``, up to 300 at a time."""
    wanted = asked(request)
    token = wanted.get("nextPageToken", "")
    field = _filter(there, wanted.get("filterType", ""))
    values = [each.strip() for each in wanted.get("filterValues", "").split(",") if each.strip()]
    if not values:
        raise Refused("1003", "filterValues not specified")
    if len(values) > VALUES:
        raise Refused("1003", f"Invalid data: more than {VALUES} filterValues")
    fields = _fields(there, wanted.get("fields", ""))
    found = list({each.id: each for value in values for each in there.find(field, value)}.values())
    if len(found) > MATCHES:
        raise Refused("1003", "Too many results match the filter")
    size = _size(wanted)
    start = _start(there, token)
    message: Result = {"result": [_shown(each, fields) for each in found[start : start + size]]}
    if start + size < len(found):
        message["nextPageToken"] = _keep(there, start + size)
    return message


def _filter(there: Subscription, name: str) -> str:
    field = next((each for each in there.fields if each.rest == name), None)
    if field is None:
        raise Refused("1003", f"Invalid filterType '{name}'")
    if not field.searched:
        raise Refused("1011", f"Field '{name}' not supported")
    return name


def _size(wanted: Mapping[str, str]) -> int:
    text = wanted.get("batchSize", str(BATCH))
    if not text.isdecimal() or not 0 < int(text) <= BATCH:
        raise Refused("1003", f"Invalid batchSize '{text}'")
    return int(text)


def _start(there: Subscription, token: str) -> int:
    if not token:
        return 0
    if token not in there.pages:
        raise Refused("1003", "Invalid nextPageToken")
    return there.pages[token]


def _keep(there: Subscription, start: int) -> str:
    token = f"{secrets.token_hex(16).upper()}===="
    there.pages[token] = start
    while len(there.pages) > PAGES:
        del there.pages[next(iter(there.pages))]
    return token


def _fields(there: Subscription, names: str) -> Sequence[str]:
    wanted = [each.strip() for each in names.replace("[]", "").split(",") if each.strip()]
    known = {each.rest for each in there.fields}
    if unknown := [each for each in wanted if each not in known]:
        raise Refused("1006", f"Field '{unknown[0]}' not found")
    return list(dict.fromkeys([ID, *wanted])) if wanted else USUAL


def _shown(person: Person, names: Sequence[str]) -> Result:
    own = {"id": person.id, "createdAt": moment(person.at), "updatedAt": moment(person.updated)}
    return {name: own.get(name, person.values.get(name)) for name in names}


def describe(there: Subscription) -> Result:
    """The fields, one by one."""
    return {"result": [_described(number, each) for number, each in enumerate(there.fields, 1)]}


def describe2(there: Subscription) -> Result:
    """The fields, and by which of them leads are found."""
    fields = [
        {
            "name": each.rest,
            "displayName": each.label,
            "dataType": each.kind,
            **({"length": each.length} if each.length else {}),
            "updateable": not each.own,
            "crmManaged": False,
        }
        for each in there.fields
    ]
    searched = [[each.rest] for each in there.fields if each.searched]
    return {"result": [{"name": "API Lead", "searchableFields": searched, "fields": fields}]}


def partitions(there: Subscription) -> Result:
    """The lead partitions."""
    found = [{"id": number, "name": name, "description": ""} for number, name in enumerate(there.partitions, 1)]
    return {"result": found}


def _described(number: int, each: PersonField) -> Result:
    soap = {"soap": {"name": each.form, "readOnly": each.own}} if each.form else {}
    return {
        "id": number,
        "displayName": each.label,
        "dataType": each.kind,
        **({"length": each.length} if each.length else {}),
        "rest": {"name": each.rest, "readOnly": each.own},
        **soap,
    }


def forms(there: Subscription, request: Request, path: str, *, missing: bool) -> Result:
    """Forms as assets: all, by name, by number, or the fields of one. ``missing``: they are gone."""
    wanted = asked(request)
    if path == "forms":
        start, size = (int(wanted.get(name, usual)) for name, usual in (("offset", "0"), ("maxReturn", "20")))
        return _assets([] if missing else [_asset(each) for each in there.forms][start : start + size])
    number, _, rest = path.removeprefix("form/").partition("/")
    if rest not in {"", "fields"} or not path.startswith("form/"):
        raise not_there()
    if number == "byName":
        named = [each for each in there.forms if each.name == wanted.get("name") and not missing]
        return _assets([_asset(each) for each in named])
    form = there.form(number)
    if form is None or missing:
        return _assets([])
    if rest:
        return {"result": [_form_field(each, each.form in form.required) for each in there.on_form(form)]}
    return _assets([_asset(form)])


def _assets(found: list[Result]) -> Result:
    return {"result": found} if found else {"warnings": [_NO_ASSETS]}


def _asset(form: Form) -> Result:
    status = "approved" if form.approved else "draft"
    return {"id": form.id, "name": form.name, "status": status, "language": "English"}


def _form_field(each: PersonField, required: bool) -> Result:
    return {"id": each.form, "label": f"{each.label}:", "dataType": each.kind, "required": required}


def usage(there: Subscription, today: str, days: int) -> Result:
    """How many calls were made on each of the last ``days``, today first."""
    message = []
    for day in _days(today, days):
        total = there.days.get(day, 0)
        message.append({"date": day, "total": total, "users": [{"userId": USER, "count": total}] if total else []})
    return {"result": message}


def errors(there: Subscription, today: str, days: int) -> Result:
    """How many calls were refused on each of the last ``days``, by code."""
    message = []
    for day in _days(today, days):
        counted = there.errors.get(day, {})
        listed = [{"errorCode": code, "count": count} for code, count in sorted(counted.items())]
        message.append({"date": day, "total": sum(counted.values()), "errors": listed})
    return {"result": message}


def _days(today: str, days: int) -> list[str]:
    first = date.fromisoformat(today)
    return [(first - timedelta(days=back)).isoformat() for back in range(days)]
