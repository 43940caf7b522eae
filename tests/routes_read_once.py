"""What FastAPI reads from a method that serves a route, read once for each route and not for each installation.

Thousands of tests open an installation, and each would read the same hundred signatures, annotations and paths: most of
what it costs to open one. What is read follows from the function of the method and from what is said of the route; the
object that the method belongs to is another one each time, and so are the routes. What serves a route is made of it for
its first request, since most tests ask a few of them.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, Final
from unittest import mock

import fastapi.routing
import starlette.routing
from fastapi._body_limit import wrap_app_with_body_limit
from fastapi.routing import APIRoute, APIRouter
from starlette.types import Receive, Scope, Send

_Said = dict[str, Any]
_read: Final[dict[tuple[object, ...], tuple[_Said, APIRoute]]] = {}
_add: Final = APIRouter.add_api_route


class _Serving:
    """Serves a route that was read before, by the method of another object."""

    def __init__(self, route: Any) -> None:
        self._route = route

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        route = self._route
        known = route.dependant
        route.dependant = dataclasses.replace(known, call=route.endpoint, dependencies=list(known.dependencies))
        serve = fastapi.routing.request_response(route.get_route_handler())
        route.app = wrap_app_with_body_limit(serve, route.max_body_size)
        await route.app(scope, receive, send)


def _add_once(router: Any, path: str, endpoint: Callable[..., Any], **said: Any) -> None:
    """As FastAPI's own; ``said`` are all other arguments, which must be the same again."""
    key = (router.route_class, router.prefix, path, *(said.get("methods") or ()), _function(endpoint))
    said_before, known = _read.get(key, ({}, None))
    if known is None or said_before != said:
        _add(router, path, endpoint, **said)
        if hasattr(endpoint, "__func__"):
            _read[key] = (said, router.routes[-1])
        return
    route = type(known).__new__(type(known))
    vars(route).update(vars(known))
    route.endpoint = endpoint
    route.dependency_overrides_provider = router.dependency_overrides_provider
    route.app = _Serving(route)
    router.routes.append(route)
    router._mark_routes_changed()


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
    for owner, name, once in (
        (APIRouter, "add_api_route", _add_once),
        (fastapi.routing, "compile_path", path_once),
        (starlette.routing, "compile_path", path_once),
        *((fastapi.routing, name, _of_its_function(getattr(fastapi.routing, name))) for name in by_function),
    ):
        mock.patch.object(owner, name, once).start()
