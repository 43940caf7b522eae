"""The real services behind the real doors, served on a free port of this machine; and a client to knock with."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import os
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from pydantic import SecretStr
from starlette.types import ASGIApp

from leadkeeper.access.keys import Keys
from leadkeeper.app import open_services
from leadkeeper.connections.vault import new_secret_key
from leadkeeper.destinations.interface import Context
from leadkeeper.doors.client_address import ClientAddresses
from leadkeeper.doors.listener.limits import Limits
from leadkeeper.doors.listener.server import listen
from leadkeeper.entrances import open_doors
from leadkeeper.services import Services
from leadkeeper.settings import Settings
from leadkeeper.storage.database_clock import DatabaseClock
from leadkeeper.storage.engine import Storage
from leadkeeper.texts import Languages
from tests.doors_when_asked import make_doors_when_asked
from tests.routes_read_once import read_routes_once

SECRET_KEY = new_secret_key()
OFFER = "/v1/publishers/contoso/offers/crm-pro"
ENDPOINT = {"httpsEndpointUrl": "https://crm.example/h?code=verysecret"}
DESTINATION = {"leadDestination": "httpsEndpoint", "httpsEndpointLeadConfiguration": ENDPOINT}
MASK = "*********"
NOWHERE = "019a9e3b-7c2e-7d41-b1a5-3f0f6f3c2a11"

read_routes_once()
make_doors_when_asked()


@contextlib.asynccontextmanager
async def listening(api: ASGIApp, limits: Limits | None = None, proxies: Sequence[str] = ()) -> AsyncIterator[str]:
    """The address at which ``api`` is served meanwhile."""
    bound = socket.create_server(("127.0.0.1", 0), backlog=256)
    server = await listen(api, bound, limits or Limits(), ClientAddresses(proxies), ending_seconds=3)
    try:
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
    finally:
        await server.end()


@dataclass(frozen=True)
class Answer:
    """An answer, read whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def type(self) -> str:
        """Its media type."""
        return self.headers.get("Content-Type", "").partition(";")[0]

    def json(self) -> Any:
        """Its body as JSON."""
        return json.loads(self.body)

    def problem(self, status: int, type: str) -> dict:
        """The problem document that it must be."""
        assert (self.status, self.type) == (status, "application/problem+json"), self.body
        found: dict = self.json()
        assert found["type"] == f"/docs/reference/problems.html#{type}"
        assert found["status"] == status
        assert set(found) == {"type", "title", "status", "detail", "errors", "requestId"}
        return found


