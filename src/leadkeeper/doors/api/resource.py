"""How the framework's resources are put together: one class each, its routes listed in one place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.dependencies.models import Dependant
from pydantic import BaseModel

from leadkeeper.doors.api.problems import documented
from leadkeeper.doors.json_route import JsonRoute
from leadkeeper.problem import FieldError, Problem, ProblemType, every_error
from leadkeeper.texts import lazy_gettext


class _Route(JsonRoute):
    """Refuses a query that is not wholly understood: passed over, ``dryrun=true`` would change what it may not."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler, names = super().get_route_handler(), _names(self.dependant)
        if names == frozenset():
            return handler

        async def understood(request: Request) -> Response:
            _require_understood(request, names)
            return await handler(request)

        return understood


def _names(dependant: Dependant) -> frozenset[str] | None:
    """The names in the query of a route; ``None`` where they are a model's, which knows them."""
    found: set[str] = set()
    for field in dependant.query_params:
        if isinstance(field.field_info.annotation, type) and issubclass(field.field_info.annotation, BaseModel):
            return None
        found.add(field.alias)
    for each in dependant.dependencies:
        names = _names(each)
        if names is None:
            return None
        found |= names
    return frozenset(found)


def _require_understood(request: Request, names: frozenset[str] | None) -> None:
    given = Counter(name for name, _value in request.query_params.multi_items())
    errors = [FieldError(name[:100], lazy_gettext("is given twice")) for name, times in given.items() if times > 1]
    if names is not None:
        errors += [FieldError(name[:100], lazy_gettext("unknown field")) for name in given if name not in names]
    if errors:
        detail = lazy_gettext("The request cannot be taken: %(errors)s", errors=every_error(errors))
        raise Problem(ProblemType.INVALID_REQUEST, detail, tuple(errors))


def add(
    app: FastAPI,
    method: str,
    path: str,
    endpoint: Callable[..., Coroutine[Any, Any, Any]],
    *problems: ProblemType,
    tag: str,
    summary: str,
    status: int = 200,
    **more: Any,
) -> None:
    """Serve ``endpoint`` at ``path``; document its summary and the problems it may answer with."""
    body = method in ("PUT", "POST") and not more.pop("no_body", False)
    responses = documented(*problems, body=body) | more.pop("responses", {})
    words = more.pop("named", endpoint.__name__).split("_")
    app.router.add_api_route(
        path,
        endpoint,
        methods=[method],
        tags=[tag],
        summary=summary,
        status_code=status,
        responses=responses,
        operation_id=words[0] + "".join(word.capitalize() for word in words[1:]),
        route_class_override=_Route,
        **more,
    )
