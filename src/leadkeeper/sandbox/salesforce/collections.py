"""Up to two hundred leads in one request (``/composite/sobjects``): created, changed, upserted, read, deleted.

From v42, upserts from v46. Each record has its own result; with ``allOrNone`` one that is refused takes all back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from leadkeeper.sandbox.salesforce.errors import Refused, body_of, error, not_allowed, not_there
from leadkeeper.sandbox.salesforce.fields import field_named
from leadkeeper.sandbox.salesforce.org import Flaw, StoredLead
from leadkeeper.sandbox.salesforce.records import Records
from leadkeeper.sandbox.salesforce.views import record, whole
from leadkeeper.sandbox.stand_in import Answer, Request

RECORDS: Final = 200
COLLECTIONS_FROM: Final = 42
UPSERTS_FROM: Final = 46
"""The first version in which a collection can be upserted."""

Outcome = Flaw | tuple[StoredLead, bool]
_ROLLED_BACK: Final = Flaw(
    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "Record rolled back because not all records were valid and the request was using AllOrNone header",
)


async def of_many(records: Records, request: Request, rest: Sequence[str], version: int, work_seconds: float) -> Answer:
    """One request to ``/composite/sobjects`` and what is under it."""
    if version < COLLECTIONS_FROM:
        raise not_there()
    await asyncio.sleep(work_seconds if request.method != "GET" else 0)
    match request.method, rest:
        case "POST", []:
            return _written(records, request, None)
        case "PATCH", []:
            return _written(records, request, "Id")
        case "DELETE", []:
            return _deleted(records, request)
        case "PATCH", ["Lead", name] if version >= UPSERTS_FROM:
            text = "The given field is no external ID field"
            return _written(records, request, records.key_field(name, 400, "INVALID_FIELD", text))
        case "GET" | "POST", ["Lead"]:
            return _read(records, request, version)
        case _, [] | ["Lead"]:
            raise not_allowed(request)
        case _, ["Lead", _] if version >= UPSERTS_FROM:
            raise not_allowed(request)
        case _:
            raise not_there()


def _written(records: Records, request: Request, name: str | None) -> Answer:
    """Create each record, or change that with the same ``Id``, or upsert by the external id ``name``."""
    body = body_of(request)
    sent = body.get("records")
    if not isinstance(sent, list) or not all(isinstance(each, dict) for each in sent):
        raise Refused(400, Flaw("JSON_PARSER_ERROR", "records: a list of objects is expected"))
    _at_most(sent)
    if any(_type(each) != "Lead" for each in sent):
        raise Refused(400, Flaw("INVALID_INPUT", "each record needs attributes with the type Lead"))
    values = [records.values(each) for each in sent]

    def work() -> list[Outcome]:
        return [_outcome(records, each, name, values[:place], request) for place, each in enumerate(values)]

    message = [_result(each) for each in _all_or_none(records, body.get("allOrNone") is True, work)]
    if name in {None, "Id"}:
        message = [{key: value for key, value in each.items() if key != "created"} for each in message]
    return Answer.json(200, message)


def _deleted(records: Records, request: Request) -> Answer:
    ids = [each for each in request.query.get("ids", "").split(",") if each]
    if not ids:
        raise Refused(400, Flaw("MISSING_ARGUMENT", "The ids parameter is required."))
    _at_most(ids)

    def work() -> list[Outcome]:
        return [_delete(records, each) for each in ids]

    results = _all_or_none(records, request.query.get("allOrNone", "").lower() == "true", work)
    message = [_result(each) for each in results]
    return Answer.json(200, [{key: value for key, value in each.items() if key != "created"} for each in message])


def _delete(records: Records, number: str) -> Outcome:
    found = records.of_several(number)
    if isinstance(found, Flaw):
        return found
    if flaw := records.delete_flaw():
        return flaw
    records.org.delete(found, records.now)
    return found, False


def _read(records: Records, request: Request, version: int) -> Answer:
    """The leads with these ids, in their order; null for those that are not there."""
    if request.method == "GET":
        ids, names = (request.query.get(name, "").split(",") for name in ("ids", "fields"))
    else:
        body = body_of(request)
        ids, names = (_texts(body.get(name)) for name in ("ids", "fields"))
    if not any(ids) or not any(names):
        raise Refused(400, Flaw("MISSING_ARGUMENT", "ids and fields are required."))
    wanted = [field_named(name.strip(), records.fields) for name in names]
    if None in wanted:
        unknown = names[wanted.index(None)]
        raise Refused(400, Flaw("INVALID_FIELD", f"No such column '{unknown}' on sobject of type Lead"))
    shown: list[object] = []
    for number in ids:
        lead = records.of_several(number.strip())
        if isinstance(lead, Flaw):
            shown.append(None)
            continue
        values = whole(records.org, lead, [each for each in wanted if each])
        shown.append(record(lead, version, values | {"Id": lead.id}))
    return Answer.json(200, shown)


def _texts(value: object) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _all_or_none(records: Records, wanted: bool, work: Callable[[], list[Outcome]]) -> list[Outcome]:
    undo = records.org.checkpoint() if wanted else None
    results = work()
    if undo and any(isinstance(each, Flaw) for each in results):
        undo()
        return [each if isinstance(each, Flaw) else _ROLLED_BACK for each in results]
    return results


def _outcome(
    records: Records,
    values: dict[str, object],
    name: str | None,
    earlier: Sequence[dict[str, object]],
    request: Request,
) -> Outcome:
    if name == "Id":
        found = records.of_several(values.pop("Id", ""))
        return found if isinstance(found, Flaw) else records.put(values, found, request)
    if "Id" in values:
        return Flaw("INVALID_FIELD", "The Id field should not be specified in the sobject data.")
    if name is None:
        return records.put(values, None, request)
    key = values.get(name)
    if not isinstance(key, str) or not key:
        return Flaw("MISSING_ARGUMENT", f"{name} not specified")
    if any(str(each.get(name)).casefold() == key.casefold() for each in earlier):
        return Flaw("DUPLICATE_VALUE", f"Duplicate external id specified: {key}")
    there = records.org.find(name, key)
    if len(there) > 1:
        return Flaw("DUPLICATE_EXTERNAL_ID", f"{name}: more than one record found for external id field")
    return records.put(values, there[0] if there else None, request)


def _at_most(several: Sequence[object]) -> None:
    if len(several) > RECORDS:
        raise Refused(400, Flaw("EXCEEDED_ID_LIMIT", f"record limit reached. cannot submit more than {RECORDS}"))


def _type(sent: Mapping[str, object]) -> object:
    attributes = sent.get("attributes")
    return attributes.get("type") if isinstance(attributes, dict) else None


def _result(result: Outcome) -> dict[str, object]:
    if isinstance(result, Flaw):
        return {"success": False, "errors": [error(result, "statusCode")]}
    lead, created = result
    return {"id": lead.id, "success": True, "errors": [], "created": created}
