"""Microsoft's own command line for Cloud Partner Portal (``az-partner-center-cli``), unchanged, against the program.

Only addresses are changed, and from outside: its portal, its ingestion API and its directory are one Leadkeeper, behind
TLS since its directory's library takes nothing else. ``docs/reference/vendors/marketplace.md#clients-of-that-api``.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import ssl
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from leadkeeper.sandbox.authority import Authority
from tests.conftest import missing_service
from tests.journeys.conftest import ROOT, MakeHub
from tests.journeys.hub import PUBLISHER, READY_SECONDS, SOON, Hub, until
from tests.journeys.places import SECRET, Endpoint

PYTHON: Final = ROOT / ".venv-client" / "bin" / "python"
P: Final = "microsoft-azure-marketplace."
VIRTUAL_MACHINES: Final = "microsoft-azure-virtualmachines"
OFFER: Final = "planner-vm"
OF_OFFER: Final = f"/api/publishers/{PUBLISHER}/offers/{OFFER}"
V: Final = "api-version=2017-10-31"
DRIVER: Final = '''
"""driver.py BASE CA WORD...: one command of the client, or (GET, POST) one request with its sign-in; prints JSON."""

import json
import sys

import requests
from swagger_client import Configuration

base, ca, word, *rest = sys.argv[1:]
configuration = Configuration()
configuration.host = base + "/v1.0/ingestion"
configuration.ssl_ca_cert = ca
Configuration.set_default(configuration)

from azureiai.partner_center.offers import virtual_machine as module

real_context = module.AuthenticationContext
module.RESOURCE_CPP_API = base
module.URL_BASE = base + "/api/publishers"
module.AuthenticationContext = lambda authority: real_context(
    authority.replace("https://login.microsoftonline.com", base), validate_authority=False
)
machine = module.VirtualMachine(name=rest[0], notification_emails="ops@contoso.example")


def told(answer):
    if isinstance(answer, requests.Response):
        body = answer.json() if answer.content else None
        return {"status": answer.status_code, "at": answer.headers.get("Operation-Location"), "body": body}
    return answer.to_dict() if hasattr(answer, "to_dict") else answer


try:
    if word in ("GET", "POST"):
        headers = {"Authorization": machine.get_auth(base)}
        answer = requests.request(word, base + rest[1], headers=headers, timeout=90)
    else:
        answer = getattr(machine, word)()
    print(json.dumps({"message": told(answer)}, default=str))
except (ConnectionError, LookupError, NameError, SystemError) as error:
    print(json.dumps({"raised": type(error).__name__, "text": str(error)}))
'''


@contextlib.asynccontextmanager
async def behind_tls(port: int, context: ssl.SSLContext) -> AsyncIterator[str]:
    """The address of what listens on ``port``, with TLS before it."""
    under_way: set[asyncio.Task[None]] = set()

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while part := await reader.read(65_536):
                writer.write(part)
                await writer.drain()
        writer.close()

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        under_way.add(task)
        try:
            there, back = await asyncio.open_connection("127.0.0.1", port)
            try:
                await asyncio.gather(copy(reader, back), copy(there, writer))
                with contextlib.suppress(OSError):
                    await writer.wait_closed()
            finally:
                back.transport.abort()
        finally:
            writer.transport.abort()  # else it would be left to whichever test garbage is looked for in
            under_way.discard(task)

    server = await asyncio.start_server(forward, "127.0.0.1", 0, ssl=context)
    try:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        ended = [*under_way]
        for task in ended:
            task.cancel()
        await asyncio.gather(*ended, return_exceptions=True)


async def output(*command: str | Path, folder: Path, environment: Mapping[str, str]) -> Any:
    """The JSON that a program prints."""
    child = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, errors = await asyncio.wait_for(child.communicate(), READY_SECONDS)
    assert child.returncode == 0, errors.decode()
    return json.loads(out)


async def keys(hub: Hub, *words: str) -> Any:
    """What ``leadkeeper keys`` answers."""
    command = (sys.executable, "-m", "leadkeeper", "keys", *words, "--json")
    return await output(*command, folder=hub.folder, environment=hub.environment)


async def key_of_publisher(hub: Hub) -> tuple[str, str]:
    """A new key's id, and the key."""
    role = f"publisher:{PUBLISHER}"
    key = (await keys(hub, "create", "--role", role))["key"]
    (key_id,) = [one["id"] for one in (await keys(hub, "list"))["keys"] if one["role"] == role]
    return key_id, key


@dataclass(frozen=True, slots=True)
class ExistingClient:
    """The client in a folder of its own, as a publisher keeps it: ``config.yml`` and ``vm_config.json``."""

    folder: Path
    base: str
    ca_file: Path

    def sign_in_with(self, key_id: str, key: str) -> None:
        """Make the folder; a key of the publisher is the application's id and secret."""
        self.folder.mkdir()
        settings = {"aad_id": key_id, "aad_secret": key, "tenant_id": "contoso.example", "publisherId": PUBLISHER}
        (self.folder / "config.yml").write_text(json.dumps(settings))  # JSON is YAML
        (self.folder / "driver.py").write_text(DRIVER)

    def describe(self, definition: Mapping[str, Any]) -> None:
        """Write the offer's file."""
        offer = {"publisherId": PUBLISHER, "id": OFFER, "offerTypeId": VIRTUAL_MACHINES, "definition": definition}
        (self.folder / "vm_config.json").write_text(json.dumps(offer))

    async def _run(self, *words: str) -> Any:
        command: tuple[str | Path, ...] = (PYTHON, "driver.py", self.base, self.ca_file, *words)
        environment = {"PATH": os.environ["PATH"], "REQUESTS_CA_BUNDLE": str(self.ca_file), "NO_PROXY": "127.0.0.1"}
        return await output(*command, folder=self.folder, environment=environment)

    async def do(self, command: str) -> Any:
        """One of its commands, in a process of its own; what it returned."""
        answer = await self._run(command, OFFER)
        assert "message" in answer, answer
        return answer["message"]

    async def fails(self, command: str) -> tuple[str, str]:
        """The same where it must raise: what, and with which text."""
        answer = await self._run(command, OFFER)
        assert "raised" in answer, answer
        return answer["raised"], answer["text"]

    async def ask(self, method: str, path: str, status: int = 200) -> Any:
        """A request that it has no command for, with its sign-in."""
        answer = (await self._run(method, OFFER, path))["message"]
        assert answer["status"] == status, answer
        return answer

    async def watch(self, place: str) -> Any:
        """An operation at its end."""

        async def ended() -> bool:
            return (await self.ask("GET", place))["body"]["status"] != "running"

        await until("the operation ends", ended, SOON)
        return (await self.ask("GET", place))["body"]

    async def publish(self) -> Any:
        """``publish``, watched to its end."""
        begun = await self.do("publish")
        assert begun["status"] == 202
        return await self.watch(begun["at"])


