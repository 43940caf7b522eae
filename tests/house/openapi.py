"""The OpenAPI document of an installation with all of our destinations."""

from __future__ import annotations

import asyncio
import functools
import json
from types import SimpleNamespace
from typing import Any, cast

from starlette.types import ASGIApp, Message

from leadkeeper.destinations.registry import OURS
from leadkeeper.doors.api.app import create_api
from leadkeeper.doors.api.metrics import Metrics
from leadkeeper.doors.hooks.route import hook_route


class _NoServices:
    """Routes are listed, not called: whatever is asked of it is as empty."""

    base_url = ""

    def __getattr__(self, _: str) -> Any:
        return _NoServices()


async def _answer(api: ASGIApp, path: str) -> Any:
    """What ``api`` answers to GET."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    await api({"type": "http", "method": "GET", "path": path, "headers": [], "query_string": b""}, receive, send)
    return json.loads(b"".join(message.get("body", b"") for message in sent))


@functools.cache
def openapi_document() -> Any:
    """The document as ``GET /openapi.json`` answers it."""
    services = cast(Any, _NoServices())
    services.connections = SimpleNamespace(destinations=OURS)
    api = create_api(services, Metrics(), hook_route(services.access.hooks, services.intake))
    return asyncio.run(_answer(api, "/openapi.json"))
