"""Two weeks of errors, in minutes: the contacts are told, what was given up goes out by itself. Real processes.

Days pass by moving everything that is stored into the past, which is what a day does; on both databases.
"""

from __future__ import annotations

from email.message import EmailMessage
from typing import Final

import pytest
import sqlalchemy as sa

from leadkeeper.sandbox.faults import answer
from leadkeeper.storage import tables as t
from tests.contracts.mailbox import Mailbox
from tests.journeys.conftest import MakeHub
from tests.journeys.database import sql
from tests.journeys.hub import SOON, Hub, until
from tests.journeys.places import Endpoint

pytestmark = pytest.mark.slow
MINUTE: Final = 60_000
DAY: Final = 24 * 60 * MINUTE
BOSS: Final = "boss@contoso.example"
GIVEN: Final = 5
MOVED: Final = {
    table.name: [column.name for column in table.c if isinstance(column.type, sa.BigInteger)]
    for table in (t.connection, t.delivery, t.attempt, t.notice)
}
"""The moments that are stored."""


async def passes(hub: Hub, ms: int) -> None:
    """So much time passes at once."""
    for table, columns in MOVED.items():
        for column in columns:
            await sql(hub.database_url, f"UPDATE {table} SET {column} = {column} - {ms} WHERE {column} IS NOT NULL")


async def give_while_it_fails(hub: Hub, endpoint: Endpoint) -> set[str]:
    """Give leads to an endpoint that only fails; their addresses."""
    settings = endpoint.settings
    settings["httpsEndpointLeadConfiguration"] |= {"contactEmail": [BOSS], "notice": "none"}
    await hub.make_offer("crm", endpoint=settings)
    endpoint.manner = answer(500)
    given = {f"{number}@load.example" for number in range(GIVEN)}
    for email in sorted(given):
        await hub.give("crm", email)
    return given


async def test_a_long_outage(database_url: str, make_hub: MakeHub, endpoint: Endpoint, box: Mailbox) -> None:
    hub = await make_hub(database_url, SMTP_URL=f"smtp://127.0.0.1:{box.port}", MAIL_FROM="leads@marketplace.example")
    words = ("serve",) if database_url.startswith("sqlite") else ("api", "worker", "worker")
    await hub.start(*words)
    given = await give_while_it_fails(hub, endpoint)

    async def failing() -> bool:
        ((failures,),) = await sql(database_url, "SELECT failures FROM connection")
        return bool(failures)

    async def mails(count: int) -> list[EmailMessage]:
        async def there() -> bool:
            await passes(hub, 10_000)
            return len(box.sent_to(BOSS)) >= count

        await until(f"mail {count} comes", there, SOON, 1, summary=hub.tail)
        return box.sent_to(BOSS)

    await until("leads fail", failing, SOON, summary=hub.tail)
    assert box.mails == []
    await passes(hub, 16 * MINUTE)
    (first,) = await mails(1)
    # The connection is tried with one of them every now and then: that one may be on its way just now.
    counts = [f"{count} leads wait" for count in (GIVEN, GIVEN - 1)]
    assert any(count in first.get_content() for count in counts), first.get_content()
    worker = hub.processes[-1]
    worker.kill()  # whoever has told may vanish: nobody is told twice
    worker.start()
    await passes(hub, DAY)
    await mails(2)
    # Two weeks of it: every lead has had its tries.
    await sql(database_url, "UPDATE delivery SET attempts = 100")

    async def given_up() -> bool:
        await passes(hub, 2 * DAY)
        # Each such jump makes the next half-open send due, so one of them may be on its way just now.
        return len(await hub.in_state("setAside", limit=50)) >= GIVEN - 1

    await until("they are given up", given_up, SOON, 1, summary=hub.tail)
    summary = len(box.sent_to(BOSS))
    endpoint.manner = None
    await passes(hub, DAY)  # the half-open send of a quiet connection is due

    async def all_there() -> bool:
        return given <= set(endpoint.emails())

    await until("what was given up goes out by itself", all_there, SOON, summary=hub.tail)
    await hub.all_delivered(SOON)

    async def summary_that_it_is_over() -> bool:
        await passes(hub, 10_000)
        return "again" in box.sent_to(BOSS)[-1]["Subject"]

    await until("they hear that it is over", summary_that_it_is_over, SOON, 1, summary=hub.tail)
    endpoint.check()
    assert set(endpoint.times().values()) == {1}
    print(f"{summary} mails in the outage, then {[mail['Subject'] for mail in box.sent_to(BOSS)[summary:]]}")
