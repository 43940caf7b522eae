"""How many questions and mails contacts get, and what becomes of those over the bound or put off. Both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from leadkeeper.access import contacts
from tests.contracts.contact_post import CONNECTION, HOUR, Post, opened, settings
from tests.contracts.mailbox import mailbox
from tests.in_process import hand_in, installation
from tests.languages import LANGUAGES


@pytest.fixture
async def post(database_url: str) -> AsyncIterator[Post]:
    async with opened(database_url) as made:
        yield made


async def test_asking_again_is_bounded(post: Post) -> None:
    for week in range(6):
        await post.publisher.put(CONNECTION, settings(f"{'x' if week % 2 else 'victim'}@stranger.example"))
        await post.publisher.put(CONNECTION, settings("victim@stranger.example"))
        await post.pass_time(HOUR)
    assert len(post.box.sent_to("victim@stranger.example")) == 1


async def test_one_mailbox_is_not_asked_by_everybody(post: Post) -> None:
    for number in range(6):
        await post.operator.put(f"/v1/publishers/p{number}", {"displayName": "P"})
        offer = f"/v1/publishers/p{number}/offers/o"
        await post.operator.put(offer, {"title": "O", "offerType": "saas"})
        neighbour = await post.home.visitor(f"publisher:p{number}")
        await neighbour.put(f"{offer}/connections/primary", settings(f"victim+{number}@stranger.example"))
    for _ in range(3):
        await post.pass_time(HOUR)
    assert 1 <= len(post.box.mails) <= 3


async def test_a_contact_that_the_server_puts_off_is_tried_again_and_the_refused_is_told(post: Post) -> None:
    busy, gone, good = "busy@contoso.example", "gone@contoso.example", "good@contoso.example"
    await post.operator.put(CONNECTION, settings(busy, gone, good))
    post.box.reply[f"RCPT {busy}"] = "450 4.2.1 later"
    post.box.reply[f"RCPT {gone}"] = f"550 5.1.1 no such user {gone}"
    await hand_in(post.operator)
    await post.pass_time(10_000)
    assert post.box.recipients == [[good]]
    post.box.reply.pop(f"RCPT {busy}")
    await post.pass_time(HOUR)
    await post.pass_time(HOUR)
    assert post.box.recipients == [[good], [busy]]
    shown = (await post.publisher.get(CONNECTION)).json()["contacts"]
    (trouble,) = [contact["diagnosis"] for contact in shown if contact["email"] == gone]
    assert trouble["kind"] == "mailRecipientRefused"
    assert trouble["evidence"]["status"] == 550


async def test_mails_are_bounded_by_publisher_and_what_is_over_goes_out_later(post: Post) -> None:
    crowd = [f"c{number}@contoso.example" for number in range(20)]
    await post.operator.put(CONNECTION, settings(*crowd))
    leads = []
    for _ in range(40):
        leads.append(await hand_in(post.operator))
        await post.pass_time(7_000)
    assert 100 < sum(map(len, post.box.recipients)) <= 600
    for _ in range(4):
        await post.pass_time(HOUR)
    for contact in (crowd[0], crowd[-1]):
        text = "".join(mail.get_content() for mail in post.box.sent_to(contact))
        assert [lead for lead in leads if text.count(lead) != len(LANGUAGES)] == [], "once in each language"


async def test_a_publisher_over_its_bound_delays_no_other(post: Post) -> None:
    await post.operator.put("/v1/publishers/fabrikam", {"displayName": "Fabrikam"})
    offer = "/v1/publishers/fabrikam/offers/erp"
    await post.operator.put(offer, {"title": "ERP", "offerType": "saas"})
    await post.operator.put(f"{offer}/connections/primary", settings("boss@fabrikam.example"))
    await post.operator.put(CONNECTION, settings(*[f"c{number}@contoso.example" for number in range(20)]))
    for _ in range(35):
        await hand_in(post.operator)
        await post.pass_time(7_000)
    await hand_in(post.operator, publisherId="fabrikam", offerId="erp")
    await post.pass_time(7_000)
    assert len(post.box.sent_to("boss@fabrikam.example")) == 1
    assert sum(map(len, post.box.recipients)) <= 601


async def test_a_question_that_the_server_puts_off_is_asked_later_and_one_that_it_refuses_is_told(post: Post) -> None:
    await post.publisher.put(CONNECTION, settings("busy@contoso.example", "gone@contoso.example"))
    post.box.reply["RCPT busy@contoso.example"] = "451 4.3.0 later"
    post.box.reply["RCPT gone@contoso.example"] = "550 5.1.1 unknown"
    await post.pass_time(0)
    assert post.box.mails == []
    assert await post.states() == {"busy@contoso.example": "waiting", "gone@contoso.example": "asked"}
    post.box.reply.clear()
    await post.pass_time(2 * HOUR)
    await post.pass_time(2 * HOUR)
    assert post.box.recipients == [["busy@contoso.example"]]
    summary = {one["email"]: one["diagnosis"] for one in (await post.publisher.get(CONNECTION)).json()["contacts"]}
    assert summary["busy@contoso.example"] is None
    assert summary["gone@contoso.example"]["kind"] == "mailRecipientRefused"


async def test_questions_are_bounded_by_publisher(post: Post) -> None:
    for number in range(5):
        crowd = [f"c{number}x{one}@d{one}.example" for one in range(18)]
        await post.publisher.put(CONNECTION, settings(*crowd))
    for _ in range(8):
        await post.pass_time(HOUR)
    assert len(post.box.mails) == 50
    for _ in range(8):
        await post.pass_time(4 * HOUR)
    assert len(post.box.mails) == 90


async def test_the_page_is_limited_by_address(post: Post) -> None:
    answers = [await post.home.anyone.get("/contacts/nonsense") for _ in range(40)]
    assert {answer.status for answer in answers} == {404, 429}


async def test_the_bound_holds_for_the_email_destination_too(database_url: str) -> None:
    with mailbox() as box:
        url = f"smtp://127.0.0.1:{box.port}"
        async with installation(database_url, smtp_url=url, mails_per_hour=50) as home:
            operator = await home.visitor("operator")
            crowd = [f"c{number}@contoso.example" for number in range(20)]
            await operator.put(CONNECTION, settings(*crowd, destination="email"))
            assert (await operator.post(f"{CONNECTION}/validate")).json()["ok"] is None
            assert (await operator.post(f"{CONNECTION}/validate")).json()["ok"] is None
            over = (await operator.post(f"{CONNECTION}/validate")).json()
    assert over["diagnosis"]["kind"] == "mailBoundReached"
    assert sum(map(len, box.recipients)) == 40


async def test_a_contact_that_was_put_off_hears_of_the_lead_later(database_url: str) -> None:
    with mailbox() as box:
        box.reply["RCPT busy@contoso.example"] = "450 4.2.1 later"
        async with installation(database_url, smtp_url=f"smtp://127.0.0.1:{box.port}") as home:
            publisher, operator = await home.visitor("publisher:contoso"), await home.visitor("operator")
            post = Post(home, box, publisher, operator)
            both = ("good@contoso.example", "busy@contoso.example")
            await operator.put(CONNECTION, settings(*both, destination="email"))
            found = (await operator.post(f"{CONNECTION}/validate")).json()
            assert found["ok"] is None
            assert "b***@contoso.example: 450" in found["testLead"]["receipt"]["note"]
            box.reply.clear()
            await post.pass_time(HOUR)
            await post.pass_time(HOUR)
            assert box.recipients == [["good@contoso.example"], ["busy@contoso.example"]]
            assert found["testLead"]["id"] in box.mails[1].get_content()


async def test_addresses_that_come_and_go_are_forgotten(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contacts, "MOST_WAITING", 30)
    crowds = [[f"c{number}x{one}@d{one}.example" for one in range(18)] for number in range(4)]
    for crowd in crowds:
        await post.publisher.put(CONNECTION, settings(*crowd))
    kept = await post.home.services.notices.answers.all("contoso")
    assert len(kept) == 30
    assert {one.contact.email for one in kept} >= set(crowds[-1])
