"""Before the framework: the hot routes, who is calling, and what happens when something unforeseen does. Plain ASGI."""

from __future__ import annotations

import time
import traceback
from collections.abc import Awaitable, Sequence
from typing import Final

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from leadkeeper.doors.api.metrics import Metrics
from leadkeeper.doors.api.security import caller_in, sign_in
from leadkeeper.doors.bearer import Bearers
from leadkeeper.doors.languages import VARY, accepted
from leadkeeper.doors.web import (
    ClientGone,
    Header,
    HotRoute,
    allowed,
    header,
    request_id_of,
    send_problem,
    storage_away,
    without_body,
)
from leadkeeper.problem import Problem, ProblemType, internal
from leadkeeper.storage.engine import StorageAway
from leadkeeper.texts import Languages, lazy_gettext

_FORBIDDEN: Final = 403

log: Final = structlog.get_logger(__name__)


class Front:
    """Serves the hot routes itself and hands the rest to ``app``; below ``closed`` only with a key that is known."""

    def __init__(
        self,
        app: ASGIApp,
        hot: Sequence[HotRoute],
        bearers: Bearers,
        metrics: Metrics,
        closed: tuple[str, ...],
        languages: Languages,
    ) -> None:
        self._app = app
        self._bearers = bearers
        self._metrics = metrics
        self._closed = closed
        self._languages = languages
        self._exact = {route.path: route for route in hot if "{" not in route.path}
        self._prefixed = [(route.path.partition("{")[0], route) for route in hot if "{" in route.path]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; whatever goes wrong, as a problem document. HEAD is answered as GET, without a body."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["method"] == "HEAD":
            scope, send = {**scope, "method": "GET"}, without_body(send)
        at, scope = self._found(scope)
        route = at if scope["method"] == "POST" else None
        started = time.perf_counter()
        answer = _Answer(send)
        try:
            if route is not None:
                await route.handle(scope, receive, answer)
            else:
                await self._pass_on(at, scope, receive, answer)
        except Problem as problem:
            await self._refuse(scope, route, problem, answer)
        except StorageAway as error:
            await self._refuse(scope, route, storage_away(error.reason), answer)
        except ClientGone:
            pass
        except Exception as error:
            _report(scope, route, error)
            await self._refuse(scope, route, internal(), answer)
        finally:
            if answer.status == _FORBIDDEN and (caller := caller_in(scope)) is not None:
                self._bearers.refused(caller, scope)
            if route is not None:
                self._metrics.took(route.name, time.perf_counter() - started)

    def _found(self, scope: Scope) -> tuple[HotRoute | None, Scope]:
        """The hot route at the request's address, if there is one. A slash at its end is no matter.

        One too many elsewhere is none to a lead that is posted; other addresses may lack an id there.
        """
        at = self._route(scope["path"])
        if at is None and scope["method"] == "POST" and (plain := _without_slashes(scope["path"])) != scope["path"]:
            at = self._route(plain)
            if at is not None:
                return at, {**scope, "path": plain}
        if at is None and scope.get("raw_path", b"").endswith(b"/") and (plain := scope["path"].rstrip("/")):
            return self._route(plain), {**scope, "path": plain}
        return at, scope

    def _route(self, path: str) -> HotRoute | None:
        route = self._exact.get(path)
        if route is not None:
            return route
        for prefix, prefixed in self._prefixed:
            if path.startswith(prefix) and len(path) > len(prefix) and "/" not in path[len(prefix) :]:
                return prefixed
        return None

    async def _pass_on(self, at: HotRoute | None, scope: Scope, receive: Receive, answer: _Answer) -> None:
        if at is not None and scope["method"] not in at.elsewhere:
            allow = allowed({"POST", *at.elsewhere})
            problem = Problem(ProblemType.METHOD_NOT_ALLOWED, lazy_gettext("This address does not take this method."))
            await self._send(scope, problem, answer, [(b"allow", allow.encode())])
            return
        if scope["path"].startswith(self._closed):
            await sign_in(self._bearers, scope)
        await self._app(scope, receive, answer)

    async def _refuse(self, scope: Scope, route: HotRoute | None, problem: Problem, answer: _Answer) -> None:
        if route is not None:
            self._metrics.counted(route.name, problem.type.value)
        if not answer.begun:
            await self._send(scope, problem, answer)

    async def _send(self, scope: Scope, problem: Problem, answer: _Answer, headers: Sequence[Header] = ()) -> None:
        wanted = header(scope, b"accept-language")
        language = accepted(None if wanted is None else wanted.decode("latin-1"), self._languages)
        await send_problem(answer, problem, [VARY, *headers], language, request_id_of(scope))


def _without_slashes(path: str) -> str:
    """The path without doubled slashes and one at its end: a lead is not lost to a slash."""
    return "/" + "/".join(part for part in path.split("/") if part)


class _Answer:
    """``send``, remembering whether an answer has begun: then no other can be given."""

    __slots__ = ("_send", "begun", "status")

    def __init__(self, send: Send) -> None:
        self._send = send
        self.begun = False
        self.status = 0

    def __call__(self, message: Message) -> Awaitable[None]:
        if not self.begun:
            self.begun = True
            self.status = message["status"]
        return self._send(message)


def _report(scope: Scope, route: HotRoute | None, error: Exception) -> None:
    """Where it happened and what kind of error it is; not its words, which may repeat what a customer wrote."""
    where = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)[-8:]]
    path = route.path if route is not None else getattr(scope.get("route"), "path", "")
    log.error(
        "request failed", request_id=request_id_of(scope), route=path, error=type(error).__qualname__, where=where
    )
