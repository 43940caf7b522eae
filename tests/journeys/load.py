"""Customers who hand in leads all the time, and remember exactly which were acknowledged."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Final
from zlib import crc32

import aiohttp

from tests.journeys.hub import IMPATIENT, SOON, Hub
from tests.journeys.places import Endpoint, StorageAccount

_LIMBO: Final = (aiohttp.ClientError, TimeoutError, OSError)


@dataclass(slots=True)
class Load:
    """``acknowledged``: address -> lead id. ``unsure``: handed in, never acknowledged, so there at most once.

    Half of the customers use an idempotency key and try again until they hear an answer.
    """

    hub: Hub
    offers: Sequence[str]
    name: str
    clients: int = 6
    pause: float = 0.15
    acknowledged: dict[str, str] = field(default_factory=dict)
    handed_in_at: dict[str, float] = field(default_factory=dict)
    unsure: set[str] = field(default_factory=set)
    answers: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _stopping: bool = False

    def start(self) -> None:
        """Begin; the clients run until :meth:`stop`."""
        self._tasks = [asyncio.create_task(self._client(number)) for number in range(self.clients)]

    async def stop(self) -> None:
        """Let every client end its present lead, which needs a running API for those who try again."""
        self._stopping = True
        await asyncio.wait_for(asyncio.gather(*self._tasks), 2 * SOON)
        assert not self.wrong, self.wrong[:5]

    def is_foreign(self, email: str) -> bool:
        """Whether none of our customers handed it in."""
        return email.endswith("@load.example") and email not in self.acknowledged and email not in self.unsure

    def offer_of(self, email: str) -> str:
        """The offer that this customer wants."""
        return self.offers[crc32(email.encode()) % len(self.offers)]

    async def _client(self, number: int) -> None:
        count = 0
        while not self._stopping:
            count += 1
            email = f"{self.name}-{number}-{count}@load.example"
            await self._hand_in(email, f"key-{email}" if number % 2 else None)
            await asyncio.sleep(self.pause * random.random() * 2)

    async def _hand_in(self, email: str, key: str | None) -> None:
        offer = self.offer_of(email)
        self.unsure.add(email)
        while True:
            try:
                status, answer = await self.hub.hand_in(offer, email, key, seconds=IMPATIENT)
            except _LIMBO as error:
                self.answers[type(error).__name__] += 1
                status, answer = 0, None
            else:
                self.answers[str(status)] += 1
            if status in (200, 202):
                if status == 200 and key is None:
                    self.wrong.append(f"200 without a key: {email}")
                self.acknowledged[email] = answer["id"]
                self.handed_in_at[email] = time.monotonic()
                self.unsure.discard(email)
                return
            if status not in (0, 503):
                self.wrong.append(f"{email}: {status} {answer}")
                return
            # Without a key another try would be another lead: a careful customer lets it be.
            await asyncio.sleep(0.05)
            if key is None:
                return


async def check_table(account: StorageAccount, load: Load) -> int:
    """Every acknowledged lead is there exactly once, under its id; what was not acknowledged at most once."""
    rows = await account.rows()
    keys = Counter(key for key, _ in rows)
    emails = Counter(email for _, email in rows)
    ids = {email: key for key, email in rows}
    twice = [key for key, count in keys.items() if count > 1]
    missing = [email for email in load.acknowledged if not emails[email]]
    repeated = [email for email, count in emails.items() if count > 1]
    unknown = [email for email in emails if load.is_foreign(email)]
    other = [email for email, lead_id in load.acknowledged.items() if ids.get(email, lead_id) != lead_id]
    assert not missing, f"lost: {len(missing)} of {len(load.acknowledged)}: {missing[:10]}"
    assert not twice, f"row keys twice: {twice[:10]}"
    assert not repeated, f"leads twice: {repeated[:10]}"
    assert not unknown, f"leads that nobody gave: {unknown[:10]}"
    assert not other, f"leads under another id than was acknowledged: {other[:10]}"
    return len(rows)


def check_endpoint(endpoint: Endpoint, load: Load) -> tuple[int, int]:
    """Every acknowledged lead came at least once, always with its own id; leads and requests that came."""
    endpoint.check()
    times = endpoint.times()
    ids = {arrival.email: arrival.id for arrival in endpoint.arrivals}
    missing = [email for email in load.acknowledged if not times[email]]
    unknown = [email for email in times if load.is_foreign(email)]
    other = [email for email, lead_id in load.acknowledged.items() if ids.get(email, lead_id) != lead_id]
    assert not missing, f"lost: {len(missing)} of {len(load.acknowledged)}: {missing[:10]}"
    assert not unknown, f"leads that nobody gave: {unknown[:10]}"
    assert not other, f"leads with another webhook-id than was acknowledged: {other[:10]}"
    return len(times), times.total()


@contextlib.asynccontextmanager
async def under_load(load: Load) -> AsyncIterator[Load]:
    """The load runs inside; its clients are gone afterwards, however it ends."""
    load.start()
    try:
        yield load
        await load.stop()
    finally:
        for task in load._tasks:
            task.cancel()
        await asyncio.gather(*load._tasks, return_exceptions=True)
