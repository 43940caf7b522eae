"""The page about the REST API names every path, problem and limit that there is."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from starlette.types import ASGIApp, Message

from leadkeeper.destinations.registry import OURS
from leadkeeper.doors.api.app import create_api
from leadkeeper.doors.api.batch import LONGEST_KEY, MAX_LINES
from leadkeeper.doors.api.metrics import Metrics
from leadkeeper.doors.hooks.route import hook_route
from leadkeeper.doors.web import MAX_BODY
from leadkeeper.problem import STATUS, ProblemType

PAGE = (Path(__file__).parents[2] / "docs/reference/rest-api.md").read_text(encoding="utf-8")
OPERATION = re.compile(r"`(?:(?:GET|PUT|POST|DELETE)`, `)*(?:GET|PUT|POST|DELETE) /[^`]*`")


class _NoRooms:
    """Routes are listed, not called."""

    base_url = ""

    def __getattr__(self, _: str) -> Any:
        return None


async def answer(api: ASGIApp, path: str) -> Any:
    """What ``api`` answers to GET."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    await api({"type": "http", "method": "GET", "path": path, "headers": [], "query_string": b""}, receive, send)
    return json.loads(b"".join(message.get("body", b"") for message in sent))


@pytest.fixture(scope="module")
def operations() -> set[str]:
    """Every operation of the OpenAPI document, as ``GET /v1/leads``."""
    services = cast(Any, _NoRooms())
    services.connections = SimpleNamespace(destinations=OURS)
    api = create_api(services, Metrics(), hook_route(services.hooks, services.intake))
    paths = asyncio.run(answer(api, "/openapi.json"))["paths"]
    return {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}


def written() -> set[str]:
    """Every operation that the page names."""
    found = set()
    for text in OPERATION.findall(PAGE):
        methods, path = re.findall(r"GET|PUT|POST|DELETE", text), text[text.index("/") : -1]
        found |= {f"{method} {path}" for method in methods}
    return found


def test_every_operation_is_on_the_page(operations: set[str]) -> None:
    assert written() == operations


def test_every_problem_is_on_the_page_with_its_status() -> None:
    rows = re.findall(r"^\| (`[a-z-`, ]+`) \| (\d{3}) \|", PAGE, re.MULTILINE)
    assert {name: int(status) for names, status in rows for name in re.findall(r"[a-z-]+", names)} == {
        type.value: STATUS[ProblemType(type)] for type in ProblemType
    }


def test_limits_are_on_the_page() -> None:
    assert f"at most {MAX_LINES:,} lines of {MAX_BODY // 1024} KiB" in PAGE
    assert f"at most {LONGEST_KEY} characters" in PAGE


def test_every_problem_stands_once() -> None:
    rows = re.findall(r"^\| (`[a-z-`, ]+`) \| \d{3} \|", PAGE, re.MULTILINE)
    names = [name for cell in rows for name in re.findall(r"[a-z-]+", cell)]
    assert sorted(names) == sorted(set(names))
