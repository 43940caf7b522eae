"""What every door can read, and what none takes: texts that no database holds, bodies that are compressed. Plain ASGI.

PostgreSQL holds no NUL character and no half of a surrogate pair; so that both databases keep the same, no door takes
them. In leads that hooks and the storefront bring they are left out instead: such a lead is never refused for them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Receive, Scope, Send

from leadkeeper.doors.languages import VARY, accepted
from leadkeeper.doors.web import header, request_id_of, send_problem
from leadkeeper.normal_forms import UNSTORABLE
from leadkeeper.problem import FieldError, Problem, ProblemType
from leadkeeper.texts import Languages, lazy_gettext

_MARK: Final = b"\xef\xbb\xbf"
_SUSPECT: Final = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
_WORD: Final = re.compile(r"[A-Za-z0-9._, -]{1,40}")


class UnstorableText(Problem):
    """A text holds what no database can: ``where`` it stands."""

    def __init__(self, where: str) -> None:
        rule = lazy_gettext("may hold no NUL character and no half of a surrogate pair")
        detail = lazy_gettext("The text may hold no NUL character and no half of a surrogate pair.")
        if where:
            detail = lazy_gettext("%(where)s may hold no NUL character and no half of a surrogate pair.", where=where)
        super().__init__(ProblemType.INVALID_REQUEST, detail, (FieldError(where, rule),))


def require_unencoded(scope: Scope) -> None:
    """Raise :class:`Problem` for a body that is compressed: it is named, since it would only look like no JSON."""
    for name, value in scope["headers"]:
        if name != b"content-encoding" or value.strip().lower() in (b"", b"identity"):
            continue
        message = value.decode("latin-1").strip()
        shown = message if _WORD.fullmatch(message) else lazy_gettext("so encoded")
        detail = lazy_gettext(
            "Send the body as it is: a body with Content-Encoding %(shown)s is not taken.", shown=shown
        )
        raise Problem(ProblemType.UNSUPPORTED_MEDIA_TYPE, detail)


def without_mark(body: bytes) -> bytes:
    """``body`` without UTF-8's byte order mark, with which some systems begin their files."""
    return body.removeprefix(_MARK)


def require_storable_body(body: bytes) -> None:
    """Raise :class:`UnstorableText` for JSON with a text that cannot be kept; no JSON is another's to refuse."""
    if _SUSPECT.search(body) is None:  # they can only be there escaped
        return
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return
    require_storable(value)


def require_storable(value: object) -> None:
    """Raise :class:`UnstorableText` for the first text in ``value`` (as JSON is read), or key, that cannot be kept."""
    waiting: list[tuple[str, object]] = [("", value)]
    while waiting:
        where, each = waiting.pop()
        if isinstance(each, str):
            if UNSTORABLE.search(each):
                raise UnstorableText(where)
        elif isinstance(each, Mapping):
            for key, inner in each.items():
                if UNSTORABLE.search(str(key)):
                    raise UnstorableText(f"{where}.(a key)" if where else "(a key)")
                waiting.append((f"{where}.{str(key)[:100]}" if where else str(key)[:100], inner))
        elif isinstance(each, list | tuple):
            waiting.extend((f"{where}.{number}" if where else str(number), inner) for number, inner in enumerate(each))


def require_storable_address(scope: Scope) -> None:
    """Raise :class:`UnstorableText` for a path or a query with a character that cannot be kept."""
    if UNSTORABLE.search(scope["path"]):
        named = [str(name) for name, part in scope.get("path_params", {}).items() if UNSTORABLE.search(str(part))]
        raise UnstorableText(named[0] if named else "path")
    query: bytes = scope.get("query_string", b"")
    if b"%00" not in query and b"\0" not in query:
        return
    for name, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        if "\0" in name:
            raise UnstorableText("query")
        if "\0" in value:
            raise UnstorableText(name[:100])


def readable(door: ASGIApp, languages: Languages) -> ASGIApp:
    """``door``, to which no compressed body comes and no address with a character that cannot be kept."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            try:
                require_unencoded(scope)
                require_storable_address(scope)
            except Problem as problem:
                wanted = header(scope, b"accept-language")
                language = accepted(None if wanted is None else wanted.decode("latin-1"), languages)
                await send_problem(send, problem, [VARY], language, request_id_of(scope))
                return
        await door(scope, receive, send)

    return serve
