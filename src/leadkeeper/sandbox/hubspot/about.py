"""What HubSpot tells of an account: its details and quota, its properties, and how its records are associated.

Source: ``docs/reference/vendors/hubspot.md``.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from leadkeeper.sandbox.hubspot import errors
from leadkeeper.sandbox.hubspot.account import CONTACTS, LABELS, LEADS, TYPE_IDS, Account
from leadkeeper.sandbox.hubspot.errors import Refused
from leadkeeper.sandbox.hubspot.objects import Body, moment
from leadkeeper.sandbox.hubspot.properties import Property

CATEGORY: Final = "HUBSPOT_DEFINED"


def account(there: Account, call: str, now: float) -> Body:
    """The account's details, or what private apps have used of the day's quota."""
    local = datetime.fromtimestamp(now, UTC).astimezone(ZoneInfo(there.time_zone))
    if call == "details":
        offset = local.utcoffset() or timedelta()
        return {
            "portalId": there.portal_id,
            "accountType": "STANDARD",
            "timeZone": there.time_zone,
            "companyCurrency": "USD",
            "additionalCurrencies": [],
            "utcOffset": local.strftime("%z")[:3] + ":" + local.strftime("%z")[3:],
            "utcOffsetMilliseconds": int(offset.total_seconds() * 1_000),
            "uiDomain": "app.hubspot.com" if there.region == "na1" else f"app-{there.region}.hubspot.com",
            "dataHostingLocation": there.region,
        }
    if call != "api-usage/daily/private-apps":
        raise Refused(404, errors.NOT_FOUND, "No resource with given path.")
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    used: Body = {
        "name": "private-apps-api-calls-daily",
        "usageLimit": there.daily,
        "currentUsage": there.days.get(there.day(now), 0),
        "collectedAt": moment(now),
        "fetchStatus": "SUCCESS",
        "resetsAt": moment(midnight.timestamp()),
    }
    return {"results": [used]}


def properties(there: Account, kind: str, name: str, state: str) -> Body:
    """All properties of an object, or one."""
    known = [_now(each, state) for each in there.properties[kind] if (state, each.name) != ("propertyGone", "company")]
    if not name:
        return {"results": [each.described() for each in known]}
    found = next((each for each in known if each.name == name), None)
    if found is None:
        raise Refused(404, errors.NOT_FOUND, f'Property "{name}" does not exist')
    return found.described()


def labels(first: str, second: str) -> Body:
    """The kinds of association between two objects."""
    there = LABELS if (first, second) == (LEADS, CONTACTS) else {}
    return {
        "results": [{"category": CATEGORY, "typeId": number, "label": label} for number, (_, label) in there.items()]
    }


def ties(there: Account, kind: str, record_id: str, other: str) -> Body:
    """The records of ``other`` that a record is associated with."""
    record = there.find(kind, record_id)
    if record is None:
        raise errors.not_there()
    found = record.ties if (kind, other) == (LEADS, CONTACTS) else {}
    return {"results": [{"toObjectId": each, "associationTypes": _types(found[each])} for each in found]}


def _types(numbers: set[int]) -> list[Body]:
    ids = {"fromObjectTypeId": TYPE_IDS[LEADS], "toObjectTypeId": TYPE_IDS[CONTACTS]}
    return [{"category": CATEGORY, "typeId": each, "label": LABELS[each][1]} | ids for each in sorted(numbers)]


def _now(each: Property, state: str) -> Property:
    return replace(each, own=True) if (state, each.name) == ("propertyFixed", "company") else each
