"""Errors as Cloud Partner Portal writes them: ``{"error": {"code", "message"}}``.

Source: ``docs/reference/vendors/marketplace.md#cloud-partner-portal-api``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from pydantic_core import to_json
from starlette.exceptions import HTTPException

from leadkeeper.doors.languages import accepted
from leadkeeper.doors.readable import UnstorableText
from leadkeeper.fault import where
from leadkeeper.model_errors import model_error
from leadkeeper.problem import FieldError, Problem, ProblemType, every_error
from leadkeeper.storage.away import UNREACHABLE, StorageAway
from leadkeeper.texts import join_lazily, lazy_gettext

log: Final = structlog.get_logger(__name__)

_CODES: Final = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    412: "PreconditionFailed",
    413: "RequestEntityTooLarge",
    415: "UnsupportedMediaType",
    422: "UnprocessableEntity",
    429: "TooManyRequests",
    500: "InternalServerError",
    503: "ServiceUnavailable",
}
_STATUSES: Final = {
    ProblemType.INVALID_REQUEST: 400,
    ProblemType.OPERATION_RUNNING: 400,
    ProblemType.NOT_POSSIBLE_NOW: 400,
    ProblemType.DESTINATION_REQUIRED: 400,
    ProblemType.QUOTA_EXCEEDED: 400,
}
"""Statuses that differ from those of our own API, since this one knows no 409."""


class ErrorDetail(BaseModel):
    """One thing that is wrong."""

    code: str
    message: str


class ErrorBody(BaseModel):
    """Why a request was refused."""

    code: str = Field(examples=["BadRequest"])
    message: str
    details: list[ErrorDetail] = Field(default_factory=list, description="Each field that cannot be taken.")


class ErrorDocument(BaseModel):
    """The body of every error. Nothing was changed."""

    error: ErrorBody


def error_response(
    status: int, message: str, fields: Sequence[FieldError] = (), code: str = "", *, retry_after: int | None = None
) -> Response:
    """An error as a response."""
    details = [ErrorDetail(code=field.field, message=f"{field.field} {field.message}") for field in fields]
    body = ErrorBody(code=code or _CODES[status], message=message, details=details)
    headers = {"WWW-Authenticate": 'Bearer realm="leadkeeper"'} if status == 401 else {}
    if status == 503 or retry_after is not None:
        headers["Retry-After"] = str(retry_after or 1)
    content = to_json(ErrorDocument(error=body), inf_nan_mode="null")
    return Response(content, status, headers, media_type="application/json")


class WrongVersion(Exception):
    """The request asks for another version of the API."""


def _localized(request: Request, status: int, problem: Problem) -> Response:
    """``problem`` in the language that ``request`` asks for, or in English where a part of it cannot be told so."""
    language = problem.language(accepted(request.headers.get("accept-language"), request.app.state.languages))
    fields = [FieldError(each.field, language.tell(each.message)) for each in problem.errors]
    response = error_response(status, language.tell(problem.detail), fields, retry_after=problem.retry_after)
    response.headers["Content-Language"] = language.code
    response.headers["Vary"] = "Accept-Language"
    return response


def invalid_field(error: FieldError) -> Problem:
    """The problem of one field, in a sentence that begins with its name."""
    return Problem(
        ProblemType.INVALID_REQUEST, join_lazily((join_lazily((error.field, error.message)), "."), ""), (error,)
    )


def install_errors(app: FastAPI) -> None:
    """Render every refusal of ``app`` so."""

    async def of_problem(request: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)
        caller = getattr(request.state, "caller", None)
        if error.type is ProblemType.FORBIDDEN and caller is not None:
            request.app.state.bearers.refused(caller, request.scope)
        status = error.status if isinstance(error, UnstorableText) else _STATUSES.get(error.type, error.status)
        return _localized(request, status, error)

    async def of_validation(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        fields = tuple(
            FieldError(".".join(str(part)[:100] for part in each["loc"][1:]), model_error(each))
            for each in error.errors()[:20]
        )
        detail = lazy_gettext("The request cannot be taken: %(errors)s", errors=every_error(fields))
        return _localized(request, 400, Problem(ProblemType.INVALID_REQUEST, detail, fields))

    async def of_version(_: Request, _error: Exception) -> Response:
        message = f"Invalid api version. Allowed values are [{API_VERSION}]"
        return error_response(400, message, code="InvalidAPIVersion")

    async def of_http(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        status = error.status_code if error.status_code in _CODES else 400
        return error_response(status, f"The request cannot be served: {_CODES[status]}.")

    async def of_away(_: Request, error: Exception) -> Response:
        reason = error.reason if isinstance(error, StorageAway) else UNREACHABLE
        return error_response(503, f"Nothing was kept: {reason}. Try again soon.")

    async def of_fault(_: Request, error: Exception) -> Response:
        log.error("request failed", door="cloud_partner", error=where(error))
        return error_response(500, "The fault is ours; the log says more. It is not known whether it was done.")

    app.add_exception_handler(Problem, of_problem)
    app.add_exception_handler(RequestValidationError, of_validation)
    app.add_exception_handler(WrongVersion, of_version)
    app.add_exception_handler(HTTPException, of_http)
    app.add_exception_handler(StorageAway, of_away)
    app.add_exception_handler(Exception, of_fault)


API_VERSION: Final = "2017-10-31"

_SCHEMA: Final = {"schema": {"$ref": f"#/components/schemas/{ErrorDocument.__name__}"}}
ERRORS: Final[dict[int | str, dict[str, Any]]] = {
    status: {"description": code, "content": {"application/json": _SCHEMA}}
    for status, code in _CODES.items()
    if status not in (405, 500)
}
"""What every operation may answer besides. A model here would be compiled anew for each status of each operation."""
