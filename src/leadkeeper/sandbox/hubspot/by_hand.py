"""What people do with a HubSpot account in its own pages, as the control API asks for it.

A call names ``do`` and what it needs: ``create`` (``object``, ``properties``, for a lead ``contact``, its id),
``change`` (``object``, ``id``, ``properties``), ``archive`` and ``restore`` (``object``, ``id``), ``merge`` (``id``,
``other``), ``expireToken`` and ``changeScopes`` (``scopes``).
"""

from __future__ import annotations

from collections.abc import Mapping

from leadkeeper.sandbox.hubspot.account import CONTACTS, LEADS, PRIMARY_CONTACT, Account, Record
from leadkeeper.sandbox.hubspot.errors import Refused


class Impossible(ValueError):
    """It cannot be done; the text says why."""


def act(account: Account, now: float, asked: Mapping[str, object]) -> dict[str, object]:
    """Do what is asked for; the record that it concerns, as :meth:`.account.Record.shown` tells it."""
    try:
        match asked.get("do"):
            case "expireToken":
                account.tokens[0].expired = True
                return {}
            case "changeScopes":
                account.tokens[0].scopes = frozenset(_texts(asked.get("scopes")))
                return {}
            case "create":
                return _create(account, now, asked).shown()
            case "change":
                record = _there(account, asked)
                account.update(record, now, _values(asked))
                return record.shown()
            case "archive":
                record = _there(account, asked)
                account.archive(record)
                return record.shown()
            case "restore":
                record = _archived(account, asked)
                account.restore(record)
                return record.shown()
            case "merge":
                other = _there(account, {"object": CONTACTS, "id": asked.get("other")})
                first = _there(account, asked)
                if first is other:
                    raise Impossible("other must be another contact")
                return account.merge(first, other, now).shown()
            case _:
                raise Impossible("do is one of create, change, archive, restore, merge, expireToken, changeScopes")
    except Refused as refused:
        raise Impossible(str(refused)) from None


def _create(account: Account, now: float, asked: Mapping[str, object]) -> Record:
    kind = _kind(asked)
    tie = account.find(CONTACTS, str(asked.get("contact", "")))
    if kind == LEADS and tie is None:
        raise Impossible("a lead needs contact, the id of one")
    record = account.create(kind, "hand", now, _values(asked))
    if tie and kind == LEADS:
        record.ties = {tie.id: {PRIMARY_CONTACT}}
    return record


def _kind(asked: Mapping[str, object]) -> str:
    kind = str(asked.get("object", CONTACTS))
    if kind not in {CONTACTS, LEADS}:
        raise Impossible(f"object is {CONTACTS} or {LEADS}")
    return kind


def _values(asked: Mapping[str, object]) -> dict[str, str]:
    values = asked.get("properties")
    if not isinstance(values, dict) or not all(isinstance(each, str) for each in values.values()):
        raise Impossible("properties is an object of texts")
    return values


def _there(account: Account, asked: Mapping[str, object]) -> Record:
    record = account.find(_kind(asked), str(asked.get("id", "")))
    if record is None:
        raise Impossible(f"there is no record {asked.get('id')}")
    return record


def _archived(account: Account, asked: Mapping[str, object]) -> Record:
    wanted = (_kind(asked), str(asked.get("id", "")), "archived")
    found = next((each for each in account.gone if (each.kind, each.id, each.status) == wanted), None)
    if found is None:
        raise Impossible(f"there is no archived record {asked.get('id')}")
    return found


def _texts(given: object) -> list[str]:
    if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
        raise Impossible("scopes is a list of texts")
    return given
