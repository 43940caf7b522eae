"""Where an adapter meets its stand-in: production's host names lead there, over TLS, and it misbehaves as told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from leadkeeper.lead import OutgoingLead
from leadkeeper.mail.address import parse_address
from leadkeeper.mail.mailer import MailServer
from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.azure_blob.stand_in import is_write
from leadkeeper.sandbox.azure_storage.proxy import StorageProxy
from leadkeeper.sandbox.azure_table.stand_in import is_insert
from leadkeeper.sandbox.dynamics.stand_in import Dynamics
from leadkeeper.sandbox.email.stand_in import PASSWORD as MAIL_PASSWORD
from leadkeeper.sandbox.email.stand_in import USER as MAIL_USER
from leadkeeper.sandbox.email.stand_in import Email as MailServerStandIn
from leadkeeper.sandbox.faults import Exchange, Fault, FaultServer, Seen
from leadkeeper.sandbox.https_endpoint.stand_in import EndpointRequest as Received
from leadkeeper.sandbox.https_endpoint.stand_in import ReceivingEndpoint
from leadkeeper.sandbox.marketo.stand_in import Marketo
from leadkeeper.sandbox.mishaps import Match, Mishap
from leadkeeper.sandbox.salesforce.stand_in import Salesforce
from leadkeeper.sandbox.server import Sandbox
from leadkeeper.sandbox.stand_in import OK, Answer
from tests.contracts.cases.case import Line, State
from tests.contracts.cases.https_endpoint import SECRET as SIGNING_SECRET
from tests.contracts.cases.troubles import Act

ENDPOINT_HOST = "leads.fabrikam.example"


class Stage(Protocol):
    """One remote system. ``count`` says how many records of a lead are there; ``total`` how many of all."""

    @property
    def hosts(self) -> Mapping[str, tuple[str, int | None]]: ...
    @property
    def ca_file(self) -> Path: ...
    @property
    def secrets(self) -> tuple[str, ...]: ...

    def choose(self, state: State) -> None: ...
    def trouble(self, act: Act, match: Match, times: int) -> None: ...
    def calm(self) -> None: ...
    async def count(self, lead: OutgoingLead) -> int: ...
    async def total(self) -> int: ...
    async def aclose(self) -> None: ...


def mishap(act: Act) -> Mishap:
    """The trouble as the sandbox has it."""

    async def happen(exchange: Exchange, work: Callable[[], Awaitable[Answer]]) -> None:
        async def worked() -> bytes:
            return (await work()).encoded()

        await act(exchange, worked)

    return happen


class SandboxStage:
    """The sandbox, for the stand-ins that live in it."""

    def __init__(self, sandbox: Sandbox, line: Line) -> None:
        self.sandbox = sandbox
        self.line = line

    @property
    def hosts(self) -> Mapping[str, tuple[str, int | None]]:
        """All host names lead to the sandbox."""
        names = (part.partition("=")[0] for part in self.sandbox.hosts_setting().split(","))
        return dict.fromkeys(names, ("127.0.0.1", self.sandbox.port))

    @property
    def ca_file(self) -> Path:
        """The sandbox's own authority."""
        return self.sandbox.ca_file

    @property
    def secrets(self) -> tuple[str, ...]:
        """Tokens and sessions that were given: Entra's begin as every JWT does."""
        sessions = [each for org in self.sandbox.stand_in(Salesforce).orgs for each in org.sessions]
        tokens = [each for one in self.sandbox.stand_in(Marketo).subscriptions for each in one.tokens]
        return ("eyJ", *sessions, *tokens)

    def choose(self, state: State) -> None:
        """Be in the state; those that only differ in settings leave the stand-in as it is."""
        there = self.sandbox.stand_in(state.stand_in or self.line.stand_in)
        if state.name in there.states:
            there.choose(state.name)

    def trouble(self, act: Act, match: Match, times: int) -> None:
        """Let it happen to the next ``times`` requests meant."""
        self.sandbox.fail(mishap(act), match, times=times)

    def calm(self) -> None:
        """Let nothing more happen."""
        self.sandbox.plan.clear()

    async def count(self, lead: OutgoingLead) -> int:
        """By our id, or by the address where people are known by it."""
        return sum(_is_of(lead, each) for each in self._records())

    async def total(self) -> int:
        """All that was written, and what is on its way to be."""
        return len(self._records())

    def _records(self) -> list[str]:
        if self.line.stand_in == "dynamics":
            return [str(each) for each in self.sandbox.stand_in(Dynamics).received()]
        return self.line.records(self.sandbox.stand_in(self.line.stand_in).received())

    async def aclose(self) -> None:
        """Close, and fail when a stand-in made a mistake."""
        await self.sandbox.aclose()
        assert not self.sandbox.mistakes


