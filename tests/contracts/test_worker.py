"""The whole way inside one process: kept, claimed, sent over TLS, recorded, shown. On both databases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_network

import pytest
import sqlalchemy as sa

import leadkeeper.delivery.worker
from leadkeeper.clock import now_ms
from leadkeeper.delivery.schedule import State
from leadkeeper.delivery.worker import Worker
from leadkeeper.destinations.https_endpoint.adapter import HttpsEndpoint
from leadkeeper.destinations.interface import Context
from leadkeeper.inbox.inbox import Inbox
from leadkeeper.inbox.lists.filter import LeadFilter
from leadkeeper.inbox.redelivery import Redelivery
from leadkeeper.intake.keep import Intake
from leadkeeper.network.client import Network, NetworkPolicy
from leadkeeper.problem import Problem, ProblemType
from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.faults import Fault, FaultServer, answer, hang
from leadkeeper.storage import tables as t
from leadkeeper.validation.validator import Validator
from tests.conftest import EVERY_WAY
from tests.contracts.installation import CRM, TestInstallation, endpoint, furnished, lead

DATABASES = EVERY_WAY


@dataclass
class Scene:
    """An installation with a worker that carries, and a remote system that answers as told."""

    installation: TestInstallation
    worker: Worker
    intake: Intake
    again: Redelivery
    validator: Validator
    inbox: Inbox
    remote: FaultServer
    url: str

    async def until(self, done: Callable[[dict[str, int]], bool], seconds: float = 90) -> dict[str, int]:
        """Wait until the stored states are as ``done`` says."""
        for _ in range(int(seconds / 0.02)):
            if done(states := await self.installation.states()):
                return states
            await asyncio.sleep(0.02)
        pytest.fail(f"not reached in {seconds} s: {await self.installation.states()}")

    async def until_there(self, table: sa.Table, seconds: float = 90) -> None:
        """Wait until ``table`` has a row."""
        for _ in range(int(seconds / 0.02)):
            if await self.installation.count(table):
                return
            await asyncio.sleep(0.02)
        pytest.fail(f"no {table.name} in {seconds} s")

    async def until_received(self, requests: int, seconds: float = 90) -> None:
        """Wait until the remote system has had so many requests."""
        for _ in range(int(seconds / 0.02)):
            if len(self.remote.received) >= requests:
                return
            await asyncio.sleep(0.02)
        pytest.fail(f"only {len(self.remote.received)} requests in {seconds} s")

    async def connect(self, name: str = "primary") -> None:
        await self.installation.connections.put(CRM, name, endpoint(self.url), by="test")


@asynccontextmanager
async def scene(
    url: str, authority: Authority, fault: Fault | None = None, *, total_seconds: float = 30, lease_seconds: float = 10
) -> AsyncIterator[Scene]:
    remote = FaultServer(fault or answer(200))
    await remote.start(authority.server_context("127.0.0.1"))
    policy = NetworkPolicy(
        allow_addresses=(ip_network("127.0.0.0/8"),), ca_file=authority.ca_file, total_seconds=total_seconds
    )
    network = Network(policy, random_unit=lambda: 1.0)  # each call has the whole time
    async with furnished(url) as installation:
        installation.connections._clock = now_ms
        worker = Worker(installation.storage, installation.connections, Context(network), lease_seconds=lease_seconds)
        installation.connections._woken = worker.wake
        made = Scene(
            installation,
            worker,
            Intake(installation.storage, worker.wake),
            Redelivery(installation.storage, worker.wake),
            Validator(installation.storage, installation.connections, Context(network), worker.wake),
            Inbox(installation.storage),
            remote,
            f"https://127.0.0.1:{remote.port}/in",
        )
        carrying = asyncio.create_task(worker.run())
        try:
            yield made
        finally:
            await worker.stop(1)
            await carrying
            await network.aclose()
            await remote.aclose()


async def test_leads_arrive_and_are_shown(database_url: str, authority: Authority) -> None:
    async with scene(database_url, authority) as s:
        await s.connect()
        kept = await s.intake.keep_many([lead(i) for i in range(120)])
        await s.until(lambda states: states == {"delivered": 120})
        assert len(s.remote.received) == 120
        shown = await s.inbox.get(kept[0].id)  # type: ignore[union-attr]
        assert shown is not None
        (delivery,) = shown.deliveries
        assert delivery.state == "delivered"
        assert delivery.receipt is not None
        assert [attempt.outcome for attempt in delivery.attempts] == ["delivered"]
        page = await s.inbox.list(LeadFilter(state="delivered", email="ADA7@contoso.example"))
        assert [found.id for found in page.leads] == [kept[7].id]  # type: ignore[union-attr]
        first = await s.inbox.list(LeadFilter(), limit=50)
        second = await s.inbox.list(LeadFilter(), first.next_cursor, limit=100)
        assert len({found.id for found in (*first.leads, *second.leads)}) == 120
        assert second.next_cursor is None


async def test_a_broken_connection_holds_and_mended_settings_release(database_url: str, authority: Authority) -> None:
    async with scene(database_url, authority, answer(401)) as s:
        await s.connect()
        await s.intake.keep_many([lead(i) for i in range(30)])
        await s.until_there(t.notice)
        await s.until(lambda states: "sending" not in states)
        assert await s.installation.count(t.notice) == 1
        held = await s.inbox.list(LeadFilter(state="held"))
        assert len(held.leads) == 30
        assert (await s.installation.connections.list(CRM))[0].health.paused
        s.remote.fault = answer(200)
        await s.connect()
        await s.until(lambda states: states == {"delivered": 30})
        assert await s.installation.count(t.delivery, t.delivery.c.attempts == 1) == 30


async def test_validation_sends_a_real_test_lead_and_resumes(database_url: str, authority: Authority) -> None:
    async with scene(database_url, authority, answer(404)) as s:
        await s.connect()
        await s.intake.keep(lead())
        await s.until_there(t.notice)
        failed = await s.validator.validate(CRM, "primary", by="test")
        assert not failed.ok
        assert failed.diagnosis is not None
        assert failed.diagnosis.kind == "endpointNotFound"
        s.remote.fault = answer(200)
        passed = await s.validator.validate(CRM, "primary", by="test")
        assert passed.ok
        assert passed.test_lead is not None
        assert passed.test_lead.receipt is not None
        assert passed.test_lead.marker in s.remote.received[-1].body.decode()
        await s.until(lambda states: states == {"delivered": 2, "setAside": 1})
        found = await s.inbox.list(LeadFilter(test=True))
        assert {x.source for x in found.leads} == {failed.test_lead.marker, passed.test_lead.marker}  # type: ignore[union-attr]


async def test_refused_is_set_aside_then_retried(database_url: str, authority: Authority) -> None:
    async with scene(database_url, authority, answer(422, b'{"error":{"code":"NoPhone"}}')) as s:
        await s.connect()
        kept = await s.intake.keep(lead())
        await s.until(lambda states: states == {"setAside": 1})
        shown = await s.inbox.get(kept.id)
        assert shown is not None
        assert shown.deliveries[0].diagnosis is not None
        assert shown.deliveries[0].diagnosis.evidence.code == "NoPhone"
        s.remote.fault = answer(200)
        view = await s.again.retry(shown.deliveries[0].id, by="test")
        assert view.state in ("waiting", "sending", "delivered")
        await s.until(lambda states: states == {"delivered": 1})
        with pytest.raises(Problem) as unknown:
            await s.again.retry("nothing", by="test")
        assert unknown.value.type is ProblemType.UNKNOWN_DELIVERY


async def test_replay_by_time_and_state(database_url: str, authority: Authority) -> None:
    async with scene(database_url, authority) as s:
        await s.connect()
        await s.intake.keep_many([lead(i) for i in range(10)])
        await s.until(lambda states: states == {"delivered": 10})
        await s.connect("late")

        async def replay(name: str, **options: object) -> int:
            given = {"since_ms": None, "until_ms": None, "states": [], "missing": False, "dry_run": False} | options
            return (await s.again.replay(CRM, name, by="test", **given)).deliveries  # type: ignore[arg-type]

        assert await replay("late", missing=True, dry_run=True) == 10
        assert await s.installation.count(t.delivery) == 10
        assert await replay("late", missing=True) == 10
        await s.until(lambda states: states == {"delivered": 20})
        assert await replay("primary", states=[State.DELIVERED], until_ms=1) == 0
        assert await replay("primary", states=[State.DELIVERED]) == 10
        await s.until(lambda states: states == {"delivered": 20})
        assert len(s.remote.received) == 30


async def test_our_own_bug_charges_nobody(
    database_url: str, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(self: HttpsEndpoint, leads: object) -> object:
        raise ZeroDivisionError

    async with scene(database_url, authority) as s:
        await s.connect()
        with monkeypatch.context() as patched:
            patched.setattr(HttpsEndpoint, "deliver", fail)
            kept = await s.intake.keep(lead())
            await s.until_there(t.attempt)
        await s.until(lambda states: states == {"delivered": 1})
        shown = await s.inbox.get(kept.id)
        assert shown is not None
        assert shown.deliveries[0].attempts[0].diagnosis is not None
        assert shown.deliveries[0].attempts[0].diagnosis.kind == "internalError"
        assert await s.installation.count(t.delivery, t.delivery.c.attempts == 1) == 1


async def test_receipts_wait_to_be_written_down_together_and_a_failure_does_not(
    database_url: str, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leadkeeper.delivery.worker, "RECORD_PAUSE", 600.0)
    async with scene(database_url, authority) as s:
        await s.connect()
        await s.intake.keep_many([lead(number) for number in range(3)])
        await s.until_received(3)
        await asyncio.sleep(0.2)
        assert await s.installation.states() == {"sending": 3}
        s.remote.fault = answer(400)
        await s.intake.keep(lead(3))
        await s.until(lambda states: states == {"delivered": 3, "setAside": 1})
        s.remote.fault = answer(200)
        await s.intake.keep(lead(4))
        await s.until_received(5)
        await asyncio.sleep(0.2)
        assert await s.installation.states() == {"delivered": 3, "setAside": 1, "sending": 1}
        await s.worker.stop(5)
        assert await s.installation.states() == {"delivered": 4, "setAside": 1}


async def test_stopping_returns_what_is_in_flight(database_url: str, authority: Authority) -> None:
    async with scene(database_url, authority, hang) as s:
        await s.connect()
        await s.intake.keep_many([lead(i) for i in range(50)])
        await s.until(lambda states: states.get("sending", 0) >= 8)
        await s.worker.stop(0.1)
        states = await s.installation.states()
        assert states["waiting"] >= 8, "what was in flight"
        assert states["waiting"] + states.get("pending", 0) == 50, "and what no claim had reached"
        assert await s.installation.count(t.delivery, t.delivery.c.attempts > 0) == 0
        assert await s.installation.count(t.lease) == 0


async def test_a_quiet_connection_is_looked_at_now_and_then(database_url: str, authority: Authority) -> None:
    """Its host is gone, no lead has met that yet: it is paused and people are told."""
    async with scene(database_url, authority) as s:
        await s.connect()
        await s.installation.connections.put(CRM, "gone", endpoint("https://gone.invalid/in"), by="test")
        assert await s.installation.count(t.notice) == 0
        await s.installation.storage.write(
            lambda conn: conn.execute(sa.update(t.connection).values(check_at=0)).rowcount
        )
        await s.until_there(t.notice)
        found = {c.name: c.health.paused for c in await s.installation.connections.list(CRM)}
        assert found == {"primary": False, "gone": True}


async def test_it_stops_in_time_while_the_database_swallows_what_it_is_asked(
    database_url: str, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It neither answers nor refuses: what is in flight and what was claimed ahead is left to the lease."""
    async with scene(database_url, authority, hang) as s:
        await s.connect()
        await s.intake.keep_many([lead(i) for i in range(40)])
        await s.until(lambda states: states.get("sending", 0) > 8)
        with monkeypatch.context() as silent:

            async def swallowed(*_: object, **__: object) -> None:
                await asyncio.Event().wait()

            silent.setattr(s.installation.storage, "write", swallowed)
            await asyncio.wait_for(s.worker.stop(0.5), 20)
        await s.installation.states()
