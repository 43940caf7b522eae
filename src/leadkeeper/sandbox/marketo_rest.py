"""Marketo's REST API: tokens, forms and leads, with errors inside answers that say 200.

Source: ``facts/destination-protocols.md`` 4.2 and Adobe's tables of codes. Codes are texts. A lead is looked up, then
``work_seconds`` pass, then it is written: two calls for one e-mail address at the same time make two people, as in
reality.
"""

from __future__ import annotations

import asyncio
import secrets
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

from leadkeeper.sandbox.marketo_leads import Person, PersonField, Reason, Subscription, misfit, within
from leadkeeper.sandbox.marketo_states import REFUSALS, SKIPS
from leadkeeper.sandbox.stand_in import Answer, Request

BODY_BYTES: Final = 1024 * 1024
URI_BYTES: Final = 8 * 1024
RECORDS: Final = 300
QUOTA_ZONE: Final = ZoneInfo("America/Chicago")
ACTIONS: Final = ("createOrUpdate", "createOnly", "updateOnly", "createDuplicate")
LOOKUPS: Final = ("email", "marketplaceLeadId")

Result = dict[str, object]
Outcome = Reason | tuple[Person, str]
"""Why a record is skipped, or who it became and the status."""


class Refused(Exception):
    """The call is refused as a whole."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def token(request: Request, subscription: Subscription, state: str, now: float) -> Answer:
    """The identity endpoint: the same token until it ends, with what is left of its life."""
    asked = dict(parse_qsl(urlsplit(request.target).query))
    if request.method == "POST" and request.content_type == "application/x-www-form-urlencoded":
        asked |= request.form()
    if asked.get("grant_type") != "client_credentials":
        return _no_token(400, "unsupported_grant_type", "Unsupported grant type")
    if state == "clientUnknown" or asked.get("client_id") != subscription.client_id:
        return _no_token(401, "unauthorized", f"No client with requested id: {asked.get('client_id', '')}")
    if state == "secretWrong" or asked.get("client_secret") != subscription.client_secret:
        return _no_token(401, "invalid_client", "Bad client credentials")
    alive = next((each for each, until in subscription.tokens.items() if until > now), None)
    if alive is None:
        alive = f"{uuid.uuid4()}:{subscription.server_id}"
        subscription.tokens[alive] = now + subscription.token_seconds
    left = int(subscription.tokens[alive] - now)
    given = {"access_token": alive, "token_type": "bearer", "expires_in": left, "scope": "api@contoso.com"}
    return Answer.json(200, given)


def _no_token(status: int, error: str, text: str) -> Answer:
    return Answer.json(status, {"error": error, "error_description": text})


@dataclass(slots=True)
class Rest:
    """One call to the API of ``subscription`` in ``state``."""

    subscription: Subscription
    state: str
    now: float
    work_seconds: float = 0.0

    async def answer(self, request: Request) -> Answer:
        """Do it. HTTP statuses other than 200 are for what is too big and for a gateway in trouble."""
        if self.state == "gatewayDown":
            return Answer.html(503, "<html><body><h1>Service Unavailable</h1></body></html>")
        if len(request.body) > BODY_BYTES:
            return Answer.html(413, "<html><body><h1>Request Entity Too Large</h1></body></html>")
        if len(request.target) > URI_BYTES:
            return Answer.html(414, "<html><body><h1>Request-URI Too Long</h1></body></html>")
        try:
            self._admit(request)
            return _said({"success": True} | await self._worked(request))
        except Refused as refused:
            return _said({"success": False, "errors": [{"code": refused.code, "message": str(refused)}]})

    def _admit(self, request: Request) -> None:
        """The token, the state, and the limits; the call counts from here on."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Refused("600", "Empty access token in request")
        if token not in self.subscription.tokens or self.state == "tokenRefused":
            raise Refused("601", "Access token invalid")
        if self.subscription.tokens[token] <= self.now:
            raise Refused("602", "Access token expired")
        if self.state in REFUSALS:
            raise Refused(*REFUSALS[self.state])
        self._count()

    def _count(self) -> None:
        there = self.subscription
        day = datetime.fromtimestamp(self.now, UTC).astimezone(QUOTA_ZONE).date().isoformat()
        if there.days.get(day, 0) >= there.daily_limit:
            raise Refused("607", "Daily quota reached")
        if within(there.calls, self.now, there.rate_seconds) >= there.rate_limit:
            raise Refused("606", f"Max rate limit '{there.rate_limit}' exceeded with in '{there.rate_seconds:g}' secs")
        if there.under_way >= there.concurrent:
            raise Refused("615", "Concurrent access limit reached")
        there.calls.append(self.now)
        there.days[day] = there.days.get(day, 0) + 1

    async def _worked(self, request: Request) -> Result:
        self.subscription.under_way += 1
        try:
            return await self._routed(request)
        finally:
            self.subscription.under_way -= 1

    async def _routed(self, request: Request) -> Result:
        calls: dict[str, tuple[str, Callable[[Request], Awaitable[Result]]]] = {
            "/rest/v1/leads/submitForm.json": ("POST", self._submit_form),
            "/rest/v1/leads.json": ("POST", self._sync_leads),
            "/rest/v1/leads/describe.json": ("GET", self._describe),
        }
        found = ("GET", self._form) if request.path.startswith("/rest/asset/v1/form/") else calls.get(request.path)
        if found is None:
            raise Refused("610", "Requested resource not found")
        method, call = found
        if request.method != method:
            raise Refused("605", f"HTTP Method '{request.method}' not supported")
        return await call(request)

    async def _describe(self, request: Request) -> Result:
        await asyncio.sleep(self.work_seconds)
        return {"result": [_described(number, each) for number, each in enumerate(self.subscription.fields, 1)]}

    async def _form(self, request: Request) -> Result:
        """A form, or its fields; for asset calls a role of its own is needed."""
        if self.state == "assetRoleMissing":
            raise Refused("603", "Access denied")
        await asyncio.sleep(self.work_seconds)
        number, _, rest = request.path.removeprefix("/rest/asset/v1/form/").removesuffix(".json").partition("/")
        form = self.subscription.form(number)
        if rest not in {"", "fields"}:
            raise Refused("610", "Requested resource not found")
        if form is None or self.state == "formMissing":
            return {"warnings": ["No assets found for the given search criteria."]}
        if rest:
            fields = self.subscription.on_form(form)
            return {"result": [_form_field(each, each.form in form.required) for each in fields]}
        status = "approved" if form.approved else "draft"
        return {"result": [{"id": form.id, "name": form.name, "status": status, "language": "English"}]}

    async def _submit_form(self, request: Request) -> Result:
        body = _body(request)
        records = _records(body)
        if "formId" not in body:
            raise Refused("701", "formId cannot be blank")
        if len(records) != 1:
            raise Refused("1003", "Invalid data: one record is expected")
        found = self.subscription.form(str(body["formId"]))
        if found is None or not found.approved or self.state == "formMissing":
            return _results([Reason("1013", f"Object not found: form {body['formId']}")])
        if "programId" in body and body["programId"] not in self.subscription.programs:
            return _results([Reason("1013", f"Object not found: program {body['programId']}")])
        values = records[0].get("leadFormFields")
        if not isinstance(values, dict):
            raise Refused("701", "leadFormFields cannot be blank")
        fields = self.subscription.on_form(found)
        needed = ["email", *(each.rest for each in fields if each.form in found.required)]
        reason = _cookie_reason(records[0]) or misfit(values, fields) or _missing(values, needed)
        return _results([reason or await self._written(values, "createOrUpdate", "email", self.work_seconds)])

    async def _sync_leads(self, request: Request) -> Result:
        body = _body(request)
        records = _records(body)
        action, lookup = body.get("action", "createOrUpdate"), body.get("lookupField", "email")
        if action not in ACTIONS:
            raise Refused("1003", f"Invalid data: action '{action}'")
        if len(records) > RECORDS:
            raise Refused("1003", f"Invalid data: more than {RECORDS} records")
        if lookup not in LOOKUPS:
            raise Refused("1011", f"Field '{lookup}' not supported")
        partition = body.get("partitionName", self.subscription.partitions[0])
        if partition not in self.subscription.partitions:
            return _results([Reason("1008", f"Access denied to partition '{partition}'") for _ in records])
        needed = [] if action == "createDuplicate" else [str(lookup)]
        outcomes: list[Outcome] = []
        for each in records:
            reason = misfit(each, self.subscription.fields) or _missing(each, needed)
            pause = self.work_seconds / len(records)
            outcomes.append(reason or await self._written(each, str(action), str(lookup), pause))
        return _results(outcomes)

    async def _written(self, values: Mapping[str, object], action: str, lookup: str, pause: float) -> Outcome:
        """Look, take time, write. What another call writes meanwhile is not seen."""
        if self.state in SKIPS:
            return Reason(*SKIPS[self.state])
        found = [] if action == "createDuplicate" else self.subscription.find(lookup, values.get(lookup))
        await asyncio.sleep(pause)
        if len(found) > 1:
            return Reason("1007", "Multiple leads match the lookup criteria")
        if found and action == "createOnly":
            return Reason("1005", "Lead already exists")
        if not found and action == "updateOnly":
            return Reason("1004", "Lead not found")
        if found:
            self.subscription.update(found[0], values)
            return found[0], "updated"
        return self.subscription.create("rest", self.now, values), "created"


