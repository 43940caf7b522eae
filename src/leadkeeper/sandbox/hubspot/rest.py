"""HubSpot's REST API: who may call, how often, and which call it is.

Source: ``docs/reference/vendors/hubspot.md``. Paths with numbers (``/crm/v3/objects``) and with dates
(``/crm/objects/2026-03``) are the same calls.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from leadkeeper.sandbox.hubspot import about, errors
from leadkeeper.sandbox.hubspot.account import CONTACTS, TYPES, Account, Token, within
from leadkeeper.sandbox.hubspot.errors import Refused, invalid
from leadkeeper.sandbox.hubspot.objects import Body, Objects
from leadkeeper.sandbox.hubspot.search import search
from leadkeeper.sandbox.hubspot.states import EXPIRED_TOKEN, LACKING, REFUSALS, UNKNOWN_TOKEN, Refusal
from leadkeeper.sandbox.stand_in import Answer, Request

URI_BYTES: Final = 8 * 1024
_DATE: Final = r"20\d\d-(?:03|09)"
_OLD_PATHS: Final = (
    (re.compile(rf"/crm/objects/{_DATE}/([^/]+/[^/]+/associations/.+)"), r"/crm/v4/objects/\1"),
    (re.compile(rf"/crm/objects/{_DATE}/(.+)"), r"/crm/v3/objects/\1"),
    (re.compile(rf"/crm/properties/{_DATE}/(.+)"), r"/crm/v3/properties/\1"),
    (re.compile(rf"/crm/associations/{_DATE}/(.+)"), r"/crm/v4/associations/\1"),
    (re.compile(rf"/account-info/{_DATE}/(.+)"), r"/account-info/v3/\1"),
)
_OBJECTS: Final = re.compile(r"/crm/v3/objects/([^/]+)(?:/(.+))?")
_PROPERTIES: Final = re.compile(r"/crm/v3/properties/([^/]+)(?:/([^/]+))?")
_LABELS: Final = re.compile(r"/crm/v4/associations/([^/]+)/([^/]+)/labels")
_TIES: Final = re.compile(r"/crm/v4/objects/([^/]+)/([^/]+)/associations/([^/]+)")
_BATCH: Final = frozenset({"batch/read", "batch/create", "batch/update", "batch/upsert", "batch/archive"})
_PAGE: Final = "<html><head><title>{0}</title></head><body><h1>Error {0}</h1></body></html>"


@dataclass(slots=True)
class Rest:
    """One call to the API in ``state``; ``accounts`` are told apart by their tokens."""

    accounts: Sequence[Account]
    state: str
    now: float
    work_seconds: float = 0.0

    async def answer(self, request: Request) -> Answer:
        """Do it, within the limits, which every answer but that of a search tells."""
        if len(request.target) > URI_BYTES:
            return Answer.html(414, _PAGE.format(414))
        path = _old(request.path)
        account, token = None, None
        searches = path.endswith("/search")
        try:
            account, token = admitted(self.accounts, request, self.state)
            self._count(account, token, searches=searches)
            answer = await self._routed(account, token, request, path)
        except Refused as refused:
            answer = refused.answer()
        except Down as down:
            answer = Answer.html(down.status, _PAGE.format(down.status))
        summary = {} if account is None or token is None or searches else _limits(account, token, self.now)
        return answer.with_headers(summary)

    def _count(self, account: Account, token: Token, *, searches: bool) -> None:
        day = account.day(self.now)
        if account.days.get(day, 0) >= account.daily:
            raise errors.over_limit("DAILY")
        if searches and within(account.search_calls, self.now, 1.0) >= account.searches:
            raise errors.over_limit("SECONDLY")
        if within(token.calls, self.now, account.burst_seconds) >= account.burst:
            raise errors.over_limit("TEN_SECONDLY_ROLLING")
        token.calls.append(self.now)
        account.days[day] = account.days.get(day, 0) + 1
        if searches:
            account.search_calls.append(self.now)

    async def _routed(self, account: Account, token: Token, request: Request, path: str) -> Answer:
        if found := _OBJECTS.fullmatch(path):
            return await self._objects(account, token, request, found[1], found[2] or "")
        if request.method == "GET" and path.startswith("/account-info/v3/"):
            return Answer.json(200, about.account(account, path.removeprefix("/account-info/v3/"), self.now))
        if request.method == "GET" and (found := _PROPERTIES.fullmatch(path)):
            kind = self._kind(account, token, found[1], "read", "write", "schemas")
            return Answer.json(200, about.properties(account, kind, found[2] or "", self.state))
        if request.method == "GET" and (found := _LABELS.fullmatch(path)):
            kinds = [self._kind(account, token, name, "read") for name in (found[1], found[2])]
            return Answer.json(200, about.labels(kinds[0], kinds[1]))
        if request.method == "GET" and (found := _TIES.fullmatch(path)):
            kinds = [self._kind(account, token, name, "read") for name in (found[1], found[3])]
            return Answer.json(200, about.ties(account, kinds[0], found[2], kinds[1]))
        raise Refused(404, errors.NOT_FOUND, "No resource with given path.")

    async def _objects(self, account: Account, token: Token, request: Request, name: str, rest: str) -> Answer:
        method = request.method
        reads = method == "GET" or rest in {"search", "batch/read"}
        kind = self._kind(account, token, name, "read" if reads else "write")
        if self.state == "leadsLocked" and kind != CONTACTS and not reads:
            raise refused_as(REFUSALS["locked"])
        there = Objects(account, kind, self.state, self.now, self.work_seconds)
        query = request.query
        if method == "POST" and rest in _BATCH:
            status, summary = await there.batch(rest.removeprefix("batch/"), body_of(request), query)
            return Answer.json(status, summary) if status != 204 else Answer(204)
        if method == "DELETE" and rest and "/" not in rest:
            there.archive(rest)
            return Answer(204)
        match method, rest:
            case "GET", "":
                return Answer.json(200, there.page(query))
            case "POST", "":
                return Answer.json(201, await there.create(body_of(request)))
            case "POST", "search":
                return Answer.json(200, search(there, body_of(request)))
            case "POST", "merge":
                return Answer.json(200, there.merge(body_of(request)))
            case "GET", _ if "/" not in rest:
                return Answer.json(200, await there.read(rest, query))
            case "PATCH", _ if rest and "/" not in rest:
                return Answer.json(200, await there.update(rest, query, body_of(request)))
            case _:
                raise Refused(404, errors.NOT_FOUND, "No resource with given path.")

    def _kind(self, account: Account, token: Token, name: str, *doing: str) -> str:
        """The object of a name, if the token may do one of ``doing`` with it."""
        kind = TYPES.get(name.lower())
        if kind is None or (self.state == "leadsUnknown" and kind != CONTACTS):
            raise invalid(f"Unable to infer object type from: {name}")
        needed = [f"crm.objects.{kind}.{each}" for each in doing if each != "schemas"]
        needed += [f"crm.schemas.{kind}.read"] if "schemas" in doing else []
        if not scopes(account, token, self.state) & set(needed):
            raise errors.without_scopes(needed)
        return kind


class Down(Exception):
    """A web page comes instead of an answer."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def admitted(accounts: Sequence[Account], request: Request, state: str) -> tuple[Account, Token]:
    """The account and the token of a call. Raises for a token that is not accepted, and in a state that refuses all."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    every = ((account, token) for account in accounts for token in account.tokens)
    found = next((each for each in every if each[1].value == value), None)
    if state in REFUSALS:
        raise refused_as(REFUSALS[state])
    if scheme.lower() != "bearer" or found is None:
        raise refused_as(UNKNOWN_TOKEN)
    if found[1].expired:
        raise refused_as(EXPIRED_TOKEN)
    return found


def refused_as(refusal: Refusal) -> Exception:
    """What to raise for a call that is refused in this way."""
    if refusal.page:
        return Down(refusal.status)
    if refusal.policy:
        return errors.over_limit(refusal.policy)
    return Refused(refusal.status, refusal.category, refusal.message, headers=refusal.headers)


def scopes(account: Account, token: Token, state: str) -> set[str]:
    """What the token may do; an edition without leads grants none of their scopes."""
    without = LACKING.get(state, frozenset())
    return {each for each in token.scopes - without if account.has_leads or ".leads." not in each}


def body_of(request: Request) -> Body:
    """The body, a JSON object."""
    if request.content_type != "application/json":
        raise Refused(415, errors.VALIDATION, "Unsupported Media Type")
    try:
        body = request.json()
    except ValueError:
        raise errors.invalid_json("not JSON") from None
    if not isinstance(body, dict):
        raise errors.invalid_json("not an object")
    return body


def _limits(account: Account, token: Token, now: float) -> dict[str, str]:
    left = account.burst - within(token.calls, now, account.burst_seconds)
    return {
        "X-HubSpot-RateLimit-Daily": str(account.daily),
        "X-HubSpot-RateLimit-Daily-Remaining": str(max(0, account.daily - account.days.get(account.day(now), 0))),
        "X-HubSpot-RateLimit-Interval-Milliseconds": str(int(account.burst_seconds * 1_000)),
        "X-HubSpot-RateLimit-Max": str(account.burst),
        "X-HubSpot-RateLimit-Remaining": str(max(0, left)),
        "X-HubSpot-RateLimit-Secondly": str(account.burst // 10),
        "X-HubSpot-RateLimit-Secondly-Remaining": str(account.burst // 10),
    }


def _old(path: str) -> str:
    """A path with a date as the one with a number that it stands for."""
    for pattern, old in _OLD_PATHS:
        if pattern.fullmatch(path):
            return pattern.sub(old, path)
    return path
