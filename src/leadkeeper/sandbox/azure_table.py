"""Azure's Table service: Azurite behind TLS, answering as the real service does where Azurite does not.

Azurite keeps the rows and checks signatures. This proxy adds the real service's limits, error bodies and waiting time
after a table's deletion, and every fault that a test asks for. Both styles of address work: account in the path
(``https://127.0.0.1:port/account``) and in the host name (``https://account.table.core.windows.net``).
"""

from __future__ import annotations

import asyncio
import json
import re
import ssl
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

import aiohttp
from yarl import URL

from leadkeeper.sandbox.faults import Exchange, Fault, FaultServer, Seen, hang, reset_before_answer

Match = Callable[[Seen], bool]
"""Whether a fault is meant for a request."""

OPERATIONS: Final = 100
TRANSACTION_BYTES: Final = 4 * 1024 * 1024
ENTITY_BYTES: Final = 1024 * 1024
PROPERTIES: Final = 252

_JSON: Final = "application/json;odata=minimalmetadata;streaming=true;charset=utf-8"
_HOP_HEADERS: Final = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length"})
_SUB_REQUEST: Final = re.compile(
    rb"\r\n(?P<method>[A-Z]+) (?P<url>\S+) HTTP/1\.1\r\n(?:[^\r\n]+\r\n)*\r\n(?P<body>[^\r]*)"
)
_PRODUCT_URL: Final = re.compile(rb"(\r\n[A-Z]+ https?://)(([a-z0-9]+)\.table\.[^/\s]+/)")
_TABLE: Final = re.compile(r"/(?:Tables\('(?P<entry>\w+)'\)|(?P<name>[A-Za-z][A-Za-z0-9]{2,62})(?=[(]|$))")


@dataclass(frozen=True, slots=True)
class Problem:
    """An error of the service as its documentation and recorded answers show it."""

    status: int
    code: str
    message: str

    def body(self, request_id: str, index: int | None = None) -> bytes:
        """The error as the Table service writes it; ``index`` is the operation of a transaction that failed."""
        prefix = "" if index is None else f"{index}:"
        text = f"{prefix}{self.message}\nRequestId:{request_id}\nTime:{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}0Z"
        error = {"odata.error": {"code": self.code, "message": {"lang": "en-US", "value": text}}}
        return json.dumps(error).encode()


AUTHENTICATION_FAILED: Final = Problem(
    403,
    "AuthenticationFailed",
    "Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly "
    "including the signature.",
)
BEING_DELETED: Final = Problem(409, "TableBeingDeleted", "The specified table is being deleted. Try operation later.")
ENTITY_TOO_LARGE: Final = Problem(400, "EntityTooLarge", "The entity is larger than the maximum allowed size (1MB).")
TOO_MANY_PROPERTIES: Final = Problem(400, "TooManyProperties", "The entity contains more properties than allowed.")
TOO_MANY_OPERATIONS: Final = Problem(
    400, "InvalidInput", "The batch request operation exceeds the maximum 100 changes per change set."
)
BODY_TOO_LARGE: Final = Problem(
    413, "RequestBodyTooLarge", "The request body is too large and exceeds the maximum permissible limit."
)


def is_transaction(request: Seen) -> bool:
    """The request is a batch."""
    return _path(request).endswith("/$batch")


def is_insert(request: Seen) -> bool:
    """The request creates rows: one, or a batch of them."""
    return request.method == "POST" and not creates_table(request)


def creates_table(request: Seen) -> bool:
    """The request makes a table."""
    return request.method == "POST" and _path(request).endswith("/Tables")


def _path(request: Seen) -> str:
    return request.target.partition("?")[0]


def error(status: int, code: str, message: str = "No.", *, in_header: bool = False, **headers: str) -> Fault:
    """Answer with an error of the service. Keyword ``retry_after`` becomes the header ``retry-after``.

    ``in_header`` names the code in ``x-ms-error-code`` too, as Azurite does and the real service may not.
    """
    problem = Problem(status, code, message)

    async def act(exchange: Exchange) -> None:
        extra = {name.replace("_", "-"): value for name, value in headers.items()}
        if in_header:
            extra["x-ms-error-code"] = code
        await exchange.send(_refusal(problem, extra))

    return act


