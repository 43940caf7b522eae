"""Routes of the framework whose bodies are JSON, read as strictly as the hot routes read theirs."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Any, ClassVar

from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic_core import from_json
from starlette.exceptions import HTTPException

from leadkeeper.doors.readable import (
    require_storable_address,
    require_storable_body,
    require_unencoded,
    without_mark,
)
from leadkeeper.doors.web import MAX_BODY, read_body
from leadkeeper.problem import Problem


class _JsonRequest(Request):
    """Reads JSON: UTF-8 with or without a byte order mark, whole characters, no NaN, labelled as JSON."""

    limit = MAX_BODY

    async def json(self) -> Any:
        try:
            return from_json(self._body, allow_inf_nan=False)
        except ValueError as error:
            raise json.JSONDecodeError(str(error), "", 0) from None

    async def body(self) -> bytes:
        """The body; within the framework only its own exception goes through as it is."""
        if hasattr(self, "_body"):
            return self._body
        try:
            body = without_mark(await read_body(self.receive, self.limit))
        except Problem as problem:
            raise HTTPException(problem.status) from None
        media_type = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if body and media_type != "application/json":
            raise HTTPException(415)
        self._body = body
        return body


class JsonRoute(APIRoute):
    """A route whose body is JSON of at most ``limit`` bytes; texts that no database keeps are refused."""

    limit: ClassVar[int] = MAX_BODY

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def strictly(request: Request) -> Response:
            strict = _JsonRequest(request.scope, request.receive)
            strict.limit = self.limit
            require_storable_address(request.scope)
            if self.body_field is not None:
                require_unencoded(request.scope)
                require_storable_body(await strict.body())
            return await handle(strict)

        return strictly
