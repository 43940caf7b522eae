"""Where in a payload the lead stands: one reader for every known shape, whatever its nesting and encoding. Pure.

Known are the body of Microsoft's HTTPS endpoint (``UserDetails``), a row of its table (``CustomerInfo``), the
customer of our own API, and the customer's fields at the top. Keys are understood in any case and with ``_``, ``-`` or
spaces in them; an object may be written as JSON text, once or twice, stand alone in a list, or lie within others.
Sources: ``docs/reference/vendors/marketplace.md#https-endpoint`` and ``#azure-table-row`` there.
"""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from leadkeeper.intake.texts import clean

FIELDS: Final = {
    "firstname": "first_name",
    "lastname": "last_name",
    "email": "email",
    "emailaddress": "email",
    "phone": "phone",
    "phonenumber": "phone",
    "country": "country",
    "company": "company",
    "companyname": "company",
    "title": "title",
    "jobtitle": "title",
}
"""Keys of the customer's fields, and what we call them."""
TEXTS: Final = {
    "leadsource": "leadsource",
    "actioncode": "actioncode",
    "offertitle": "offertitle",
    "offerdisplayname": "offertitle",
    "description": "description",
    "mktcmpid": "mktcmpid",
    "campaign": "campaign",
}
_DETAILS: Final = frozenset({"userdetails", "customerinfo"})
_DETAILS_KEPT: Final = "userDetails"
"""Under which key is kept what is left of the first details; that of others stays under their own."""
_PERSON: Final = frozenset({"customer", "customerdetails", "contact", "contactdetails"})
_OF_A_PERSON: Final = frozenset({"first_name", "last_name", "email", "phone"})
"""Fields that no offer and no company has: without one of them, what stands at the top is nobody's."""
_OF_A_LEAD: Final = _DETAILS | {"leadsource", "actioncode"}
_LARGEST_NUMBER: Final = 15
_DEEPEST: Final = 32
_LONGEST_KEY: Final = 32
_WRITTEN_TWICE: Final = 8
"""How many times JSON text within JSON text is read."""


@dataclass(slots=True)
class ReadPayload:
    """What a payload says: ``texts`` by the names of :data:`TEXTS`, ``customer`` by ours; ``extra`` is all the rest."""

    texts: dict[str, str] = field(default_factory=dict)
    customer: dict[str, str] = field(default_factory=dict)
    extra: dict[str, object] = field(default_factory=dict)


def find_fields(payload: Mapping[str, Any]) -> ReadPayload:
    """Everything known in ``payload``; what is not is kept where it stood. May raise ``RecursionError``."""
    found = ReadPayload()
    rest = _take(payload, found)
    if not found.customer and _names(rest).keys() & _OF_A_PERSON:
        rest = _take_fields(rest, found)
    if not found.customer or not found.texts:
        _look_within(rest, found, _WRITTEN_TWICE)
    found.extra = rest
    return found


def read_clean_json(text: str) -> Any:
    """The JSON in ``text`` with clean texts; numbers that our JSON could not write back stay texts.

    Raises ``json.JSONDecodeError``, and ``RecursionError`` for what is nested too deeply.
    """
    return _clean(_JSON.decode(text), _DEEPEST)


def unfolded(value: Any) -> Any:
    """``value`` out of lists of one and out of JSON text, as often as it is written so."""
    for _ in range(_WRITTEN_TWICE):
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        elif isinstance(value, str) and value.lstrip()[:1] in ("{", "[", '"'):
            try:
                value = read_clean_json(value)
            except (json.JSONDecodeError, RecursionError):
                break  # it is a text, then
        else:
            break
    return value


def keep(extra: dict[str, object], key: str, value: object) -> None:
    """Put ``value`` into ``extra`` under ``key``, or under one like it where that is taken."""
    while key in extra:
        key += "_"
    extra[key] = value


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= _LARGEST_NUMBER else digits


def _fraction(digits: str) -> float | str:
    number = float(digits)
    return number if math.isfinite(number) and len(digits) <= _LARGEST_NUMBER else digits


