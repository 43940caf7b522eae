"""What people call an offer's connections, and their order: pages, API, commands, mails. Over both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, Final

import pytest

from leadkeeper.access.permissions import Role
from leadkeeper.connections.connections import Connection
from leadkeeper.connections.copying import ConnectionCopies
from leadkeeper.connections.expiry import remind
from leadkeeper.connections.outbox import DAY_MS
from leadkeeper.connections.titles import LONGEST_TITLE, ConnectionTitles
from leadkeeper.mail.mailer import Mailer
from leadkeeper.notices.sender import Sender
from leadkeeper.offer import OfferRef
from leadkeeper.publishing.copying import OfferCopies
from leadkeeper.sandbox.https_endpoint.stand_in import ReceivingEndpoint
from tests.contracts.commands import OFFER as COMMAND_OFFER
from tests.contracts.commands import Call, call, endpoint, put_connection, put_offer
from tests.contracts.installation import CRM, furnished
from tests.contracts.mailbox import mailbox
from tests.contracts.test_email import server_of
from tests.contracts.test_news_mail import ends_in
from tests.in_process import DESTINATION, OFFER, Installation, hand_in, installation
from tests.people import signed_in

__all__ = ["call", "endpoint"]

TITLE: Final = "Sales in Lisbon"
LINES: Final = "/portal/offers/contoso/crm-pro/destinations"
ONE: Final = "/portal/offers/contoso/crm-pro/connections/primary"


@pytest.fixture
async def home(database_url: str) -> AsyncIterator[Installation]:
    """An installation whose offer has three connections."""
    async with installation(database_url, public_url="http://leads.example") as opened:
        key = await opened.visitor("publisher:contoso")
        for name in ("primary", "archive", "second"):
            assert (await key.put(f"{OFFER}/connections/{name}", DESTINATION)).status == 201
        yield opened


async def names(home: Installation) -> list[str]:
    """Its connections, in the order of the API."""
    found = await (await home.visitor("publisher:contoso")).get(f"{OFFER}/connections?limit=2")
    cursor: str = found.json()["nextCursor"]
    rest = await (await home.visitor("publisher:contoso")).get(f"{OFFER}/connections?limit=2&cursor={cursor}")
    assert rest.json()["nextCursor"] is None
    return [each["name"] for page in (found, rest) for each in page.json()["connections"]]


async def test_by_name_until_somebody_orders_them_and_new_ones_come_last(home: Installation) -> None:
    key = await home.visitor("publisher:contoso")
    assert await names(home) == ["archive", "primary", "second"]
    moved = await key.post(f"{OFFER}/connections/second/move", {"position": 1})
    assert (moved.status, moved.json()) == (200, {"names": ["second", "archive", "primary"]})
    assert await names(home) == ["second", "archive", "primary"]
    far = await key.post(f"{OFFER}/connections/second/move", {"position": 9})
    assert far.json()["names"] == ["archive", "primary", "second"]
    assert (await key.put(f"{OFFER}/connections/again", DESTINATION)).status == 201
    assert await names(home) == ["archive", "primary", "second", "again"]
    assert (await key.delete(f"{OFFER}/connections/archive")).status == 204
    assert (await key.put(f"{OFFER}/connections/archive", DESTINATION)).status == 201
    assert await names(home) == ["primary", "second", "again", "archive"]


async def test_a_place_that_there_is_not_is_refused_by_its_name(home: Installation) -> None:
    key = await home.visitor("publisher:contoso")
    for wrong in (0, -1, 1.5, "1", True, None):
        refused = await key.post(f"{OFFER}/connections/second/move", {"position": wrong})
        assert refused.status in (400, 422)
        assert "position" in str(refused.json())
    assert (await key.post(f"{OFFER}/connections/none/move", {"position": 1})).status == 404
    assert await names(home) == ["archive", "primary", "second"]


async def test_a_title_is_told_wherever_the_connection_is_named(home: Installation) -> None:
    key = await home.visitor("publisher:contoso")
    assert (await key.get(f"{OFFER}/connections/primary")).json()["title"] == "primary"
    renamed = await key.post(f"{OFFER}/connections/primary/rename", {"title": f" {TITLE} "})
    assert (renamed.json()["name"], renamed.json()["title"]) == ("primary", TITLE)
    lead = await hand_in(await home.visitor("operator"))
    (listed,) = (await key.get("/v1/leads?publisherId=contoso")).json()["leads"]
    titles = {each["connection"]: each["connectionTitle"] for each in listed["deliveries"]}
    assert titles == {"primary": TITLE, "archive": "archive", "second": "second"}
    whole = (await key.get(f"/v1/leads/{lead}")).json()["deliveries"]
    assert {each["connection"]: each["connectionTitle"] for each in whole} == titles
    cost = (await key.get(f"{OFFER}/cost")).json()["connections"]
    assert {each["connection"]: each["connectionTitle"] for each in cost} == titles
    async with signed_in(home, Role.READER) as reader:
        for path in (
            "/portal",
            "/portal/leads",
            f"/portal/leads/{lead}",
            LINES,
            ONE,
            LINES.removesuffix("/destinations"),
        ):
            assert TITLE in (await reader.open(path)).text, path
        assert TITLE in (await reader.open("/portal/offers/contoso/crm-pro/history")).text


async def test_settings_that_are_sent_without_a_title_keep_it(home: Installation) -> None:
    key = await home.visitor("publisher:contoso")
    put = await key.put(f"{OFFER}/connections/primary", {**DESTINATION, "title": TITLE})
    assert put.json()["title"] == TITLE
    assert (await key.put(f"{OFFER}/customer-leads", DESTINATION)).json()["title"] == TITLE
    whole = (await key.get(f"{OFFER}/connections/primary")).json()
    assert (await key.put(f"{OFFER}/connections/primary", whole)).json()["title"] == TITLE
    assert (await key.put(f"{OFFER}/connections/primary", {**DESTINATION, "title": ""})).json()["title"] == "primary"


@pytest.mark.parametrize("wrong", ["x" * (LONGEST_TITLE + 1), "two\nlines", "bell\x07", 7, "\u202eabc"])
async def test_a_title_that_cannot_be_read_is_refused_and_changes_nothing(home: Installation, wrong: Any) -> None:
    key = await home.visitor("publisher:contoso")
    before = (await key.get(f"{OFFER}/connections/primary")).json()
    for answer in (
        await key.post(f"{OFFER}/connections/primary/rename", {"title": wrong}),
        await key.put(f"{OFFER}/connections/primary", {**DESTINATION, "title": wrong}),
    ):
        assert answer.status in (400, 422)
        assert "title" in str(answer.json()["errors"])
    assert (await key.get(f"{OFFER}/connections/primary")).json() == before


async def test_on_pages_by_buttons_and_a_field(home: Installation) -> None:
    async with signed_in(home, Role.CONTRIBUTOR) as member:
        page = await member.open(LINES)
        (up,) = [form for form in page.forms if form.action.endswith("/connections/second/move")]
        await member.send(replace(up, values=up.values | {"to": "up"}), {})
        assert await names(home) == ["archive", "second", "primary"]
        page = await member.open(f"{ONE}/edit")
        form = page.form("title")
        await member.send(replace(form, values=form.values | {"act": "save"}), {"title": TITLE})
        page = await member.open(ONE)
        assert TITLE in page.text
        page = await member.open(f"{ONE}/edit")
        form = page.form("title")
        refused = await member.send(replace(form, values=form.values | {"act": "save"}), {"title": "\x07"})
        assert refused.status == 422
        assert "The title must be one line" in refused.text
        told = (await member.open("/portal/offers/contoso/crm-pro/history")).text
        assert "Gave the connection another title" in told
        assert "Moved the connection among the offer's" in told
        assert "place 2" in told


async def test_a_reader_sees_no_button(home: Installation) -> None:
    async with signed_in(home, Role.READER) as reader:
        page = await reader.open(LINES)
        assert not [form for form in page.forms if form.action.endswith("/move")]
    assert await names(home) == ["archive", "primary", "second"]


async def test_copies_keep_titles_and_order(database_url: str) -> None:
    async with furnished(database_url) as opened:
        titles, erp = ConnectionTitles(opened.storage, opened.clock), OfferRef("contoso", "erp")
        await opened.catalogue.put_offer(erp, title="ERP", offer_type="saas", live=True, by="test")
        for name in ("a", "b"):
            await opened.connect(name)
        await titles.rename(CRM, "b", TITLE, by="test")
        await titles.move(CRM, "b", 1, by="test")
        made = await OfferCopies(opened.storage, opened.catalogue, opened.connections).copy(
            CRM, "copied", title="Copied", connections=True, by="test"
        )
        found = await opened.connections.list(made.ref)
        assert [(each.name, each.label) for each in found] == [("b", TITLE), ("a", "a")]
        await ConnectionCopies(opened.storage, opened.connections).copy(CRM, "b", ["erp"], by="test")
        (copy,) = await opened.connections.list(erp)
        assert copy.label == TITLE


async def test_a_mail_calls_it_by_its_title_in_quotes(database_url: str) -> None:
    async with furnished(database_url) as opened:
        put, _, _ = await opened.connections.put(CRM, "table", ends_in(opened, 5), by="test", trusted=True)
        assert isinstance(put, Connection)
        await ConnectionTitles(opened.storage, opened.clock).rename(CRM, "table", TITLE, by="test")
        with mailbox() as box:
            sender = Sender(opened.storage, Mailer(server_of(box)), "https://leads.example", opened.clock)
            await opened.storage.write(remind, put.id, put.stored, opened.now)
            opened.now += DAY_MS // 24
            while await sender.look():
                pass
        assert f"the connection “{TITLE}” of" in box.mails[0].get_content()
        assert "/connections/table/edit" in box.mails[0].get_content()


def test_by_command(call: Call, endpoint: ReceivingEndpoint) -> None:
    put_offer(call)
    put_connection(call, endpoint)
    put_connection(call, endpoint, "second")
    renamed = call("connections", "rename", COMMAND_OFFER, "primary", TITLE)
    assert (renamed.code, renamed.err.strip()) == (0, f"The connection {COMMAND_OFFER}/primary is called {TITLE}.")
    moved = call("connections", "move", COMMAND_OFFER, "second", "1")
    assert (moved.code, moved.out.split()) == (0, ["second", "primary"])
    listed = call("connections", "list").out
    assert listed.index("second") < listed.index(TITLE)
    assert TITLE in call("connections", "show", COMMAND_OFFER).out
    sent = call("leads", "send", COMMAND_OFFER, "--email", "ada@contoso.com").err.splitlines()[1:]
    assert sorted(sent) == [f"{TITLE} (HTTPS endpoint): pending", "second (HTTPS endpoint): pending"]
    refused = call("connections", "rename", COMMAND_OFFER, "primary", "x" * 65)
    assert refused.code == 1
    assert "at most 64 characters" in refused.line
    assert call("connections", "move", COMMAND_OFFER, "none", "1").code == 1
    assert call("connections", "move", COMMAND_OFFER, "second", "0").code == 2
