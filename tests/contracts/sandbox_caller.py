"""Plain requests to a sandbox by production host names, for the tests of the stand-ins themselves."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from multidict import CIMultiDict
from yarl import URL

from leadkeeper.sandbox.server import Sandbox


class Everywhere(AbstractResolver):
    """Every name leads to this machine."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [ResolveResult(hostname=host, host="127.0.0.1", port=port, family=socket.AF_INET, proto=0, flags=0)]

    async def close(self) -> None:
        return


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer."""

    status: int
    headers: CIMultiDict[str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


class Caller:
    """Sends requests to the sandbox; addresses are the production ones, without port."""

    def __init__(self, session: aiohttp.ClientSession, port: int) -> None:
        self._session, self._port = session, port

    async def __call__(self, method: str, url: str, **options: Any) -> Reply:
        address = URL(url, encoded=True)
        there = address.with_port(self._port) if not address.explicit_port else address
        async with self._session.request(method, there, allow_redirects=False, **options) as response:
            return Reply(response.status, CIMultiDict(response.headers), await response.text())


@asynccontextmanager
async def calling(sandbox: Sandbox) -> AsyncIterator[Caller]:
    """A caller that trusts the sandbox's authority."""
    connector = aiohttp.TCPConnector(
        resolver=Everywhere(), ssl=ssl.create_default_context(cafile=str(sandbox.ca_file)), limit=0
    )
    async with aiohttp.ClientSession(connector=connector) as session:
        yield Caller(session, sandbox.port)