def definition_of(endpoint: Endpoint) -> dict[str, Any]:
    """A virtual machine whose leads go to the endpoint."""
    return {
        "displayText": "Planner",
        "offer": {
            P + "title": "Planner",
            P + "summary": "Plans, in a machine.",
            P + "description": "A machine with a planner in it.",
            P + "leadDestination": "HttpsEndpoint",
            P + "httpsEndpointLeadConfiguration": endpoint.settings["httpsEndpointLeadConfiguration"],
        },
        "plans": [{"planId": "basic", f"{VIRTUAL_MACHINES}.skuTitle": "Basic"}],
    }


@pytest.mark.slow
async def test_microsofts_client_publishes_a_virtual_machine(
    tmp_path: Path, make_hub: MakeHub, endpoint: Endpoint, authority_folder: Path
) -> None:
    if not PYTHON.exists():
        missing_service("Microsoft's command line is missing: scripts/setup-client")
    hub = await make_hub(f"sqlite+aiosqlite:///{tmp_path / 'client.db'}")
    await hub.start("serve")
    await hub.ask("PUT", f"/v1/publishers/{PUBLISHER}", {"displayName": "Contoso"})
    async with behind_tls(hub.port, Authority(authority_folder).server_context("127.0.0.1")) as base:
        client = ExistingClient(tmp_path / "client", base, authority_folder / "ca.pem")
        client.sign_in_with(*await key_of_publisher(hub))
        client.describe(definition_of(endpoint))
        await create(client)
        await publish_and_go_live(client, endpoint)
        await change_and_release(client, endpoint)
    endpoint.check()


async def create(client: ExistingClient) -> None:
    """Nothing there, then an offer, and only one."""
    assert await client.do("list_contents") == []
    kind, text = await client.fails("show")
    assert (kind, OFFER in text) == ("LookupError", True)
    kind, text = await client.fails("publish")
    assert (kind, json.loads(text)["error"]["code"]) == ("ConnectionError", "NotFound")
    created = await client.do("create")
    assert (created["id"], created["offerTypeId"], created["version"]) == (OFFER, VIRTUAL_MACHINES, 1)
    assert SECRET not in json.dumps(created)
    shown = await client.do("show")
    assert (shown["name"], shown["id"]) == (OFFER, f"{PUBLISHER}.{OFFER}")
    assert (await client.fails("create"))[0] == "NameError"
    (listed,) = await client.do("list_contents")
    assert (listed["id"], listed["status"], listed["definition"]) == (
        OFFER,
        "neverPublished",
        {"displayText": "Planner"},
    )


async def publish_and_go_live(client: ExistingClient, endpoint: Endpoint) -> None:
    """With the portal's own calls: watched by the operation, live by golive. The test lead arrives."""
    operation = await client.publish()
    assert operation["status"] == "completed", operation
    assert operation["notificationEmails"] == "ops@contoso.example"
    assert [arrival.test for arrival in endpoint.arrivals] == [True]
    status = (await client.ask("GET", f"{OF_OFFER}/status?{V}"))["body"]
    assert status["status"] == "waitingForPublisherReview"
    assert [step["id"] for step in status["steps"]][-2:] == ["publisher-signoff", "live"]
    begun = await client.ask("POST", f"{OF_OFFER}/golive?{V}", 202)
    assert (await client.watch(begun["at"]))["status"] == "completed"
    assert (await client.ask("GET", f"{OF_OFFER}/status?{V}"))["body"]["status"] == "succeeded"


async def change_and_release(client: ExistingClient, endpoint: Endpoint) -> None:
    """What was answered is sent back changed, without the secret; it is published and released by the client itself."""
    shown = (await client.ask("GET", f"{OF_OFFER}?{V}"))["body"]
    assert SECRET not in json.dumps(shown)
    client.describe(shown["definition"] | {"displayText": "Planner 2"})
    assert (await client.do("update"))["definition"]["displayText"] == "Planner 2"
    assert (await client.publish())["status"] == "completed"
    assert [arrival.test for arrival in endpoint.arrivals] == [True, True], "signed with the secret that was kept"
    await client.do("release")

    async def live_again() -> bool:
        return bool((await client.ask("GET", f"{OF_OFFER}/status?{V}"))["body"]["status"] == "succeeded")

    await until("the preview is released", live_again, SOON)
    live = (await client.ask("GET", f"{OF_OFFER}/slot/Production?{V}"))["body"]
    assert live["definition"]["displayText"] == "Planner 2"
