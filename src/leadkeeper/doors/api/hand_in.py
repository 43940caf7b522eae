"""``POST /v1/leads``: a lead is handed in and kept. The hottest route: no framework between the socket and intake."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pydantic import Field, ValidationError
from pydantic_core import to_json
from starlette.types import Receive, Scope, Send

from leadkeeper.access.quotas import Rate
from leadkeeper.doors.api.lead_reader import read_lead
from leadkeeper.doors.api.metrics import Metrics
from leadkeeper.doors.api.problems import documented, invalid_model
from leadkeeper.doors.api.schemas import IDEMPOTENCY_KEY, INVALID_LEAD, LeadBody, parse_idempotency_key
from leadkeeper.doors.api.security import require_hand_in, sign_in
from leadkeeper.doors.bearer import Bearers
from leadkeeper.doors.readable import require_unencoded, without_mark
from leadkeeper.doors.web import HotRoute, header, hops_of, read_body, require_content_type, send_body
from leadkeeper.intake.keep import Accepted, Intake
from leadkeeper.problem import ProblemType
from leadkeeper.views import DeliveryState, View


class BegunDelivery(View):
    """Where the lead goes."""

    connection: str = Field(examples=["primary"])
    state: DeliveryState


class KeptLead(View):
    """The lead is on disk, and on its way over these connections."""

    id: str = Field(examples=["019a9e3b-7c2e-7d41-b1a5-3f0f6f3c2a11"])
    deliveries: list[BegunDelivery]


def kept_content(kept: Accepted) -> dict[str, Any]:
    """A kept lead as it is answered."""
    return {"id": kept.id, "deliveries": [{"connection": d.connection, "state": d.state} for d in kept.deliveries]}


def hand_in_route(bearers: Bearers, intake: Intake, metrics: Metrics) -> HotRoute:
    """The way in for one lead."""

    async def handle(scope: Scope, receive: Receive, send: Send) -> None:
        require_hand_in(await sign_in(bearers, scope))
        require_content_type(scope, b"application/json")
        require_unencoded(scope)
        idempotency_key = parse_idempotency_key(header(scope, b"idempotency-key"))
        try:
            lead = read_lead(without_mark(await read_body(receive)), idempotency_key, hops_of(scope))
        except ValidationError as error:
            raise invalid_model(error, what=INVALID_LEAD) from None
        kept = await intake.keep(lead, Rate.KEY_LEADS)
        metrics.counted("api", "repeat" if kept.repeat else "kept")
        await send_body(send, 200 if kept.repeat else 202, to_json(kept_content(kept)))

    elsewhere = frozenset({"GET"})
    return HotRoute("/v1/leads", "api", handle, _operation(), (LeadBody, KeptLead), elsewhere)


_DESCRIPTION: Final = """When this answers, it and its deliveries are on disk. Unknown sources and actions are kept.

Send an `Idempotency-Key` of your own for every lead and repeat the request until it is answered: the lead is kept once.
For operators and marketplaces. At most 64 KiB.
"""

IDEMPOTENCY_PARAMETER: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Your own name for this lead, one of its publisher: repeating the request keeps it once.",
    "schema": {"type": "string", "pattern": IDEMPOTENCY_KEY},
}


def _operation() -> Mapping[str, Any]:
    P = ProblemType
    answer = {"application/json": {"schema": {"$ref": "#/components/schemas/KeptLead"}}}
    return {
        "operationId": "handInLead",
        "tags": ["Leads"],
        "summary": "Hand in a lead",
        "description": _DESCRIPTION,
        "parameters": [IDEMPOTENCY_PARAMETER],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/LeadBody"}}},
        },
        "responses": {
            "202": {"description": "The lead is kept.", "content": answer},
            "200": {"description": "It was kept before, under the same Idempotency-Key.", "content": answer},
            **documented(P.UNKNOWN_OFFER, P.OFFER_NOT_LIVE, P.IDEMPOTENCY_KEY_REUSED, P.TOO_MANY_REQUESTS, body=True),
        },
    }
