"""To how many leads somebody turned in time: counted by offer, publisher and day, shown, and read. Both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

import pytest
import sqlalchemy as sa

from leadkeeper.access.permissions import Role
from leadkeeper.clock import least_id, now_ms
from leadkeeper.inbox.oversight.figures import DAY_MS
from leadkeeper.inbox.oversight.tally import ALL_EVERY_MS
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import insert_rows
from tests.contracts.counting import count_anew
from tests.contracts.plans import work
from tests.contracts.test_flat import BODY
from tests.in_process import DESTINATION, OFFER, Installation, installation
from tests.people import signed_in

HOUR: Final = 3_600_000
OTHER: Final = "/v1/publishers/contoso/offers/other"
PATH: Final = "/v1/punctuality"
CRM_PRO: Final = f"{OFFER}/punctuality"


@pytest.fixture
async def home(database_url: str) -> AsyncIterator[Installation]:
    """An installation with two offers of one publisher."""
    async with installation(database_url, public_url="http://leads.example") as opened:
        operator = await opened.visitor("operator")
        assert (await operator.put(f"{OFFER}/customer-leads", DESTINATION)).status == 201
        assert (await operator.put(OTHER, {"title": "Other"})).status == 201
        yield opened


async def kept(
    home: Installation, came: int, *, touched_after: int | None = None, offer: str = "crm-pro", **more: object
) -> None:
    """One lead that came at ``came``, and when somebody turned to its customer."""

    def fill(conn: sa.Connection) -> None:
        taken = conn.scalar(sa.select(sa.func.count()).select_from(t.lead)) or 0
        lead: dict[str, object] = {"id": least_id(came + taken), "publisher_id": "contoso", "offer_id": offer}
        lead |= {"source": "SPZA", "action": "INS", "email": "", "test": False, "created_at": came, "body": BODY}
        insert_rows(conn, t.lead, [lead | {"unrouted": False, "preview": False, "withheld": False} | more])
        if touched_after is not None:
            row = {"lead_id": lead["id"], "publisher_id": "contoso", "state": "active", "due_at": came + 24 * HOUR}
            row |= {"touched_at": came + touched_after, "changed_at": came + touched_after}
            insert_rows(conn, t.follow_up, [row])

    await home.services.storage.write(fill)


async def count(home: Installation, now: int) -> None:
    await count_anew(home.services.storage, lambda: now)


async def shares(home: Installation, path: str = PATH) -> tuple[int, int, float | None]:
    found = (await (await home.visitor("operator")).get(path)).json()
    return found["due"], found["inTime"], found["share"]


async def test_only_what_was_due_counts_and_only_in_time_is_in_time(home: Installation) -> None:
    now = now_ms()
    long_ago = now - 3 * DAY_MS
    await kept(home, long_ago, touched_after=23 * HOUR)
    await kept(home, long_ago, touched_after=25 * HOUR)
    await kept(home, long_ago)
    await kept(home, now - HOUR)  # it is not due yet
    await kept(home, now - HOUR, touched_after=HOUR // 2)
    await kept(home, long_ago, offer="other", touched_after=HOUR)
    await kept(home, long_ago, action="DNC")
    await kept(home, long_ago, withheld=True)
    await kept(home, long_ago, test=True)
    await kept(home, long_ago, preview=True)
    await kept(home, long_ago, expired_at=long_ago + HOUR)  # its data were removed before it was due
    await kept(home, long_ago, expired_at=long_ago + 30 * HOUR)  # or after
    await count(home, now)
    assert await shares(home) == (6, 3, 0.5)
    assert await shares(home, f"{PATH}?publisherId=contoso") == (6, 3, 0.5)
    assert await shares(home, CRM_PRO) == (5, 2, 0.4)
    assert await shares(home, f"{OTHER}/punctuality") == (1, 1, 1.0)


async def test_a_lead_that_becomes_due_and_one_that_is_gone_are_counted_anew(home: Installation) -> None:
    now = now_ms()
    await kept(home, now - 2 * HOUR)
    await count(home, now)
    assert await shares(home, CRM_PRO) == (0, 0, None)
    await count(home, now + 23 * HOUR)
    assert await home.services.storage.read(lambda conn: conn.scalar(sa.select(t.offer_figure.c.late))) == 1
    await home.services.storage.write(lambda conn: conn.execute(sa.delete(t.lead)).close())
    await count(home, now + 23 * HOUR + ALL_EVERY_MS)
    rows = sa.select(sa.func.count()).select_from(t.offer_figure)
    assert await home.services.storage.read(lambda conn: conn.scalar(rows)) == 0


async def test_nobody_reads_another_s(home: Installation) -> None:
    operator = await home.visitor("operator")
    await operator.put("/v1/publishers/fabrikam", {"displayName": "Fabrikam"})
    stranger, own = await home.visitor("publisher:fabrikam"), await home.visitor("publisher:contoso")
    await kept(home, now_ms() - 3 * DAY_MS, touched_after=HOUR)
    await count(home, now_ms())
    assert (await stranger.get(f"{PATH}?publisherId=contoso")).status == 403
    assert (await stranger.get(PATH)).json()["due"] == 0
    assert (await stranger.get(CRM_PRO)).status == 403
    assert (await own.get(CRM_PRO)).json()["inTime"] == 1
    assert (await operator.get(f"{OFFER}s/punctuality")).status == 404


async def test_it_stands_on_the_first_page_and_on_the_offer_s(home: Installation) -> None:
    for touched_after in (HOUR, HOUR, 30 * HOUR):
        await kept(home, now_ms() - 3 * DAY_MS, touched_after=touched_after)
    await count(home, now_ms())
    async with signed_in(home, Role.READER) as reader:
        first = (await reader.open("/portal")).text
        assert "Touched within a day, 30 days 66.6 % 2 of 3 that were due" in " ".join(first.split())
        assert "Touched within a day, 30 days: 66.6 % (2 of 3 that were due)" in " ".join(first.split())
        offer = await reader.open("/portal/offers/contoso/crm-pro")
        assert "66.6 % (2 of 3 that were due)" in offer.text
        assert offer.links["Those that are overdue"].endswith("offer=crm-pro&follow=overdue")
        assert "Touched within a day" not in (await reader.open("/portal/offers/contoso/other")).text


async def test_it_costs_the_same_whatever_number_of_leads_there_is(home: Installation) -> None:
    storage, now = home.services.storage, now_ms()
    await kept(home, now - 3 * DAY_MS)
    await count(home, now)

    async def cost() -> int:
        return await work(storage, lambda: home.services.leads.punctuality.of("contoso", "crm-pro"))

    few = await cost()
    for hours in range(40):
        await kept(home, now - 3 * DAY_MS - hours * HOUR // 60)
    await count(home, now + ALL_EVERY_MS)
    assert await shares(home, CRM_PRO) == (41, 0, 0.0)
    assert await cost() <= few + 50
