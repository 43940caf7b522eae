"""Creating many rows of an Azure table in one transaction: the request, its signature, and the answer.

Written out rather than left to the SDK, which builds and takes apart each transaction with Python's e-mail package: ten
times the processor time, during which no other connection's leads move. What is sent is what the SDK sends. Source:
``docs/reference/vendors/azure_storage.md#table-transactions``.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any, Final, NamedTuple, cast

from azure.core.exceptions import HttpResponseError
from azure.core.utils import CaseInsensitiveDict
from yarl import URL

from leadkeeper.destinations.azure_storage.account import StorageAccount
from leadkeeper.network.client import Network

Entity = Mapping[str, str | bool]
"""A row by column, ``PartitionKey`` and ``RowKey`` among them."""

API_VERSION: Final = "2019-02-02"

_CREATED: Final = (201, 204)
_BOUNDARY: Final = re.compile(r'multipart/mixed\s*;.*?boundary="?([^";\s]{1,100})', re.IGNORECASE)
_BLANK: Final = re.compile(rb"\r?\n\r?\n")
_STATUS: Final = re.compile(rb"\s*HTTP/1\.[01] ([1-9][0-9]{2})(?: [^\r\n]*)?(?:\r?\n|$)")
_HEADER: Final = re.compile(r"^([^\s:]+):[ \t]*([^\r\n]*?)[ \t]*\r?$", re.MULTILINE)
_CONTENT_TYPE: Final = re.compile(rb"^content-type:[ \t]*([^\r\n]*)", re.IGNORECASE | re.MULTILINE)


class OperationAnswer(NamedTuple):
    """The service's answer to one operation, or to a whole transaction. Headers are found in any case."""

    status_code: int
    headers: Mapping[str, str]
    content: bytes


class TransactionRefused(HttpResponseError):
    """The service refused a transaction; ``response`` says why (an :class:`OperationAnswer`). Nothing was written."""

    def __init__(self, part: OperationAnswer) -> None:
        super().__init__("the transaction was refused")
        self.response = cast("Any", part)


@dataclass(frozen=True, slots=True)
class Batch:
    """Transactions on one table of an account. ``now`` gives the time in seconds since 1970."""

    account: StorageAccount
    table: str
    network: Network
    now: Callable[[], float]

    async def create(self, entities: Sequence[Entity]) -> None:
        """Create rows of one partition, all or none.

        Raises :class:`TransactionRefused`, one of ``NETWORK_ERRORS``, or ``ValueError`` for an answer that the service
        does not give: then the rows may have been written.
        """
        boundary = str(uuid.uuid4())
        url = self.network.check_url(f"{self.account.endpoint}/$batch")
        headers = signed_headers(self.account, url, f"multipart/mixed; boundary=batch_{boundary}", self.now())
        if self.account.key is None:
            url = URL(f"{url}?{self.account.sas}", encoded=True)
        body = make_body(f"{self.account.endpoint}/{self.table}", entities, boundary)
        answer = await self.network.post(url, data=body, headers=headers)
        if answer.fault is not None:
            raise answer.fault
        if answer.status != 202:
            raise TransactionRefused(OperationAnswer(answer.status, answer.headers, answer.body))
        parts = read_parts(answer.headers.get("Content-Type", ""), answer.body)
        for part in parts:
            if part.status_code not in _CREATED:
                raise TransactionRefused(part)
        if len(parts) != len(entities):
            raise ValueError("the answer has another number of parts than the transaction")


def signed_headers(account: StorageAccount, url: URL, content_type: str, now: float) -> dict[str, str]:
    """The headers of a POST to ``url``, by Shared Key for the Table service; unsigned for a SAS, which goes in the URL.

    Signed are the method, the type, the date and the path with the account's name before it.
    """
    headers = {
        "x-ms-version": API_VERSION,
        "x-ms-date": formatdate(now, usegmt=True),
        "DataServiceVersion": "3.0",
        "MaxDataServiceVersion": "3.0;NetFx",
        "Content-Type": content_type,
        "Accept": "application/json",
    }
    if account.key is not None:
        signed = f"POST\n\n{content_type}\n{headers['x-ms-date']}\n/{account.name}{url.raw_path}"
        digest = hmac.digest(base64.b64decode(account.key), signed.encode(), hashlib.sha256)
        headers["Authorization"] = f"SharedKey {account.name}:{base64.b64encode(digest).decode()}"
    return headers


def make_body(url: str, entities: Sequence[Entity], boundary: str) -> bytes:
    """The transaction: in the part of ``batch_<boundary>`` one set of changes, in that one insert into ``url`` each.

    Texts are declared as such, so that none is taken for a date; truth values are Booleans by themselves.
    """
    parts = [f"--batch_{boundary}\r\nContent-Type: multipart/mixed; boundary=changeset_{boundary}\r\n\r\n"]
    for number, entity in enumerate(entities):
        row = json.dumps(_declared(entity))  # ASCII: as many bytes as characters, and no line break
        parts.append(
            f"--changeset_{boundary}\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n"
            f"Content-ID: {number}\r\n\r\n"
            f"POST {url} HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: {len(row)}\r\n"
            f"x-ms-version: {API_VERSION}\r\nDataServiceVersion: 3.0\r\nPrefer: return-no-content\r\n"
            f"Accept: application/json;odata=minimalmetadata\r\n\r\n{row}\r\n"
        )
    parts.append(f"--changeset_{boundary}--\r\n\r\n--batch_{boundary}--\r\n")
    return "".join(parts).encode("ascii")


def _declared(entity: Entity) -> dict[str, str | bool]:
    declared: dict[str, str | bool] = {}
    for name, value in entity.items():
        declared[name] = value
        if isinstance(value, str):
            declared[f"{name}@odata.type"] = "Edm.String"
    return declared


def read_parts(content_type: str, body: bytes) -> list[OperationAnswer]:
    """The answers to a transaction's operations, or the one to that which failed, with or without a set around them.

    Raises ``ValueError`` for what is not the answer to a transaction.
    """
    found: list[OperationAnswer] = []
    for kind, content in _split(content_type, body):
        inner = _split(kind, content) if _BOUNDARY.match(kind) else [(kind, content)]
        found += [_read_part(*each) for each in inner]
    return found


def _split(content_type: str, body: bytes) -> Iterator[tuple[str, bytes]]:
    """The parts of a multipart body: the type of each and what is in it."""
    boundary = _BOUNDARY.match(content_type)
    if boundary is None:
        raise ValueError("the answer is not one to a transaction")
    _, *parts = (b"\n" + body).split(f"\n--{boundary[1]}".encode())
    for part in parts:
        if part.startswith(b"--"):
            return
        head, content = _cut(part)
        kind = _CONTENT_TYPE.search(head)
        yield kind[1].decode("latin-1") if kind else "", content


def _read_part(kind: str, content: bytes) -> OperationAnswer:
    line = _STATUS.match(content)
    if not kind.lower().startswith("application/http") or line is None:
        raise ValueError("a part of the answer is not an answer to an operation")
    status = int(line[1])
    if status in _CREATED:
        return OperationAnswer(status, {}, b"")
    head, body = _cut(content[line.end() :])
    headers: CaseInsensitiveDict = CaseInsensitiveDict(_HEADER.findall(head.decode("latin-1")))
    return OperationAnswer(status, headers, body)


def _cut(text: bytes) -> tuple[bytes, bytes]:
    """The headers and what comes after the blank line."""
    blank = _BLANK.search(text)
    return (text, b"") if blank is None else (text[: blank.start()], text[blank.end() :])
