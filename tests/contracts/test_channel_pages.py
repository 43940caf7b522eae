"""Channels and the audit on pages and over REST: who sees which, what is shown once, what a form does."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa

from leadkeeper.access.chain import Sealer, verify
from leadkeeper.access.permissions import Role
from leadkeeper.storage import tables as t
from tests.in_process import Installation, installation
from tests.people import signed_in

MINE = "/v1/publishers/contoso/channels"
WANTED = {"kind": "webhook", "name": "Ours", "address": "https://ours.example/in?key=verysecret"}


@pytest.fixture
async def home(database_url: str) -> AsyncIterator[Installation]:
    async with installation(database_url, public_url="http://leads.example") as opened:
        yield opened


async def test_the_secret_is_shown_once_and_the_address_never(home: Installation) -> None:
    member = await home.visitor("publisher:contoso")
    made = await member.post(MINE, WANTED)
    assert made.status == 201
    assert made.json()["secret"].startswith("whsec_")
    (listed,) = (await member.get(MINE)).json()["channels"]
    assert (listed["host"], listed["state"], listed["waiting"]) == ("ours.example", "notTried", 0)
    assert "lead.received" in listed["events"]
    shown = str(listed)
    assert "verysecret" not in shown
    assert made.json()["secret"] not in shown
    one = f"{MINE}/{made.json()['id']}"
    assert (await member.post(f"{one}/rotate")).json()["secret"] != made.json()["secret"]
    sent = await member.post(f"{one}/test")
    assert sent.status == 202
    (event,) = (await member.get(f"{one}/events")).json()["events"]
    assert (event["id"], event["kind"], event["state"]) == (sent.json()["eventId"], "channel.test", "waiting")
    assert (await member.delete(one)).status == 204
    (await member.get(f"{one}/events")).problem(404, "not-found")


async def test_an_operators_channels_are_the_operators(home: Installation) -> None:
    operator, member = await home.visitor("operator"), await home.visitor("publisher:contoso")
    made = (await operator.post("/v1/channels", WANTED)).json()
    (await member.get("/v1/channels")).problem(403, "forbidden")
    assert (await member.get(MINE)).json()["channels"] == []
    (await member.post(f"{MINE}/{made['id']}/test")).problem(404, "not-found")
    assert [each["id"] for each in (await operator.get("/v1/channels")).json()["channels"]] == [made["id"]]


async def test_what_cannot_be_taken_is_said(home: Installation) -> None:
    member = await home.visitor("publisher:contoso")
    for wrong in ({"address": "http://ours.example/"}, {"kind": "slack", "events": ["lead.received"]}):
        (await member.post(MINE, WANTED | wrong)).problem(422, "invalid-request")
    operator = await home.visitor("operator")
    await operator.put("/v1/publishers/contoso", {"displayName": "Contoso", "quotas": {"channels": 1}})
    assert (await member.post(MINE, WANTED)).status == 201
    (await member.post(MINE, WANTED)).problem(409, "quota-exceeded")


async def test_a_member_makes_a_channel_on_the_page(home: Installation) -> None:
    async with signed_in(home, Role.OWNER) as owner:
        page = await owner.open(home.url + "/portal/channels")
        (form,) = [each for each in page.forms if each.action.endswith("/portal/channels")]
        wrong = await owner.send(form, {"kind": "webhook", "name": "Ours", "address": "http://ours.example/verysecret"})
        assert wrong.status == 422
        assert "verysecret" not in wrong.text
        (form,) = [each for each in wrong.forms if each.action.endswith("/portal/channels")]
        chat = {"kind": "slack", "name": "Ours", "address": "https://hooks.slack.com/services/a/b/c"}
        refused = await owner.send(form, chat, "event-lead.received", "event-connection.broken")
        assert refused.status == 422, "what was ticked is not passed over"
        assert "not told over this kind of channel: lead.received" in refused.text
        endless = await owner.send(form, chat | {"kind": "webhook", "address": "https://ours.example/" + "x" * 2_000})
        assert "The address has more than 2000 characters." in endless.text
        made = await owner.send(form, {"kind": "webhook", "name": "Ours", "address": WANTED["address"]})
        assert "whsec_" in made.text
        assert "verysecret" not in made.text
        (again,) = [address for name, address in made.links.items() if name == "Ours"]
        one = await owner.open(again)
        assert "whsec_" not in one.text
        (test,) = [each for each in one.forms if each.action.endswith("/test")]
        tested = await owner.send(test, {})
        assert "channel.test" in tested.text
        (remove,) = [each for each in tested.forms if each.action.endswith("/remove")]
        assert "No channels" in (await owner.send(remove, {})).text


async def test_a_channel_that_was_switched_off_can_be_switched_on_whatever_its_last_answer_was(
    home: Installation,
) -> None:
    member = await home.visitor("publisher:contoso")
    made = (await member.post(MINE, WANTED)).json()
    off = sa.update(t.channel).values(disabled_at=1, trouble=None)
    await home.services.storage.write(lambda conn: conn.execute(off).rowcount)
    async with signed_in(home, Role.OWNER) as owner:
        page = await owner.open(f"{home.url}/portal/channels/{made['id']}")
        assert "More than 100,000 events waited for it: it takes fewer than come, or none." in page.text
        assert "Let what receives its events answer faster, then switch it on." in page.text
        (listed,) = (await member.get(MINE)).json()["channels"]
        assert (listed["off"]["why"], listed["off"]["remedy"] in page.text) == ("tooManyWait", True)
        (on,) = [each for each in page.forms if each.action.endswith("/switch-on")]
        page = await owner.send(on, {})
        assert [each for each in page.forms if each.action.endswith("/test")]


async def test_the_audit_page_shows_a_member_its_own_part_and_downloads_it(home: Installation) -> None:
    operator, member = await home.visitor("operator"), await home.visitor("publisher:contoso")
    await operator.put("/v1/publishers/fabrikam", {"displayName": "Fabrikam"})
    await operator.put("/v1/publishers/fabrikam/offers/hidden", {"title": "Hidden"})
    await member.post(MINE, WANTED)
    async with signed_in(home, Role.OWNER) as owner:
        page = await owner.open(home.url + "/portal/audit?act=channel.create")
        assert "<code>channel.create</code>" in page.html
        assert "Made a channel" in page.text
        assert "(channel.create)" in page.text  # the choice names both, since the address and the file have the code
        assert "fabrikam" not in page.text
        (form,) = [each for each in page.forms if each.action.endswith("/download")]
        signed = await owner.open(home.url + "/portal/audit?act=session.begin&lang=pt")
        assert "de 127.0.0.1" in signed.text
        assert "from 127.0.0.1" not in signed.text
        file = await owner.send(form, {})
        rows = list(csv.reader(io.StringIO(file.html.removeprefix("\ufeff"))))
        assert [row[4] for row in rows[1:]] == ["channel.create"]
        assert (await owner.open(home.url + "/portal/audit?act=dance")).status == 422
        everything = await owner.send(form, {"act": ""})
        assert "fabrikam" not in everything.html


async def test_a_changed_line_is_found(home: Installation) -> None:
    """As the doctor looks."""
    member = await home.visitor("publisher:contoso")
    await member.post(MINE, WANTED)
    await Sealer(home.services.storage, 730).look()
    assert (await verify(home.services.storage)).faults == ()
    changed = sa.update(t.audit).where(t.audit.c.act == "channel.create").values(who="key:another")
    await home.services.storage.write(lambda conn: conn.execute(changed) and None)
    (fault,) = (await verify(home.services.storage)).faults
    assert "channel.create" in fault
