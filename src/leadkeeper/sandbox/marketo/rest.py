"""Marketo's REST API: tokens, what may be called and how often; errors stand inside answers that say 200.

Source: Adobe's tables of codes. Codes are texts. What the calls do is in
:mod:`.marketo_writing`, :mod:`.marketo_reading` and :mod:`.marketo_activities`.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

from leadkeeper.sandbox.marketo import activities as marketo_activities
from leadkeeper.sandbox.marketo import reading as marketo_reading
from leadkeeper.sandbox.marketo.answers import Refused, Result, asked, not_there
from leadkeeper.sandbox.marketo.leads import Subscription, within
from leadkeeper.sandbox.marketo.states import REFUSALS
from leadkeeper.sandbox.marketo.writing import Writing
from leadkeeper.sandbox.stand_in import Answer, Request

BODY_BYTES: Final = 1024 * 1024
URI_BYTES: Final = 8 * 1024
QUOTA_ZONE: Final = ZoneInfo("America/Chicago")
_OF_ONE: Final = re.compile(r"leads/(\d+)/(associate|merge)")
_LEAD: Final = re.compile(r"lead/(\d+)")


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
            return _message({"success": True} | await self._worked(request))
        except Refused as refused:
            counted = self.subscription.errors.setdefault(self._day, {})
            counted[refused.code] = counted.get(refused.code, 0) + 1
            return _message({"success": False, "errors": [{"code": refused.code, "message": str(refused)}]})

    @property
    def _day(self) -> str:
        """Today, as quotas have it."""
        return datetime.fromtimestamp(self.now, UTC).astimezone(QUOTA_ZONE).date().isoformat()

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
        day = self._day
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
        """Find the call by method and path; a form with ``_method=GET`` reads."""
        method = request.method
        if method == "POST" and asked(request).get("_method", "").upper() == "GET":
            method = "GET"
        path = request.path.removesuffix(".json")
        if path.startswith("/rest/asset/v1/form"):
            return await self._forms(request, method, path.removeprefix("/rest/asset/v1/"))
        name = path.removeprefix("/rest/v1/")
        reads, writes = self._reads(request, name), self._writes(request, name)
        if name == path or (name not in reads and not any(name == there for _, there in writes)):
            raise not_there()
        if method == "GET" and name in reads:
            await asyncio.sleep(self.work_seconds)
            return reads[name]()
        if (method, name) not in writes:
            raise Refused("605", f"HTTP Method '{request.method}' not supported")
        return await writes[method, name]()

    def _reads(self, request: Request, name: str) -> Mapping[str, Callable[[], Result]]:
        """What can be read, by the path below ``/rest/v1/``."""
        there, today = self.subscription, self._day
        changes = ("activities", "activities/leadchanges", "activities/deletedleads")
        what = name.removeprefix("activities/")
        found = _LEAD.fullmatch(name)
        one = {name: lambda: marketo_reading.lead(there, request, found[1])} if found else {}
        return one | {
            "leads": lambda: marketo_reading.leads(there, request),
            "leads/describe": lambda: marketo_reading.describe(there),
            "leads/describe2": lambda: marketo_reading.describe2(there),
            "leads/partitions": lambda: marketo_reading.partitions(there),
            "activities/types": marketo_activities.types,
            "activities/pagingtoken": lambda: marketo_activities.paging_token(request),
            **dict.fromkeys(changes, lambda: marketo_activities.activities(there, request, what)),
            "stats/usage": lambda: marketo_reading.usage(there, today, 1),
            "stats/usage/last7days": lambda: marketo_reading.usage(there, today, 7),
            "stats/errors": lambda: marketo_reading.errors(there, today, 1),
            "stats/errors/last7days": lambda: marketo_reading.errors(there, today, 7),
        }

    def _writes(self, request: Request, name: str) -> Mapping[tuple[str, str], Callable[[], Awaitable[Result]]]:
        """What can be changed, by method and the path below ``/rest/v1/``."""
        writing = Writing(self.subscription, self.state, self.now, self.work_seconds)
        found = _OF_ONE.fullmatch(name)
        one = {("POST", name): lambda: writing.of_one(request, found[1], found[2])} if found else {}
        return one | {
            ("POST", "leads"): lambda: writing.sync(request),
            ("DELETE", "leads"): lambda: writing.delete(request),
            ("POST", "leads/delete"): lambda: writing.delete(request),
            ("POST", "leads/submitForm"): lambda: writing.submit_form(request),
            ("POST", "leads/push"): lambda: writing.push(request),
            ("POST", "leads/partitions"): lambda: writing.move(request),
        }

    async def _forms(self, request: Request, method: str, path: str) -> Result:
        """Forms as assets; for these calls a role of its own is needed."""
        if method != "GET":
            raise Refused("605", f"HTTP Method '{request.method}' not supported")
        if self.state == "assetRoleMissing":
            raise Refused("603", "Access denied")
        await asyncio.sleep(self.work_seconds)
        return marketo_reading.forms(self.subscription, request, path, missing=self.state == "formMissing")


def _message(data: Mapping[str, object]) -> Answer:
    number = f"{secrets.token_hex(2)}#{secrets.token_hex(6)[:11]}"
    return Answer.json(200, {"requestId": number} | dict(data))
