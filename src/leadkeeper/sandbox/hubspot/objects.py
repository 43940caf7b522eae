"""Records of HubSpot's objects over its REST API: read, created, updated, upserted, archived, one by one or in batches.

Source: ``docs/reference/vendors/hubspot.md#contacts`` and ``#leads``. What is unverified there is answered strictly
here: ``batch/update`` of contacts takes record ids only, an upsert by address writes all or nothing, an upsert makes no
lead, and values are texts.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from leadkeeper.sandbox.hubspot import errors
from leadkeeper.sandbox.hubspot.account import (
    CONTACTS,
    EMAIL,
    LABELS,
    LEADS,
    PRIMARY_CONTACT,
    SINGULAR,
    Account,
    Record,
)
from leadkeeper.sandbox.hubspot.errors import Refused, invalid
from leadkeeper.sandbox.hubspot.properties import check, values_of

BATCH: Final = 100
HISTORY_BATCH: Final = 50
Body = dict[str, object]
USUAL: Final = {
    CONTACTS: ("createdate", EMAIL, "firstname", "hs_object_id", "lastmodifieddate", "lastname"),
    LEADS: ("hs_createdate", "hs_lastmodifieddate", "hs_object_id"),
}
"""The properties that a read tells when none are asked for."""


_CONTACT_MOMENTS: Final = ("createdate", "lastmodifieddate")
_LEAD_MOMENTS: Final = ("hs_createdate", "hs_lastmodifieddate")
_MERGED: Final = ("primaryObjectId", "objectIdToMerge")


def moment(at: float) -> str:
    """A time as HubSpot writes it."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class Objects:
    """Calls for the records of ``kind`` in ``account``, in ``state``."""

    account: Account
    kind: str
    state: str
    now: float
    work_seconds: float = 0.0

    async def read(self, record_id: str, query: Mapping[str, str]) -> Body:
        """One record by its id or by a unique property."""
        record = self._one(record_id, query)
        await asyncio.sleep(self.work_seconds)
        summary = self.summary(record, _names(query))
        if CONTACTS in query.get("associations", "").split(",") and record.ties:
            ties = [
                {"id": number, "type": LABELS[kind][0].lower()}
                for number, kinds in record.ties.items()
                for kind in sorted(kinds)
            ]
            summary["associations"] = {CONTACTS: {"results": ties}}
        return summary

    def page(self, query: Mapping[str, str]) -> Body:
        """A page of all records."""
        try:
            limit, after = int(query.get("limit", "10")), int(query.get("after", "0"))
        except ValueError:
            raise invalid("limit and after must be numbers") from None
        if not 1 <= limit <= BATCH:
            raise invalid(f"limit must be from 1 to {BATCH}")
        records = [each for each in self._readable(query) if int(each.id) >= after]
        summary: Body = {"results": [self.summary(each, _names(query)) for each in records[:limit]]}
        if len(records) > limit:
            summary["paging"] = {"next": {"after": records[limit].id}}
        return summary

    async def create(self, body: Mapping[str, object]) -> Body:
        """One new record."""
        await asyncio.sleep(self.work_seconds)
        return self._with_written(self._made(body), body)

    async def update(self, record_id: str, query: Mapping[str, str], body: Mapping[str, object]) -> Body:
        """Write over one record."""
        await asyncio.sleep(self.work_seconds)
        values = self._checked(body)
        if not values:
            raise invalid("No properties found to update, please provide at least one.")
        record = self._one(record_id, query)
        self.account.update(record, self.now, values)
        return self._with_written(record, body)

    def archive(self, record_id: str) -> None:
        """One record goes to the bin; what is not there is no error."""
        record = self.account.find(self.kind, record_id)
        if record:
            self.account.archive(record)

    async def batch(self, call: str, body: Mapping[str, object], query: Mapping[str, str]) -> tuple[int, Body]:
        """A batch call; the status, and the body unless the status is 204."""
        inputs = _inputs(body)
        await asyncio.sleep(self.work_seconds)
        match call:
            case "read":
                return self._batch_read(body, inputs, query)
            case "create":
                return self._batch_written(inputs, self._created, 201)
            case "update":
                return self._batch_update(inputs)
            case "upsert":
                return self._batch_upsert(inputs)
            case _:
                for each in inputs:
                    self.archive(_id(each))
                return 204, {}

    def merge(self, body: Mapping[str, object]) -> Body:
        """Two contacts become one."""
        first, second = (self.account.find(self.kind, str(body.get(name, ""))) for name in _MERGED)
        if self.kind != CONTACTS or first is None or second is None or first is second:
            raise invalid("primaryObjectId and objectIdToMerge must be two records")
        return self.summary(self.account.merge(first, second, self.now), ())

    def summary(self, record: Record, names: Sequence[str]) -> Body:
        """A record with the properties ``names``, or the usual ones."""
        known = self.account.known(self.kind)
        values = self.values(record)
        always = _CONTACT_MOMENTS if self.kind == CONTACTS else _LEAD_MOMENTS
        wanted = dict.fromkeys((*names, *always, "hs_object_id") if names else USUAL[self.kind])
        summary: Body = {
            "id": record.id,
            "properties": {name: values.get(name) for name in wanted if name in known},
            "createdAt": moment(record.created),
            "updatedAt": moment(record.updated),
            "archived": record.status == "archived",
        }
        return summary | ({"archivedAt": moment(record.updated)} if record.status == "archived" else {})

    def values(self, record: Record) -> dict[str, str]:
        """A record's values with those that HubSpot writes."""
        made, changed = _CONTACT_MOMENTS if self.kind == CONTACTS else _LEAD_MOMENTS
        own = {made: moment(record.created), changed: moment(record.updated), "hs_object_id": record.id}
        return record.values | own

    def _with_written(self, record: Record, body: Mapping[str, object]) -> Body:
        return self.summary(record, (*values_of(body.get("properties", {})), *USUAL[self.kind]))

    def _readable(self, query: Mapping[str, str]) -> Sequence[Record]:
        if query.get("archived", "false") == "true":
            return [each for each in self.account.gone if (each.kind, each.status) == (self.kind, "archived")]
        return self.account.records[self.kind]

    def _one(self, record_id: str, query: Mapping[str, str]) -> Record:
        by = query.get("idProperty", "")
        if by and by not in self.account.unique(self.kind):
            raise invalid(f"{by} is not a unique property")
        if query.get("archived", "false") == "true":
            found = next((each for each in self._readable(query) if each.id == record_id), None)
        else:
            found = self.account.find(self.kind, record_id, by)
        if found is None:
            raise errors.not_there()
        return found

    def _checked(self, body: Mapping[str, object]) -> dict[str, str]:
        values = values_of(body.get("properties"))
        check(values, self.account.known(self.kind), reserved=self.account.reserved)
        self._refuse_by_state(values)
        return values

    def _refuse_by_state(self, values: Mapping[str, str]) -> None:
        if self.state == "ruleViolated":
            one = {
                "message": "The value does not follow the rules of this account",
                "code": "PROPERTY_VALIDATION_RULE",
                "context": {"propertyName": sorted(values)[:1]},
            }
            raise Refused(400, errors.VALIDATION, "One or more values are not valid", more={"errors": [one]})
        faults = {
            "emailRefused": (EMAIL, "INVALID_EMAIL", f"Email address {values.get(EMAIL)} is invalid"),
            "propertyGone": ("company", "PROPERTY_DOESNT_EXIST", 'Property "company" does not exist'),
            "propertyFixed": ("company", "READ_ONLY_VALUE", '"company" is a read only property'),
        }
        name, error, message = faults.get(self.state, ("", "", ""))
        if name in values:
            raise errors.wrong_values([errors.wrong_value(name, error, message)])

    def _made(self, body: Mapping[str, object]) -> Record:
        """Create a record from an input with ``properties`` and ``associations``."""
        values = self._checked(body)
        ties = self._ties(body.get("associations", []))
        if self.kind == CONTACTS:
            if not any(values.get(name) for name in (EMAIL, "firstname", "lastname")):
                raise invalid("A contact needs one of email, firstname and lastname")
            if self.state == "emailTaken":
                raise errors.taken("101550000")
        elif self.state == "leadRefused":
            raise invalid("The lead cannot be created")
        elif not values.get("hs_lead_name"):
            raise invalid("Required properties were not set: [hs_lead_name]")
        elif not any(PRIMARY_CONTACT in types for types in ties.values()):
            raise invalid("A lead must be associated with a primary contact")
        record = self.account.create(self.kind, "api", self.now, values)
        record.ties = ties
        return record

    def _ties(self, given: object) -> dict[str, set[int]]:
        """The contacts that a new record is associated with."""
        ties: dict[str, set[int]] = {}
        if not isinstance(given, list):
            raise errors.invalid_json("associations must be a list")
        for each in given:
            try:
                number, types = str(each["to"]["id"]), list(each["types"])
                kinds = {int(one["associationTypeId"]) for one in types}
                categories = {one["associationCategory"] for one in types}
            except (KeyError, TypeError, ValueError):
                raise errors.invalid_json("an association needs to.id and types") from None
            if self.kind != LEADS or categories != {"HUBSPOT_DEFINED"} or not kinds <= LABELS.keys():
                raise invalid(f"There is no such association type: {sorted(kinds)}")
            there = self.account.find(CONTACTS, number)
            if there is None:
                raise invalid(f"CONTACT={number} is not valid", invalidObjectIds=[number])
            ties.setdefault(there.id, set()).update(kinds)
        return ties

    def _batch_read(
        self, body: Mapping[str, object], inputs: Sequence[Body], query: Mapping[str, str]
    ) -> tuple[int, Body]:
        by, history = str(body.get("idProperty") or ""), body.get("propertiesWithHistory") or []
        names = body.get("properties") or []
        if not isinstance(names, list) or not isinstance(history, list):
            raise errors.invalid_json("properties must be a list")
        if history and len(inputs) > HISTORY_BATCH:
            raise invalid(_too_many(HISTORY_BATCH, "for property histories "))
        if by == "hs_object_id":
            by = ""
        if by and by not in self.account.unique(self.kind):
            raise invalid(f"{by} is not a unique property")
        there = {record.id: record for record in self._readable(query)}
        archived = query.get("archived", "false") == "true"
        ids = list(dict.fromkeys(_id(each) for each in inputs))
        found = [there.get(each) if archived else self.account.find(self.kind, each, by) for each in ids]
        summary = {record.id: self.summary(record, [str(each) for each in names]) for record in found if record}
        lost = [number for number, record in zip(ids, found, strict=True) if record is None]
        return self._answered(list(summary.values()), lost, [], 200)

    def _batch_update(self, inputs: Sequence[Body]) -> tuple[int, Body]:
        by = {str(each.get("idProperty") or "") for each in inputs} - {""}
        if by and (self.kind == CONTACTS or not by <= self.account.unique(self.kind)):
            name = f"0-1 property {min(by)}" if self.kind == CONTACTS else f"property {min(by)}"
            raise invalid(f"Unable to perform update/upsert by non-unique {name}")
        _refuse_twice(inputs)
        there = [self.account.find(self.kind, _id(each), str(each.get("idProperty") or "")) for each in inputs]
        lost = [_id(each) for each, record in zip(inputs, there, strict=True) if record is None]
        known = [each for each, record in zip(inputs, there, strict=True) if record]
        if self.state == "updateSkips":
            known = []
        return self._batch_written(known, self._updated, 200, lost)

    def _batch_upsert(self, inputs: Sequence[Body]) -> tuple[int, Body]:
        by = {str(each.get("idProperty") or "") for each in inputs}
        if len(by) != 1 or not by <= self.account.unique(self.kind):
            raise invalid(
                "Unable to perform update/upsert by non-unique property; idProperty must be one that is unique"
            )
        _refuse_twice(inputs)
        partly = by != {EMAIL}
        return self._batch_written(inputs, self._upserted, 200, partly=partly)

    def _batch_written(
        self,
        inputs: Sequence[Body],
        write: Callable[[Body, bool], Body],
        status: int,
        lost: Sequence[str] = (),
        *,
        partly: bool = True,
    ) -> tuple[int, Body]:
        """Write all or nothing, or, when every input has a trace id of its own, what can be written."""
        traces = [str(each.get("objectWriteTraceId") or "") for each in inputs]
        partly = partly and all(traces) and len(set(traces)) == len(traces)
        refused: list[Body] = []
        if not partly:
            before = self._kept()
            try:
                summary = [write(each, False) for each in inputs]
            except Refused:
                self._undo(before)
                raise
            return self._answered(summary, lost, [], status)
        summary = []
        for each, trace in zip(inputs, traces, strict=True):
            try:
                summary.append(write(each, True))
            except Refused as error:
                refused.append(error.of_record(trace))
        return self._answered(summary, lost, refused, status)

    def _created(self, each: Body, traced: bool) -> Body:
        return self._traced(self._with_written(self._made(each), each), each, traced)

    def _updated(self, each: Body, traced: bool) -> Body:
        values = self._checked(each)
        if not values:
            raise invalid("No properties found to update, please provide at least one.")
        record = self._one(_id(each), {"idProperty": str(each.get("idProperty") or "")})
        self.account.update(record, self.now, values)
        return self._traced(self._with_written(record, each), each, traced)

    def _upserted(self, each: Body, traced: bool) -> Body:
        by = str(each["idProperty"])
        record = self.account.find(self.kind, _id(each), by)
        if record is None:
            values = {by: _id(each)} | values_of(each.get("properties"))
            record, new = self._made(each | {"properties": values}), True
        else:
            values, new = self._checked(each), False
            if self.state == "upsertEmpties" and by == EMAIL:
                values = {name: "" for name in record.values if name != EMAIL} | values
            self.account.update(record, self.now, values)
        return self._traced(self._with_written(record, each) | {"new": new}, each, traced)

    def _traced(self, summary: Body, each: Body, traced: bool) -> Body:
        return summary | ({"objectWriteTraceId": each["objectWriteTraceId"]} if traced else {})

    def _kept(self) -> tuple[list[Record], list[tuple[Record, dict[str, str], float, int]], int]:
        records = self.account.records[self.kind]
        return list(records), [(each, each.values, each.updated, each.times) for each in records], self.account.next_id

    def _undo(self, before: tuple[list[Record], list[tuple[Record, dict[str, str], float, int]], int]) -> None:
        self.account.records[self.kind][:] = before[0]
        for record, values, updated, times in before[1]:
            record.values, record.updated, record.times = values, updated, times
        self.account.next_id = before[2]

    def _answered(
        self, summary: Sequence[Body], lost: Sequence[str], refused: Sequence[Body], status: int
    ) -> tuple[int, Body]:
        wrong = [*([errors.missing(lost, SINGULAR[self.kind])] if lost else []), *refused]
        at = moment(self.now)
        body: Body = {"status": "COMPLETE", "results": list(summary), "startedAt": at, "completedAt": at}
        if not wrong:
            return status, body
        return 207, body | {"numErrors": len(wrong), "errors": wrong}


def _names(query: Mapping[str, str]) -> list[str]:
    return [each.strip() for each in query.get("properties", "").split(",") if each.strip()]


def _too_many(most: int, what: str = "") -> str:
    summary = f"The maximum number of inputs supported in a batch request {what}is {most}."
    return f"{summary} Please reduce the number of items and try again"


def _inputs(body: Mapping[str, object]) -> list[Body]:
    inputs = body.get("inputs")
    if not isinstance(inputs, list) or not inputs or not all(isinstance(each, dict) for each in inputs):
        raise errors.invalid_json("inputs must be a list of objects")
    if len(inputs) > BATCH:
        raise invalid(_too_many(BATCH))
    return inputs


def _id(each: Body) -> str:
    value = each.get("id")
    if not isinstance(value, str) or not value:
        raise errors.invalid_json("an input needs id, a text")
    return value


def _refuse_twice(inputs: Sequence[Body]) -> None:
    counted = Counter(_id(each).casefold() for each in inputs)
    twice = list(dict.fromkeys(_id(each) for each in inputs if counted[_id(each).casefold()] > 1))
    if twice:
        raise invalid(f"Duplicate IDs found in batch input: [{', '.join(twice)}]. IDs must be unique", ids=twice)
