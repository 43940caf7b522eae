"""``POST /hooks/{token}`` as the OpenAPI document describes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel, Field

from leadkeeper.doors.web import problem_responses
from leadkeeper.problem import ProblemType


class HookAnswer(BaseModel):
    """The lead is kept."""

    id: str = Field(description="The lead's id.", examples=["019a9e3b-7c2e-7d41-b1a5-3f0f6f3c2a11"])


_DESCRIPTION: Final = """Give this address to Microsoft's marketplace as the offer's HTTPS endpoint.

Keys are understood in any case and with `_` or `-` in them, values may be missing, null, empty or numbers, and unknown
keys are kept as `extra`. The customer may stand in `UserDetails`, in `CustomerInfo` as in a row of Microsoft's table,
or at the top; an object may be JSON text, alone in a list, or lie within others. When nothing of a customer is found,
the lead's `notes` say so.
`LeadSource` may be bare (`AzureMarketplace`) or whole (`SPZA-PLT|contoso.crm-pro`); `ActionCode` wins over the action
in it. The lead is always one of the hook's own offer. Any content type is taken, and slashes at the address's end or
doubled ones are no matter. A lead is never refused for what it holds (characters that no text may hold are left out):
only a body that is empty, not a JSON object, an empty object, nested too deeply, compressed, or larger than 64 KiB is.
An `Idempotency-Key` or `webhook-id` makes repeating safe: the answer is the first lead's id. Under the former a repeat
is the same throughout; under the latter the same customer, description and campaign are enough. What all hooks of a
publisher take in a minute and a day is bounded: 429 says when to come again. A lead that installations of Leadkeeper
passed on too often (`Leadkeeper-Hops`) is kept, and goes no further.
"""

_TEXT: Final = {"type": ["string", "null"]}
_CUSTOMER: Final = ("FirstName", "LastName", "Email", "Phone", "Country", "Company", "Title")
_LEAD: Final = ("LeadSource", "ActionCode", "OfferTitle", "Description", "mktcmpid")

_PAYLOAD: Final[Mapping[str, Any]] = {
    "type": "object",
    "minProperties": 1,
    "properties": {
        "UserDetails": {"type": "object", "properties": dict.fromkeys(_CUSTOMER, _TEXT)},
        **dict.fromkeys(_LEAD, _TEXT),
    },
    "example": {
        "UserDetails": {"FirstName": "Ada", "LastName": "Lovelace", "Email": "ada@contoso.com", "Country": "GB"},
        "LeadSource": "AzureMarketplace",
        "ActionCode": "INS",
        "OfferTitle": "Contoso CRM Pro",
        "Description": "Campaigns: spring-26",
    },
}

_PARAMETERS: Final[tuple[Mapping[str, Any], ...]] = (
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
)

_PROBLEMS: Final = (
    ProblemType.NOT_FOUND,
    ProblemType.OFFER_NOT_LIVE,
    ProblemType.TOO_LARGE,
    ProblemType.UNSUPPORTED_MEDIA_TYPE,
    ProblemType.INVALID_REQUEST,
    ProblemType.IDEMPOTENCY_KEY_REUSED,
    ProblemType.TOO_MANY_REQUESTS,
    ProblemType.STORAGE_AWAY,
)


def operation() -> Mapping[str, Any]:
    """The operation object: who calls needs no key, for the token in the path is one."""
    answer = {"schema": {"$ref": f"#/components/schemas/{HookAnswer.__name__}"}}
    return {
        "operationId": "postHook",
        "tags": ["Leads"],
        "summary": "Hand in a lead as Microsoft's marketplace does",
        "description": _DESCRIPTION,
        "security": [],
        "parameters": list(_PARAMETERS),
        "requestBody": {"required": True, "content": {"application/json": {"schema": _PAYLOAD}}},
        "responses": {
            "200": {"description": "The lead is kept.", "content": {"application/json": answer}},
            **problem_responses(*_PROBLEMS),
        },
    }
