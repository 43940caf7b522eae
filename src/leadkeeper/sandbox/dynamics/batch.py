"""``$batch``: many requests in one, as multipart/mixed; a change set in it is done as a whole or not at all."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlsplit

from leadkeeper.sandbox.dynamics import errors
from leadkeeper.sandbox.dynamics.errors import Refused
from leadkeeper.sandbox.dynamics.organization import Organization
from leadkeeper.sandbox.stand_in import Answer, Request

MOST: Final = 1_000
_BOUNDARY: Final = re.compile(r'multipart/mixed;.*?boundary="?([^";]+)"?', re.IGNORECASE)
_BLANK: Final = re.compile(rb"\r?\n\r?\n")
_CONTENT_ID: Final = re.compile(rb'"\$(\d+)"')
Do = Callable[[Request], Answer]


class _Failed(Refused):
    """A change of a change set was refused: all before it are undone."""

    def __init__(self) -> None:
        super().__init__(errors.BAD_BATCH)


@dataclass(frozen=True, slots=True)
class _Part:
    headers: Mapping[str, str]
    body: bytes


def batch(request: Request, organization: Organization, do: Do) -> Answer:
    """The answers of ``do`` to the parts, up to the first that fails unless the caller prefers to go on.

    Raises :class:`Refused` when the request is no batch.
    """
    if request.method != "POST":
        raise Refused(errors.NO_METHOD, method=request.method)
    go_on = "odata.continue-on-error" in request.headers.get("prefer", "")
    mark = f"batchresponse_{uuid.uuid4()}"
    message: list[bytes] = []
    status = 200
    for part in _parts(_Part(request.headers, request.body)):
        if part.headers.get("content-type", "").lower().startswith("multipart/mixed"):
            failed, answered = _change_set(part, request, organization, do)
        else:
            answer = do(_request(part, request))
            failed, answered = answer if answer.status >= 400 else None, _wrapped(part, answer)
        message.append(answered)
        if failed is not None and not go_on:
            status = failed.status
            break
    body = _joined(mark, message)
    return Answer(status, body, {"Content-Type": f"multipart/mixed; boundary={mark}", "OData-Version": "4.0"})


def _change_set(part: _Part, outer: Request, organization: Organization, do: Do) -> tuple[Answer | None, bytes]:
    """The answer that failed, if any, and what is said of the whole; leads are as before when one failed."""
    mark = f"changesetresponse_{uuid.uuid4()}"
    message: list[bytes] = []
    failed: Answer | None = None
    entities: dict[str, str] = {}
    try:
        with organization.all_or_nothing():
            for change in _parts(part):
                answer = do(_change(change, outer, entities))
                if answer.status >= 400:
                    failed, message = answer, [_wrapped(change, answer)]
                    raise _Failed
                message.append(_wrapped(change, answer))
                if "content-id" in change.headers and "OData-EntityId" in answer.headers:
                    entities[change.headers["content-id"]] = answer.headers["OData-EntityId"]
    except _Failed:
        pass  # what failed is said
    return failed, f"Content-Type: multipart/mixed; boundary={mark}\r\n\r\n".encode() + _joined(mark, message)


def _change(change: _Part, outer: Request, entities: Mapping[str, str]) -> Request:
    """The request of a change, with the entities that ``$1`` stands for in its address and in its body."""
    request = _request(change, outer, entities)
    if request.method == "GET":
        raise Refused(errors.BAD_BATCH)
    body = _CONTENT_ID.sub(
        lambda found: f'"{entities.get(found[1].decode(), found[1].decode())}"'.encode(), request.body
    )
    return replace(request, body=body)


def _parts(whole: _Part) -> list[_Part]:
    found = _BOUNDARY.match(whole.headers.get("content-type", ""))
    if found is None:
        raise Refused(errors.BAD_BATCH)
    pieces = re.split(rb"(?:^|\r?\n)--" + re.escape(found[1].encode()) + rb"(?=--|\r?\n)", whole.body)
    if len(pieces) < 3 or not pieces[-1].startswith(b"--") or len(pieces) - 2 > MOST:
        raise Refused(errors.BAD_BATCH)
    return [_Part(*_split(piece.lstrip(b"\r\n"))) for piece in pieces[1:-1]]


def _split(data: bytes) -> tuple[dict[str, str], bytes]:
    head, *rest = _BLANK.split(data, maxsplit=1)
    fields = (line.partition(":") for line in head.decode("utf-8", "replace").splitlines())
    return {name.strip().lower(): value.strip() for name, _, value in fields}, rest[0] if rest else b""


def _request(part: _Part, outer: Request, entities: Mapping[str, str] | None = None) -> Request:
    """The request that a part holds, with the sign-in of the whole; ``entities`` by the content ids before it."""
    if part.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/http":
        raise Refused(errors.BAD_BATCH)
    line, _, rest = part.body.lstrip(b"\r\n").partition(b"\n")
    words = line.decode("utf-8", "replace").strip().rsplit(" ", 1)[0].split(" ", 1)
    if len(words) != 2:
        raise Refused(errors.BAD_BATCH)
    headers, body = _split(rest)
    if words[1].startswith("$") and (reference := words[1][1:].partition("/"))[0] in (entities or {}):
        words[1] = (entities or {})[reference[0]] + reference[1] + reference[2]
    at = urlsplit(words[1])
    base = outer.target.partition("$batch")[0].partition("%24batch")[0]
    path = at.path if at.path.startswith("/") else base + at.path
    return Request(words[0], outer.host, path + (f"?{at.query}" if at.query else ""), headers, body.strip())


def _wrapped(part: _Part, answer: Answer) -> bytes:
    own = {"Content-Type": "application/http", "Content-Transfer-Encoding": "binary"}
    if "content-id" in part.headers:
        own["Content-ID"] = part.headers["content-id"]
    return "".join(f"{name}: {value}\r\n" for name, value in own.items()).encode() + b"\r\n" + answer.encoded()


def _joined(mark: str, message: list[bytes]) -> bytes:
    return b"".join(f"--{mark}\r\n".encode() + each + b"\r\n" for each in message) + f"--{mark}--\r\n".encode()
