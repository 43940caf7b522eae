"""The REST API of an org: leads one by one; where several, queries, and what the org tells of itself are found.

The states that refuse everything are in :data:`.REFUSALS`, those that
refuse what is written in :data:`.WRITE_REFUSALS`; what the request or the record does wrong is refused in every state.
A lead that is being written is not seen by another request until ``work_seconds`` later: two upserts of one external
id at the same time make one lead and one ``DUPLICATE_VALUE``.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from urllib.parse import unquote

from leadkeeper.sandbox.salesforce import describe as salesforce_describe
from leadkeeper.sandbox.salesforce import query as salesforce_query
from leadkeeper.sandbox.salesforce.collections import of_many
from leadkeeper.sandbox.salesforce.composite import composite
from leadkeeper.sandbox.salesforce.describe import VERSIONS
from leadkeeper.sandbox.salesforce.errors import Refused, body_of, not_allowed, not_there
from leadkeeper.sandbox.salesforce.fields import field_named
from leadkeeper.sandbox.salesforce.org import Flaw, Org, StoredLead, rolled, taken
from leadkeeper.sandbox.salesforce.records import Records
from leadkeeper.sandbox.salesforce.states import REFUSALS
from leadkeeper.sandbox.salesforce.views import moment, record, whole
from leadkeeper.sandbox.stand_in import Answer, Request

_FILE_ENDING: Final = re.compile(r".*@.*\.(inc|json|xml|html|txt)", re.IGNORECASE)
_NO_KEY: Final = "Provided external ID field does not exist or is not accessible"


@dataclass(slots=True)
class Rest:
    """One request to the API of ``org`` in ``state``."""

    org: Org
    state: str
    now: float
    work_seconds: float = 0.0

    @property
    def records(self) -> Records:
        """The org's leads as the API user has them."""
        return Records(self.org, self.state, self.now)

    async def answer(self, request: Request) -> Answer:
        """Do it. What is refused is a JSON array of errors; only maintenance says so in HTML."""
        if self.state == "maintenance":
            return Answer.html(503, "<html><body><h1>Down for Maintenance</h1></body></html>")
        if self.state == "noRoute":
            return Answer.html(420, "<html><body><h1>No routing information for this host</h1></body></html>")
        if request.method == "GET" and request.path in {"/services/data", "/services/data/"}:
            return salesforce_describe.versions()
        other = request.query.get("_HttpMethod") if request.method == "POST" else None
        try:
            self._admit(request)
            message = await self._routed(replace(request, method=other.upper()) if other else request)
        except Refused as refused:
            message = refused.answer()
        used = rolled(self.org.requests, self.now)
        return message.with_headers({"Sforce-Limit-Info": f"api-usage={used}/{self.org.api_limit}"})

    def _admit(self, request: Request) -> None:
        """The session, and what the org allows altogether; the request counts from here on."""
        scheme, _, session = request.headers.get("authorization", "").partition(" ")
        alive = self.org.sessions.get(session, 0.0) > self.now
        if scheme not in {"Bearer", "OAuth"} or not alive or self.state == "sessionRefused":
            raise Refused(401, Flaw("INVALID_SESSION_ID", "Session expired or invalid"))
        if rolled(self.org.requests, self.now) >= self.org.api_limit:
            raise Refused(403, Flaw("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."))
        if self.state in REFUSALS:
            status, code, text = REFUSALS[self.state]
            raise Refused(status, Flaw(code, text))
        self.org.requests.append(self.now)

    async def _routed(self, request: Request) -> Answer:
        path = request.raw_path.removesuffix("/")
        parts = [unquote(part) for part in path.split("/")[1:]]
        version = (
            re.fullmatch(r"v(\d\d)\.0", parts[2]) if parts[:2] == ["services", "data"] and len(parts) > 2 else None
        )
        if version is None or int(version[1]) not in VERSIONS:
            raise not_there()
        number = int(version[1])
        match parts[3:]:
            case ["sobjects", "Lead" | "lead" | "LEAD", *rest]:
                return await self._of_one(request, rest, number)
            case ["composite", "sobjects", *rest]:
                return await of_many(self.records, request, rest, number, self.work_seconds)
            case ["composite"] if request.method == "POST":
                return await composite(self.org, request, self._routed)
            case [] | ["limits"] | ["sobjects"] | ["query"] | ["queryAll"] | ["composite"] if request.method != "GET":
                raise not_allowed(request)
            case rest if request.method == "GET":
                return self._summary(request, rest, number)
            case _:
                raise not_there()

    def _summary(self, request: Request, rest: Sequence[str], version: int) -> Answer:
        """What is read, but for a lead by its id."""
        match rest:
            case []:
                return salesforce_describe.resources(self.org, version)
            case ["limits"]:
                return salesforce_describe.limits(self.records)
            case ["sobjects"]:
                return salesforce_describe.every_object(self.records, version)
            case ["query" | "queryAll" as which]:
                return salesforce_query.query(self.records, request, version, deleted=which == "queryAll")
            case ["query" | "queryAll", locator]:
                return salesforce_query.more(self.records, request, locator, version)
            case _:
                raise not_there()

    async def _of_one(self, request: Request, rest: Sequence[str], version: int) -> Answer:
        match request.method, rest:
            case "GET", []:
                return salesforce_describe.about_lead(self.records, version)
            case "GET", ["describe"]:
                return salesforce_describe.lead(self.records, version)
            case "GET", ["updated" | "deleted" as which]:
                return self._changed(request, which)
            case "POST", []:
                return await self._create(request)
            case "GET" | "PATCH" | "DELETE", [number]:
                return await self._by_id(request, number, version)
            case "PATCH", [name, value] if value and name.lower() != "id":
                return await self._upsert(request, name, value, version)
            case "GET" | "PATCH" | "DELETE", [name, value] if value:
                return await self._by_key(request, name, value, version)
            case _:
                raise not_allowed(request)

    async def _create(self, request: Request) -> Answer:
        records = self.records
        values = records.values(body_of(request))
        flaw = records.flaw(values, None, request)
        await asyncio.sleep(self.work_seconds)
        flaw = flaw or taken(self.org, values, records.fields, None)
        if flaw:
            return records.refusal(values, flaw)
        lead = records.write(values, None, request)
        where = f"{request.raw_path.removesuffix('/')}/{lead.id}"
        return Answer.json(201, {"id": lead.id, "success": True, "errors": []}, {"Location": where})

    async def _by_id(self, request: Request, number: str, version: int) -> Answer:
        """Read, change or delete the lead with this id."""
        lead = self.records.by_id(number)
        if request.method == "GET":
            return self._shown(request, lead, version)
        if request.method == "DELETE":
            return await self._delete(lead)
        return await self._change(request, lead, {}) or Answer(204)

    async def _by_key(self, request: Request, name: str, value: str, version: int) -> Answer:
        """The same by an external id, or by ``Id`` written out as one."""
        if name.lower() == "id":
            lead = self.records.by_id(value)
            if request.method == "PATCH":
                message = {"id": lead.id, "success": True, "errors": [], "created": False}
                return await self._change(request, lead, {}) or Answer.json(200, message)
            return await self._by_id(request, value, version)
        name = self.records.key_field(name, 404, "NOT_FOUND", _NO_KEY)
        found = self.org.find(name, value)
        if len(found) > 1:
            return self._several(found, version)
        if not found:
            raise not_there()
        return await self._delete(found[0]) if request.method == "DELETE" else self._shown(request, found[0], version)

    async def _upsert(self, request: Request, name: str, value: str, version: int) -> Answer:
        records = self.records
        name = records.key_field(name, 404, "NOT_FOUND", _NO_KEY)
        if _FILE_ENDING.fullmatch(value):
            raise not_there()
        found = self.org.find(name, value)
        if len(found) > 1:
            return self._several(found, version)
        existing = found[0] if found else None
        if existing is None and request.query.get("updateOnly") == "true":
            raise not_there()
        refused = await self._change(request, existing, {name: value})
        if refused:
            return refused
        if existing and version <= 45:
            return Answer(204)
        (lead,) = self.org.find(name, value)
        message = {"id": lead.id, "success": True, "errors": [], "created": existing is None}
        return Answer.json(200 if existing else 201, message)

    async def _change(self, request: Request, existing: StoredLead | None, key: dict[str, object]) -> Answer | None:
        """Write the body and ``key`` over ``existing``, or as a new lead; an answer when that is refused."""
        records = self.records
        values = records.values(body_of(request))
        if repeated := next((each for each in values if each == "Id" or each in key), None):
            text = f"The {repeated} field should not be specified in the sobject data."
            raise Refused(400, Flaw("INVALID_FIELD", text))
        values |= key
        flaw = records.flaw(values, existing, request)
        await asyncio.sleep(self.work_seconds)
        flaw = flaw or taken(self.org, values, records.fields, existing)
        if flaw:
            return records.refusal(values, flaw)
        records.write(values, existing, request)
        return None

    async def _delete(self, lead: StoredLead) -> Answer:
        if flaw := self.records.delete_flaw():
            return self.records.message(flaw)
        await asyncio.sleep(self.work_seconds)
        self.org.delete(lead, self.now)
        return Answer(204)

    def _several(self, found: Sequence[StoredLead], version: int) -> Answer:
        return Answer.json(300, [f"/services/data/v{version}.0/sobjects/Lead/{lead.id}" for lead in found])

    def _shown(self, request: Request, lead: StoredLead, version: int) -> Answer:
        """The lead whole, or only the ``fields`` that the query names, with its id behind."""
        fields = self.records.fields
        names = [each.strip() for each in request.query.get("fields", "").split(",") if each.strip()]
        wanted = [field_named(name, fields) for name in names]
        if None in wanted:
            unknown = names[wanted.index(None)]
            raise Refused(400, Flaw("INVALID_FIELD", f"No such column '{unknown}' on sobject of type Lead"))
        values = whole(self.org, lead, [each for each in wanted if each] or fields)
        return Answer.json(200, record(lead, version, values | {"Id": lead.id}))

    def _changed(self, request: Request, which: str) -> Answer:
        """The ids of leads written or deleted between two moments."""
        try:
            start, end = (datetime.fromisoformat(request.query[name]).timestamp() for name in ("start", "end"))
        except (KeyError, ValueError):
            raise Refused(400, Flaw("INVALID_REPLICATION_DATE", "start and end are dates with a time zone")) from None
        covered = {"latestDateCovered": moment(min(end, self.now))}
        if which == "updated":
            ids = [each.id for each in self.org.leads.values() if start <= each.modified <= end]
            return Answer.json(200, {"ids": ids} | covered)
        gone = [(each.id, each.deleted) for each in self.org.bin.values() if each.deleted is not None]
        shown = [{"id": number, "deletedDate": moment(at)} for number, at in gone if start <= at <= end]
        first = min((each["deletedDate"] for each in shown), default=moment(start))
        return Answer.json(200, {"deletedRecords": shown, "earliestDateAvailable": first} | covered)
