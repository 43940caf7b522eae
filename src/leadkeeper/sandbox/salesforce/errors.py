"""How the REST API refuses: a status, and a JSON array of errors."""

from __future__ import annotations

from typing import Final

from leadkeeper.sandbox.salesforce.org import Flaw
from leadkeeper.sandbox.stand_in import Answer, Request

STATUSES: Final = {"NOT_FOUND": 404, "INVALID_CROSS_REFERENCE_KEY": 404, "ENTITY_IS_DELETED": 404}
"""The status of a flaw where it is not 400."""
NOT_THERE: Final = Flaw("NOT_FOUND", "The requested resource does not exist")
DELETED: Final = Flaw("ENTITY_IS_DELETED", "entity is deleted")


class Refused(Exception):
    """The request is refused as a whole."""

    def __init__(self, status: int, flaw: Flaw) -> None:
        super().__init__(flaw.message)
        self.status, self.flaw = status, flaw

    def answer(self) -> Answer:
        """The array with the one error."""
        return Answer.json(self.status, [error(self.flaw, "errorCode")])


def not_there() -> Refused:
    """There is no such resource."""
    return Refused(404, NOT_THERE)


def not_allowed(request: Request) -> Refused:
    """The resource has no such method."""
    return Refused(405, Flaw("METHOD_NOT_ALLOWED", f"HTTP Method '{request.method}' not allowed."))


def error(flaw: Flaw, code: str) -> dict[str, object]:
    """The flaw as JSON; ``code`` is ``errorCode`` for a request, ``statusCode`` for a record of several."""
    fields = {"fields": list(flaw.fields)} if flaw.fields or code == "statusCode" else {}
    return {"message": flaw.message, code: flaw.code} | fields | dict(flaw.more)


def body_of(request: Request) -> dict[str, object]:
    """The body, a JSON object."""
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
