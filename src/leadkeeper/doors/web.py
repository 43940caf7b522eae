"""What the doors that speak HTTP share: bodies in, JSON and problem documents out. Plain ASGI."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
from pydantic import BaseModel, Field
from pydantic_core import to_json
from starlette.types import Message, Receive, Scope, Send

from leadkeeper.clock import new_id
from leadkeeper.lead import read_hops
from leadkeeper.problem import STATUS, TITLES, Problem, ProblemType, page_of, type_reference
from leadkeeper.storage.away import UNREACHABLE
from leadkeeper.texts import ENGLISH, Language, lazy_gettext

log: Final = structlog.get_logger(__name__)

MAX_BODY: Final = 64 * 1024
"""The most bytes of a request's body (of a line, in a batch)."""

JSON: Final = b"application/json"
PROBLEM: Final = b"application/problem+json"
_PROBLEM_TYPE: Final = PROBLEM.decode()

Header = tuple[bytes, bytes]


class ClientGone(Exception):
    """The client went away before its request was whole; nobody waits for an answer."""


class FieldProblem(BaseModel):
    """One field that cannot be taken."""

    field: str = Field(description="Where it is, for example customer.email.", examples=["customer.email"])
    message: str = Field(description="What is wrong with it.", examples=["must hold one @"])


class ProblemDocument(BaseModel):
    """Why a request was refused (RFC 9457). Nothing was changed."""

    type: str = Field(
        description="Which problem it is: stable, and the address of the page that says what to do.",
        json_schema_extra={"format": "uri-reference", "enum": [type_reference(type) for type in ProblemType]},
        examples=[type_reference(ProblemType.UNKNOWN_OFFER)],
    )
    title: str = Field(examples=["Unknown offer"])
    status: int = Field(description="The HTTP status.", examples=[404])
    detail: str = Field(description="What is wrong and what to do.")
    errors: list[FieldProblem] = Field(description="The fields that cannot be taken; may be empty.")
    requestId: str | None = Field(
        None, description="Of this one request; the log names it with what happened. Missing where none was read."
    )


_REQUEST_ID: Final = "leadkeeper.request_id"


def request_id_of(scope: Scope) -> str:
    """The id of a request: made when it is first asked for, the same from then on."""
    found: str = scope.setdefault(_REQUEST_ID, "") or new_id()
    scope[_REQUEST_ID] = found
    return found


def problem_content(problem: Problem, language: Language = ENGLISH, request_id: str | None = None) -> dict[str, Any]:
    """The problem document of ``problem`` in ``language``; always valid Unicode."""
    content = {
        "type": type_reference(problem.type),
        "title": language.gettext(TITLES[problem.type]),
        "status": problem.status,
        "detail": _valid(language.tell(problem.detail)),
        "errors": [{"field": _valid(e.field), "message": _valid(language.tell(e.message))} for e in problem.errors],
    }
    return content if request_id is None else content | {"requestId": request_id}


def _valid(text: str) -> str:
    """Callers' own names of things come back to them in problems, whatever they hold."""
    return text.encode("utf-8", "replace").decode()


def problem_headers(problem: Problem, language: Language = ENGLISH) -> list[Header]:
    """The headers that belong to ``problem``, besides its content type."""
    help_link = f'<{page_of(problem.type, language)}>; rel="help"'
    return [(b"content-language", language.code.encode()), (b"link", help_link.encode()), *_own_headers(problem)]


def _own_headers(problem: Problem) -> list[Header]:
    if problem.type is ProblemType.UNAUTHORIZED:
        return [(b"www-authenticate", b'Bearer realm="leadkeeper"')]
    if problem.type is ProblemType.STORAGE_AWAY:
        return [(b"retry-after", b"1")]
    if problem.retry_after is not None:
        return [(b"retry-after", b"%d" % problem.retry_after)]
    return []


def storage_away(reason: str = UNREACHABLE) -> Problem:
    """The database is away, for that reason."""
    detail = lazy_gettext("Nothing was kept: %(reason)s. Try again soon.", reason=lazy_gettext(reason))
    return Problem(ProblemType.STORAGE_AWAY, detail)


async def send_body(
    send: Send, status: int, body: bytes, content_type: bytes = JSON, headers: Sequence[Header] = ()
) -> None:
    """Answer with ``body`` and end."""
    length = str(len(body)).encode()
    own = [(b"content-type", content_type), (b"content-length", length), *headers]
    await send({"type": "http.response.start", "status": status, "headers": own})
    await send({"type": "http.response.body", "body": body})


