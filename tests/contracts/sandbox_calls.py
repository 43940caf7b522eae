"""Calls to the sandbox by plain aiohttp under production host names, as somebody else's program would make them."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from leadkeeper.sandbox.entra_directory import APPLICATION, SECRET, TENANT
from leadkeeper.sandbox.server import Sandbox

ENTRA = "https://login.microsoftonline.com"
ORG = "https://org.crm4.dynamics.com"


class _Here(AbstractResolver):
    """Every name is on this machine, at one port."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        found = {"hostname": host, "host": "127.0.0.1", "port": self._port}
        return [ResolveResult(**found, family=socket.AF_INET, proto=0, flags=socket.AI_NUMERICHOST)]  # type: ignore[typeddict-item]

    async def close(self) -> None:
        pass


@dataclass(frozen=True, slots=True)
class Said:
    """An answer: header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of a Dataverse error."""
        return str(self.json["error"]["code"])

    @property
    def message(self) -> str:
        """The text of a Dataverse error."""
        return str(self.json["error"]["message"])


class Calls:
    """Makes calls; nothing is followed, retried or set by itself."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.session = session

    async def __call__(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        data: object = None,
        json: object = None,
        seconds: float = 5.0,
    ) -> Said:
        async with self.session.request(
            method,
            url,
            headers=headers,
            data=data,
            json=json,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=seconds),
        ) as answer:
            body = await answer.read()
            return Said(answer.status, {name.lower(): value for name, value in answer.headers.items()}, body)

    async def token(self, *, tenant: str = TENANT, version: str = "v2.0/", **form: str | None) -> Said:
        """A token by client credentials for :data:`ORG`; ``form`` replaces fields, None leaves them out."""
        usual = {
            "grant_type": "client_credentials",
            "client_id": APPLICATION,
            "client_secret": SECRET,
            "scope": f"{ORG}/.default",
        }
        fields = {name: value for name, value in (usual | form).items() if value is not None}
        return await self("POST", f"{ENTRA}/{tenant}/oauth2/{version}token", data=fields)


@asynccontextmanager
async def calls_to(sandbox: Sandbox) -> AsyncIterator[Calls]:
    """Calls that all end in ``sandbox`` and trust its authority."""
    context = ssl.create_default_context(cafile=str(sandbox.ca_file))
    connector = aiohttp.TCPConnector(ssl=context, resolver=_Here(sandbox.port), force_close=True)
    async with aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar(), skip_auto_headers=("Accept", "User-Agent")
    ) as session:
        yield Calls(session)
