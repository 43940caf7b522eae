"""Everything that a remote system over HTTPS can do wrong, and what must come of it, whichever destination meets it.

A :class:`Case` is about the network or about an answer that means the same to all destinations; what a status means
to one of them stands in that destination's own test.
"""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from leadkeeper.diagnosis import AnyKind, Kind, Outcome
from leadkeeper.lead import Customer, OutgoingLead
from leadkeeper.network.client import Network, NetworkPolicy, parse_ranges
from leadkeeper.sandbox import faults
from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.faults import Fault, FaultServer

HOST: Final = "leads.fabrikam.example"
PATIENCE: Final = 60.0
"""What would last for ever is over by then, on a busy machine too."""
PASSING: Final = 3.0
"""The network's total where it must pass: a test waits for it, and a busy machine comes as far as the remote system."""


def seconds_for(kind: AnyKind | None) -> float:
    """The network's total where ``kind`` is to be found: short where it must pass, else enough for a busy machine."""
    return PASSING if kind is Kind.NO_ANSWER else 30.0


LEAD: Final = OutgoingLead(
    id="0198c2a4-7d10-7c3e-8a55-1f2e3d4c5b6a",
    created_at=datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC),
    source="AzureMarketplace",
    action="INS",
    lead_source="AzureMarketplace-INS|contoso.crm",
    publisher_id="contoso",
    publisher_name="Contoso",
    offer_id="crm",
    offer_title="CRM for everybody",
    customer=Customer(
        "Zoltana", "Quimby", "zoltana@northwind.example", "+49 30 901820", "DE", "Northwind", "Treasurer"
    ),
    description="Ring the doorbell twice; mind the dog.",
    campaign="spring",
)
PERSONAL: Final = ("zoltana", "quimby", "northwind", "901820", "treasurer", "doorbell", "mind the dog")


@dataclass(frozen=True, slots=True)
class Case:
    """One thing that goes wrong. ``answers`` or ``unresolved`` replace what the name resolves to.

    ``arrives`` says whether the request reaches the remote system.
    """

    name: str
    kind: AnyKind
    outcome: Outcome
    fault: Fault = field(default_factory=lambda: faults.answer(200))
    answers: tuple[str, ...] = ("127.0.0.1",)
    unresolved: int | None = None
    served_as: str = HOST
    tls: bool = True
    listening: bool = True
    arrives: bool = True


NETWORK: Final = (
    Case("hang", Kind.NO_ANSWER, Outcome.AMBIGUOUS, faults.hang),
    Case("hang within the headers", Kind.NO_ANSWER, Outcome.AMBIGUOUS, faults.hang_in_headers),
    Case("reset before the answer", Kind.CONNECTION_LOST, Outcome.AMBIGUOUS, faults.reset_before_answer),
    Case("reset within the headers", Kind.CONNECTION_LOST, Outcome.AMBIGUOUS, faults.reset_in_headers()),
    Case("commit, then drop the answer", Kind.CONNECTION_LOST, Outcome.AMBIGUOUS, faults.commit_then_drop),
    Case("not HTTP", Kind.ANSWER_NOT_UNDERSTOOD, Outcome.AMBIGUOUS, faults.not_http),
    Case("redirect to a private address", Kind.REDIRECTED, Outcome.BROKEN, faults.redirect("https://10.0.0.1/")),
    Case(
        "redirect to the metadata service",
        Kind.REDIRECTED,
        Outcome.BROKEN,
        faults.redirect("http://169.254.169.254/", 307),
    ),
    Case("redirect to itself", Kind.REDIRECTED, Outcome.BROKEN, faults.redirect("/in", 308)),
    Case("private address", Kind.ADDRESS_REFUSED, Outcome.BROKEN, answers=("10.0.0.1",), arrives=False),
    Case("one private of two", Kind.ADDRESS_REFUSED, Outcome.BROKEN, answers=("8.8.8.8", "192.168.0.1"), arrives=False),
    Case("private in disguise", Kind.ADDRESS_REFUSED, Outcome.BROKEN, answers=("64:ff9b::a00:1",), arrives=False),
    Case("no such name", Kind.ADDRESS_NOT_FOUND, Outcome.BROKEN, unresolved=socket.EAI_NONAME, arrives=False),
    Case("resolver down", Kind.CONNECTION_FAILED, Outcome.FAILED, unresolved=socket.EAI_AGAIN, arrives=False),
    Case("nobody listens", Kind.CONNECTION_FAILED, Outcome.FAILED, listening=False, arrives=False),
    Case("certificate of another", Kind.TLS_FAILED, Outcome.BROKEN, served_as="other.example", arrives=False),
    Case("no TLS", Kind.TLS_FAILED, Outcome.BROKEN, tls=False, arrives=False),
)


@dataclass(frozen=True, slots=True)
class RemoteSide:
    """A misbehaving server and the network that leads to it as ``https://HOST:port``."""

    server: FaultServer
    network: Network

    @property
    def origin(self) -> str:
        return f"https://{HOST}:{self.server.port}"


@asynccontextmanager
async def remote_side(authority: Authority, case: Case) -> AsyncIterator[RemoteSide]:
    """The remote system of ``case``; its name resolves at the seam of the resolver, all else is real."""

    async def resolve(host: str, port: int) -> Sequence[str]:
        if case.unresolved is not None:
            raise socket.gaierror(case.unresolved, "")
        return case.answers

    server = FaultServer(case.fault)
    await server.start(authority.server_context(case.served_as) if case.tls else None)
    if not case.listening:
        await server.aclose()
    policy = NetworkPolicy(
        allow_addresses=parse_ranges("127.0.0.0/8"), ca_file=authority.ca_file, total_seconds=seconds_for(case.kind)
    )
    network = Network(policy, resolve=resolve)
    try:
        yield RemoteSide(server, network)
    finally:
        await network.aclose()
        await server.aclose()
