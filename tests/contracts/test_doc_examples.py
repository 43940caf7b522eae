"""Every connection that a destination's page shows is entered as it stands, and validates against the sandbox.

The remote system is set up with the ids, secrets, names of hosts and fields that the example has, and the host names
lead there as ``docs/howto/use-the-sandbox.md`` says. An example that shows nothing but ``fields`` goes into the page's
first connection.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

import pytest
from pydantic import SecretStr

from leadkeeper.destinations.registry import OURS
from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.azure_blob.stand_in import AzureBlob
from leadkeeper.sandbox.azure_storage.azurite import Azurite, AzuriteMissing, Service
from leadkeeper.sandbox.azure_storage.proxy import StorageProxy
from leadkeeper.sandbox.azure_table.stand_in import AzureTable
from leadkeeper.sandbox.dynamics.organization import Member
from leadkeeper.sandbox.dynamics.schema import Attribute
from leadkeeper.sandbox.dynamics.stand_in import Dynamics
from leadkeeper.sandbox.email.stand_in import Email
from leadkeeper.sandbox.entra.directory import Application, Secret, Tenant
from leadkeeper.sandbox.entra.stand_in import Entra
from leadkeeper.sandbox.faults import Exchange, FaultServer
from leadkeeper.sandbox.https_endpoint.stand_in import EndpointRequest as Received
from leadkeeper.sandbox.https_endpoint.stand_in import ReceivingEndpoint
from leadkeeper.sandbox.hubspot.stand_in import HubSpot
from leadkeeper.sandbox.marketo.leads import PersonField
from leadkeeper.sandbox.marketo.stand_in import Marketo
from leadkeeper.sandbox.salesforce.fields import FIELDS, LeadField
from leadkeeper.sandbox.salesforce.stand_in import Salesforce
from leadkeeper.sandbox.server import Sandbox
from tests.conftest import missing_service
from tests.in_process import OFFER, installation

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = ROOT / "docs" / "destinations"
_BLOCK: Final = re.compile(r"^(<!-- sample -->\n)?```json\n(.*?)^```", re.DOTALL | re.MULTILINE)
Settings = Mapping[str, Any]


@dataclass
class Remote:
    """What stands at the remote system, and how the program's settings lead there; ``closing`` ends it."""

    authority: Authority
    closing: AsyncExitStack
    hosts: dict[str, str] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)

    async def sandbox(self) -> Sandbox:
        """The CRMs; all their host names lead there."""
        opened = await self.closing.enter_async_context(Sandbox(self.authority.ca_file.parent))
        self.hosts |= dict(pair.split("=") for pair in opened.hosts_setting().split(","))
        return opened

    async def listen(self, server: FaultServer, host: str) -> None:
        """Let ``server`` answer for ``host``."""
        await server.start(self.authority.server_context(host))
        self.closing.push_async_callback(server.aclose)
        self.hosts[host] = f"127.0.0.1:{server.port}"


@dataclass(frozen=True)
class Example:
    """One connection of a page; its name says which."""

    name: str
    resource: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """The kind of destination, in Microsoft's word."""
        return str(self.resource["leadDestination"])

    @property
    def settings(self) -> Settings:
        """What the publisher entered."""
        found: Settings = self.resource[f"{self.kind}LeadConfiguration"]
        return found


def examples() -> list[Example]:
    """Every connection of every destination's page, but what a page marks as a sample of what is sent."""
    found = []
    for name in OURS.names:
        text = (PAGES / f"{name}.md").read_text(encoding="utf-8")
        first: Example | None = None
        for number, (sample, block) in enumerate(_BLOCK.findall(text), 1):
            shown = json.loads(block)
            if sample:
                continue
            if "leadDestination" in shown:
                example = Example(f"{name}-{number}", shown)
                first = first or example
            else:
                assert first is not None, f"{name}: {block}"
                settings = {**first.settings, **shown}
                resource = {"leadDestination": first.kind, f"{first.kind}LeadConfiguration": settings}
                example = Example(f"{name}-{number}", resource)
            found.append(example)
    return found


async def dynamics(remote: Remote, settings: Settings) -> None:
    """A tenant with the application, an environment of the name with its columns."""
    sandbox = await remote.sandbox()
    tenant = Tenant(
        settings["directoryId"],
        applications={settings["applicationId"]: Application([Secret(settings["applicationKey"])])},
    )
    sandbox.stand_in(Entra).directory.add(tenant)
    environment = sandbox.stand_in(Dynamics).add_organization(
        str(urlsplit(settings["instanceUrl"]).hostname), tenant.id
    )
    environment.members[settings["applicationId"]] = Member()
    for name, value in settings.get("fields", {}).items():
        if name.startswith("new_"):
            environment.attributes[name] = Attribute(name)
        if name == "campaignid@odata.bind":
            environment.campaigns.add(value.removeprefix("/campaigns(").removesuffix(")"))


