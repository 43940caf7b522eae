"""Everything that FastAPI refuses becomes a problem document."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import ValidationError
from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.routing import Match

from leadkeeper.doors.languages import accepted
from leadkeeper.doors.web import (
    PROBLEM,
    allowed,
    log_refusal,
    problem_content,
    problem_headers,
    problem_responses,
    request_id_of,
    storage_away,
)
from leadkeeper.model_errors import model_error
from leadkeeper.problem import FieldError, Problem, ProblemType, every_error
from leadkeeper.storage.engine import StorageAway
from leadkeeper.texts import _, lazy_gettext

_BY_STATUS = {
    404: (ProblemType.NOT_FOUND, lazy_gettext("There is nothing at this address.")),
    405: (ProblemType.METHOD_NOT_ALLOWED, lazy_gettext("This address does not take this method.")),
    413: (ProblemType.TOO_LARGE, lazy_gettext("The body is too large.")),
    415: (ProblemType.UNSUPPORTED_MEDIA_TYPE, lazy_gettext("Send the body as application/json.")),
}
MOST_ERRORS = 20
"""How many wrong fields one problem names."""
_PLACES = frozenset({"body", "query", "path", "header"})


def problem_response(problem: Problem, request: Request) -> Response:
    """``problem`` as a response, in the language that ``request`` asks for, or in English; it says which."""
    wanted = accepted(request.headers.get("accept-language"), request.app.state.languages)
    language = problem.language(wanted)
    request_id = request_id_of(request.scope)
    log_refusal(problem, request_id)
    content = problem_content(problem, language, request_id)
    response = Response(to_json(content), problem.status, media_type=PROBLEM.decode())
    response.raw_headers.extend(problem_headers(problem, language))
    response.headers["Vary"] = "Accept-Language"
    return response


def invalid(
    errors: Iterable[Mapping[str, Any]], *, what: str = _("The request cannot be taken: %(errors)s")
) -> Problem:
    """The problem in what pydantic found, named by field; the input itself is not repeated. ``what`` tells it."""
    first = itertools.islice(errors, MOST_ERRORS)
    fields = tuple(FieldError(_field(error["loc"]), model_error(error)) for error in first)
    return Problem(ProblemType.INVALID_REQUEST, lazy_gettext(what, errors=every_error(fields)), fields)


def invalid_model(error: ValidationError, *, what: str) -> Problem:
    """The problem in a body that a model refused."""
    return invalid(error.errors(include_url=False, include_input=False), what=what)


def _field(loc: Sequence[object]) -> str:
    parts = loc[1:] if loc and loc[0] in _PLACES else loc
    return ".".join(str(part)[:100] for part in parts)


def install_problems(app: FastAPI) -> None:
    """Render all refusals of ``app`` as problem documents."""

    async def of_problem(request: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)
        return problem_response(error, request)

    async def of_validation(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return problem_response(invalid(error.errors()), request)

    async def of_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        type, detail = _BY_STATUS.get(error.status_code, (ProblemType.INVALID_REQUEST, str(error.detail)))
        response = problem_response(Problem(type, detail), request)
        if error.status_code == 405:
            response.headers["Allow"] = allowed(_methods(app, request))
        return response

    async def of_away(request: Request, error: Exception) -> Response:
        assert isinstance(error, StorageAway)
        return problem_response(storage_away(error.reason), request)

    app.add_exception_handler(Problem, of_problem)
    app.add_exception_handler(RequestValidationError, of_validation)
    app.add_exception_handler(HTTPException, of_http)
    app.add_exception_handler(StorageAway, of_away)


def _methods(app: FastAPI, request: Request) -> set[str]:
    """The methods that this address takes; the framework names only those of its first route there."""
    at = [route for route in app.routes if route.matches(request.scope)[0] is not Match.NONE]
    return {method for route in at for method in getattr(route, "methods", None) or ()}


_EVERYWHERE = (
    ProblemType.MALFORMED_REQUEST,
    ProblemType.UNAUTHORIZED,
    ProblemType.FORBIDDEN,
    ProblemType.TOO_SLOW,
    ProblemType.HEAD_TOO_LARGE,
    ProblemType.INVALID_REQUEST,
    ProblemType.TOO_MANY_REQUESTS,
    ProblemType.STORAGE_AWAY,
    ProblemType.TOO_BUSY,
)
_WITH_BODY = (ProblemType.TOO_LARGE, ProblemType.UNSUPPORTED_MEDIA_TYPE)


def documented(*types: ProblemType, body: bool = False) -> dict[int | str, dict[str, Any]]:
    """The ``responses`` of a /v1 operation: ``types`` and those that every operation (with a body) may answer with."""
    return problem_responses(*_EVERYWHERE, *(_WITH_BODY if body else ()), *types)
