"""What FastAPI reads from a method that serves a route, read once for each route and not for each installation.

Thousands of tests open an installation, and each would read the same hundred signatures, annotations and paths: most of
what it costs to open one. What is read follows from the function of the method and from what is said of the route; the
object that the method belongs to is another one each time, and so are the routes.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, Final
from unittest import mock

import fastapi.routing
import starlette.routing

_Said = dict[str, Any]
_read: Final[dict[tuple[object, ...], tuple[_Said, _Said]]] = {}
_read_route: Final = fastapi.routing._populate_api_route_state


def _read_route_once(route: Any, path: str, endpoint: Callable[..., Any], **said: Any) -> None:
    """As FastAPI's own; ``said`` are all other arguments of the route, which must be the same again."""
    app = said.pop("dependency_overrides_provider", None)
    key = (path, *sorted(said["methods"] or ()), _function(endpoint))
    said_before, state = _read.get(key, ({}, {}))
    if said_before != said:
        _read_route(route, path, endpoint, dependency_overrides_provider=app, **said)
        if hasattr(endpoint, "__func__"):
            _read[key] = (said, dict(vars(route)))
        return
    vars(route).update(state)
    route.endpoint = endpoint
    route.dependency_overrides_provider = app
    known = state["dependant"]
    route.dependant = dataclasses.replace(known, call=endpoint, dependencies=list(known.dependencies))


def _function(call: Callable[..., Any]) -> Callable[..., Any]:
    """The function of a method, which is the same for every object."""
    found: Callable[..., Any] = getattr(call, "__func__", call)
    return found


def _of_its_function(read: Callable[[Callable[..., Any]], Any]) -> Callable[[Callable[..., Any]], Any]:
    """``read`` asked of a method's function: FastAPI remembers what it knows of each by identity."""

    def known(call: Callable[..., Any]) -> Any:
        return read(_function(call))

    return known


def read_routes_once() -> None:
    """From now on in this process."""
    path_once = functools.cache(starlette.routing.compile_path)
    by_function = (
        "_extract_endpoint_context",
        "_is_async_gen_callable",
        "_is_coroutine_callable",
        "_is_gen_callable",
    )
    for module, name, once in (
        (fastapi.routing, "_populate_api_route_state", _read_route_once),
        (fastapi.routing, "compile_path", path_once),
        (starlette.routing, "compile_path", path_once),
        *((fastapi.routing, name, _of_its_function(getattr(fastapi.routing, name))) for name in by_function),
    ):
        mock.patch.object(module, name, once).start()
