"""Receivers of channels, strict as their vendors document them: a webhook's, Slack's, and a Teams workflow's."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from standardwebhooks import Webhook

Check = Callable[[Mapping[str, str], bytes], str]
"""What is wrong with a request; empty when nothing is."""


@dataclass
class Receiver:
    """What was taken, what was refused and why, and what to answer instead: ``status`` with ``headers``."""

    check: Check = lambda _headers, _body: ""
    url: str = ""
    taken: list[Any] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    heads: list[Mapping[str, str]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    calls: int = 0

    async def _answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.calls += 1
        if self.status != 200:
            return web.Response(status=self.status, headers=self.headers)
        if wrong := self.check(request.headers, body):
            self.refused.append(wrong)
            return web.Response(status=400, text=wrong)
        self.heads.append(request.headers.copy())
        self.ids.append(request.headers.get("webhook-id", ""))
        self.taken.append(json.loads(body))
        return web.Response(text="ok")


@contextlib.asynccontextmanager
async def receiving(check: Check | None = None) -> AsyncIterator[Receiver]:
    """A receiver on a free port of this machine."""
    receiver = Receiver()
    if check is not None:
        receiver.check = check
    app = web.Application()
    app.router.add_post("/{path:.*}", receiver._answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    receiver.url = f"http://127.0.0.1:{port}/take?key=verysecret"
    try:
        yield receiver
    finally:
        await runner.cleanup()


def signed_with(secret: str) -> Check:
    """Whether the signature is right, by the reference library and by what the specification says, word for word."""

    def check(headers: Mapping[str, str], body: bytes) -> str:
        try:
            Webhook(secret).verify(body.decode(), {name.lower(): value for name, value in headers.items()})
        except Exception as error:
            return f"the library refuses it: {type(error).__name__}"
        key = base64.b64decode(secret.removeprefix("whsec_"))
        content = b".".join([headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body])
        expected = "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
        if expected not in headers["webhook-signature"].split(" "):
            return "the signature is not as the specification says"
        return "" if headers["content-type"] == "application/json" else "no JSON"

    return check


def slack(headers: Mapping[str, str], body: bytes) -> str:
    """``text`` and section blocks with mrkdwn; nothing unescaped; within the limits (50 blocks, 3,000 characters)."""
    if headers.get("content-type") != "application/json":
        return "invalid_payload"
    sent = json.loads(body)
    if set(sent) != {"text", "blocks"} or not isinstance(sent["text"], str) or not sent["text"]:
        return "no_text"
    if not 1 <= len(sent["blocks"]) <= 50:
        return "invalid_blocks"
    for block in sent["blocks"]:
        text = block.get("text", {})
        if set(block) != {"type", "text"} or block["type"] != "section" or set(text) != {"type", "text"}:
            return "invalid_blocks"
        if text["type"] != "mrkdwn" or not 1 <= len(text["text"]) <= 3_000:
            return "invalid_blocks"
        for part in text["text"].split("<")[1:]:
            if not part.startswith("http"):
                return "a mention or a broken link"
    return ""


def teams(headers: Mapping[str, str], body: bytes) -> str:
    """A message with one Adaptive Card of text blocks, at most 28 kB."""
    if headers.get("content-type") != "application/json" or len(body) > 28 * 1024:
        return "not JSON of at most 28 kB"
    sent = json.loads(body)
    if set(sent) != {"type", "attachments"} or sent["type"] != "message" or len(sent["attachments"]) != 1:
        return "no message with an attachment"
    (attachment,) = sent["attachments"]
    if attachment["contentType"] != "application/vnd.microsoft.card.adaptive" or attachment["contentUrl"] is not None:
        return "no card"
    card = attachment["content"]
    if card["type"] != "AdaptiveCard" or card["version"] not in ("1.2", "1.3", "1.4", "1.5") or not card["body"]:
        return "no card that Teams shows"
    for block in card["body"]:
        if block["type"] != "TextBlock" or not block["text"] or set(block) - {"type", "text", "weight", "wrap"}:
            return "an element that is not known"
    return ""
