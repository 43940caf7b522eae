"""Azure's Blob service: Azurite behind TLS, answering as the real service does where Azurite does not.

What it adds: the real service's error bodies (XML with a byte order mark, and a header that names the code), its codes
for wrong keys and for signatures that may not overwrite, names that it refuses, and its waiting time after the deletion
of a container. See :mod:`~leadkeeper.sandbox.azure_storage.proxy` for the rest.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from leadkeeper.sandbox.azure_storage.proxy import (
    AUTHENTICATION_FAILED,
    Problem,
    StorageProxy,
    path_of,
    render,
)
from leadkeeper.sandbox.faults import Exchange, Fault, Seen

BEING_DELETED: Final = Problem(
    409, "ContainerBeingDeleted", "The specified container is being deleted. Try operation later."
)
NOT_FOUND: Final = Problem(404, "ContainerNotFound", "The specified container does not exist.")
NAME_INVALID: Final = Problem(400, "InvalidResourceName", "The specified resource name contains invalid characters.")
NAME_LENGTH: Final = Problem(
    400, "OutOfRangeInput", "The specified resource name length is not within the permissible limits."
)
MAY_NOT_OVERWRITE: Final = Problem(
    403, "UnauthorizedBlobOverwrite", "This request is not authorized to perform blob overwrites."
)

_CONTAINER: Final = re.compile(r"\$root|\$logs|\$web|[a-z0-9]+(-[a-z0-9]+)*")
_VERSION: Final = "2021-12-02"


def is_write(request: Seen) -> bool:
    """The request writes a whole blob."""
    return request.method == "PUT" and "x-ms-blob-type" in request.headers


def creates_container(request: Seen) -> bool:
    """The request makes a container."""
    return request.method == "PUT" and _query(request).get("restype") == "container"


def reads_container(request: Seen) -> bool:
    """The request asks for a container's properties."""
    return request.method == "GET" and _query(request).get("restype") == "container"


def error(
    status: int, code: str, message: str = "No.", *, in_header: bool = True, in_body: bool = True, **headers: str
) -> Fault:
    """Answer with an error of the service. Keyword ``retry_after`` becomes the header ``retry-after``.

    ``in_header`` names the code in ``x-ms-error-code``, ``in_body`` in the XML: the service does both, what stands
    before it may not.
    """
    problem = Problem(status, code, message)

    async def act(exchange: Exchange) -> None:
        extra = {name.replace("_", "-"): value for name, value in headers.items()}
        await exchange.send(_refusal(problem, extra, in_header=in_header, in_body=in_body))

    return act


class AzureBlob(StorageProxy):
    """The stand-in, before the Azurite at ``upstream``. After a deletion a container's name is taken for a while."""

    def refusal(self, request: Seen) -> bytes | None:
        """Names that are not allowed, and containers that are being deleted: they are gone, and cannot be made."""
        for name in self.names(request):
            if not 3 <= len(name) <= 63:
                return _refusal(NAME_LENGTH)
            if not _CONTAINER.fullmatch(name):
                return _refusal(NAME_INVALID)
        if self.is_being_deleted(request):
            return _refusal(BEING_DELETED if creates_container(request) else NOT_FOUND)
        return None

    def correction(self, request: Seen, code: str | None) -> bytes | None:
        """A wrong key, and a signature that may create but not overwrite, have other codes at the real service."""
        if code == "AuthorizationFailure":
            return _refusal(AUTHENTICATION_FAILED)
        permissions = _query(request).get("sp", "")
        may_create = "c" in permissions and "w" not in permissions
        if code == "AuthorizationPermissionMismatch" and is_write(request) and may_create:
            return _refusal(MAY_NOT_OVERWRITE)
        return None

    def names(self, request: Seen) -> set[str]:
        """The container."""
        parts = path_of(request).strip("/").split("/")
        at = 0 if ".blob." in request.headers.get("host", "") else 1
        return {parts[at]} if len(parts) > at and parts[at] else set()

    def deletes(self, request: Seen, status: int) -> bool:
        """A container was deleted, not a blob."""
        return request.method == "DELETE" and status == 202 and _query(request).get("restype") == "container"


def _query(request: Seen) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(request.target.partition("?")[2]).items()}


def _refusal(
    problem: Problem, headers: Mapping[str, str] | None = None, *, in_header: bool = True, in_body: bool = True
) -> bytes:
    request_id = str(uuid.uuid4())
    always = {"Content-Type": "application/xml", "x-ms-request-id": request_id, "x-ms-version": _VERSION}
    if in_header:
        always["x-ms-error-code"] = problem.code
    text = f"<Code>{escape(problem.code)}</Code><Message>{escape(problem.text(request_id))}</Message>"
    body = f'\ufeff<?xml version="1.0" encoding="utf-8"?><Error>{text}</Error>' if in_body else ""
    return render(problem.status, body.encode(), always | dict(headers or {}))
