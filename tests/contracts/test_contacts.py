"""Contact e-mails are confirmed by whoever reads them before they get more than that one question. Both databases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command

from leadkeeper.access.contacts import contacts_of
from leadkeeper.mail.address import MailRules, parse_address
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import open_storage
from leadkeeper.storage.migrate import _config, upgrade
from tests.contracts.contact_post import CONNECTION, DAY, HOUR, Post, opened, settings
from tests.contracts.mailbox import mailbox
from tests.in_process import OFFER, hand_in, installation
from tests.uuids import uuid_of


@pytest.fixture
async def post(database_url: str) -> AsyncIterator[Post]:
    async with opened(database_url) as made:
        yield made


async def test_strangers_get_one_question_and_nothing_else(post: Post) -> None:
    assert (await post.publisher.put(CONNECTION, settings("victim@stranger.example"))).status == 201
    for _ in range(3):
        await hand_in(post.operator)
    for _ in range(5):
        await post.pass_time(HOUR)
    assert len(post.box.mails) == 1
    assert await post.states() == {"victim@stranger.example": "asked"}


async def test_the_question_holds_no_text_of_the_publisher_s_choice(post: Post) -> None:
    title = "FREE MONEY\r\nhttps://evil.example"
    await post.publisher.put(OFFER, {"title": title, "offerType": "saas"})
    await post.operator.put("/v1/publishers/contoso", {"displayName": "Your bank https://evil.example"})
    await post.publisher.put(CONNECTION, settings("victim@stranger.example"))
    await post.pass_time(0)
    mail = post.question("victim@stranger.example")
    assert not [word for word in ("FREE", "evil", "bank") if word in mail.as_string() + mail.get_content()]
    assert "contoso" in mail.get_content()


async def test_a_click_confirms_and_what_waited_goes_out(post: Post) -> None:
    await post.publisher.put(CONNECTION, settings("sales@contoso.example"))
    await hand_in(post.operator)
    await post.pass_time(10_000)
    link = post.link("sales@contoso.example")
    page = await post.home.anyone.get(link)
    assert (page.status, page.type) == (200, "text/html")
    assert b"contoso" in page.body
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    await post.home.anyone.call("HEAD", link)
    assert await post.states() == {"sales@contoso.example": "asked"}
    assert (await post.choose(link, "confirm")).status == 200
    assert await post.states() == {"sales@contoso.example": "confirmed"}
    await post.pass_time(10_000)
    assert [mail["Subject"] for mail in post.box.mails][1:] == ["New lead for “Contoso CRM Pro”"]


async def test_never_holds_for_all_publishers(post: Post) -> None:
    await post.publisher.put(CONNECTION, settings("victim@stranger.example"))
    await post.pass_time(0)
    assert (await post.choose(post.link("victim@stranger.example"), "never")).status == 200
    await post.operator.put("/v1/publishers/fabrikam", {"displayName": "Fabrikam"})
    offer = "/v1/publishers/fabrikam/offers/erp"
    await post.operator.put(offer, {"title": "ERP", "offerType": "saas"})
    await post.operator.put(f"{offer}/connections/primary", settings("Victim+1@Stranger.example"))
    await hand_in(post.operator, publisherId="fabrikam", offerId="erp")
    for _ in range(3):
        await post.pass_time(DAY)
    assert len(post.box.mails) == 1
    assert await post.states() == {"victim@stranger.example": "declined"}


async def test_an_operator_s_word_is_enough(post: Post) -> None:
    await post.operator.put(CONNECTION, settings("sales@contoso.example"))
    assert await post.states() == {"sales@contoso.example": "confirmed"}
    await hand_in(post.operator)
    await post.pass_time(10_000)
    assert [mail["Subject"] for mail in post.box.mails] == ["New lead for “Contoso CRM Pro”"]


async def test_a_link_that_nobody_made_or_that_is_over_confirms_nothing(post: Post) -> None:
    await post.publisher.put(CONNECTION, settings("sales@contoso.example"))
    await post.pass_time(0)
    assert (await post.home.anyone.get("/contacts/nonsense")).status == 404
    assert (await post.choose("/contacts/nonsense", "confirm")).status == 404
    link = post.link("sales@contoso.example")
    assert (await post.choose(link, "perhaps")).status == 422
    long_ago = sa.text("UPDATE contact SET asked_at = asked_at - 1000000000")
    await post.home.services.storage.write(lambda conn: conn.execute(long_ago))
    assert (await post.choose(link, "confirm")).status == 404
    assert await post.states() == {"sales@contoso.example": "asked"}


async def test_the_link_is_kept_hashed(post: Post) -> None:
    await post.publisher.put(CONNECTION, settings("sales@contoso.example"))
    await post.pass_time(0)
    token = post.link("sales@contoso.example").rpartition("/")[2]
    rows = await post.home.services.storage.read(lambda conn: conn.execute(sa.text("SELECT * FROM contact")).all())
    assert rows
    assert token not in repr(rows)


async def test_who_hears_of_a_publishing_is_asked_too(post: Post) -> None:
    definition = {
        "title": "CRM",
        "offerType": "saas",
        "summary": "s",
        "description": "d",
        "callsToAction": ["contactMe"],
    }
    assert (await post.publisher.put(OFFER, definition)).status == 200
    await post.operator.put(CONNECTION, settings("sales@contoso.example"))
    begun = await post.publisher.post(f"{OFFER}/publish", {"notificationEmails": ["victim@stranger.example"]})
    assert begun.status == 202, begun.body
    operation = begun.json()["id"]
    row = {"id": "n1", "operation_id": operation, "kind": "operationFailed", "created_at": 0, "body": "", "due_at": 0}
    await post.home.services.storage.write(lambda conn: conn.execute(sa.insert(t.notice).values(row)))
    await post.pass_time(0)
    assert len(post.box.sent_to("victim@stranger.example")) == 1
    assert post.question("victim@stranger.example")


async def test_a_lead_waits_for_the_click_of_its_only_contact(database_url: str) -> None:
    with mailbox() as box:
        url = f"smtp://127.0.0.1:{box.port}"
        async with installation(database_url, smtp_url=url, mail_from="leads@marketplace.example") as home:
            publisher, operator = await home.visitor("publisher:contoso"), await home.visitor("operator")
            post = Post(home, box, publisher, operator)
            await publisher.put(CONNECTION, settings("sales@contoso.example", destination="email"))
            found = (await publisher.post(f"{CONNECTION}/validate")).json()
            assert found["ok"] is False
            summary = found["diagnosis"]
            assert (summary["kind"], summary["who"]) == ("mailContactUnconfirmed", "publisher")
            assert box.mails == []
            await post.pass_time(0)
            await post.choose(post.link("sales@contoso.example"), "confirm")
            assert (await publisher.post(f"{CONNECTION}/validate")).json()["ok"] is None
            assert len(box.mails) == 2


async def test_a_subject_is_one_short_quoted_line(post: Post) -> None:
    title = "CRM\r\nBcc: all@stranger.example\u2028" + "x" * 120
    offer = "/v1/publishers/contoso/offers/odd"
    assert (await post.operator.put(offer, {"title": title, "offerType": "saas"})).status == 201
    await post.operator.put(f"{offer}/connections/primary", settings("sales@contoso.example"))
    await hand_in(post.operator, offerId="odd")
    await post.pass_time(10_000)
    (mail,) = post.box.mails
    assert mail["Bcc"] is None
    assert mail["Subject"].startswith("New lead for “CRM Bcc: all@stranger.example x")
    assert mail["Subject"].endswith("…”")
    assert len(mail["Subject"]) <= 120


async def test_domains_that_the_operator_vouches_for_are_not_asked(database_url: str) -> None:
    async with installation(database_url, vouched_mail_domains="contoso.example,.corp.local") as home:
        publisher = await home.visitor("publisher:contoso")
        await publisher.put(
            CONNECTION, settings("sales@contoso.example", "ops@eu.corp.local", "x@contoso.example.evil.example")
        )
        shown = (await publisher.get(CONNECTION)).json()["contacts"]
    assert [contact["state"] for contact in shown] == ["confirmed", "confirmed", "waiting"]


def to_0003(conn: sa.Connection) -> None:
    """A database as the version before left it, with a publisher's connection, its new settings and an operation."""
    command.upgrade(_config(conn), "0003")
    summary = '{"contactEmail": ["Sales@Bücher.example"]}'
    changed = '{"contactEmail": ["new@contoso.example"]}'
    one, two = uuid_of("c1"), uuid_of("c2")
    for statement in (
        "INSERT INTO publisher VALUES ('contoso', 'Contoso', 1, 1)",
        "INSERT INTO offer (ref, publisher_id, id, title, offer_type, live, created_at, changed_at)"
        " VALUES ('contoso.crm', 'contoso', 'crm', 'CRM', 'saas', true, 1, 1)",
        "INSERT INTO connection (id, offer_ref, name, destination, settings, secrets, epoch, created_at, changed_at)"
        f" VALUES ('{one}', 'contoso.crm', 'primary', 'https_endpoint', '{summary}', '', 1, 1, 1)",
        "INSERT INTO connection (id, offer_ref, name, destination, settings, secrets, epoch, created_at, changed_at)"
        f" VALUES ('{two}', 'contoso.crm', 'damaged', 'https_endpoint', '{{\"contact', '', 1, 1, 1)",
        f"INSERT INTO connection_change VALUES ('{one}', 'https_endpoint', '{changed}', '', true, 'each', 1, 1, NULL)",
        "INSERT INTO operation VALUES"
        " ('o1', 'contoso.crm', 'publish', 1, 'completed', '[]', '[\"ops@contoso.example\"]', 'key:1', 1, 1, 1)",
    ):
        conn.execute(sa.text(statement.replace(":", r"\:")))


