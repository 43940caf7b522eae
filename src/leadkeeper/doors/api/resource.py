"""How the framework's resources are put together: one class each, its routes listed in one place."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import FastAPI

from leadkeeper.doors.api.problems import documented
from leadkeeper.problem import ProblemType


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
