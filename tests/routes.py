"""Every route of an installation's doors, as the installation itself names them: none can be forgotten."""

from __future__ import annotations

import inspect
from typing import Final

from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import ASGIApp

from leadkeeper.doors.entrance import Entrance
from tests.doors_when_asked import DoorWhenAsked

PROGRAMS: Final = {"", "api", "v1.0", "favicon.ico"}
"""The doors that answer programs, whose routes stand in the OpenAPI document, and the address of an icon."""


def page_routes(doors: ASGIApp | None) -> list[tuple[str, str]]:
    """Method and path of every page and form; files of the pages' style are left out."""
    assert isinstance(doors, Entrance)
    found: list[tuple[str, str]] = []
    for name, door in doors._doors.items():
        if name in PROGRAMS:
            continue
        inner = inspect.getclosurevars(door).nonlocals["door"]
        if isinstance(inner, DoorWhenAsked):
            inner = inner.made
        assert isinstance(inner, Starlette), name
        for route in inner.routes:
            assert isinstance(route, Route), (name, route)
            is_file = "/static/" in route.path or route.path.rpartition(".")[2] in ("js", "css")
            found += [] if is_file else [(each, route.path) for each in sorted((route.methods or set()) - {"HEAD"})]
    return found