@pytest.mark.empty_database
async def test_an_upgrade_silences_nobody(database_url: str) -> None:
    storage = open_storage(database_url)
    await storage.write(to_0003)
    await storage.write(upgrade)
    emails = ["sales@bücher.example", "new@contoso.example", "ops@contoso.example", "other@contoso.example"]
    found = await storage.read(contacts_of, "contoso", emails, MailRules())
    await storage.close()
    assert [contact.standing.value for contact in found.values()] == [*["confirmed"] * 3, "waiting"]


async def test_a_contact_may_change_its_mind(post: Post) -> None:
    await post.publisher.put(CONNECTION, settings("sales@contoso.example"))
    await post.pass_time(0)
    link = post.link("sales@contoso.example")
    assert (await post.choose(link, "never")).status == 200
    assert b"mudar de ideia" in (await post.home.anyone.get(f"{link}?lang=pt")).body
    await post.choose(link, "never")
    assert await post.states() == {"sales@contoso.example": "declined"}
    await post.choose(link, "confirm")
    assert await post.states() == {"sales@contoso.example": "confirmed"}


async def test_an_operator_who_asked_in_person_may_allow_what_was_declined(post: Post) -> None:
    await post.publisher.put(CONNECTION, settings("sales@contoso.example"))
    await post.pass_time(0)
    await post.choose(post.link("sales@contoso.example"), "never")
    await post.home.services.notices.answers.allow("contoso", parse_address("sales@contoso.example"), by="test")
    assert await post.states() == {"sales@contoso.example": "confirmed"}
    (owned,) = await post.home.services.notices.answers.all("contoso")
    assert owned.contact.standing.value == "confirmed"


