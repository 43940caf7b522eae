"""What fails within a worker stops no other connection and is not sent again and again. Both databases."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from leadkeeper.delivery import housekeeping, record
from leadkeeper.delivery import worker as workers
from leadkeeper.delivery.record import Recorded, _unwritten
from leadkeeper.delivery.sent import Sent
from leadkeeper.delivery.worker import Worker
from leadkeeper.destinations.https_endpoint.adapter import HttpsEndpoint
from leadkeeper.destinations.https_endpoint.provider import HTTPS_ENDPOINT
from leadkeeper.destinations.https_endpoint.settings import HttpsEndpointConfig
from leadkeeper.destinations.interface import Adapter, Config, Context
from leadkeeper.destinations.registry import OURS, Destinations
from leadkeeper.diagnosis import Receipt
from leadkeeper.network.client import Network, NetworkPolicy
from leadkeeper.sandbox.authority import Authority
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import Storage, StorageAway
from tests.contracts.claiming import begin_with, take
from tests.contracts.installation import CRM, furnished, lead, sent
from tests.contracts.outages import HOUR, MINUTE, plight
from tests.contracts.test_worker import scene


async def test_a_connection_that_cannot_be_opened_stops_no_other(
    database_url: str, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(config: Config, context: Context) -> Adapter:
        assert isinstance(config, HttpsEndpointConfig)
        if "refused" in config.https_endpoint_url.get_secret_value():
            raise OSError
        return HTTPS_ENDPOINT.open(config, context)

    changed = replace(HTTPS_ENDPOINT, open=refuse)
    destinations = Destinations(changed if each is HTTPS_ENDPOINT else each for each in OURS)
    async with scene(database_url, authority) as s:
        monkeypatch.setattr(s.installation.connections._rows, "_destinations", destinations)
        await s.installation.connections.put(CRM, "other", _endpoint(s.url + "?refused"), by="test")
        await s.connect()
        await s.intake.keep_many([lead(number) for number in range(10)])
        await s.until(lambda states: states.get("delivered") == 10, 30)


def _endpoint(url: str) -> dict[str, object]:
    return {"leadDestination": "httpsEndpoint", "httpsEndpointLeadConfiguration": {"httpsEndpointUrl": url}}


async def test_what_was_heard_is_written_down_though_an_adapter_cannot_be_closed(
    database_url: str, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the worker ends: the receipt waits to be written down together with others, and its lease to be closed."""

    async def fail(_: Adapter) -> None:
        raise RuntimeError("cannot be closed")

    monkeypatch.setattr(workers, "RECORD_PAUSE", 600.0)
    monkeypatch.setattr(HttpsEndpoint, "aclose", fail)
    async with scene(database_url, authority) as s:
        await s.connect()
        await s.intake.keep(lead(1))
        await s.until_received(1)
        await s.worker.stop(5)
        assert await s.installation.states() == {"delivered": 1}
        assert await s.installation.count(t.lease) == 0


async def test_a_check_of_which_the_result_is_lost_is_made_again_soon(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost: list[object] = []

    def away(_: object, check: object, *__: object) -> bool:
        lost.append(check)
        raise StorageAway("away")

    async with plight(database_url) as p:
        await p.connect()
        await p.run(sa.update(t.connection).values(check_at=0))
        keeping = p.housekeeping
        with monkeypatch.context() as meanwhile:
            meanwhile.setattr(housekeeping, "_end_check", away)
            await keeping.look()
            await asyncio.gather(*keeping._checks)
        assert len(lost) == 1
        ((again,),) = await p.rows(sa.select(t.connection.c.check_at))
        assert again <= p.installation.now + 2 * MINUTE
        p.installation.now = again
        await keeping.look()
        await asyncio.gather(*keeping._checks)
        ((later,),) = await p.rows(sa.select(t.connection.c.check_at))
        assert later > p.installation.now + HOUR


async def test_an_answer_that_cannot_be_written_down_is_not_sent_again_and_again(
    database_url: str, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(conn: sa.Connection, *_: Any, **__: Any) -> Recorded:
        raise ValueError

    async with scene(database_url, authority) as s:
        await s.connect()
        with monkeypatch.context() as patched:
            patched.setattr(workers, "record_answers", fail)
            kept = await s.intake.keep(lead())
            await s.until_there(t.attempt)
            await asyncio.sleep(0.6)
            assert len(s.remote.received) <= 3
        await s.until(lambda states: states == {"delivered": 1})
        shown = await s.inbox.get(kept.id)
        assert shown is not None
        first = shown.deliveries[0].attempts[0].diagnosis
        assert first is not None
        assert first.kind == "internalError"


@pytest.mark.parametrize("error", [StorageAway("the answer of the commit was lost"), OSError()])
async def test_what_was_written_although_that_was_not_heard_is_not_written_again(
    database_url: str, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    searched: list[int] = []

    def unwritten(conn: sa.Connection, sends: Sequence[Sent]) -> Sequence[Sent]:
        searched.append(len(sends))
        return _unwritten(conn, sends)

    monkeypatch.setattr(record, "_unwritten", unwritten)
    monkeypatch.setattr(workers, "AWAY_SECONDS", 0)
    async with furnished(database_url) as installation:
        lease_id = await begin_with(installation, 3)
        (work,) = await take(installation, lease_id)
        worker = Worker(installation.storage, installation.connections, Context(Network(NetworkPolicy())))
        monkeypatch.setattr(worker, "_storage", _LosesAnAnswer(installation.storage, error))
        sends = [sent(work, one, lease_id, Receipt(), installation.now) for one in work.claimed]
        await asyncio.gather(*[worker._recorder.put(each) for each in sends])
        assert await installation.states() == {"delivered": 3}
        a = t.attempt.c
        query = sa.select(a.id, a.outcome, a.late)
        found = await installation.storage.read(lambda conn: {tuple(row) for row in conn.execute(query)})
        assert found == {(each.attempt_id, "delivered", False) for each in sends}
    # Nothing was searched for at the first try.
    assert searched == ([3] if isinstance(error, StorageAway) else [1, 1, 1])


class _LosesAnAnswer:
    """A database whose first commit is not heard of."""

    def __init__(self, storage: Storage, error: Exception) -> None:
        self._storage, self._errors = storage, [error]

    async def write(self, *args: Any, **kwargs: Any) -> Any:
        written = await self._storage.write(*args, **kwargs)
        if self._errors:
            raise self._errors.pop()
        return written
