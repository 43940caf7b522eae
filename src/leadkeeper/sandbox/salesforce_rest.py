"""The REST API of an org: leads by id of ours, one by one or two hundred at a time.

Source: ``facts/destination-protocols.md`` 3.4. The states that refuse everything are in :data:`.REFUSALS`, those that
refuse what is written in :data:`.WRITE_REFUSALS`; what the request or the record does wrong is refused in every state.
A lead that is being written is not seen by another request until ``work_seconds`` later: two upserts of one external
id at the same time make one lead and one ``DUPLICATE_VALUE``.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

from leadkeeper.sandbox.salesforce_org import (
    Arrival,
    Flaw,
    LeadField,
    Org,
    StoredLead,
    fields_in,
    incomplete,
    misfit,
    rolled,
    same_person,
    taken,
    unwritable,
)
from leadkeeper.sandbox.salesforce_states import REFUSALS, WRITE_REFUSALS
from leadkeeper.sandbox.stand_in import Answer, Request

RECORDS: Final = 200
VERSIONS: Final = range(31, 70)
UPSERTS_FROM: Final = 46
"""The first version in which a collection can be upserted."""

STATUSES: Final = {"NOT_FOUND": 404, "INVALID_CROSS_REFERENCE_KEY": 404}

_FILE_ENDING: Final = re.compile(r".*@.*\.(inc|json|xml|html|txt)", re.IGNORECASE)
_CONVERTED: Final = Flaw("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")
_ROLLED_BACK: Final = Flaw(
    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "Record rolled back because not all records were valid and the request was using AllOrNone header",
)


class Refused(Exception):
    """The request is refused as a whole."""

    def __init__(self, status: int, flaw: Flaw) -> None:
        super().__init__(flaw.message)
        self.status, self.flaw = status, flaw


@dataclass(slots=True)
class Rest:
    """One request to the API of ``org`` in ``state``."""

    org: Org
    state: str
    now: float
    work_seconds: float = 0.0

    async def answer(self, request: Request) -> Answer:
        """Do it. What is refused is a JSON array of errors; only maintenance says so in HTML."""
        if self.state == "maintenance":
            return Answer.html(503, "<html><body><h1>Down for Maintenance</h1></body></html>")
        if self.state == "noRoute":
            return Answer.html(420, "<html><body><h1>No routing information for this host</h1></body></html>")
        try:
            self._admit(request)
            said = await self._routed(request)
        except Refused as refused:
            said = Answer.json(refused.status, [_error(refused.flaw, "errorCode")])
        used = rolled(self.org.requests, self.now)
        return said.with_headers({"Sforce-Limit-Info": f"api-usage={used}/{self.org.api_limit}"})

    def _admit(self, request: Request) -> None:
        """The session, and what the org allows altogether; the request counts from here on."""
        scheme, _, session = request.headers.get("authorization", "").partition(" ")
        alive = self.org.sessions.get(session, 0.0) > self.now
        if scheme != "Bearer" or not alive or self.state == "sessionRefused":
            raise Refused(401, Flaw("INVALID_SESSION_ID", "Session expired or invalid"))
        if rolled(self.org.requests, self.now) >= self.org.api_limit:
            raise Refused(403, Flaw("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."))
        if self.state in REFUSALS:
            status, code, text = REFUSALS[self.state]
            raise Refused(status, Flaw(code, text))
        self.org.requests.append(self.now)

    async def _routed(self, request: Request) -> Answer:
        parts = [unquote(part) for part in request.raw_path.split("/")[1:]]
        version = (
            re.fullmatch(r"v(\d\d)\.0", parts[2]) if parts[:2] == ["services", "data"] and len(parts) > 2 else None
        )
        if version is None or int(version[1]) not in VERSIONS:
            raise Refused(404, Flaw("NOT_FOUND", "The requested resource does not exist"))
        number = int(version[1])
        match parts[3:]:
            case ["limits"] if request.method == "GET":
                return self._limits()
            case ["sobjects", "Lead", *rest]:
                return await self._of_one(request, rest, number)
            case ["composite", "sobjects", *rest]:
                return await self._of_many(request, rest, number)
            case ["limits"]:
                raise _not_allowed(request)
            case _:
                raise Refused(404, Flaw("NOT_FOUND", "The requested resource does not exist"))

    async def _of_one(self, request: Request, rest: Sequence[str], version: int) -> Answer:
        match request.method, rest:
            case "GET", ["describe"]:
                return self._describe()
            case "POST", []:
                return await self._create(request)
            case "GET", [name, value] if value:
                return self._by_key(name, value, version)
            case "PATCH", [name, value] if value:
                return await self._upsert(request, name, value, version)
            case _:
                raise _not_allowed(request)

    async def _of_many(self, request: Request, rest: Sequence[str], version: int) -> Answer:
        match request.method, rest:
            case "POST", []:
                return await self._collection(request, None)
            case "PATCH", ["Lead", name] if version >= UPSERTS_FROM:
                return await self._collection(request, name)
            case _, [] | ["Lead", _] if not rest or version >= UPSERTS_FROM:
                raise _not_allowed(request)
            case _:
                raise Refused(404, Flaw("NOT_FOUND", "The requested resource does not exist"))

    def _limits(self) -> Answer:
        left = self.org.api_limit - rolled(self.org.requests, self.now)
        storage = 0 if self.state == "storageFull" else 1_000
        limits = {
            "DailyApiRequests": {"Max": self.org.api_limit, "Remaining": left},
            "DataStorageMB": {"Max": 1_024, "Remaining": storage},
        }
        return Answer.json(200, limits)

    def _describe(self) -> Answer:
        allowed = self.state != "readOnly"
        own_id = LeadField("Id", "Lead ID", "id", 18, createable=False)
        fields = [each.described() for each in (own_id, *self._fields)]
        about = {"name": "Lead", "label": "Lead", "createable": allowed, "updateable": allowed, "fields": fields}
        return Answer.json(200, about)

    @property
    def _fields(self) -> tuple[LeadField, ...]:
        return fields_in(self.state, self.org.fields)

    async def _create(self, request: Request) -> Answer:
        values = _record(_body(request))
        flaw = self._flaw(values, None, request)
        await asyncio.sleep(self.work_seconds)
        flaw = flaw or taken(self.org, values, self._fields, None)
        if flaw:
            return self._refusal(values, flaw)
        lead = self._written(values, None, request)
        return Answer.json(201, {"id": lead.id, "success": True, "errors": []}, {"Location": f"/{lead.id}"})

    def _by_key(self, name: str, value: str, version: int) -> Answer:
        """The lead under an external id, whole."""
        name = self._key_field(name, 404, "NOT_FOUND", "Provided external ID field does not exist or is not accessible")
        found = self.org.find(name, value)
        if len(found) > 1:
            return Answer.json(300, [f"/services/data/v{version}.0/sobjects/Lead/{lead.id}" for lead in found])
        if not found:
            raise Refused(404, Flaw("NOT_FOUND", "The requested resource does not exist"))
        (lead,) = found
        about = {"type": "Lead", "url": f"/services/data/v{version}.0/sobjects/Lead/{lead.id}"}
        seen = {each.name: lead.values.get(each.name) for each in self._fields}
        return Answer.json(200, {"attributes": about, "Id": lead.id, "IsConverted": lead.converted} | seen)

    async def _upsert(self, request: Request, name: str, value: str, version: int) -> Answer:
        name = self._key_field(name, 404, "NOT_FOUND", "Provided external ID field does not exist or is not accessible")
        if _FILE_ENDING.fullmatch(value):
            raise Refused(404, Flaw("NOT_FOUND", "The requested resource does not exist"))
        values = _record(_body(request))
        if repeated := [each for each in values if each.lower() in {"id", name.lower()}]:
            text = f"The {repeated[0]} field should not be specified in the sobject data."
            raise Refused(400, Flaw("INVALID_FIELD", text))
        found = self.org.find(name, value)
        if len(found) > 1:
            return Answer.json(300, [f"/services/data/v{version}.0/sobjects/Lead/{lead.id}" for lead in found])
        existing = found[0] if found else None
        if existing is None and _flag(request, "updateOnly"):
            raise Refused(404, Flaw("NOT_FOUND", "The requested resource does not exist"))
        written = values | {name: value}
        flaw = self._flaw(written, existing, request)
        await asyncio.sleep(self.work_seconds)
        flaw = flaw or taken(self.org, written, self._fields, existing)
        if flaw:
            return self._refusal(written, flaw)
        lead = self._written(written, existing, request)
        if existing and version <= 45:
            return Answer(204)
        said = {"id": lead.id, "success": True, "errors": [], "created": existing is None}
        return Answer.json(200 if existing else 201, said)

    async def _collection(self, request: Request, name: str | None) -> Answer:
        """Create each record, or upsert it by the external id ``name``."""
        if name is not None:
            name = self._key_field(name, 400, "INVALID_FIELD", "The given field is no external ID field")
        body = _body(request)
        records = body.get("records")
        if not isinstance(records, list) or not all(isinstance(each, dict) for each in records):
            raise Refused(400, Flaw("JSON_PARSER_ERROR", "records: a list of objects is expected"))
        if len(records) > RECORDS:
            raise Refused(400, Flaw("EXCEEDED_ID_LIMIT", f"record limit reached. cannot submit more than {RECORDS}"))
        if any(_type(each) != "Lead" for each in records):
            raise Refused(400, Flaw("INVALID_INPUT", "each record needs attributes with the type Lead"))
        await asyncio.sleep(self.work_seconds)
        undo = self._checkpoint() if body.get("allOrNone") is True else None
        results = [self._record_result(each, name, records[:place], request) for place, each in enumerate(records)]
        if undo and any(isinstance(each, Flaw) for each in results):
            undo()
            results = [each if isinstance(each, Flaw) else _ROLLED_BACK for each in results]
        said = [_result(each) for each in results]
        if name is None:
            said = [{key: value for key, value in each.items() if key != "created"} for each in said]
        return Answer.json(200, said)

    def _checkpoint(self) -> Callable[[], None]:
        """How to bring leads and arrivals back to what they are now."""
        leads = {lead.id: lead.values for lead in self.org.leads.values()}
        arrivals = [(each, each.values, each.times) for each in self.org.arrivals]

        def undo() -> None:
            for lead in list(self.org.leads.values()):
                if lead.id in leads:
                    self.org.leads.write(lead, leads[lead.id])
                else:
                    self.org.leads.drop(lead)
            self.org.arrivals = [each for each, _, _ in arrivals]
            self.org.arrived = {key: each for key, each in self.org.arrived.items() if key in leads}
            for each, values, times in arrivals:
                each.values, each.times = values, times

        return undo

    def _record_result(
        self, record: dict[str, object], name: str | None, earlier: Sequence[dict[str, object]], request: Request
    ) -> Flaw | tuple[StoredLead, bool]:
        values = _record(record)
        if "Id" in values:
            return Flaw("INVALID_FIELD", "The Id field should not be specified in the sobject data.")
        if name is None:
            return self._put(values, None, request)
        key = values.get(name)
        if not isinstance(key, str) or not key:
            return Flaw("MISSING_ARGUMENT", f"{name} not specified")
        if any(str(each.get(name)).casefold() == key.casefold() for each in earlier):
            return Flaw("DUPLICATE_VALUE", f"Duplicate external id specified: {key}")
        found = self.org.find(name, key)
        if len(found) > 1:
            return Flaw("DUPLICATE_EXTERNAL_ID", f"{name}: more than one record found for external id field")
        return self._put(values, found[0] if found else None, request)

    def _put(
        self, values: dict[str, object], existing: StoredLead | None, request: Request
    ) -> Flaw | tuple[StoredLead, bool]:
        flaw = self._flaw(values, existing, request) or taken(self.org, values, self._fields, existing)
        if flaw:
            self._note(values, flaw)
            return flaw
        return self._written(values, existing, request), existing is None

    def _key_field(self, name: str, status: int, code: str, text: str) -> str:
        """The field as the org spells it; raises :class:`Refused` when it is no external id that this user sees."""
        found = (each.name for each in self._fields if each.external_id and each.name.lower() == name.lower())
        key = next(found, None)
        if key is None:
            raise Refused(status, Flaw(code, f"{text}: {name}"))
        return key

    def _flaw(self, values: Mapping[str, object], existing: StoredLead | None, request: Request) -> Flaw | None:
        """Why the record is not written; whether a unique value is taken is looked at when it is."""
        fields = self._fields
        whole = (existing.values if existing else {}) | dict(values)
        refused = WRITE_REFUSALS.get(self.state)
        return (
            unwritable(values, fields)
            or (_CONVERTED if existing and existing.converted else None)
            or misfit(values, fields)
            or self._owner_flaw(values)
            or incomplete(whole, fields)
            or (refused[1] if refused else None)
            or (None if existing else self._duplicate(values, request))
        )

    def _owner_flaw(self, values: Mapping[str, object]) -> Flaw | None:
        owner = values.get("OwnerId")
        if not owner or any(str(owner)[:15] == user[:15] for user in self.org.users):
            return None
        return Flaw("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", ("OwnerId",))

    def _duplicate(self, values: Mapping[str, object], request: Request) -> Flaw | None:
        """What the org's duplicate rule says; one that only alerts is passed with ``allowSave=true``."""
        alerts = self.state == "duplicateRuleAlert"
        if not alerts and self.state != "duplicateRuleBlock":
            return None
        header = request.headers.get("sforce-duplicate-rule-header", "").replace(" ", "").lower()
        other = same_person(self.org, values)
        if other is None or (alerts and "allowsave=true" in header.split(";")):
            return None
        text = "You're creating a duplicate record. We recommend you use an existing record instead."
        match = {"entityType": "Lead", "matchRecords": [{"record": {"attributes": {"type": "Lead"}, "Id": other.id}}]}
        result = {"allowSave": alerts, "duplicateRule": "Leads", "errorMessage": text, "matchResults": [match]}
        spelling = "duplicateResut" if alerts else "duplicateResult"  # both are seen in real answers
        return Flaw("DUPLICATES_DETECTED", text, more={spelling: result})

    def _refusal(self, values: dict[str, object], flaw: Flaw) -> Answer:
        self._note(values, flaw)
        refused = WRITE_REFUSALS.get(self.state)
        status = refused[0] if refused and refused[1] is flaw else STATUSES.get(flaw.code, 400)
        return Answer.json(status, [_error(flaw, "errorCode")])

    def _note(self, values: Mapping[str, object], flaw: Flaw) -> None:
        self.org.arrivals.append(Arrival("rest", "refused", self.now, dict(values), reason=flaw.code))

    def _written(self, values: Mapping[str, object], existing: StoredLead | None, request: Request) -> StoredLead:
        """Write the lead; the active assignment rule gives it an owner, unless the request says that it may not."""
        assigned = bool(self.org.assigns_to) and request.headers.get("sforce-auto-assign", "").lower() != "false"
        owner = {"OwnerId": self.org.assigns_to} if assigned else {}
        lead = self.org.store({**values, **owner}, existing)
        arrival = self.org.arrived.get(lead.id)
        if arrival is None:
            arrival = Arrival("rest", "created", self.now, lead.values, lead.id)
            self.org.arrivals.append(arrival)
            self.org.arrived[lead.id] = arrival
        else:
            arrival.values, arrival.times = lead.values, arrival.times + 1
        arrival.assigned += assigned
        return lead


