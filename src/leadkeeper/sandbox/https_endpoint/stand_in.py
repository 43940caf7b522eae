"""A strict receiver of leads over HTTPS, as a publisher would write one from the documentation alone.

It takes a lead only if the request is right in every detail: method, content type, Standard Webhooks headers and
signature, and exactly the documented keys with values of the documented types.
"""

from __future__ import annotations

import asyncio
import json
import re
import ssl
import time
from dataclasses import dataclass, field
from typing import Final, Literal, cast

import httptools
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

KeyCasing = Literal["pascal", "userDetailsCamel", "camel"]

BODY_LIMIT: Final = 262_144
_CUSTOMER: Final = ("FirstName", "LastName", "Email", "Phone", "Country", "Company", "Title")
_TEXTS: Final = (
    "LeadSource",
    "ActionCode",
    "OfferTitle",
    "Description",
    "LeadId",
    "PublisherId",
    "OfferId",
    "CreatedTime",
    "Campaign",
)
_CREATED: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_REASONS: Final = {200: "OK", 202: "Accepted"}


@dataclass(slots=True)
class Arrived:
    """One lead that was taken: how often it came, and what came first."""

    count: int
    target: str
    headers: dict[str, str]
    body: dict[str, object]


class Refused(Exception):
    """The request is not one that this receiver takes."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


@dataclass(slots=True)
class EndpointRequest:
    """A whole request; header names in lower case."""

    method: str = ""
    target: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


class ReceivingEndpoint:
    """The receiver. ``secret`` makes it demand signatures; ``status`` is what a taken lead is answered with.

    ``received`` holds the leads by ``webhook-id``; a repeat is taken again, counted, and changes nothing else.
    ``refused`` holds the codes of what was not taken.
    """

    def __init__(
        self, *, secret: str | None = None, status: Literal[200, 202] = 200, key_casing: KeyCasing = "pascal"
    ) -> None:
        self.received: dict[str, Arrived] = {}
        self.refused: list[str] = []
        self.port = 0
        self._webhook = None if secret is None else Webhook(secret)
        self._details = "UserDetails" if key_casing == "pascal" else "userDetails"
        camel = key_casing == "camel"
        self._customer = frozenset(_cased(_CUSTOMER, camel))
        self._texts = _cased(_TEXTS, camel)
        self._test = "isTest" if camel else "IsTest"
        self._id, self._created = (self._texts[_TEXTS.index(name)] for name in ("LeadId", "CreatedTime"))
        self._keys = frozenset((*self._texts, self._details, self._test))
        self._taken = f"HTTP/1.1 {status} {_REASONS[status]}\r\nContent-Length: 0\r\n\r\n".encode()
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Transport] = set()

    async def start(self, context: ssl.SSLContext, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; ``port`` tells where when none was asked for."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), host, port, ssl=context)
        self.port = self._server.sockets[0].getsockname()[1]

    async def aclose(self) -> None:
        """Stop listening and drop every connection."""
        if self._server is not None:
            self._server.close()
        for transport in tuple(self._open):
            transport.abort()
        await asyncio.sleep(0)

    def answer(self, request: EndpointRequest) -> bytes:
        """Take the lead or refuse it; the whole answer as it goes over the wire."""
        try:
            lead_id, body = self._lead(request)
        except Refused as error:
            self.refused.append(error.code)
            return _refusal(error)
        arrived = self.received.get(lead_id)
        if arrived is None:
            self.received[lead_id] = Arrived(1, request.target, request.headers, body)
        else:
            arrived.count += 1
        return self._taken

    def _lead(self, request: EndpointRequest) -> tuple[str, dict[str, object]]:
        if request.method != "POST":
            raise Refused(405, "MethodNotAllowed", "only POST")
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise Refused(415, "UnsupportedMediaType", "content-type must be application/json")
        if len(request.body) > BODY_LIMIT:
            raise Refused(413, "TooLarge", "the body is too large")
        self._check_signature(request)
        try:
            body = json.loads(request.body)
        except ValueError:
            raise Refused(400, "NotJson", "the body is not JSON") from None
        lead = self._checked(body)
        if lead[self._id] != request.headers["webhook-id"]:
            raise Refused(400, "IdsDiffer", "webhook-id is not the lead's id")
        return request.headers["webhook-id"], lead

    def _check_signature(self, request: EndpointRequest) -> None:
        """Standard Webhooks; without a secret the id and a timestamp of the last five minutes are still demanded."""
        if self._webhook is not None:
            try:
                self._webhook.verify(request.body, request.headers, json_parse=False)
            except (WebhookVerificationError, ValueError):
                raise Refused(401, "BadSignature", "the signature is missing or wrong") from None
            return
        stamp = request.headers.get("webhook-timestamp", "")
        if not request.headers.get("webhook-id") or not stamp.isdecimal() or abs(time.time() - int(stamp)) > 300:
            raise Refused(400, "BadWebhookHeaders", "webhook-id or webhook-timestamp is missing or wrong")

    def _checked(self, body: object) -> dict[str, object]:
        if not isinstance(body, dict) or body.keys() != self._keys:
            raise Refused(400, "WrongKeys", "the body has other keys than documented")
        details = body[self._details]
        if not isinstance(details, dict) or details.keys() != self._customer:
            raise Refused(400, "WrongKeys", "the customer has other keys than documented")
        texts = [*details.values(), *(body[name] for name in self._texts)]
        if not all(isinstance(text, str) for text in texts) or not isinstance(body[self._test], bool):
            raise Refused(400, "WrongTypes", "a value has another type than documented")
        if not _CREATED.fullmatch(str(body[self._created])):
            raise Refused(400, "WrongTime", "the time is not ISO 8601 in UTC with milliseconds")
        return body


def _cased(names: tuple[str, ...], camel: bool) -> tuple[str, ...]:
    return tuple(name[0].lower() + name[1:] for name in names) if camel else names


def _refusal(error: Refused) -> bytes:
    body = json.dumps({"error": {"code": error.code, "message": str(error)}}).encode()
    head = f"HTTP/1.1 {error.status} Refused\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


class _Connection(asyncio.Protocol):
    """One keep-alive connection; the methods named ``on_...`` are called by the parser."""

    def __init__(self, endpoint: ReceivingEndpoint) -> None:
        self._endpoint = endpoint
        self._parser = httptools.HttpRequestParser(self)
        self._request = EndpointRequest()
        self._body: list[bytes] = []
        self._size = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._endpoint._open.add(self._transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._endpoint._open.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._transport.write(_refusal(Refused(400, "BadRequest", "not HTTP")))
            self._transport.close()

    def on_message_begin(self) -> None:
        self._request = EndpointRequest()
        self._body = []
        self._size = 0

    def on_url(self, url: bytes) -> None:
        self._request.target += url.decode("latin-1")

    def on_header(self, name: bytes, value: bytes) -> None:
        self._request.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self._size += len(body)
        if self._size <= BODY_LIMIT + 1:
            self._body.append(body)

    def on_message_complete(self) -> None:
        request = self._request
        request.method = self._parser.get_method().decode("latin-1")
        request.body = b"".join(self._body) if self._size <= BODY_LIMIT else b" " * (BODY_LIMIT + 1)
        self._transport.write(self._endpoint.answer(request))
        if not self._parser.should_keep_alive():
            self._transport.close()
