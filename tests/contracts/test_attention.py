"""What needs attention: one entry for each cause, each publisher its own. On both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final

import pytest
import sqlalchemy as sa

from leadkeeper.access.permissions import Role
from leadkeeper.catalogue import diagnose, to_stored
from leadkeeper.channels.channels import Wanted
from leadkeeper.channels.events import ChannelKind
from leadkeeper.clock import least_id
from leadkeeper.connections.health import Health
from leadkeeper.connections.state import NOT_KNOWN, Known
from leadkeeper.diagnosis import Kind
from leadkeeper.inbox.attention.attention import Cause, of_connection
from leadkeeper.publishing.operations import NEVER
from leadkeeper.storage import tables as t
from tests.in_process import DESTINATION, OFFER, Installation, hand_in, installation
from tests.people import signed_in

SINCE: Final = 1_760_000_000_000
SINCE_TEXT: Final = "2025-10-09T08:53:20"


@pytest.fixture
async def home(database_url: str) -> AsyncIterator[Installation]:
    async with installation(database_url) as opened:
        answer = await (await opened.visitor("operator")).put(f"{OFFER}/connections/primary", DESTINATION)
        assert answer.status == 201, answer.body
        yield opened


async def change(home: Installation, table: sa.Table, **values: object) -> None:
    def run(conn: sa.Connection) -> None:
        conn.execute(sa.update(table).values(**values))

    await home.services.storage.write(run)


async def asked(
    home: Installation, role: str = "operator", query: str = "", language: str = "en"
) -> list[dict[str, Any]]:
    visitor = await home.visitor(role)
    answer = await visitor.call("GET", f"/v1/attention{query}", headers={"Accept-Language": language})
    assert answer.status == 200, answer.body
    assert answer.json()["complete"] is True
    entries: list[dict[str, Any]] = answer.json()["entries"]
    return entries


async def leads(home: Installation, count: int) -> None:
    visitor = await home.visitor("operator")
    for _ in range(count):
        await hand_in(visitor)


async def test_a_healthy_installation_needs_nobody(home: Installation) -> None:
    await leads(home, 2)
    assert await asked(home) == []


async def test_a_broken_connection_is_one_entry_with_its_leads_since_and_cause(home: Installation) -> None:
    await leads(home, 3)
    diagnosis = to_stored(diagnose(Kind.ADDRESS_NOT_FOUND))
    await change(home, t.connection, paused=True, failing_since=SINCE, diagnosis=diagnosis)
    (entry,) = await asked(home)
    assert (entry["cause"], entry["leads"]) == ("connectionBroken", 3)
    assert entry["since"].startswith(SINCE_TEXT)
    assert (entry["publisherId"], entry["offerId"], entry["connection"]) == ("contoso", "crm-pro", "primary")
    assert (entry["publisherName"], entry["offerTitle"]) == ("Contoso", "Contoso CRM Pro")
    assert entry["who"] == entry["diagnosis"]["who"]
    assert entry["diagnosis"]["summary"]


@pytest.mark.parametrize(
    ("why", "cause", "who"),
    [
        ("refused", "leadsRefused", "publisher"),
        (None, "leadsRefused", "publisher"),
        ("mayHaveArrived", "leadsMayHaveArrived", "publisher"),
        ("gaveUp", "leadsGaveUp", "publisher"),
        ("damaged", "leadsDamaged", "operator"),
    ],
)
async def test_leads_set_aside_are_one_entry_for_each_reason(
    home: Installation, why: str | None, cause: str, who: str
) -> None:
    await leads(home, 2)
    await change(home, t.delivery, state="setAside", set_aside_for=why, changed_at=SINCE)
    (entry,) = await asked(home)
    assert (entry["cause"], entry["leads"], entry["who"]) == (cause, 2, who)
    assert entry["since"].startswith(SINCE_TEXT)


async def test_what_goes_out_by_itself_once_its_connection_works_needs_nobody(home: Installation) -> None:
    await leads(home, 1)
    await change(home, t.delivery, state="setAside", set_aside_for="outage")
    assert await asked(home) == []


async def test_leads_of_a_removed_connection_still_need_somebody(home: Installation) -> None:
    await leads(home, 1)
    await change(home, t.delivery, state="setAside", set_aside_for="refused")
    await change(home, t.connection, removed_at=SINCE, paused=True)
    assert [entry["cause"] for entry in await asked(home)] == ["leadsRefused"]


async def test_a_pause_by_hand_is_told_only_while_leads_wait_for_it(home: Installation) -> None:
    await change(home, t.connection, paused_by_person=True)
    assert await asked(home) == []
    await leads(home, 1)
    assert [(entry["cause"], entry["leads"]) for entry in await asked(home)] == [("connectionPaused", 1)]


async def test_a_test_lead_that_nobody_answered_is_told_since_it_was_sent(home: Installation) -> None:
    unanswered = {"tried": True, "test_lead_id": "x", "test_marker": "MSFT_TEST_1", "test_sent_at": SINCE}
    await change(home, t.connection, **unanswered, test_confirmed=False)
    (entry,) = await asked(home)
    assert entry["cause"] == "testLeadUnanswered"
    assert entry["since"].startswith(SINCE_TEXT)
    await change(home, t.connection, found=True, found_marker="MSFT_TEST_1", found_by="cli", found_at=SINCE)
    assert await asked(home) == []


async def test_another_publisher_sees_nothing_and_may_not_ask(home: Installation) -> None:
    operator = await home.visitor("operator")
    assert (await operator.put("/v1/publishers/fabrikam", {"displayName": "Fabrikam"})).status in (200, 201)
    await leads(home, 2)
    await change(home, t.delivery, state="setAside", set_aside_for="refused")
    await change(home, t.connection, paused=True, failing_since=SINCE)
    assert [entry["cause"] for entry in await asked(home, "publisher:contoso")] == ["connectionBroken", "leadsRefused"]
    assert await asked(home, "publisher:fabrikam") == []
    assert await asked(home, "operator", "?publisherId=fabrikam") == []
    answer = await (await home.visitor("publisher:fabrikam")).get("/v1/attention?publisherId=contoso")
    assert answer.status == 403


async def test_it_is_told_in_the_language_asked_for(home: Installation) -> None:
    await leads(home, 1)
    await change(home, t.connection, paused_by_person=True)
    (english,) = await asked(home)
    (portuguese,) = await asked(home, language="pt")
    assert english["summary"].startswith("Somebody paused the connection")
    assert portuguese["summary"].startswith("Alguém pausou a conexão")


async def test_nothing_of_the_customer_is_in_it(home: Installation) -> None:
    await leads(home, 1)
    await change(home, t.delivery, state="setAside", set_aside_for="refused")
    assert "@" not in str(await asked(home))


def test_a_connection_that_works_again_or_is_only_throttled_needs_nobody() -> None:
    assert of_connection(Health(), NOT_KNOWN, None, SINCE) is None
    assert of_connection(Health(throttles=1, closed_until=SINCE + 1), NOT_KNOWN, None, SINCE) is None
    assert of_connection(Health(notified_at=1, failing_since=1, works_since=2), Known(True, True), None, SINCE) is None


def test_a_failing_connection_is_told_since_its_first_failure() -> None:
    found = of_connection(Health(failures=1, failing_since=5), Known(True, True), None, SINCE)
    assert found is not None
    assert (found.cause, found.since) == (Cause.CONNECTION_FAILING, 5)


async def test_what_concerns_all_is_the_operators_and_no_publishers(home: Installation) -> None:
    now = home.services.clock()

    def fill(conn: sa.Connection) -> None:
        conn.execute(sa.insert(t.damaged_record).values(record="lead", key="[1]", found_at=SINCE))
        connection_id = conn.scalar(sa.select(t.connection.c.id))
        row = {"connection_id": connection_id, "kind": "x", "created_at": SINCE, "body": ""}
        tried = {"due_at": now + 60_000, "tries": 2}
        overdue = {"due_at": now - 3_600_000, "tries": 0}
        for number, more in enumerate((tried, overdue, {"due_at": now + 60_000, "tries": 0})):
            conn.execute(sa.insert(t.notice).values(id=f"n{number}", **row, **more))

    await home.services.storage.write(fill)
    found = {entry["cause"]: entry for entry in await asked(home)}
    assert set(found) == {"recordsDamaged", "mailNotSent"}
    for entry in found.values():
        assert (entry["who"], entry["publisherId"], entry["leads"]) == ("operator", None, 0)
        assert entry["since"].startswith(SINCE_TEXT)
    assert found["recordsDamaged"]["count"] == 1
    assert found["mailNotSent"]["count"] == 2, "one that waits for a contact's word is no trouble"
    assert await asked(home, "publisher:contoso") == []
    assert await asked(home, "operator", "?publisherId=contoso") == []


async def test_publishing_that_failed_is_told_until_it_is_tried_again(home: Installation) -> None:
    now = home.services.clock()

    async def operation(id_: str, state: str, due_at: int = NEVER, steps: str = "[]") -> None:
        row = {"offer_ref": "contoso.crm-pro", "kind": "publish", "version": 1, "state": state, "steps": steps}
        row |= {"emails": "[]", "started_by": "cli", "created_at": SINCE, "changed_at": SINCE, "due_at": due_at}
        await home.services.storage.write(
            lambda conn: conn.execute(sa.insert(t.operation).values(id=id_, **row)).close()
        )

    await operation(least_id(now - 1_000), "failed")
    (entry,) = await asked(home, "publisher:contoso")
    assert (entry["cause"], entry["offerId"], entry["connection"]) == ("publishingFailed", "crm-pro", None)
    assert entry["since"].startswith(SINCE_TEXT)
    assert entry["who"] == "publisher"
    await operation(least_id(now), "running", steps='["waitingForApproval"]')
    (entry,) = await asked(home)
    assert (entry["cause"], entry["count"], entry["who"]) == ("certificationWaits", 1, "operator")
    assert await asked(home, "publisher:contoso") == []


async def test_credentials_that_end_soon_are_told_with_when(home: Installation) -> None:
    now = home.services.clock()
    await change(home, t.connection, ends_at=now + 20 * 86_400_000)
    (entry,) = await asked(home, "publisher:contoso")
    assert (entry["cause"], entry["since"]) == ("credentialsEnd", None)
    assert entry["until"] is not None
    await change(home, t.connection, ends_at=now + 40 * 86_400_000)
    assert await asked(home) == []


async def test_since_when_a_connection_is_broken_is_told_with_it(home: Installation) -> None:
    visitor = await home.visitor("publisher:contoso")
    assert (await visitor.get(f"{OFFER}/connections/primary")).json()["health"]["since"] is None
    await change(home, t.connection, paused=True, failing_since=SINCE)
    told = (await visitor.get(f"{OFFER}/connections/primary")).json()["health"]
    assert told["state"] == "broken"
    assert told["since"].startswith(SINCE_TEXT)


async def test_the_cause_that_holds_most_leads_stands_first_among_its_like(home: Installation) -> None:
    operator = await home.visitor("operator")
    await leads(home, 1)
    assert (await operator.put(f"{OFFER}/connections/another", DESTINATION)).status == 201
    await leads(home, 2)
    await change(home, t.connection, paused=True, failing_since=SINCE)
    assert [(entry["connection"], entry["leads"]) for entry in await asked(home)] == [("primary", 3), ("another", 2)]


async def test_the_first_page_heads_causes_by_titles_and_names_the_code_beside(database_url: str) -> None:
    async with (
        installation(database_url, public_url="http://leads.example") as home,
        signed_in(home, Role.OPERATOR, None) as operator,
    ):
        assert (await (await home.visitor("operator")).put(f"{OFFER}/connections/primary", DESTINATION)).status == 201
        stored = to_stored(diagnose(Kind.ADDRESS_NOT_FOUND))
        await change(home, t.connection, paused=True, failing_since=SINCE, diagnosis=stored, title="Sales, south")
        page = await operator.open("/portal")
        assert "Contoso CRM Pro › Sales, south (HTTPS endpoint) contoso.crm-pro/primary" in page.text
        looked = await operator.open("/portal/operate/connections")
        assert "Contoso CRM Pro › Sales, south contoso.crm-pro/primary" in looked.text


async def test_a_channel_that_was_switched_off_is_told_until_it_is_on_or_removed(home: Installation) -> None:
    channels = home.services.channels
    mine = await channels.create("contoso", Wanted(ChannelKind.SLACK, "Sales", "https://hooks.example/a"), by="t")
    ours = await channels.create(None, Wanted(ChannelKind.WEBHOOK, "Ours", "https://hooks.example/b"), by="t")
    assert await asked(home) == []
    await change(home, t.channel, disabled_at=SINCE, disabled_for="gone")
    found = {entry["channelId"]: entry for entry in await asked(home)}
    assert {each["cause"] for each in found.values()} == {"channelOff"}
    about = ("publisherId", "channelName", "channelOffFor", "who")
    assert [found[mine.id][name] for name in about] == ["contoso", "Sales", "gone", "publisher"]
    assert [found[ours.id][name] for name in about] == [None, "Ours", "gone", "operator"]
    (entry,) = await asked(home, "publisher:contoso")
    assert entry["channelId"] == mine.id
    assert entry["since"].startswith(SINCE_TEXT)
    assert "given up for good (410)" in entry["summary"]
    assert "Make a channel with the address that took its place" in entry["summary"]
    await channels.switch_on("contoso", mine.id, by="t")
    await channels.remove(None, ours.id, by="t")
    assert await asked(home) == []


async def test_a_channel_that_was_switched_off_leads_to_its_page_or_its_publishers(database_url: str) -> None:
    async with (
        installation(database_url, public_url="http://leads.example") as home,
        signed_in(home, Role.OWNER) as owner,
        signed_in(home, Role.OPERATOR, None) as operator,
    ):
        channels = home.services.channels
        mine = await channels.create("contoso", Wanted(ChannelKind.SLACK, "Sales", "https://hooks.example/a"), by="t")
        ours = await channels.create(None, Wanted(ChannelKind.WEBHOOK, "Ours", "https://hooks.example/b"), by="t")
        await change(home, t.channel, disabled_at=SINCE, disabled_for="gone")
        page = await owner.open(home.url + "/portal")
        assert f"/portal/channels/{mine.id}" in page.html
        assert (await owner.open(f"{home.url}/portal/channels/{mine.id}")).status == 200
        page = await operator.open(home.url + "/portal")
        assert f"/portal/channels/{ours.id}" in page.html
        assert f"/portal/channels/{mine.id}" not in page.html, "its page is the publisher's"
        assert (await operator.open(f"{home.url}/portal/operate/publishers/contoso")).status == 200
        assert "/portal/operate/publishers/contoso" in page.html
