"""What happened to leads, over Marketo's REST API, page by page from a moment on: new, changed, deleted."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from leadkeeper.sandbox.marketo.answers import Refused, Result, asked, moment
from leadkeeper.sandbox.marketo.leads import LEAD_DELETED, NEW_LEAD, VALUE_CHANGED, Change, Subscription
from leadkeeper.sandbox.stand_in import Request

PAGE: Final = 300
TYPES: Final = {NEW_LEAD: "New Lead", VALUE_CHANGED: "Change Data Value", LEAD_DELETED: "Delete Lead"}


def types() -> Result:
    """The kinds of activities that this sandbox notes."""
    primary = {"name": "Lead ID", "dataType": "integer"}
    return {"result": [{"id": number, "name": name, "primaryAttribute": primary} for number, name in TYPES.items()]}


def paging_token(request: Request) -> Result:
    """Where activities begin that are not older than ``sinceDatetime``."""
    text = request.query.get("sinceDatetime", "")
    try:
        since = datetime.fromisoformat(text)
    except ValueError:
        raise Refused("704", f"Invalid date '{text}'") from None
    since = since if since.tzinfo else since.replace(tzinfo=UTC)
    return {"nextPageToken": _token(since.timestamp(), 0)}


def activities(there: Subscription, request: Request, what: str) -> Result:
    """A page of ``what``: all (``activities``), changed fields (``leadchanges``) or deletions (``deletedleads``)."""
    wanted = asked(request)
    since, first = _read(wanted.get("nextPageToken", ""))
    found = [each for each in there.changes if each.at >= since]
    if people := _numbers(wanted.get("leadIds", "")):
        found = [each for each in found if each.person in people]
    match what:
        case "activities":
            kinds = _numbers(wanted.get("activityTypeIds", ""))
            if not kinds:
                raise Refused("1002", "Missing value for the required parameter 'activityTypeIds'")
            found = [each for each in found if each.kind in kinds]
        case "leadchanges":
            names = [each.strip() for each in wanted.get("fields", "").split(",") if each.strip()]
            if not names:
                raise Refused("1002", "Missing value for the required parameter 'fields'")
            found = [each for each in found if each.kind == VALUE_CHANGED and each.name in names]
        case _:
            found = [each for each in found if each.kind == LEAD_DELETED]
    size = _size(wanted.get("batchSize", str(PAGE)))
    page, more = found[first : first + size], len(found) > first + size
    message: Result = {"nextPageToken": _token(since, first + len(page)), "moreResult": more}
    return message | {"result": [_shown(each, what) for each in page]} if page else message


def _shown(each: Change, what: str) -> Result:
    message: Result = {
        "id": each.number,
        "marketoGUID": str(each.number),
        "leadId": each.person,
        "activityDate": moment(each.at),
        "activityTypeId": each.kind,
    }
    if what == "leadchanges":
        field = {"id": each.number, "name": each.name, "newValue": each.new, "oldValue": each.old}
        return message | {"fields": [field], "attributes": []}
    if each.kind == VALUE_CHANGED:
        values = [{"name": "New Value", "value": each.new}, {"name": "Old Value", "value": each.old}]
        return message | {"primaryAttributeValue": each.name, "attributes": values}
    return message | {"primaryAttributeValueId": each.person, "primaryAttributeValue": each.about, "attributes": []}


def _token(since: float, first: int) -> str:
    return base64.b32encode(f"{since!r} {first}".encode()).decode()


def _read(token: str) -> tuple[float, int]:
    try:
        since, first = base64.b32decode(token).decode().split(" ")
        return float(since), int(first)
    except ValueError:
        raise Refused("1003", "Invalid nextPageToken") from None


def _numbers(text: str) -> Sequence[int]:
    return [int(each) for each in text.split(",") if each.strip().isdecimal()]


def _size(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= PAGE:
        raise Refused("1003", f"Invalid batchSize '{text}'")
    return int(text)
