"""Claims and records without a worker: a test says what is taken, and what each destination answered."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from leadkeeper.delivery.claim import Claimed, Work, claim
from leadkeeper.delivery.lease import open_lease
from leadkeeper.delivery.record import Recorded, record_answers
from leadkeeper.delivery.sent import Sent
from leadkeeper.diagnosis import Answer
from leadkeeper.storage.engine import Storage
from tests.contracts.installation import TestInstallation, lead, sent

LEASE = 15_000
"""How long a claim is held, in milliseconds."""


async def take(
    installation: TestInstallation, lease_id: str, share: int = 8, storage: Storage | None = None
) -> list[Work]:
    """Claim up to ``share`` deliveries of each connection, with an engine of its own if one is given."""
    return await (storage or installation.storage).write(claim, lease_id, {}, lambda _: share, installation.now, None)


async def end(installation: TestInstallation, sends: Sequence[Sent]) -> Recorded:
    """Record what was answered."""
    return await installation.storage.write(record_answers, sends, installation.now, 0.5)


async def carry(installation: TestInstallation, lease_id: str, answer: Callable[[Claimed], Answer]) -> None:
    """Claim what is due and record each of it by itself."""
    for work in await take(installation, lease_id):
        for one in work.claimed:
            await end(installation, [sent(work, one, lease_id, answer(one), installation.now)])


async def begin_with(installation: TestInstallation, leads: int, lease: int = LEASE) -> str:
    """Connect, keep so many leads, and open a lease, whose id is returned."""
    await installation.connect()
    await installation.intake.keep_many([lead(number) for number in range(leads)])
    return await installation.storage.write(open_lease, installation.now + lease)
