"""Rows of every table are damaged under load: each stops nothing but itself, and is named. Real processes."""

from __future__ import annotations

from typing import Final

import pytest

from leadkeeper.clock import new_id
from tests.contracts.mailbox import Mailbox
from tests.journeys.conftest import MakeHub
from tests.journeys.database import id_in, sql
from tests.journeys.hub import SOON, Hub, until
from tests.journeys.load import Load, check_endpoint, under_load
from tests.journeys.people import mail_by, telling
from tests.journeys.places import Endpoint
from tests.journeys.test_clocks import doctor
from tests.journeys.test_restarts import goes_on

pytestmark = pytest.mark.slow
CUT: Final = '{"customer": {"firstName": "A'


async def test_rows_damaged_in_each_table_under_load(
    database_url: str, make_hub: MakeHub, endpoint: Endpoint, box: Mailbox
) -> None:
    hub = await make_hub(database_url, **mail_by(box))
    await hub.start(*(("serve",) if database_url.startswith("sqlite") else ("api", "worker", "worker")))
    for offer in ("crm", "erp", "held", "broken"):
        await hub.make_offer(offer, endpoint=telling(endpoint.settings, f"{offer}@contoso.example"))
    ids = {offer: connection_id for connection_id, offer in await sql(database_url, _CONNECTIONS)}
    await hub.tell("held", "endpoint", "pause")
    held = [await hub.give("held", f"held{number}@northwind.example") for number in range(9)]
    seen = await hub.give("crm", "seen@northwind.example")
    await arrives_at(endpoint, hub, "seen@northwind.example")
    load = Load(hub, ["crm", "erp"], "damaged", clients=4)
    async with under_load(load):
        await goes_on("before the damage", hub, endpoint)
        (settings,) = await damage(hub, ids, held, seen)
        await hub.give("broken", "waits@northwind.example")
        await hub.tell("held", "endpoint", "resume")
        await goes_on("after the damage", hub, endpoint)
        for number in range(3, 9):
            await arrives_at(endpoint, hub, f"held{number}@northwind.example")

        async def dealt_with() -> bool:
            ((aside,),) = await sql(database_url, "SELECT count(*) FROM delivery WHERE state = 'setAside'")
            ((running,),) = await sql(database_url, "SELECT count(*) FROM operation WHERE state = 'running'")
            ((waiting,),) = await sql(database_url, _DAMAGED_NOTICES)
            return bool(aside == 3 and not running and not waiting)

        await until("each damaged row is dealt with by itself", dealt_with, SOON, 0.2, summary=hub.tail)

        async def counted() -> bool:
            status, ready = await hub.call("GET", "/readyz")
            assert (status, ready["status"]) == (200, "ready")
            return ready["damagedRecords"] >= 3 and "leadkeeper doctor" in ready["remedy"]

        await until("what was set aside is told", counted, SOON, 0.2, summary=hub.tail)
        summary = " ".join(each["detail"] for each in await doctor(hub) if each["name"] == "records")
        assert all(lead in summary for lead in held[:3])
        assert "connection contoso.broken/endpoint" in summary
        assert (await hub.delivery(seen))["attempts"][0]["outcome"] == "delivered"
        # The settings come back from a backup.
        broken = id_in(database_url, ids["broken"])
        await sql(database_url, f"UPDATE connection SET settings = '{settings}' WHERE id = {broken}")
        await arrives_at(endpoint, hub, "waits@northwind.example")
    await hub.all_settled(SOON)
    leads, requests = check_endpoint(endpoint, load)
    assert leads == requests, "a lead was sent twice"
    # The operator is told, by `doctor`; of contacts those whose new settings cannot be read and, once it is known who
    # they are, those of the connection that was damaged.
    to = {address: mail["Subject"] for mail, all_ in zip(box.mails, box.recipients, strict=True) for address in all_}
    assert to.pop("broken@contoso.example", held_words := "Leads for “Offer broken” are held") == held_words
    assert to == {"erp@contoso.example": "New settings for “Offer erp” are not in effect"}
    assert all(process.running for process in hub.processes), hub.tail()
    print(f"{len(load.acknowledged)} acknowledged under load, {leads} leads in {requests} requests")


_DAMAGED_NOTICES: Final = "SELECT count(*) FROM notice WHERE ended_at IS NULL AND created_at = 0"
_CONNECTIONS: Final = "SELECT c.id, o.id FROM connection c JOIN offer o ON o.ref = c.offer_ref"


async def damage(hub: Hub, ids: dict[str, str], held: list[str], seen: str) -> list[str]:
    """Damage a row of each table, as bit rot, hand-written SQL and partial restores do; the settings that were cut."""
    url = hub.database_url
    cut, empty, gone, answered = (id_in(url, each) for each in (*held[:3], seen))
    broken, erp, crm = (id_in(url, ids[each]) for each in ("broken", "erp", "crm"))
    await sql(url, f"UPDATE lead SET body = '{CUT}' WHERE id = {cut}")
    await sql(url, f"UPDATE lead SET body = '{{}}' WHERE id = {empty}")
    await sql(url, f"DELETE FROM lead WHERE id = {gone}")
    its = f"SELECT id FROM delivery WHERE lead_id = {answered}"
    await sql(url, f"UPDATE attempt SET answer = '{CUT}' WHERE delivery_id IN ({its})")
    ((settings,),) = await sql(url, f"SELECT settings FROM connection WHERE id = {broken}")
    await sql(url, f"UPDATE connection SET settings = '{CUT}' WHERE id = {broken}")
    await sql(
        url,
        "INSERT INTO connection_change (connection_id, destination, settings, secrets, repeatable, announces,"
        f" changed_at, due_at) VALUES ({erp}, 'https_endpoint', '{CUT}', '', true, 'none', 0, 0)",
    )
    await sql(
        url,
        "INSERT INTO notice (id, connection_id, kind, created_at, body, due_at, tries) VALUES"
        f" ('{new_id()}', {crm}, 'connectionFailing', 0, '{CUT}', 0, 0)",
    )
    await sql(
        url,
        "INSERT INTO operation (id, offer_ref, kind, version, state, steps, emails, started_by, created_at, changed_at,"
        f" due_at) VALUES ('{new_id()}', 'contoso.erp', 'publish', 1, 'running', '{CUT}', '[]', 'test', 0, 0, 0)",
    )
    return [str(settings)]


async def arrives_at(endpoint: Endpoint, hub: Hub, email: str) -> None:
    """Wait until the customer's lead is there."""

    async def there() -> bool:
        return email in endpoint.emails()

    await until(f"{email} arrives", there, SOON, summary=hub.tail)