class StorageStage:
    """Azurite behind the stand-in for one of Azure's storage services; ``count`` looks at what Azurite was given."""

    def __init__(self, service: StorageProxy, line: Line, authority: Authority, host: str) -> None:
        self.service = service
        self.ca_file = authority.ca_file
        self.hosts = {host: ("127.0.0.1", service.port)}
        self.secrets = ("AccountKey",)
        self._carries: Callable[[Seen], bool] = is_insert if line.stand_in == "azure_table" else is_write

    def choose(self, state: State) -> None:
        """Say the error to every request that writes a lead."""
        if state.fault is not None:
            self.service.fail(state.fault, when=self._carries)

    def trouble(self, act: Act, match: Match, times: int) -> None:
        """Let it happen to the next ``times`` requests that write a lead."""

        async def happen(exchange: Exchange) -> None:
            await act(exchange, lambda: self.service.perform(exchange.request))

        self.service.fail(happen, when=self._carries, times=times)

    def calm(self) -> None:
        """Let nothing more happen."""
        self.service.calm()

    async def count(self, lead: OutgoingLead) -> int:
        """How often Azurite said that it made something for this lead."""
        return sum(lead.id in f"{seen.target} {seen.body.decode()}" for seen in self._made())

    async def total(self) -> int:
        """How many rows or files were made."""
        return sum(max(1, seen.body.count(b'"RowKey"')) for seen in self._made())

    def _made(self) -> list[Seen]:
        return [seen for seen in self.service.made if self._carries(seen)]

    async def aclose(self) -> None:
        """Close."""
        await self.service.aclose()


class EndpointStage:
    """A strict receiver of leads, at a name of its own."""

    ca_file: Path
    secrets: tuple[str, ...] = ()

    def __init__(self, authority: Authority) -> None:
        self.ca_file = authority.ca_file
        self.receiver = ReceivingEndpoint(secret=SIGNING_SECRET)
        self._acts: list[Act] = []
        self._always: Fault | None = None
        self._context = authority.server_context(ENDPOINT_HOST)
        self._server = FaultServer(self._answer)

    async def start(self) -> None:
        """Listen."""
        await self._server.start(self._context)

    @property
    def hosts(self) -> Mapping[str, tuple[str, int | None]]:
        """The one name."""
        return {ENDPOINT_HOST: ("127.0.0.1", self._server.port)}

    async def _answer(self, exchange: Exchange) -> None:
        seen = exchange.request

        async def work() -> bytes:
            return self.receiver.answer(Received(seen.method, seen.target, seen.headers, seen.body))

        if self._acts:
            await self._acts.pop(0)(exchange, work)
        elif self._always is not None:
            await self._always(exchange)
        else:
            await exchange.send(await work())

    def choose(self, state: State) -> None:
        """Answer as the state says."""
        self._always = state.fault

    def trouble(self, act: Act, match: Match, times: int) -> None:
        """Let it happen to the next ``times`` requests."""
        self._acts += [act] * times

    def calm(self) -> None:
        """Let nothing more happen."""
        self._acts.clear()

    async def count(self, lead: OutgoingLead) -> int:
        """As a receiver that heeds ``webhook-id`` counts."""
        return int(lead.id in self.receiver.received)

    async def total(self) -> int:
        """All leads."""
        return len(self.receiver.received)

    async def aclose(self) -> None:
        """Close."""
        await self._server.aclose()


class MailStage:
    """A mail server; its mails name a lead by its id alone."""

    hosts: Mapping[str, tuple[str, int | None]] = MappingProxyType({})
    secrets: tuple[str, ...] = ()

    def __init__(self, authority: Authority) -> None:
        self.ca_file = authority.ca_file
        self.server = MailServerStandIn(authority.server_context("127.0.0.1"))

    async def start(self) -> None:
        """Listen."""
        await self.server.start()

    @property
    def mail_server(self) -> MailServer:
        """The operator's setting for it."""
        return MailServer(
            "127.0.0.1",
            self.server.port,
            False,
            MAIL_USER,
            MAIL_PASSWORD,
            parse_address("leads@market.example"),
            self.ca_file,
        )

    def choose(self, state: State) -> None:
        """Be in the state."""
        self.server.choose(state.name)

    def trouble(self, act: Act, match: Match, times: int) -> None:
        """It speaks no HTTP."""
        raise NotImplementedError

    def calm(self) -> None:
        """Take every mail again."""
        self.server.choose(OK)

    async def count(self, lead: OutgoingLead) -> int:
        """How many mails are about the lead."""
        return sum(lead.id in str(mail["text"]) for mail in self.server.received())

    async def total(self) -> int:
        """All mails."""
        return len(self.server.mails)

    async def aclose(self) -> None:
        """Close."""
        await self.server.aclose()


def _is_of(lead: OutgoingLead, record: str) -> bool:
    return lead.customer.email in record