@dataclass
class Visitor:
    """Someone with (or without) a key."""

    session: aiohttp.ClientSession
    url: str
    key: str | None = None

    async def call(
        self, method: str, path: str, body: object = None, *, data: Any = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One request; ``body`` is sent as JSON, ``data`` as it is."""
        sent = {"Content-Type": "application/json"} if body is not None or data is not None else {}
        if self.key is not None:
            sent["Authorization"] = f"Bearer {self.key}"
        sent |= headers or {}
        content = data if body is None else json.dumps(body).encode()
        async with self.session.request(method, self.url + path, data=content, headers=sent) as response:
            return Answer(response.status, response.headers, await response.read())

    async def get(self, path: str) -> Answer:
        """GET."""
        return await self.call("GET", path)

    async def put(self, path: str, body: object) -> Answer:
        """PUT."""
        return await self.call("PUT", path, body)

    async def post(self, path: str, body: object = None, **headers: str) -> Answer:
        """POST; headers by name, with ``_`` for ``-``."""
        return await self.call("POST", path, body, headers={k.replace("_", "-"): v for k, v in headers.items()})

    async def delete(self, path: str) -> Answer:
        """DELETE."""
        return await self.call("DELETE", path)


@dataclass
class Installation:
    """Open services with a publisher ``contoso`` that has a live offer ``crm-pro``, and keys for every role."""

    services: Services
    url: str
    session: aiohttp.ClientSession
    doors: ASGIApp | None = None
    context: Context | None = None
    visitors: dict[str, Visitor] = field(default_factory=dict)

    @property
    def anyone(self) -> Visitor:
        """Someone without a key."""
        return Visitor(self.session, self.url)

    async def visitor(self, role: str) -> Visitor:
        """Someone with a key of this role."""
        if role not in self.visitors:
            made = await Keys(self.services.storage).create(role, by="test")
            self.visitors[role] = Visitor(self.session, self.url, made.key)
        return self.visitors[role]


@contextlib.asynccontextmanager
async def installation(
    database_url: str,
    *,
    worker: bool = False,
    languages: Languages | None = None,
    clock_of: Callable[[Storage], DatabaseClock] = DatabaseClock,
    furnished: bool = False,
    **more: Any,
) -> AsyncIterator[Installation]:
    """An installation over a new database, with or without a worker that carries leads; ``more`` are other settings.

    It lives by the clock that ``clock_of`` makes.
    ``furnished``: over a copy of such a database, in which the publisher and its offer are already.
    """
    settings = _settings(database_url, {"public_url": "https://leads.example"} | more)
    async with (
        open_services(settings, worker=worker, languages=languages, clock_of=clock_of) as opened,
        contextlib.AsyncExitStack() as stack,
    ):
        if opened.worker is not None:
            carrying = asyncio.create_task(opened.worker.run())
            stack.push_async_callback(lambda: carrying)
            stack.push_async_callback(opened.worker.stop, 5)
        doors = open_doors(settings, opened)
        url = await stack.enter_async_context(listening(doors, settings.listener_limits, settings.proxies))
        stack.callback(opened.ending.set)  # as the program does: streams of events end, else the server waits for them
        session = await stack.enter_async_context(aiohttp.ClientSession())
        found = Installation(opened.services, url, session, doors, opened.context)
        if not furnished:
            await _furnish(await found.visitor("operator"))
        yield found


def _settings(database_url: str, given: Mapping[str, Any]) -> Settings:
    """Settings as they are read for this database; what most tests have is read once, which takes ten milliseconds."""
    if given.keys() == {"public_url"} and not any(name.upper().startswith("LEADKEEPER_") for name in os.environ):
        return _usual_settings(given["public_url"]).model_copy(update={"database_url": database_url})
    return _read_settings(database_url=database_url, **given)


@functools.cache
def _usual_settings(public_url: str) -> Settings:
    return _read_settings(public_url=public_url)


def _read_settings(**given: Any) -> Settings:
    return Settings(_env_file=None, secret_key=SecretStr(SECRET_KEY), **given)  # whoever works here may have a file


async def _furnish(operator: Visitor) -> None:
    assert (await operator.put("/v1/publishers/contoso", {"displayName": "Contoso"})).status == 201
    offer = {"title": "Contoso CRM Pro", "offerType": "saas"}
    assert (await operator.put("/v1/publishers/contoso/offers/crm-pro", offer)).status == 201


@contextlib.asynccontextmanager
async def connected(database_url: str) -> AsyncIterator[Installation]:
    """An installation whose address is plain, so that browsers' cookies come back, with a connected offer."""
    async with installation(database_url, public_url="http://leads.example") as opened:
        operator = await opened.visitor("operator")
        assert (await operator.put(f"{OFFER}/customer-leads", DESTINATION)).status == 201
        yield opened


def lead(**more: Any) -> dict[str, Any]:
    """A lead as it is handed in."""
    given = {"publisherId": "contoso", "offerId": "crm-pro", "source": "AzureMarketplace", "action": "INS"}
    return given | {"customer": {"lastName": "Lovelace", "email": "ada@contoso.example"}} | more


async def hand_in(visitor: Visitor, **more: Any) -> str:
    """Hand in a lead; its id."""
    answer = await visitor.post("/v1/leads", lead(**more))
    assert answer.status == 202, answer.body
    return str(answer.json()["id"])


async def batch(visitor: Visitor, body: Any, **headers: str) -> Answer:
    """Hand in a batch."""
    return await visitor.call(
        "POST", "/v1/leads/batch", data=body, headers={"Content-Type": "application/x-ndjson"} | headers
    )


def lines(answer: Answer) -> list[dict]:
    """The answers to a batch."""
    assert (answer.status, answer.type) == (200, "application/x-ndjson")
    return [json.loads(line) for line in answer.body.splitlines()]