def log_refusal(problem: Problem, request_id: str) -> None:
    """One line by which the operator finds a refusal that somebody asks about.

    What strangers cause, and what befalls every request while the database is away, only if asked.
    """
    of_many = problem.status in (401, 404, 405, 429, 503)
    note = log.debug if of_many else log.info
    note("request refused", request_id=request_id, type=problem.type.value, status=problem.status)


async def send_problem(
    send: Send,
    problem: Problem,
    headers: Sequence[Header] = (),
    wanted: Language = ENGLISH,
    request_id: str | None = None,
) -> None:
    """Answer with a problem document, in the language that is ``wanted`` where all of it can be told so, and end."""
    if request_id is not None:
        log_refusal(problem, request_id)
    language = problem.language(wanted)
    body = to_json(problem_content(problem, language, request_id))
    await send_body(send, problem.status, body, PROBLEM, [*problem_headers(problem, language), *headers])


def allowed(methods: Collection[str]) -> str:
    """What ``Allow`` says of an address that takes ``methods``: HEAD is answered wherever GET is."""
    return ", ".join(sorted({*methods, "HEAD"} if "GET" in methods else methods))


def without_body(send: Send) -> Send:
    """``send`` for the answer to HEAD: what GET would be answered, its body left out."""

    async def head(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return head


def header(scope: Scope, name: bytes) -> bytes | None:
    """The first header of this name (in lower case), or ``None``."""
    for key, value in scope["headers"]:
        if key == name:
            found: bytes = value
            return found
    return None


def hops_of(scope: Scope) -> int:
    """How often the leads of this request were passed on by installations like this one."""
    value = header(scope, b"leadkeeper-hops")
    return 0 if value is None else read_hops(value.decode("latin-1"))


async def read_body(receive: Receive, limit: int = MAX_BODY) -> bytes:
    """The whole body. Raises :class:`Problem` for one of more than ``limit`` bytes, :class:`ClientGone`."""
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientGone
    body: bytes | bytearray = message.get("body", b"")
    if message.get("more_body", False):
        body = bytearray(body)  # which grows without being copied for each piece
        while message.get("more_body", False) and len(body) <= limit:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            body += message.get("body", b"")
    if len(body) > limit:
        raise too_large(lazy_gettext("The body is larger than %(limit)s bytes.", limit=limit))
    return bytes(body)


def too_large(detail: str) -> Problem:
    """The request, or a line of it, is too large."""
    return Problem(ProblemType.TOO_LARGE, detail)


def require_content_type(scope: Scope, *allowed: bytes) -> None:
    """Raise :class:`Problem` unless the body's media type is one of ``allowed``; its parameters do not matter."""
    given = (header(scope, b"content-type") or b"").partition(b";")[0].strip().lower()
    if given not in allowed:
        raise Problem(
            ProblemType.UNSUPPORTED_MEDIA_TYPE,
            lazy_gettext("Send the body as %(allowed)s.", allowed=b" or ".join(allowed).decode()),
        )


@dataclass(frozen=True)
class HotRoute:
    """A way in that is called for every lead: plain ASGI in front of the framework, documented by hand.

    ``path`` is an OpenAPI path, exact or ending in one ``{parameter}``; ``handle`` may raise :class:`Problem`,
    ``StorageAway`` and :class:`ClientGone` before it answers. ``elsewhere`` are methods of the same path that the
    framework serves. ``operation`` refers to ``models`` as ``#/components/schemas/<name>``.
    """

    path: str
    name: str
    handle: Callable[[Scope, Receive, Send], Awaitable[None]]
    operation: Mapping[str, Any]
    models: Sequence[type[BaseModel]] = ()
    elsewhere: frozenset[str] = field(default_factory=frozenset)


def problem_responses(*types: ProblemType) -> dict[int | str, dict[str, Any]]:
    """How OpenAPI documents that an operation may answer with these problems."""
    return dict(_responses(types))


@functools.cache  # a hundred operations name the same few sets of problems
def _responses(types: tuple[ProblemType, ...]) -> Mapping[int | str, dict[str, Any]]:
    """For each status that these problems answer with, in order, which of them do."""
    by_status: dict[int, list[str]] = {}
    for type in types:
        by_status.setdefault(STATUS[type], []).append(f"[{type.value}]({type_reference(type)})")
    content = {_PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}}
    return {
        str(status): {"description": f"Problem: {', '.join(names)}", "content": content}
        for status, names in sorted(by_status.items())
    }
