"""How the framework's resources are put together: one class each, its routes listed in one place."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.routing import APIRoute
from pydantic_core import from_json
from starlette.exceptions import HTTPException

from leadkeeper.doors.api.problems import documented
from leadkeeper.doors.web import read_body
from leadkeeper.problem import Problem, ProblemType


class _JsonRequest(Request):
    """Reads JSON as strictly as the hot routes do: UTF-8, whole characters, no NaN, labelled as JSON."""

    async def json(self) -> Any:
        try:
            return from_json(self._body, allow_inf_nan=False)
        except ValueError as error:
            raise json.JSONDecodeError(str(error), "", 0) from None

    async def body(self) -> bytes:
        """The body; within the framework only its own exception goes through as it is."""
        try:
            body = await read_body(self.receive)
        except Problem as problem:
            raise HTTPException(problem.status) from None
        media_type = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if body and media_type != "application/json":
            raise HTTPException(415)
        self._body = body
        return body


class JsonRoute(APIRoute):
    """A route whose body is JSON."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def strictly(request: Request) -> Response:
            return await handle(_JsonRequest(request.scope, request.receive))

        return strictly


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
    words = endpoint.__name__.split("_")
    app.add_api_route(
        path,
        endpoint,
        methods=[method],
        tags=[tag],
        summary=summary,
        status_code=status,
        responses=responses,
        operation_id=words[0] + "".join(word.capitalize() for word in words[1:]),
        **more,
    )
