"""What waits is counted in one place: page, API, metrics and doctor say the same numbers. On both databases."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa

from leadkeeper.access.permissions import Role
from leadkeeper.clock import now_ms
from leadkeeper.doors.api.metrics import Metrics
from leadkeeper.doors.cli.operating.doctor_records import waiting_deliveries
from leadkeeper.inbox.oversight.backlog import backlog
from leadkeeper.storage import tables as t
from tests.in_process import DESTINATION, OFFER, Installation, hand_in, installation
from tests.people import signed_in

STATES = ("waiting", "held", "setAside", "sending")
HOUR = 3_600_000


@pytest.fixture
async def home(database_url: str) -> AsyncIterator[Installation]:
    """Two leads are due, one is later, one is being sent, three were set aside, one of them by an outage; four are
    held over another connection, and one has none."""
    async with installation(database_url, public_url="http://leads.example") as opened:
        operator = await opened.visitor("operator")
        assert (await operator.put(f"{OFFER}/customer-leads", DESTINATION)).status == 201
        for _ in range(7):
            await hand_in(operator)
        other = "/v1/publishers/contoso/offers/other"
        assert (await operator.put(other, {"title": "Other"})).status == 201
        await hand_in(operator, offerId="other")
        await opened.services.storage.write(_stand)
        held = "/v1/publishers/contoso/offers/held"
        assert (await operator.put(held, {"title": "Held"})).status == 201
        assert (await operator.put(f"{held}/customer-leads", DESTINATION)).status == 201
        for _ in range(4):
            await hand_in(operator, offerId="held")
        assert (await operator.post(f"{held}/connections/primary/pause")).status == 200
        yield opened


def _stand(conn: sa.Connection) -> None:
    d, now = t.delivery.c, now_ms()
    ids = conn.scalars(sa.select(d.id).order_by(d.id)).all()
    stand: list[dict[str, object]] = [
        {"state": "pending"},
        {"state": "pending"},
        {"state": "waiting", "due_at": now + HOUR},
        {"state": "sending", "lease_id": "a-worker"},
        {"state": "setAside", "set_aside_for": "refused"},
        {"state": "setAside", "set_aside_for": "mayHaveArrived"},
        {"state": "setAside", "set_aside_for": "outage"},
    ]
    for id_, values in zip(ids, stand, strict=True):
        conn.execute(sa.update(t.delivery).where(d.id == id_).values(**values))


async def test_page_api_metrics_and_doctor_count_the_same(home: Installation) -> None:
    found = await home.services.storage.read(backlog, now_ms(), 100)
    assert (found.due, found.later, found.waiting, found.held, found.sending) == (2, 1, 3, 4, 1)
    assert (found.set_aside, found.by_outage, found.unrouted, found.complete) == (3, 1, 1, True)
    queue = (await (await home.visitor("operator")).get("/v1/workers")).json()["queue"]
    assert (queue["due"], queue["later"], queue["held"], queue["sending"]) == (2, 1, 4, 1)
    assert (queue["setAside"], queue["byOutage"], queue["unrouted"], queue["complete"]) == (3, 1, 1, True)
    text = (await Metrics().text(home.services.storage, now_ms())).decode()
    counted = dict(zip(STATES, (3.0, 4.0, 3.0, 1.0), strict=True))
    told = {each: re.search(rf'leadkeeper_deliveries_waiting{{state="{each}"}} (\S+)', text) for each in STATES}
    assert {each: match and float(match[1]) for each, match in told.items()} == counted
    findings = {each.name: each for each in await waiting_deliveries(home.services)}
    assert findings["waiting"].detail.startswith("3 deliveries; the oldest came")
    names = ("held", "set aside", "set aside by outages", "without connection")
    assert [findings[name].detail for name in names] == ["4", "3", "1", "1"]
    async with signed_in(home, Role.OPERATOR, None) as operator:
        page = (await operator.open("/portal/operate/workers")).text
    for words in (
        "Due now 2",
        "and being sent: 1",
        "next attempt 1",
        "Held 4",
        "Set aside 3",
        "Set aside by outages 1",
    ):
        assert words in " ".join(page.split()), words


async def test_no_more_are_counted_than_asked_for(home: Installation) -> None:
    found = await home.services.storage.read(backlog, now_ms(), 1)
    assert (found.due, found.held, found.set_aside, found.sending) == (2, 2, 2, 1)
    assert not (await home.services.storage.read(backlog, now_ms(), 100, 1)).complete
