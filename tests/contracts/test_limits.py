"""Limits of the remote systems, under load with the real worker: nothing is lost, no attempt is wasted, and another
connection of the same offer does not notice.

Time is let pass by making everything that is stored older, and the stand-ins' clock later; a new worker stands for the
process of the next hour or day.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from leadkeeper.clock import new_id, now_ms
from leadkeeper.connections.usage import SLOT_MS
from leadkeeper.delivery.worker import Worker
from leadkeeper.destinations.interface import Context
from leadkeeper.intake.keep import Intake
from leadkeeper.network.client import Network, NetworkPolicy
from leadkeeper.sandbox.dynamics.organization import Limits
from leadkeeper.sandbox.dynamics.stand_in import Dynamics
from leadkeeper.sandbox.marketo.stand_in import Marketo
from leadkeeper.sandbox.salesforce.stand_in import Salesforce
from leadkeeper.sandbox.server import Sandbox
from leadkeeper.storage import tables as t
from tests.contracts.cases import dynamics, marketo, salesforce
from tests.contracts.cases.case import Line
from tests.contracts.installation import CRM, TestInstallation, furnished, lead
from tests.contracts.stages import SandboxStage
from tests.contracts.usage import usage_of

DAY = 86_400
WINDOW = 300
WEB, MARKETO_REST = salesforce.LINES[0], marketo.LINES[1]
DYNAMICS, SALESFORCE_REST = dynamics.LINES[0], salesforce.LINES[1]


@dataclass
class Scene:
    """An installation before a sandbox; ``names`` are connection ids by name."""

    installation: TestInstallation
    sandbox: Sandbox
    ids: dict[str, str]
    passed: float = 0.0

    @asynccontextmanager
    async def carrying(self) -> AsyncIterator[None]:
        """A worker with a network of its own, as a process has it."""
        stage = SandboxStage(self.sandbox, WEB)
        network = Network(NetworkPolicy(hosts=stage.hosts, ca_file=stage.ca_file, total_seconds=30))
        worker = Worker(self.installation.storage, self.installation.connections, Context(network))
        running = asyncio.create_task(worker.run())
        try:
            yield
        finally:
            await worker.stop(3)
            await running
            await network.aclose()

    async def connect(self, name: str, line: Line, **settings: Any) -> None:
        """Make a connection."""
        body = {
            "leadDestination": line.destination.lead_destination,
            line.destination.config_key: {**line.settings, **settings},
        }
        made, _, _ = await self.installation.connections.put(CRM, name, body, by="test")
        assert made is not None
        self.ids[name] = made.id

    async def hand_in(self, first: int, count: int) -> None:
        """Leads of customers of their own."""
        await Intake(self.installation.storage).keep_many([lead(number) for number in range(first, first + count)])

    async def states(self, name: str) -> Counter[str]:
        """How many deliveries over the connection are in each state, those not yet tried among the waiting."""
        d = t.delivery.c
        query = sa.select(d.state, sa.func.count()).where(d.connection_id == self.ids[name]).group_by(d.state)
        found = Counter(
            await self.installation.storage.read(lambda conn: {row[0]: row[1] for row in conn.execute(query)})
        )
        found["waiting"] += found.pop("pending", 0)
        return +found

    async def until(self, name: str, seconds: float = 90, **wanted: int) -> None:
        """Wait until the connection's deliveries are in these states; ``waiting`` are also those not yet tried."""
        deadline = asyncio.get_running_loop().time() + seconds
        while (found := await self.states(name)) != Counter(wanted):
            assert asyncio.get_running_loop().time() < deadline, f"{name}: {found}, not {wanted}"
            await asyncio.sleep(0.05)

    async def attempts(self, name: str) -> Counter[int]:
        """How many deliveries have how many counted attempts."""
        d = t.delivery.c
        query = sa.select(d.attempts).where(d.connection_id == self.ids[name])
        return Counter(await self.installation.storage.read(lambda conn: list(conn.scalars(query))))

    async def pass_time(self, seconds: float) -> None:
        """Everything stored is older by that, and the stand-ins' clock later."""
        self.sandbox.clock.advance(seconds)
        self.passed += seconds
        ms = int(seconds * 1000)
        d, c, u = t.delivery.c, t.connection.c, t.account_use.c

        def age(conn: sa.Connection) -> None:
            conn.execute(sa.update(t.delivery).values(due_at=d.due_at - ms, changed_at=d.changed_at - ms))
            conn.execute(sa.update(t.connection).values(closed_until=c.closed_until - ms))
            conn.execute(sa.update(t.account_use).values(slot=u.slot - ms // SLOT_MS))

        await self.installation.storage.write(age)


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    url = f"sqlite+aiosqlite:///{tmp_path / 'leadkeeper.db'}"
    async with Sandbox(tmp_path / "authority") as sandbox, furnished(url) as installation:
        installation.now = now_ms()
        yield Scene(installation, sandbox, {})
        assert not sandbox.mistakes


async def sent_before(scene: Scene, name: str, count: int) -> None:
    """So many leads went over the connection a while ago, here and there."""
    at = now_ms() - 3_600_000
    rows = [
        {
            "id": new_id(),
            "lead_id": new_id(),
            "connection_id": scene.ids[name],
            "state": "unconfirmed",
            "due_at": at,
            "attempts": 1,
            "crash_count": 0,
            "created_at": at,
            "changed_at": at,
        }
        for _ in range(count)
    ]
    storage = scene.installation.storage
    await storage.write(lambda conn: conn.execute(sa.insert(t.delivery), rows))
    connection = await scene.installation.connections.get(CRM, name)
    assert connection is not None
    await usage_of(storage, connection, lambda: at).take(count)
    await storage.write(lambda conn: conn.execute(sa.update(t.account_use).values(leads=count)))
    scene.sandbox.stand_in(Salesforce).org.web_done.extend([at / 1000] * count)


async def test_a_day_of_web_to_lead_over_the_limit(scene: Scene) -> None:
    org = scene.sandbox.stand_in(Salesforce).org
    assert org.web_limit == 500
    await scene.connect("web", WEB)
    await sent_before(scene, "web", 470)
    await scene.connect("other", SALESFORCE_REST)
    await scene.hand_in(0, 55)
    async with scene.carrying():
        await scene.until("other", delivered=55)
        await scene.until("web", unconfirmed=500, waiting=25)
    web = [arrival for arrival in org.arrivals if arrival.door == "webToLead"]
    assert Counter(arrival.status for arrival in web) == {"created": 30}, "none went over the limit"
    assert await scene.attempts("web") == {1: 500, 0: 25}
    await scene.pass_time(DAY + 2 * SLOT_MS / 1_000)
    async with scene.carrying():
        await scene.until("web", unconfirmed=525)
    web = [arrival for arrival in org.arrivals if arrival.door == "webToLead"]
    assert Counter(arrival.status for arrival in web) == {"created": 55}
    assert len({str(arrival.values["Email"]) for arrival in web}) == 55
    assert await scene.attempts("web") == {1: 525}


@pytest.fixture
def unhurried(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """A window ends when time is let pass, not while a busy machine takes its time."""
    monkeypatch.setattr("leadkeeper.destinations.marketo.pace.REST_SECONDS", WINDOW)
    begun = scene.sandbox.clock.now()
    monkeypatch.setattr(scene.sandbox.clock, "now", lambda: begun + scene.passed)


@pytest.mark.usefixtures("unhurried")
async def test_marketos_window_and_concurrency(scene: Scene) -> None:
    there = scene.sandbox.stand_in(Marketo)
    there.work_seconds = 0.01
    seen = watch_marketo(there)
    await scene.connect("crm", MARKETO_REST)
    await scene.connect("other", DYNAMICS)
    await scene.hand_in(0, 70)
    async with scene.carrying():
        await scene.until("other", delivered=70)
        await scene.until("crm", delivered=50, waiting=20)  # half of what the subscription has, as Adobe advises
    assert seen.most_at_once <= 5
    assert not seen.refused
    assert await scene.attempts("crm") == {1: 50, 0: 20}
    await scene.pass_time(WINDOW + 1)
    async with scene.carrying():
        await scene.until("crm", delivered=70)
    assert not seen.refused
    assert await scene.attempts("crm") == {1: 70}
    assert len(there.subscription.people) == 70


@pytest.mark.usefixtures("unhurried")
async def test_marketos_window_is_used_up_by_others(scene: Scene) -> None:
    there = scene.sandbox.stand_in(Marketo)
    seen = watch_marketo(there)
    there.subscription.calls.extend([scene.sandbox.clock.now()] * 90)
    await scene.connect("crm", MARKETO_REST)
    await scene.connect("other", DYNAMICS)
    await scene.hand_in(0, 30)
    async with scene.carrying():
        await scene.until("other", delivered=30)
        await scene.until("crm", delivered=10, waiting=20)
    assert 1 <= seen.refused.total() <= 5, "once it is told, it stops"
    assert await scene.attempts("crm") == {1: 10, 0: 20}
    await scene.pass_time(21)
    async with scene.carrying():
        await scene.until("crm", delivered=30)
    assert await scene.attempts("crm") == {1: 30}
    assert len(there.subscription.people) == 30


@dataclass
class Seen:
    """What the subscription was asked for."""

    most_at_once: int
    refused: Counter[str]


def watch_marketo(there: Marketo) -> Seen:
    """Counts what the stand-in answers, and how many calls it has at once."""
    seen = Seen(0, Counter())
    handle = there.handle

    async def watched(request: Any) -> Any:
        pending = asyncio.ensure_future(handle(request))
        await asyncio.sleep(0)
        seen.most_at_once = max(seen.most_at_once, there.subscription.under_way)
        answer = await pending
        if b'"success": false' in answer.body:
            seen.refused[answer.body.decode()] += 1
        return answer

    there.handle = watched  # type: ignore[method-assign]
    return seen


@pytest.mark.usefixtures("unhurried")
@pytest.mark.parametrize(
    ("limits", "busy", "at_once"),
    [
        (Limits(requests=40, window=WINDOW), 0.0, 38),  # two ask how long texts may be
        (Limits(concurrent=3), 0.2, 60),
    ],
    ids=["requests", "at once"],
)
async def test_dataverse_says_too_many(scene: Scene, limits: Limits, busy: float, at_once: int) -> None:
    there = scene.sandbox.stand_in(Dynamics)
    organization = there.organizations["contoso.crm4.dynamics.com"]
    organization.limits = limits
    organization.work_seconds = busy
    await scene.connect("crm", DYNAMICS)
    await scene.connect("other", SALESFORCE_REST)
    await scene.hand_in(0, 60)
    async with scene.carrying():
        await scene.until("other", delivered=60)
        await scene.until("crm", delivered=at_once, waiting=60 - at_once)
    await scene.pass_time(WINDOW + 1)
    async with scene.carrying():
        await scene.until("crm", delivered=60)
    refused = sum(count for message, count in there.answers.items() if " 429 " in message)
    assert 1 <= refused <= 30, there.answers
    assert await scene.attempts("crm") == {1: 60}
    assert len(there.received()) == 60
    assert {record["writes"] for record in there.received()} == {1}