async def salesforce(remote: Remote, settings: Settings) -> None:
    """An org of the id, with the app and the fields."""
    org = (await remote.sandbox()).stand_in(Salesforce).org
    org.oid = settings["objectIdentifier"]
    org.client_id, org.client_secret = settings["clientId"], settings["clientSecret"]
    assert settings["myDomainUrl"] == f"https://{org.host}"
    key = LeadField(settings["externalIdField"], "Lead id", length=36, unique=True, external_id=True)
    known = {each.name for each in FIELDS}
    own = [LeadField(name, name, length=255) for name in settings.get("fields", {}) if name not in known]
    org.fields = (*FIELDS, key, *own)


async def hubspot(remote: Remote, settings: Settings) -> None:
    """An account that knows the token; the stand-in's has the properties."""
    (await remote.sandbox()).stand_in(HubSpot).account.tokens[0].value = settings["accessToken"]


async def marketo(remote: Remote, settings: Settings) -> None:
    """A subscription of the ids, whose form has the fields."""
    there = (await remote.sandbox()).stand_in(Marketo).subscription
    assert (settings["serverId"], settings["munchkinId"]) == (there.server_id, there.munchkin_id)
    there.client_id, there.client_secret = settings["clientId"], settings["clientSecret"]
    known = {each.rest for each in there.fields}
    own = tuple(PersonField(name, name, name) for name in settings.get("fields", {}) if name not in known)
    assert all(settings["fields"][each.rest] is not None for each in own), "what is taken out is one of the usual"
    there.fields = (*there.fields, *own)
    (form,) = [each for each in there.forms if str(each.id) == settings["formId"]]
    there.forms = (replace(form, fields=(*form.fields, *(each.form for each in own))),)


async def storage(remote: Remote, settings: Settings) -> None:
    """Azurite with the account and its key, under both of its host names; and the mail server for notices."""
    parts = dict(part.partition("=")[::2] for part in settings["storageAccountConnectionString"].split(";"))
    services: dict[Service, Callable[[str], StorageProxy]] = {"table": AzureTable, "blob": AzureBlob}
    for service, stand_in in services.items():
        accounts = {parts["AccountName"]: parts["AccountKey"]}
        try:
            azurite = remote.closing.enter_context(Azurite(ROOT / "node_modules", service=service, accounts=accounts))
        except AzuriteMissing as error:
            missing_service(str(error))
        await remote.listen(stand_in(azurite.url), f"{parts['AccountName']}.{service}.{parts['EndpointSuffix']}")
    await email(remote, settings)


async def https_endpoint(remote: Remote, settings: Settings) -> None:
    """A receiver with the signing secret, at the host name of the URL."""
    receiver = ReceivingEndpoint(secret=settings["signingSecret"])

    async def answer(exchange: Exchange) -> None:
        seen = exchange.request
        await exchange.send(receiver.answer(Received(seen.method, seen.target, seen.headers, seen.body)))

    await remote.listen(FaultServer(answer), str(urlsplit(settings["httpsEndpointUrl"]).hostname))


async def email(remote: Remote, settings: Settings) -> None:
    """A mail server that takes every address."""
    server = Email(remote.authority.server_context("127.0.0.1"))
    await server.start()
    remote.closing.push_async_callback(server.aclose)
    url = f"smtp://{server.username}:{quote(server.password)}@127.0.0.1:{server.port}"
    remote.more |= {"smtp_url": SecretStr(url), "mail_from": "leads@market.example"}


SET_UP: Final = {
    "dynamics": dynamics,
    "salesforce": salesforce,
    "hubSpot": hubspot,
    "marketo": marketo,
    "table": storage,
    "blob": storage,
    "httpsEndpoint": https_endpoint,
    "email": email,
}


@asynccontextmanager
async def remote_side(example: Example, authority: Authority) -> AsyncIterator[Remote]:
    """The sandbox as the example means it."""
    async with AsyncExitStack() as closing:
        remote = Remote(authority, closing)
        await SET_UP[example.kind](remote, example.settings)
        yield remote


def test_every_destination_has_an_example() -> None:
    assert {each.kind for each in examples()} == set(OURS.choices) == set(SET_UP)


@pytest.mark.parametrize("example", examples(), ids=lambda each: each.name)
async def test_an_example_validates(example: Example, database_url: str, authority: Authority) -> None:
    async with remote_side(example, authority) as remote:
        hosts = ",".join(f"{name}={there}" for name, there in remote.hosts.items())
        async with installation(database_url, hosts=hosts, ca_file=authority.ca_file, **remote.more) as home:
            operator = await home.visitor("operator")
            put = await operator.put(f"{OFFER}/connections/example", example.resource)
            assert put.status in (200, 201), put.body
            message = (await operator.post(f"{OFFER}/connections/example/validate")).json()
            receipt = (message["testLead"] or {}).get("receipt")
            assert receipt, json.dumps(message, indent=1)
            assert message["ok"] is (True if receipt["confirmed"] else None), json.dumps(message, indent=1)
            assert [each for each in message["checks"] if each["ok"] is False] == []
