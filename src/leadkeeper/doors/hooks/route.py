"""``POST /hooks/{token}``: where Microsoft's marketplace posts its leads. The token is the only credential."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, Final

from pydantic import BaseModel, Field
from starlette.types import Receive, Scope, Send

from leadkeeper.access.hooks import Hooks
from leadkeeper.access.quotas import Rate
from leadkeeper.doors.hooks.payload import read_payload
from leadkeeper.doors.readable import require_unencoded
from leadkeeper.doors.web import HotRoute, header, hops_of, problem_responses, read_body, send_body
from leadkeeper.intake.keep import Intake
from leadkeeper.offer import OfferRef
from leadkeeper.problem import Problem, ProblemType
from leadkeeper.texts import lazy_gettext

_PREFIX: Final = "/hooks/"
_KEY_HEADERS: Final = (b"idempotency-key", b"webhook-id")

Counted = Callable[[str, str], None]
"""Told the door and the result (``kept`` or ``repeat``) of every lead taken in."""


class HookAnswer(BaseModel):
    """The lead is kept."""

    id: str = Field(description="The lead's id.", examples=["019a9e3b-7c2e-7d41-b1a5-3f0f6f3c2a11"])


def hook_route(hooks: Hooks, intake: Intake, counted: Counted = lambda _door, _result: None) -> HotRoute:
    """The way in for payloads of Microsoft's HTTPS endpoint."""
    door = _HookDoor(hooks, intake, counted)
    return HotRoute(f"{_PREFIX}{{token}}", "hook", door.handle, _operation(), (HookAnswer,))


class _HookDoor:
    def __init__(self, hooks: Hooks, intake: Intake, counted: Counted) -> None:
        self._hooks = hooks
        self._intake = intake
        self._counted = counted

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Keep the lead that was posted and answer its id."""
        require_unencoded(scope)
        body = await read_body(receive)
        offer = await self._hooks.offer_of(scope["path"].removeprefix(_PREFIX))
        if offer is None:
            raise Problem(
                ProblemType.NOT_FOUND, lazy_gettext("There is no such hook. Copy its address again, or make a new one.")
            )
        lead = read_payload(body, offer, _idempotency_key(scope, offer), hops_of(scope))
        kept = await self._intake.keep(lead, Rate.HOOK_LEADS)
        self._counted("hook", "repeat" if kept.repeat else "kept")
        await send_body(send, 200, b'{"id":"%b"}' % kept.id.encode())


def _idempotency_key(scope: Scope, offer: OfferRef) -> str | None:
    """The sender's name for this message, if it has one, as a key of this offer's hooks alone.

    Senders that post one message to the hooks of several offers use one name for all.
    """
    for name in _KEY_HEADERS:
        value = (header(scope, name) or b"").strip()
        if value:
            return "hook:" + hashlib.sha256(str(offer).encode() + b"\0" + value).hexdigest()
    return None


_DESCRIPTION: Final = """Give this address to Microsoft's marketplace as the offer's HTTPS endpoint.

Keys are understood in any case and with `_` or `-` in them, values may be missing, null, empty or numbers, and unknown
keys are kept as `extra`. The customer may stand in `UserDetails`, in `CustomerInfo` as in a row of Microsoft's table,
or at the top; an object may be JSON text, alone in a list, or lie within others. When nothing of a customer is found,
the lead's `notes` say so.
`LeadSource` may be bare (`AzureMarketplace`) or whole (`SPZA-PLT|contoso.crm-pro`); `ActionCode` wins over the action
in it. The lead is always one of the hook's own offer. Any content type is taken, and slashes at the address's end or
doubled ones are no matter. A lead is never refused for what it holds (characters that no text may hold are left out):
only a body that is empty, not a JSON object, an empty object, nested too deeply, compressed, or larger than 64 KiB is.
An `Idempotency-Key` or `webhook-id` makes repeating safe: the answer is the first lead's id. What a publisher's hooks
take together in a minute and a day is bounded: 429 says when to come again. A lead that installations of Leadkeeper
passed on too often (`Leadkeeper-Hops`) is kept, and goes no further.
"""


def _operation() -> Mapping[str, Any]:
    P = ProblemType
    text = {"type": ["string", "null"]}
    known = ("FirstName", "LastName", "Email", "Phone", "Country", "Company", "Title")
    details = {"type": "object", "properties": dict.fromkeys(known, text)}
    names = ("LeadSource", "ActionCode", "OfferTitle", "Description", "mktcmpid")
    payload = {
        "type": "object",
        "minProperties": 1,
        "properties": {"UserDetails": details, **dict.fromkeys(names, text)},
        "example": {
            "UserDetails": {"FirstName": "Ada", "LastName": "Lovelace", "Email": "ada@contoso.com", "Country": "GB"},
            "LeadSource": "AzureMarketplace",
            "ActionCode": "INS",
            "OfferTitle": "Contoso CRM Pro",
            "Description": "Campaigns: spring-26",
        },
    }
    answer = {"schema": {"$ref": "#/components/schemas/HookAnswer"}}
    return {
        "operationId": "postHook",
        "tags": ["Leads"],
        "summary": "Hand in a lead as Microsoft's marketplace does",
        "description": _DESCRIPTION,
        "security": [],
        "parameters": [
            {
                "name": "token",
                "in": "path",
                "required": True,
                "description": "The hook's token, shown once when the hook was made.",
                "schema": {"type": "string"},
            },
            *(
                {"name": name, "in": "header", "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"}}
                for name in ("Idempotency-Key", "webhook-id")
            ),
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": payload}}},
        "responses": {
            "200": {"description": "The lead is kept.", "content": {"application/json": answer}},
            **problem_responses(
                P.NOT_FOUND,
                P.OFFER_NOT_LIVE,
                P.TOO_LARGE,
                P.UNSUPPORTED_MEDIA_TYPE,
                P.INVALID_REQUEST,
                P.IDEMPOTENCY_KEY_REUSED,
                P.TOO_MANY_REQUESTS,
                P.STORAGE_AWAY,
            ),
        },
    }
