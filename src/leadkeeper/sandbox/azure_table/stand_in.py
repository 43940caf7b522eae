"""Azure's Table service: Azurite behind TLS, answering as the real service does where Azurite does not.

What it adds: the real service's limits, error bodies (JSON, and no header that names the code) and waiting time after a
table's deletion. See :mod:`~leadkeeper.sandbox.azure_storage.proxy` for the rest.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator, Mapping
from typing import Final

from yarl import URL

from leadkeeper.sandbox.azure_storage.proxy import (
    AUTHENTICATION_FAILED,
    Problem,
    StorageProxy,
    path_of,
    phrase,
    render,
)
from leadkeeper.sandbox.faults import Exchange, Fault, Seen

OPERATIONS: Final = 100
TRANSACTION_BYTES: Final = 4 * 1024 * 1024
ENTITY_BYTES: Final = 1024 * 1024
PROPERTIES: Final = 252

_JSON: Final = "application/json;odata=minimalmetadata;streaming=true;charset=utf-8"
_SUB_REQUEST: Final = re.compile(
    rb"\r\n(?P<method>[A-Z]+) (?P<url>\S+) HTTP/1\.1\r\n(?:[^\r\n]+\r\n)*\r\n(?P<body>[^\r]*)"
)
_PRODUCT_URL: Final = re.compile(rb"(\r\n[A-Z]+ https?://)(([a-z0-9]+)\.table\.[^/\s]+/)")
_TABLE: Final = re.compile(r"/(?:Tables\('(?P<entry>\w+)'\)|(?P<name>[A-Za-z][A-Za-z0-9]{2,62})(?=[(]|$))")


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
    return path_of(request).endswith("/$batch")


def is_insert(request: Seen) -> bool:
    """The request creates rows: one, or a batch of them."""
    return request.method == "POST" and not creates_table(request)


def creates_table(request: Seen) -> bool:
    """The request makes a table."""
    return request.method == "POST" and path_of(request).endswith("/Tables")


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
        await exchange.send(render(status, text.encode(), {"Content-Type": "application/xml"}))

    return act


def transaction_error(index: int | None, status: int, code: str, message: str = "No.") -> Fault:
    """Refuse a transaction because of one operation: 202 outside, the error inside, its message begins ``index:``."""

    async def act(exchange: Exchange) -> None:
        await exchange.send(_transaction_refusal(Problem(status, code, message), index))

    return act


class AzureTable(StorageProxy):
    """The stand-in, before the Azurite at ``upstream``. After a deletion a table's name is taken for a while."""

    def refusal(self, request: Seen) -> bytes | None:
        """Limits that Azurite does not keep, and tables that are being deleted."""
        if len(request.body) > TRANSACTION_BYTES:
            return _refusal(BODY_TOO_LARGE)
        operations = list(_operations(request))
        if len(operations) > OPERATIONS:
            return _refusal(TOO_MANY_OPERATIONS)
        if self.is_being_deleted(request):
            return _transaction_refusal(BEING_DELETED, 0) if is_transaction(request) else _refusal(BEING_DELETED)
        for index, entity in enumerate(operations):
            problem = _flaw(entity)
            if problem is not None:
                return _transaction_refusal(problem, index) if is_transaction(request) else _refusal(problem)
        return None

    def correction(self, request: Seen, code: str | None) -> bytes | None:
        """A wrong key or signature has another code at the real service."""
        return _refusal(AUTHENTICATION_FAILED) if code == "AuthorizationFailure" else None

    def names(self, request: Seen) -> set[str]:
        """The tables, lower case."""
        return _tables(request)

    def deletes(self, request: Seen, status: int) -> bool:
        """A table was deleted, not a row."""
        return request.method == "DELETE" and status == 204 and "/Tables(" in path_of(request)

    def passed_on(self, request: Seen) -> bytes:
        """Azurite reads the account from the path inside a transaction too."""
        return _PRODUCT_URL.sub(rb"\1\2\3/", request.body) if is_transaction(request) else request.body

    def kept(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Not the code of an error, which the real service may not send."""
        return {name: value for name, value in super().kept(headers).items() if name.lower() != "x-ms-error-code"}


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
        targets = [path_of(request)]
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


def _body(problem: Problem, request_id: str, index: int | None = None) -> bytes:
    """The error as the Table service writes it; ``index`` is the operation of a transaction that failed."""
    prefix = "" if index is None else f"{index}:"
    message = {"lang": "en-US", "value": f"{prefix}{problem.text(request_id)}"}
    return json.dumps({"odata.error": {"code": problem.code, "message": message}}).encode()


def _refusal(problem: Problem, headers: Mapping[str, str] | None = None) -> bytes:
    request_id = str(uuid.uuid4())
    always = {"Content-Type": _JSON, "x-ms-request-id": request_id, "x-ms-version": "2019-02-02"}
    return render(problem.status, _body(problem, request_id), always | dict(headers or {}))


def _transaction_refusal(problem: Problem, index: int | None) -> bytes:
    request_id = str(uuid.uuid4())
    outer, inner = f"batchresponse_{uuid.uuid4()}", f"changesetresponse_{uuid.uuid4()}"
    lines = [
        *(f"--{outer}", f"Content-Type: multipart/mixed; boundary={inner}", ""),
        *(f"--{inner}", "Content-Type: application/http", "Content-Transfer-Encoding: binary", ""),
        f"HTTP/1.1 {problem.status} {phrase(problem.status)}",
        *("X-Content-Type-Options: nosniff", "Cache-Control: no-cache", "DataServiceVersion: 3.0;"),
        *(f"Content-Type: {_JSON}", "", _body(problem, request_id, index).decode()),
        *(f"--{inner}--", f"--{outer}--", ""),
    ]
    headers = {"Content-Type": f"multipart/mixed; boundary={outer}", "x-ms-request-id": request_id}
    return render(202, "\r\n".join(lines).encode(), headers)