_JSON: Final = json.JSONDecoder(strict=False, parse_int=_integer, parse_float=_fraction, parse_constant=str)
_NESTED: Final = (dict, list)
"""What JSON nests. It is asked of every value of a payload: of a union, or an abstract class, that takes far longer."""


def _clean(value: Any, depth: int) -> Any:
    """``value`` with clean texts and keys throughout; what is nested more than ``depth`` deep becomes JSON text."""
    if isinstance(value, str):
        return clean(value)
    if not isinstance(value, _NESTED):
        return value
    if not depth:
        return json.dumps(value)
    if isinstance(value, list):
        return [_clean(item, depth - 1) for item in value]
    return {clean(key): _clean(item, depth - 1) for key, item in value.items()}


def _name(key: str) -> str:
    """``First_Name``, ``first-name`` and ``firstName`` are one; empty for a key longer than any that is known."""
    return _short_name(key) if len(key) <= _LONGEST_KEY else ""


@functools.lru_cache(1_024)
def _short_name(key: str) -> str:
    return "".join(c for c in key.casefold() if c.isalnum())


def _text(value: object) -> str | None:
    """``value`` as a text: numbers and truth values written out, null empty; ``None`` for objects and lists of many."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, (int, float)) else None


def _take(given: Mapping[str, Any], found: ReadPayload) -> dict[str, object]:
    """Take the texts of a lead and its customer out of ``given``; answers what is left of it."""
    rest: dict[str, object] = {}
    details: list[tuple[str, Any]] = []
    for key, value in given.items():
        name = _name(key)
        if name in _DETAILS:
            details.append((key, value))
            continue
        known, text = TEXTS.get(name), _text(value)
        if known is None or text is None or (text and known in found.texts):
            keep(rest, key, value)
        elif text:
            found.texts[known] = text
    for key, value in details:
        if value is not None and (left := _take_person(value, found)) is not None:
            keep(rest, key if _DETAILS_KEPT in rest else _DETAILS_KEPT, left)
    for key in [key for key in rest if not found.customer and _name(key) in _PERSON]:
        _replace(rest, key, _take_person(rest[key], found))
    return rest


def _take_person(value: Any, found: ReadPayload) -> Any:
    """Take the customer out of ``value``, unless there is one already; what is left, ``None`` for nothing."""
    details = unfolded(value)
    if not isinstance(details, dict) or found.customer:
        return value
    left = _take_fields(details, found)
    for key in [key for key in left if not found.customer and _name(key) in _DETAILS]:
        _replace(left, key, _take_person(left[key], found))
    return left or None


def _take_fields(given: Mapping[str, Any], found: ReadPayload) -> dict[str, object]:
    rest: dict[str, object] = {}
    for key, value in given.items():
        name, text = FIELDS.get(_name(key)), _text(value)
        if name is None or text is None or (text and name in found.customer):
            keep(rest, key, value)
        elif text:
            found.customer[name] = text
    return rest


def _names(given: Mapping[str, Any]) -> dict[str, str]:
    """The customer's fields that ``given`` has, and fills."""
    pairs = ((FIELDS.get(_name(key)), _text(value)) for key, value in given.items())
    return {name: text for name, text in pairs if name is not None and text}


def _look_within(rest: dict[str, object], found: ReadPayload, depth: int) -> None:
    """Look for the lead in the objects of ``rest``, which loses what is taken.

    Only in those that are surely one: a referrer or a sales person has an address, too.
    """
    for key in list(rest):
        inner = unfolded(rest[key]) if depth else None
        if not isinstance(inner, dict):
            continue
        before = (len(found.texts), len(found.customer))
        if _is_lead(inner):
            left = _take(inner, found)
            if not found.customer and _names(left).keys() & _OF_A_PERSON:
                left = _take_fields(left, found)
        else:
            left = dict(inner)
        if not found.customer:
            _look_within(left, found, depth - 1)
        if (len(found.texts), len(found.customer)) != before:
            _replace(rest, key, left or None)


def _is_lead(given: Iterable[str]) -> bool:
    return any(_name(key) in _OF_A_LEAD for key in given)


def _replace(rest: dict[str, object], key: str, left: object) -> None:
    if left is None:
        del rest[key]
    else:
        rest[key] = left