async def test_leads_that_wait_for_a_click_go_out_by_themselves_after_it(database_url: str) -> None:
    with mailbox() as box:
        async with installation(database_url, worker=True, smtp_url=f"smtp://127.0.0.1:{box.port}") as home:
            publisher, operator = await home.visitor("publisher:contoso"), await home.visitor("operator")
            post = Post(home, box, publisher, operator)
            await publisher.put(CONNECTION, settings("sales@contoso.example", destination="email"))
            lead_id = await hand_in(operator)

            async def delivery() -> dict[str, Any]:
                return (await operator.get(f"/v1/leads/{lead_id}")).json()["deliveries"][0]

            async def until(state: str) -> dict[str, Any]:
                for _ in range(1_200):
                    if (found := await delivery())["state"] == state:
                        return found
                    await asyncio.sleep(0.05)
                pytest.fail(f"never {state}")

            held = await until("held")
            shown = (await publisher.get(CONNECTION)).json()["health"]
            assert shown["diagnosis"]["kind"] == "mailContactUnconfirmed"
            assert held["receipt"] is None
            await post.pass_time(0)
            await post.choose(post.link("sales@contoso.example"), "confirm")
            assert (await until("unconfirmed"))["receipt"]["note"] == "The mail server took the notice."
    assert len(post.box.sent_to("sales@contoso.example")) == 2


async def test_who_is_taken_out_of_the_settings_is_told_no_more(post: Post) -> None:
    good, busy = "good@contoso.example", "busy@contoso.example"
    await post.operator.put(CONNECTION, settings(good, busy))
    post.box.reply[f"RCPT {busy}"] = "450 4.2.1 later"
    await hand_in(post.operator)
    await post.pass_time(10_000)
    post.box.reply.clear()
    await post.operator.put(CONNECTION, settings(good))
    await post.pass_time(HOUR)
    assert post.box.recipients == [[good]]


async def test_two_presses_at_once_are_one(post: Post) -> None:
    await post.publisher.put(CONNECTION, settings("sales@contoso.example"))
    await post.pass_time(0)
    link = post.link("sales@contoso.example")
    answers = await asyncio.gather(*(post.choose(link, "never") for _ in range(8)))
    assert [answer.status for answer in answers] == [200] * 8
