"""A transaction of the Table service as it goes out, against what Microsoft's SDK sends, and as it is answered."""

from __future__ import annotations

import json
import re
from email.utils import parsedate_to_datetime
from typing import Any, cast

import pytest
from azure.core.credentials import AzureNamedKeyCredential
from azure.core.pipeline.transport import AsyncHttpTransport
from azure.data.tables.aio import TableClient
from yarl import URL

from leadkeeper.destinations.azure_storage.account import StorageAccount
from leadkeeper.destinations.azure_table.adapter import make_row
from leadkeeper.destinations.azure_table.batch import make_body, read_parts, signed_headers
from tests.contracts.storage_leads import make_lead, make_leads

KEY = "c2VjcmV0LWtleS1vZi1jb250b3NvLWxlYWRzLTEyMzQ1Njc4OTA="
ENDPOINTS = ["https://contoso.table.core.windows.net", "http://127.0.0.1:10002/contoso"]
ENTITIES = [make_row(lead).entity for lead in [*make_leads(range(2)), make_lead(2, description='Zoë "東京"\r\n--b 😀')]]


class Sent(Exception):
    """The SDK's request, instead of an answer."""


class Recorder(AsyncHttpTransport[Any, Any]):
    """Sends nothing."""

    async def send(self, request: Any, **_: Any) -> Any:
        raise Sent(request)

    async def open(self) -> None:
        """Nothing to open."""

    async def close(self) -> None:
        """Nothing to close."""

    async def __aexit__(self, *_: object) -> None:
        """Nothing to close."""


async def sent_by_sdk(endpoint: str) -> Any:
    credential = AzureNamedKeyCredential("contoso", KEY)
    client = TableClient(endpoint, "MarketplaceLeads", credential=credential, transport=Recorder(), retry_total=0)
    quiet = {"response_preference": "return-no-content"}
    with pytest.raises(Sent) as raised:
        await client.submit_transaction([("create", dict(entity), quiet) for entity in ENTITIES])
    return raised.value.args[0]


@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_the_headers_and_the_signature_are_the_sdk_s(endpoint: str) -> None:
    theirs = (await sent_by_sdk(endpoint)).headers
    account = StorageAccount(endpoint, "contoso", key=KEY)
    now = parsedate_to_datetime(theirs["x-ms-date"]).timestamp()
    ours = signed_headers(account, URL(f"{endpoint}/$batch"), theirs["Content-Type"], now)
    assert ours == {name: theirs[name] for name in ours}
    assert ours["Authorization"].startswith("SharedKey contoso:")


def test_a_shared_access_signature_signs_no_header() -> None:
    account = StorageAccount(ENDPOINTS[0], sas="sv=2019-02-02&sig=abc%3D")
    assert "Authorization" not in signed_headers(account, URL(f"{ENDPOINTS[0]}/$batch"), "multipart/mixed", 0)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_the_body_is_the_sdk_s_without_the_dates_of_its_parts(endpoint: str) -> None:
    theirs = re.sub(rb"\r\n(x-ms-date|Date): [^\r\n]*", b"", cast("bytes", (await sent_by_sdk(endpoint)).data))
    plain = re.sub(rb"(batch|changeset)_[0-9a-f-]{36}", rb"\1_b", theirs)
    assert make_body(f"{endpoint}/MarketplaceLeads", ENTITIES, "b").split(b"\r\n") == plain.split(b"\r\n")


def test_every_text_is_declared_as_one() -> None:
    body = make_body("https://contoso/MarketplaceLeads", ENTITIES, "b")
    rows = [json.loads(line) for line in body.split(b"\r\n") if line.startswith(b"{")]
    assert [{k: v for k, v in row.items() if "@" not in k} for row in rows] == ENTITIES
    for row in rows:
        texts = {name for name, value in row.items() if isinstance(value, str) and "@" not in name}
        assert {name.partition("@")[0] for name in row if "@" in name} == texts
        assert (row["CreatedTime@odata.type"], row["IsTest"]) == ("Edm.String", False)


def test_a_body_is_no_longer_than_its_rows_say() -> None:
    rows = [make_row(lead) for lead in make_leads(range(100))]
    body = make_body(f"https://{'a' * 120}/MarketplaceLeads", [row.entity for row in rows], "b" * 36)
    assert len(body) <= sum(row.size for row in rows)


HTTP = "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
MADE = f"{HTTP}HTTP/1.1 204 No Content\r\nDataServiceVersion: 3.0;\r\n\r\n\r\n"
FAILED = f"{HTTP}HTTP/1.1 409 Conflict\r\nX-MS-Request-Id: r\r\nRetry-After:7\r\n\r\n" + '{"a": "--c HTTP/1.1 204"}\r\n'


def answered(*parts: str, newline: str = "\r\n") -> bytes:
    inner = "".join(f"--c\r\n{part}" for part in parts)
    text = f'--b\r\nContent-Type: multipart/mixed; boundary="c"\r\n\r\n{inner}--c--\r\n--b--\r\n'
    return text.replace("\r\n", newline).encode()


@pytest.mark.parametrize("newline", ["\r\n", "\n"])
def test_parts_are_counted_and_an_error_is_read_whole(newline: str) -> None:
    assert [part.status_code for part in read_parts("multipart/mixed; boundary=b", answered(MADE, MADE))] == [204, 204]
    [part] = read_parts("Multipart/Mixed; charset=utf-8; boundary=b", answered(FAILED, newline=newline))
    assert (part.status_code, part.headers["x-ms-request-id"], part.headers.get("retry-after")) == (409, "r", "7")
    assert json.loads(part.content) == {"a": "--c HTTP/1.1 204"}


def test_an_error_without_a_set_of_changes_around_it() -> None:
    [part] = read_parts("multipart/mixed; boundary=b", f"--b\r\n{FAILED}--b--\r\n".encode())
    assert part.status_code == 409


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"{}"),
        ("multipart/mixed", b"--b\r\n--b--"),
        ("multipart/mixed; boundary=b", answered("Content-Type: text/html\r\n\r\nHTTP/1.1 204 No Content\r\n")),
        ("multipart/mixed; boundary=b", answered(f"{HTTP}HTTP/1.1 2044 Oh\r\n\r\n")),
        ("multipart/mixed; boundary=b", answered(f"{HTTP}hello")),
    ],
)
def test_what_is_no_answer_to_a_transaction(content_type: str, body: bytes) -> None:
    with pytest.raises(ValueError, match="answer"):
        read_parts(content_type, body)
