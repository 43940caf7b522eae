"""A scripted remote system for Entra ID and one Dynamics environment: each test says what answers to what."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from leadkeeper.destinations.dynamics.adapter import Dynamics, row_id
from leadkeeper.destinations.dynamics.settings import DynamicsConfig
from leadkeeper.destinations.interface import Adapter
from leadkeeper.diagnosis import Answer
from leadkeeper.lead import OutgoingLead
from leadkeeper.network.client import Network, NetworkPolicy
from leadkeeper.sandbox import faults
from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.faults import Exchange, Fault, FaultServer, Seen
from tests.contracts.faults import LEAD, PERSONAL

HOST: Final = "contoso.crm4.dynamics.com"
LOGIN: Final = "login.microsoftonline.com"
OTHER_LOGINS: Final = ("login.microsoftonline.us", "login.partner.microsoftonline.cn")


def message(status: int, content: Any, **headers: str) -> Fault:
    """An answer in JSON."""
    return faults.answer(status, json.dumps(content).encode(), **headers)


def refused(status: int, code: str | int, wording: str = "No.", **headers: str) -> Fault:
    """An error answer of the Web API."""
    return message(status, {"error": {"code": code, "message": wording}}, **headers)


def token(text: str = "tok.en-1", seconds: Any = 3599) -> Fault:
    """An answer of Entra ID with a token."""
    return message(200, {"token_type": "Bearer", "expires_in": seconds, "access_token": text})


def sign_in_refused(code: int, error: str, status: int = 400, text: str = "No.", **more: Any) -> Fault:
    """An error answer of Entra ID."""
    description = f"AADSTS{code}: {text} Trace ID: 11111111-2222-3333-4444-555555555555 Timestamp: now"
    content = {"error": error, "error_description": description, "error_codes": [code], **more}
    return message(status, content, x_ms_request_id="11111111-2222-3333-4444-555555555555")


class Remote:
    """What the remote system answers, by ``METHOD`` and the beginning of the path below ``/api/data/v9.2/``.

    ``answers[...]`` is a list of which the last answer stays; ``token`` is the key of the sign-in. What is not
    scripted is answered as an environment does where all is well, without telling its metadata.
    """

    network: Network

    def __init__(self) -> None:
        self.server = FaultServer(self._answer)
        self.answers: dict[str, list[Fault]] = {
            "token": [token()],
            "GET WhoAmI": [message(200, {"UserId": "0a0a0a0a-1111-2222-3333-444444444444"})],
            "PATCH leads(": [faults.answer(204)],
            "POST leads": [faults.answer(204)],
        }

    async def _answer(self, exchange: Exchange) -> None:
        key = next((key for key in self._keys(exchange.request) if key in self.answers), None)
        if key is None:
            await refused(404, "0x80060888", "Resource not found for the segment.")(exchange)
            return
        script = self.answers[key]
        await (script.pop(0) if len(script) > 1 else script[0])(exchange)

    def _keys(self, request: Seen) -> list[str]:
        if request.headers["host"] in (LOGIN, *OTHER_LOGINS):
            return ["token"]
        path = f"{request.method} {request.target.removeprefix('/api/data/v9.2/')}"
        return sorted((key for key in self.answers if path.startswith(key)), key=len, reverse=True)

    def seen(self, start: str) -> list[Seen]:
        """The requests that an answer of this key was for."""
        return [request for request in self.server.received if start in self._keys(request)[:1]]

    def bodies(self, start: str) -> list[dict[str, Any]]:
        """The JSON of those requests."""
        return [json.loads(request.body) for request in self.seen(start)]

    @property
    def forms(self) -> list[dict[str, str]]:
        """The forms of the requests for tokens, with their host and path as ``to``."""
        found = []
        for request in self.seen("token"):
            form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
            found.append(form | {"to": request.headers["host"] + urlsplit(request.target).path})
        return found


@asynccontextmanager
async def remote_side(
    authority: Authority, *, more_hosts: tuple[str, ...] = (), total: float = 30.0
) -> AsyncIterator[Remote]:
    """A remote system over real TLS under the real host names, and the network that leads to it."""
    remote = Remote()
    hosts = (HOST, LOGIN, *OTHER_LOGINS, *more_hosts)
    await remote.server.start(authority.server_context(*hosts))
    policy = NetworkPolicy(
        hosts=dict.fromkeys(hosts, ("127.0.0.1", remote.server.port)), ca_file=authority.ca_file, total_seconds=total
    )
    remote.network = Network(policy)
    try:
        yield remote
    finally:
        await remote.network.aclose()
        await remote.server.aclose()


SETTINGS: dict[str, Any] = {
    "instanceUrl": f"https://{HOST}",
    "authentication": "azureAD",
    "applicationId": "9f8e7d6c-0000-4000-8000-000000000002",
    "applicationKey": "Top~secret.value/1",
    "directoryId": "3c1d2b4a-0000-4000-8000-000000000001",
}
PERSON: dict[str, Any] = {
    "instanceUrl": f"https://{HOST}",
    "authentication": "office365",
    "username": "ada@contoso.com",
    "password": "Pa55 word",
}
ROW = row_id(LEAD.id)
DUPLICATE = "A record with matching key values already exists."
LENGTHS = "GET EntityDefinitions(LogicalName='lead')/Attributes/Microsoft.Dynamics.CRM.StringAttributeMetadata"
MEMOS = "GET EntityDefinitions(LogicalName='lead')/Attributes/Microsoft.Dynamics.CRM.MemoAttributeMetadata"
COLUMNS = "GET EntityDefinitions(LogicalName='lead')/Attributes?$select=LogicalName"
RELATIONS = "GET EntityDefinitions(LogicalName='lead')/ManyToOneRelationships"
OPTIONS = "GET EntityDefinitions(LogicalName='lead')/Attributes(LogicalName='leadsourcecode')"
PRIVILEGE = "GET systemusers(0a0a0a0a-1111-2222-3333-444444444444)/Microsoft.Dynamics.CRM.RetrieveUserPrivilegeByPriv"
PRIVILEGES = "GET systemusers(0a0a0a0a-1111-2222-3333-444444444444)/Microsoft.Dynamics.CRM.RetrieveUserPrivileges"


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def dynamics(remote: Remote, clock: Clock | None = None, **settings: Any) -> Dynamics:
    """An adapter for the remote system's environment."""
    config = DynamicsConfig.model_validate(SETTINGS | settings)
    return Dynamics(config, remote.network, clock=clock or Clock())


async def deliver(destination: Adapter, lead: OutgoingLead = LEAD) -> Answer:
    """What becomes of a lead; nothing private shows in it."""
    (found,) = await destination.deliver([lead])
    shown = repr(found).casefold()
    assert not [text for text in (*PERSONAL, "secret.value", "tok.en") if text in shown]
    return found


def lengths(**of: int) -> Fault:
    """The environment's answer to how long its columns are."""
    return message(200, {"value": [{"LogicalName": name, "MaxLength": length} for name, length in of.items()]})
