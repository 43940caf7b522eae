"""Look-ups of names: a deadline, a share of each connection within its publisher's, and answers remembered briefly."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

import pytest

from leadkeeper.diagnosis import AnyKind, Kind
from leadkeeper.gate import on_behalf_of
from leadkeeper.network.client import NETWORK_ERRORS, Network, NetworkPolicy, diagnose_network, parse_ranges
from leadkeeper.network.names import LOOK_UPS, LOOK_UPS_RESERVED, REMEMBERED_SECONDS, Names
from leadkeeper.network.trouble import NoFreeConnection
from leadkeeper.shares import Shares

PUBLISHER_ALONE: Final = Shares(LOOK_UPS, LOOK_UPS_RESERVED).room("contoso")
PATIENT: Final = 60.0


class Resolver:
    """Answers 192.0.2.1 for every name; those that begin with ``slow`` only after :meth:`let_go`, ``no`` never."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.addresses: Sequence[str] = ("192.0.2.1",)
        self._let_go = asyncio.Event()

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        if host.startswith("slow"):
            await self._let_go.wait()
        if host.startswith("no"):
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return self.addresses

    def let_go(self) -> None:
        """The slow ones are answered."""
        self._let_go.set()


class Clock:
    """Stands still until told."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def looking_up(
    seconds: float = PATIENT, clock: Clock | None = None
) -> AsyncIterator[tuple[Names, Resolver, Clock]]:
    """Names that wait so long for the resolver."""
    resolver, clock = Resolver(), clock or Clock()
    names = Names(resolver, seconds, clock)
    try:
        yield names, resolver, clock
    finally:
        resolver.let_go()
        await names.aclose()


def ask(names: Names, publisher: str, connection: str, host: str) -> asyncio.Task[Sequence[str]]:
    """A look-up on behalf of a connection."""
    with on_behalf_of(publisher, connection):
        return asyncio.create_task(names.addresses(host, 443))


async def outcome(network: Network, url: str) -> AnyKind:
    """What a post there comes to."""
    with pytest.raises(NETWORK_ERRORS) as raised:
        await network.post(network.check_url(url), data=b"{}", headers={})
    return diagnose_network(raised.value, sent=False).kind


async def settled() -> None:
    """Whatever can go on without an answer has done so."""
    for _ in range(200):
        await asyncio.sleep(0)


async def test_a_connection_s_slow_names_leave_its_publisher_s_others_their_turn() -> None:
    async with looking_up() as (names, resolver, _):
        hanging = [ask(names, "contoso", "crm", f"slow{number}.example") for number in range(3 * PUBLISHER_ALONE)]
        await settled()
        assert 0 < len(resolver.asked) < PUBLISHER_ALONE
        others = [ask(names, "contoso", f"other{number}", f"fast{number}.example") for number in range(3)]
        await settled()
        assert [task.result() for task in others if task.done()] == [("192.0.2.1",)] * 3
        resolver.let_go()
        assert await asyncio.gather(*hanging) == [("192.0.2.1",)] * len(hanging)


async def test_connections_together_have_no_more_than_their_publisher_s_share() -> None:
    async with looking_up() as (names, resolver, _):
        hanging = [
            ask(names, "contoso", f"c{connection}", f"slow{connection}-{number}.example")
            for connection in range(PUBLISHER_ALONE)
            for number in range(5)
        ]
        await settled()
        assert not any(task.done() for task in hanging)
        assert len(resolver.asked) <= PUBLISHER_ALONE
        elsewhere = ask(names, "fabrikam", "crm", "fast.example")
        await settled()
        assert elsewhere.result() == ("192.0.2.1",)


async def test_one_look_up_of_a_name_is_enough_for_a_publisher() -> None:
    """Whoever waits for the same name as another connection of the publisher uses no further turn."""
    async with looking_up() as (names, resolver, _):
        asked = [ask(names, "contoso", f"c{number}", "slow.example") for number in range(3 * PUBLISHER_ALONE)]
        await settled()
        assert resolver.asked == ["slow.example"]
        resolver.let_go()
        assert await asyncio.gather(*asked) == [("192.0.2.1",)] * len(asked)


async def test_a_name_that_waits_for_one_connection_s_turn_is_looked_up_in_another_s() -> None:
    async with looking_up() as (names, _, _):
        hanging = [ask(names, "contoso", "crm", f"slow{number}.example") for number in range(3 * PUBLISHER_ALONE)]
        waits = ask(names, "contoso", "crm", "fast.example")
        await settled()
        assert not any(task.done() for task in [*hanging, waits])
        assert await ask(names, "contoso", "table", "fast.example") == ("192.0.2.1",)


async def test_a_caller_waits_no_longer_than_its_deadline_and_the_answer_is_remembered_when_it_comes() -> None:
    async with looking_up(0.05) as (names, resolver, _):
        with pytest.raises(socket.gaierror) as late:
            await ask(names, "contoso", "crm", "slow.example")
        assert late.value.errno == socket.EAI_AGAIN
        resolver.let_go()
        await settled()
        assert await ask(names, "contoso", "crm", "slow.example") == ("192.0.2.1",)
        assert resolver.asked == ["slow.example"]


async def test_who_got_no_turn_until_its_deadline_is_not_told_that_the_name_is_slow() -> None:
    """The lead then waits and counts no attempt: nothing is known of its destination."""
    async with looking_up(0.2) as (names, _, _):
        tasks = [ask(names, "contoso", "crm", f"slow{number}.example") for number in range(3 * PUBLISHER_ALONE)]
        raised = await asyncio.gather(*tasks, return_exceptions=True)
        kinds = [type(error) for error in raised]
        assert set(kinds) == {socket.gaierror, NoFreeConnection}
        assert kinds[0] is socket.gaierror
        assert kinds[-1] is NoFreeConnection


async def test_an_answer_is_remembered_for_half_a_minute() -> None:
    assert REMEMBERED_SECONDS == 30
    async with looking_up() as (names, resolver, clock):
        for after, asked in ((0.0, 1), (29.9, 1), (0.2, 2), (29.0, 2)):
            clock.now += after
            assert await names.addresses("crm.example", 443) == ("192.0.2.1",)
            assert len(resolver.asked) == asked


async def test_that_there_is_no_such_name_is_not_remembered() -> None:
    """A name that was just made works at once."""
    async with looking_up() as (names, resolver, _):
        for _ in range(2):
            with pytest.raises(socket.gaierror) as raised:
                await names.addresses("no.example", 443)
            assert raised.value.errno == socket.EAI_NONAME
        assert resolver.asked == ["no.example"] * 2


@pytest.mark.parametrize("address", ["10.0.0.7", "127.0.0.1", "169.254.169.254", "::1", "::ffff:10.0.0.7"])
async def test_the_guard_refuses_a_private_address_that_is_remembered(address: str) -> None:
    resolver = Resolver()
    resolver.addresses = (address,)
    network = Network(NetworkPolicy(), resolve=resolver)
    try:
        for _ in range(3):
            assert await outcome(network, "https://inside.example/leads") is Kind.ADDRESS_REFUSED
        assert resolver.asked == ["inside.example"]
    finally:
        await network.aclose()


async def test_what_is_dialled_is_judged_whatever_was_remembered() -> None:
    """The answer is good for the policy that looked it up; another, stricter one refuses the same remembered answer."""
    resolver = Resolver()
    resolver.addresses = ("127.0.0.1",)
    network = Network(NetworkPolicy(allow_addresses=parse_ranges("127.0.0.1/32")), resolve=resolver)
    try:
        assert await outcome(network, "https://inside.example:9/leads") is Kind.CONNECTION_FAILED
        network.policy = NetworkPolicy()
        assert await outcome(network, "https://inside.example:9/leads") is Kind.ADDRESS_REFUSED
        assert resolver.asked == ["inside.example"]
    finally:
        await network.aclose()
