"""No worker runs; the disk is nearly full: operators see it among what needs attention, and are told by mail."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from leadkeeper.access.permissions import Role
from leadkeeper.clock import to_text
from leadkeeper.mail.mailer import Mailer
from leadkeeper.notices.sender import Sender
from leadkeeper.notices.telling import Telling
from leadkeeper.storage.database_clock import DatabaseClock
from leadkeeper.storage.disk import DiskWatch
from leadkeeper.storage.engine import Storage
from leadkeeper.storage.presence import AWAY_MS, ProcessPresence
from tests.contracts.mailbox import Mailbox, mailbox
from tests.contracts.test_email import server_of
from tests.hands import HOUR, MINUTE, Hands
from tests.in_process import DESTINATION, OFFER, Installation, hand_in, installation
from tests.people import add

GIGABYTE = 1_000_000_000


class Kept(Hands):
    """Keeps the clock that it made."""

    def of(self, storage: Storage) -> DatabaseClock:
        self.clock = super().of(storage)
        return self.clock


@pytest.fixture
def hands() -> Kept:
    return Kept()


@pytest.fixture
async def home(database_url: str, hands: Kept) -> AsyncIterator[Installation]:
    async with installation(database_url, clock_of=hands.of) as opened:
        operator = await opened.visitor("operator")
        assert (await operator.put(f"{OFFER}/connections/primary", DESTINATION)).status == 201
        yield opened


async def causes(home: Installation, role: str = "operator") -> list[dict[str, Any]]:
    answer = await (await home.visitor(role)).get("/v1/attention")
    entries: list[dict[str, Any]] = answer.json()["entries"]
    return entries


async def test_workers_that_are_away_are_told_since_the_last_was_seen(home: Installation, hands: Kept) -> None:
    for _ in range(2):
        await hand_in(await home.visitor("operator"))
    storage = home.services.storage
    worker, api = (ProcessPresence(storage, hands.clock, role) for role in ("worker", "api"))
    await worker.write_down()
    seen = to_text(hands.clock())[:16]
    hands.later += AWAY_MS - MINUTE
    await api.write_down()
    assert await causes(home) == [], "one that is started anew is nobody's trouble"
    hands.later += 2 * MINUTE
    (entry,) = await causes(home)
    assert (entry["cause"], entry["leads"], entry["who"], entry["publisherId"]) == ("workersAway", 2, "operator", None)
    assert entry["since"].startswith(seen)
    assert await causes(home, "publisher:contoso") == []
    await ProcessPresence(storage, hands.clock, "serve").write_down()
    assert await causes(home) == []


async def test_an_installation_that_never_had_a_worker_is_told_so(home: Installation, hands: Kept) -> None:
    api = ProcessPresence(home.services.storage, hands.clock, "api")
    await api.write_down()
    assert await causes(home) == []
    hands.later += AWAY_MS + MINUTE
    await api.write_down()
    assert [each["cause"] for each in await causes(home)] == ["workersAway"]


async def test_a_disk_that_is_nearly_full_is_told_as_long_as_it_is(home: Installation, hands: Kept) -> None:
    left = [2 * GIGABYTE]
    storage = home.services.storage
    watch = DiskWatch(storage, hands.clock, spare=GIGABYTE, free=lambda _: left[0])
    await watch.look()
    assert await causes(home) == []
    left[0] = GIGABYTE - 1
    began = to_text(hands.clock())[:16]
    await watch.look()
    hands.later += HOUR
    left[0] -= 1
    await watch.look()
    found = await causes(home)
    if await storage.read(lambda conn: conn.dialect.name) == "postgresql":
        assert found == [], "its disk is the server's, which does not say"
        return
    (entry,) = found
    assert (entry["cause"], entry["leads"], entry["who"]) == ("diskNearlyFull", 0, "operator")
    assert entry["since"].startswith(began)
    left[0] = GIGABYTE
    await watch.look()
    assert await causes(home) == []


async def test_operators_hear_by_mail_that_no_worker_runs_and_when_one_does(home: Installation, hands: Kept) -> None:
    operator = await add(home, Role.OPERATOR, None)
    services, now = home.services, hands.clock
    worker = ProcessPresence(services.storage, now, "worker")
    await worker.write_down()
    with mailbox() as box:
        mailer, url = Mailer(server_of(box)), "http://leads.example"
        telling = Telling(services.storage, mailer.sender, url, services.operator_addresses, now)
        sender = Sender(services.storage, mailer, url, now)
        subjects = []
        for hours, there in ((0, False), (1, False), (1, False), (24, False), (1, True)):
            hands.later += hours * HOUR + MINUTE
            if there:
                await worker.write_down()
            assert not await hands.clock.look()
            await telling.look()
            while await sender.look():
                pass
            subjects.append(told(box, operator))
    once = ["No worker runs"]
    twice = [*once, "Still so: No worker runs"]
    assert subjects == [[], once, once, twice, [*twice, "Settled: No worker runs"]]
    assert "/portal/operate/workers" in box.mails[0].get_content()


def told(box: Mailbox, to: str) -> list[str]:
    return [str(mail["Subject"]) for mail in box.sent_to(to)]
