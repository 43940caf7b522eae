"""How HubSpot refuses: ``docs/reference/vendors/hubspot.md#errors``."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Final

from leadkeeper.sandbox.stand_in import Answer

VALIDATION: Final = "VALIDATION_ERROR"
NOT_FOUND: Final = "OBJECT_NOT_FOUND"
CONFLICT: Final = "CONFLICT"
MISSING_SCOPES: Final = "MISSING_SCOPES"


class Refused(Exception):
    """A call, or one record of a batch, is refused. ``more`` are further members of the error's body."""

    def __init__(
        self,
        status: int,
        category: str,
        message: str,
        *,
        more: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.category = status, category
        self.more, self.headers = dict(more or {}), dict(headers or {})

    def body(self) -> dict[str, object]:
        """The error as HubSpot writes it; what has no category is written without."""
        summary: dict[str, object] = {"status": "error", "message": str(self), "correlationId": str(uuid.uuid4())}
        return summary | self.more | ({"category": self.category} if self.category else {})

    def answer(self) -> Answer:
        """The whole answer."""
        return Answer.json(self.status, self.body(), {"Content-Type": "application/json;charset=utf-8"} | self.headers)

    def of_record(self, trace: str) -> dict[str, object]:
        """The error as one of those of a batch that was carried out in part."""
        context = dict(self._context()) | ({"objectWriteTraceId": [trace]} if trace else {})
        return {"status": "error", "category": self.category, "message": str(self), "context": context}

    def _context(self) -> Mapping[str, object]:
        context = self.more.get("context", {})
        return context if isinstance(context, dict) else {}


def invalid(message: str, **context: Sequence[str]) -> Refused:
    """The request is wrong."""
    more = {"context": {name: list(values) for name, values in context.items()}} if context else {}
    return Refused(400, VALIDATION, message, more=more)


def invalid_json(message: str) -> Refused:
    """The body cannot be read."""
    return invalid(f"Invalid input JSON on line 1, column 1: {message}")


def wrong_values(found: Sequence[Mapping[str, object]]) -> Refused:
    """Values do not fit their properties; the reasons stand as JSON inside the message."""
    summary = json.dumps(list(found), separators=(",", ":"), ensure_ascii=False)
    return Refused(400, VALIDATION, f"Property values were not valid: {summary}")


def wrong_value(name: str, error: str, message: str) -> dict[str, object]:
    """One reason for :func:`wrong_values`."""
    return {"isValid": False, "message": message, "error": error, "name": name, "localizedErrorMessage": message}


def not_there() -> Refused:
    """A single record that is not there."""
    return Refused(404, NOT_FOUND, "Object not found.")


def missing(ids: Sequence[str], what: str) -> dict[str, object]:
    """The entry of a batch for all records that are not there."""
    summary = f"Could not get some {what.upper()} objects, they may be deleted or not exist. Check that ids are valid."
    return {"status": "error", "category": NOT_FOUND, "message": summary, "context": {"ids": list(ids)}}


def taken(number: str) -> Refused:
    """Another contact has the address; its id stands in the message only."""
    return Refused(409, CONFLICT, f"Contact already exists. Existing ID: {number}")


def without_scopes(needed: Sequence[str]) -> Refused:
    """The token may not do it; one of ``needed`` would do."""
    summary = "This app hasn't been granted all required scopes to make this call."
    one = {
        "message": "One or more of the following scopes are required.",
        "context": {"requiredGranularScopes": list(needed)},
    }
    more = {"errors": [one], "links": {"scopes": "https://developers.hubspot.com/scopes"}}
    return Refused(403, MISSING_SCOPES, summary, more=more)


def over_limit(policy: str) -> Refused:
    """A limit is reached: ``DAILY``, ``SECONDLY`` or ``TEN_SECONDLY_ROLLING``. There is no category."""
    more: dict[str, object] = {"errorType": "RATE_LIMIT", "policyName": policy, "requestId": str(uuid.uuid4())}
    return Refused(429, "", f"You have reached your {policy.lower()} limit.", more=more)
