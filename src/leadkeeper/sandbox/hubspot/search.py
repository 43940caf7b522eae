"""Searches over HubSpot's records, which see a change only some seconds later.

Source: ``docs/reference/vendors/hubspot.md#search``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from leadkeeper.sandbox.hubspot import errors
from leadkeeper.sandbox.hubspot.account import Record
from leadkeeper.sandbox.hubspot.errors import invalid
from leadkeeper.sandbox.hubspot.objects import Body, Objects

GROUPS: Final = 5
IN_GROUP: Final = 10
FILTERS: Final = 25
PAGE: Final = 200
REACH: Final = 10_000
_Test = Callable[[str, Mapping[str, object]], bool]


def search(objects: Objects, body: Mapping[str, object]) -> Body:
    """The records that fit any of the groups, each of which fits when all of its filters do."""
    groups = _groups(body, objects)
    limit, after = _number(body.get("limit", 10)), _number(body.get("after") or 0)
    if not 1 <= limit <= PAGE:
        raise invalid(f"limit must be from 1 to {PAGE}")
    if after + limit > REACH:
        raise invalid(f"A search reaches {REACH} records only")
    names = body.get("properties") or []
    if not isinstance(names, list):
        raise errors.invalid_json("properties must be a list")
    word = str(body.get("query") or "").casefold()
    seen = [] if objects.state == "searchEmpty" else _seen(objects)
    found = [record for record, values in seen if _fits(values, groups, word)]
    page = found[after : after + limit]
    summary: Body = {
        "total": len(found),
        "results": [objects.summary(each, [str(name) for name in names]) for each in page],
    }
    return summary | ({"paging": {"next": {"after": str(after + limit)}}} if len(found) > after + limit else {})


def _seen(objects: Objects) -> Sequence[tuple[Record, dict[str, str]]]:
    """The records as the index has them: what is newer than the lag is seen as it was before, or not at all."""
    account = objects.account
    seen: list[tuple[Record, dict[str, str]]] = []
    for record in account.records[objects.kind]:
        if objects.now - record.updated >= account.search_lag:
            seen.append((record, objects.values(record)))
        elif record.indexed:
            seen.append((record, objects.values(record) | record.indexed))
    return seen


def _groups(body: Mapping[str, object], objects: Objects) -> list[list[Mapping[str, object]]]:
    given = body.get("filterGroups") or []
    if not isinstance(given, list) or len(given) > GROUPS:
        raise invalid(f"filterGroups must be a list of {GROUPS} at most")
    known = objects.account.known(objects.kind)
    groups: list[list[Mapping[str, object]]] = []
    for group in given:
        filters = group.get("filters") if isinstance(group, dict) else None
        if not isinstance(filters, list) or not filters or len(filters) > IN_GROUP:
            raise invalid(f"A filter group needs from 1 to {IN_GROUP} filters")
        for each in filters:
            if not isinstance(each, dict) or each.get("operator") not in _TESTS:
                raise invalid("A filter needs propertyName and an operator that is known")
            if each.get("propertyName") not in known:
                raise invalid(f"There was a problem with the request. No property {each.get('propertyName')}")
        groups.append(filters)
    if sum(map(len, groups)) > FILTERS:
        raise invalid(f"A search has {FILTERS} filters at most")
    return groups


def _fits(values: Mapping[str, str], groups: Sequence[Sequence[Mapping[str, object]]], word: str) -> bool:
    if word and not any(word in value.casefold() for value in values.values()):
        return False
    return not groups or any(
        all(_TESTS[str(each["operator"])](values.get(str(each["propertyName"]), ""), each) for each in group)
        for group in groups
    )


def _number(value: object) -> int:
    try:
        return int(str(value))
    except ValueError:
        raise invalid("limit and after must be numbers") from None


def _value(each: Mapping[str, object]) -> str:
    return str(each.get("value", "")).casefold()


def _all(each: Mapping[str, object]) -> list[str]:
    values = each.get("values")
    return [str(one).casefold() for one in values] if isinstance(values, list) else []


_TESTS: Final[Mapping[str, _Test]] = {
    "EQ": lambda value, each: bool(value) and value.casefold() == _value(each),
    "NEQ": lambda value, each: value.casefold() != _value(each),
    "IN": lambda value, each: bool(value) and value.casefold() in _all(each),
    "NOT_IN": lambda value, each: value.casefold() not in _all(each),
    "HAS_PROPERTY": lambda value, each: bool(value),
    "NOT_HAS_PROPERTY": lambda value, each: not value,
    "CONTAINS_TOKEN": lambda value, each: _value(each).strip("*") in value.casefold(),
    "NOT_CONTAINS_TOKEN": lambda value, each: _value(each).strip("*") not in value.casefold(),
    "GT": lambda value, each: bool(value) and value > str(each.get("value", "")),
    "GTE": lambda value, each: bool(value) and value >= str(each.get("value", "")),
    "LT": lambda value, each: bool(value) and value < str(each.get("value", "")),
    "LTE": lambda value, each: bool(value) and value <= str(each.get("value", "")),
}