def _said(data: Mapping[str, object]) -> Answer:
    number = f"{secrets.token_hex(2)}#{secrets.token_hex(6)[:11]}"
    return Answer.json(200, {"requestId": number} | dict(data))


def _body(request: Request) -> dict[str, object]:
    if request.content_type != "application/json":
        raise Refused("612", "Invalid Content Type")
    try:
        body = request.json()
    except ValueError:
        raise Refused("609", "Invalid JSON") from None
    if not isinstance(body, dict):
        raise Refused("609", "Invalid JSON")
    return body


def _records(body: Mapping[str, object]) -> list[dict[str, object]]:
    records = body.get("input")
    if not isinstance(records, list) or not records:
        raise Refused("701", "input cannot be blank")
    if not all(isinstance(each, dict) for each in records):
        raise Refused("609", "Invalid JSON")
    return records


def _missing(values: Mapping[str, object], needed: Sequence[str]) -> Reason | None:
    empty = next((name for name in needed if not values.get(name)), None)
    return Reason("1002", f"Missing value for the required parameter '{empty}'") if empty else None


def _cookie_reason(record: Mapping[str, object]) -> Reason | None:
    cookie = record.get("cookie")
    if cookie is None or (isinstance(cookie, str) and "token:_mch-" in cookie):
        return None
    return Reason("1012", f"Invalid cookie value '{cookie}'")


def _results(outcomes: Sequence[Outcome]) -> Result:
    return {"result": [_result(each) for each in outcomes]}


def _result(outcome: Outcome) -> Result:
    if isinstance(outcome, Reason):
        return {"status": "skipped", "reasons": [{"code": outcome.code, "message": outcome.message}]}
    person, status = outcome
    return {"id": person.id, "status": status}


def _described(number: int, each: PersonField) -> Result:
    return {
        "id": number,
        "displayName": each.label,
        "dataType": each.kind,
        **({"length": each.length} if each.length else {}),
        "rest": {"name": each.rest, "readOnly": False},
        "soap": {"name": each.form, "readOnly": False},
    }


def _form_field(each: PersonField, required: bool) -> Result:
    return {"id": each.form, "label": f"{each.label}:", "dataType": each.kind, "required": required}