def _not_allowed(request: Request) -> Refused:
    return Refused(405, Flaw("METHOD_NOT_ALLOWED", f"HTTP Method '{request.method}' not allowed."))


def _body(request: Request) -> dict[str, object]:
    if request.content_type != "application/json":
        text = f"Content type {request.content_type or 'none'} not supported; JSON is"
        raise Refused(415, Flaw("UNSUPPORTED_MEDIA_TYPE", text))
    try:
        body = request.json()
    except ValueError:
        raise Refused(400, Flaw("JSON_PARSER_ERROR", "Unexpected character at [line:1, column:1]")) from None
    if not isinstance(body, dict):
        raise Refused(400, Flaw("JSON_PARSER_ERROR", "Can not deserialize: an object is expected"))
    return body


def _record(body: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in body.items() if name != "attributes"}


def _type(record: Mapping[str, object]) -> object:
    attributes = record.get("attributes")
    return attributes.get("type") if isinstance(attributes, dict) else None


def _flag(request: Request, name: str) -> bool:
    return parse_qs(urlsplit(request.target).query).get(name) == ["true"]


def _error(flaw: Flaw, code: str) -> dict[str, object]:
    fields = {"fields": list(flaw.fields)} if flaw.fields or code == "statusCode" else {}
    return {"message": flaw.message, code: flaw.code} | fields | dict(flaw.more)


def _result(result: Flaw | tuple[StoredLead, bool]) -> dict[str, object]:
    if isinstance(result, Flaw):
        return {"success": False, "errors": [_error(result, "statusCode")]}
    lead, created = result
    return {"id": lead.id, "success": True, "errors": [], "created": created}