def xml_error(status: int, code: str) -> Fault:
    """The same as XML, as a gateway before the Table service writes it."""

    async def act(exchange: Exchange) -> None:
        text = f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code><Message>No.</Message></Error>'
        await exchange.send(_answer(status, text.encode(), {"Content-Type": "application/xml"}))

    return act


def transaction_error(index: int | None, status: int, code: str, message: str = "No.") -> Fault:
    """Refuse a transaction because of one operation: 202 outside, the error inside, its message begins ``index:``."""

    async def act(exchange: Exchange) -> None:
        await exchange.send(_transaction_refusal(Problem(status, code, message), index))

    return act


class AzureTable(FaultServer):
    """The stand-in, before the Azurite at ``upstream``. After a deletion a table's name is taken for a while.

    ``received`` holds every request; ``committed`` those that were passed on to Azurite.
    """

    def __init__(self, upstream: str, *, deletion_seconds: float = 40.0) -> None:
        super().__init__(self._serve_request)
        self.committed: list[Seen] = []
        self.deletion_seconds = deletion_seconds
        self._upstream = upstream
        self._session: aiohttp.ClientSession | None = None
        self._script: list[tuple[Fault, Match, int]] = []
        self._deleted: dict[str, float] = {}

    async def start(self, context: ssl.SSLContext | None, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; see :class:`~leadkeeper.sandbox.faults.FaultServer`."""
        self._session = aiohttp.ClientSession(auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar())
        await super().start(context, host, port)

    async def aclose(self) -> None:
        """Stop listening and drop every connection, hanging ones too."""
        await super().aclose()
        if self._session is not None:
            await self._session.close()

    def fail(self, fault: Fault, *, when: Match = lambda _: True, times: int = 1_000_000) -> None:
        """Do ``fault`` with the next ``times`` requests that it is meant for; the first one asked for goes first."""
        self._script.append((fault, when, times))

    def reset(self) -> None:
        """Behave again, and forget what came and what was deleted."""
        self._script.clear()
        self._deleted.clear()
        self.received.clear()
        self.committed.clear()

    def commit_then(self, fault: Fault) -> Fault:
        """Do what the request asks for, throw the answer away, and do ``fault`` instead of answering."""

        async def act(exchange: Exchange) -> None:
            await self._forward(exchange.request)
            await fault(exchange)

        return act

    @property
    def commit_then_reset(self) -> Fault:
        """Write the rows and break the connection."""
        return self.commit_then(reset_before_answer)

    @property
    def commit_then_hang(self) -> Fault:
        """Write the rows and never answer."""
        return self.commit_then(hang)

    async def _serve_request(self, exchange: Exchange) -> None:
        for place, (fault, when, times) in enumerate(self._script):
            if when(exchange.request):
                self._script[place : place + 1] = [(fault, when, times - 1)] if times > 1 else []
                await fault(exchange)
                return
        refusal = self._refusal(exchange.request)
        await exchange.send(refusal or await self._forward(exchange.request))

    def _refusal(self, request: Seen) -> bytes | None:
        """What the real service refuses and Azurite does not."""
        if len(request.body) > TRANSACTION_BYTES:
            return _refusal(BODY_TOO_LARGE)
        operations = list(_operations(request))
        if len(operations) > OPERATIONS:
            return _refusal(TOO_MANY_OPERATIONS)
        if self._is_being_deleted(request):
            return _transaction_refusal(BEING_DELETED, 0) if is_transaction(request) else _refusal(BEING_DELETED)
        for index, entity in enumerate(operations):
            problem = _flaw(entity)
            if problem is not None:
                return _transaction_refusal(problem, index) if is_transaction(request) else _refusal(problem)
        return None

    def _is_being_deleted(self, request: Seen) -> bool:
        now = asyncio.get_running_loop().time()
        return any(self._deleted.get(table, 0.0) > now for table in _tables(request))

    async def _forward(self, request: Seen) -> bytes:
        assert self._session is not None
        self.committed.append(request)
        url = URL(f"{self._upstream}{request.target}", encoded=True)
        body = _PRODUCT_URL.sub(rb"\1\2\3/", request.body) if is_transaction(request) else request.body
        headers = {name: value for name, value in request.headers.items() if name not in _HOP_HEADERS}
        async with self._session.request(
            request.method, url, data=body, headers=headers, allow_redirects=False, skip_auto_headers=("Content-Type",)
        ) as response:
            content = await response.read()
        if request.method == "DELETE" and response.status == 204:
            until = asyncio.get_running_loop().time() + self.deletion_seconds
            self._deleted.update(dict.fromkeys(_tables(request), until))
        if response.headers.get("x-ms-error-code") == "AuthorizationFailure":
            return _refusal(AUTHENTICATION_FAILED)
        kept = {name: value for name, value in response.headers.items() if name.lower() not in _HOP_HEADERS}
        kept.pop("x-ms-error-code", None)
        return _answer(response.status, content, kept)


def _operations(request: Seen) -> Iterator[dict[str, object]]:
    """The rows that a request creates."""
    if not is_insert(request):
        return
    bodies = [found["body"] for found in _SUB_REQUEST.finditer(request.body)] if is_transaction(request) else None
    for body in [request.body] if bodies is None else bodies:
        try:
            entity = json.loads(body)
        except ValueError:
            continue
        if isinstance(entity, dict):
            yield entity


def _tables(request: Seen) -> set[str]:
    """The tables that a request is about, lower case."""
    if creates_table(request):
        return {str(json.loads(request.body).get("TableName", "")).lower()}
    if is_transaction(request):
        targets = [URL(found["url"].decode()).path for found in _SUB_REQUEST.finditer(request.body)]
    else:
        targets = [_path(request)]
    found = [match for target in targets if (match := _TABLE.search(target[target.rfind("/") :]))]
    return {(match["entry"] or match["name"]).lower() for match in found}


def _flaw(entity: Mapping[str, object]) -> Problem | None:
    """What makes the real service refuse a row, sizes counted as its documentation says."""
    columns = {name: value for name, value in entity.items() if not name.endswith("@odata.type")}
    if len(columns.keys() - {"PartitionKey", "RowKey", "Timestamp"}) > PROPERTIES:
        return TOO_MANY_PROPERTIES
    size = sum(8 + 2 * _units(name) + 4 + 2 * _units(str(value)) for name, value in columns.items())
    return ENTITY_TOO_LARGE if size > ENTITY_BYTES else None


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _refusal(problem: Problem, headers: Mapping[str, str] | None = None) -> bytes:
    request_id = str(uuid.uuid4())
    always = {"Content-Type": _JSON, "x-ms-request-id": request_id, "x-ms-version": "2019-02-02"}
    return _answer(problem.status, problem.body(request_id), always | dict(headers or {}))


def _transaction_refusal(problem: Problem, index: int | None) -> bytes:
    request_id = str(uuid.uuid4())
    outer, inner = f"batchresponse_{uuid.uuid4()}", f"changesetresponse_{uuid.uuid4()}"
    lines = [
        *(f"--{outer}", f"Content-Type: multipart/mixed; boundary={inner}", ""),
        *(f"--{inner}", "Content-Type: application/http", "Content-Transfer-Encoding: binary", ""),
        f"HTTP/1.1 {problem.status} {_phrase(problem.status)}",
        *("X-Content-Type-Options: nosniff", "Cache-Control: no-cache", "DataServiceVersion: 3.0;"),
        *(f"Content-Type: {_JSON}", "", problem.body(request_id, index).decode()),
        *(f"--{inner}--", f"--{outer}--", ""),
    ]
    headers = {"Content-Type": f"multipart/mixed; boundary={outer}", "x-ms-request-id": request_id}
    return _answer(202, "\r\n".join(lines).encode(), headers)


def _answer(status: int, body: bytes, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} {_phrase(status)}", *(f"{name}: {value}" for name, value in headers.items())]
    if status != 204:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
