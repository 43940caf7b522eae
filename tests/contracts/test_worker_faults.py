"""What fails within a worker stops no other connection and is not sent again and again. Both databases."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from leadkeeper.delivery import worker as workers
from leadkeeper.delivery.record import Recorded
from leadkeeper.destinations.https_endpoint.provider import HTTPS_ENDPOINT
from leadkeeper.destinations.https_endpoint.settings import HttpsEndpointConfig
from leadkeeper.destinations.interface import Adapter, Config, Context
from leadkeeper.destinations.registry import OURS, Destinations
from leadkeeper.sandbox.authority import Authority
from leadkeeper.storage import tables as t
from tests.contracts.installation import CRM, lead
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


async def test_an_answer_that_cannot_be_written_down_is_not_sent_again_and_again(
    database_url: str, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(conn: sa.Connection, *_: Any) -> Recorded:
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
