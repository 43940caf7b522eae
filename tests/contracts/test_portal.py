"""The portal over HTTP: members see and do what is theirs, nobody else anything. On both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import unquote

import pytest
import sqlalchemy as sa

from leadkeeper.storage import tables as t
from tests.in_process import DESTINATION, ENDPOINT, OFFER, Installation, hand_in, installation
from tests.journeys.customer import Customer, Page

PAGES = ("/portal", "/portal/leads", "/portal/offers/contoso/crm-pro")


async def signed_in(home: Installation, visitor: Customer, role: str) -> Page:
    """The page after signing in with a new key of this role."""
    made = await home.services.access.keys.create(role, by="test")
    page = await visitor.open("/portal")
    assert page.url.endswith("/portal/sign-in?after=/portal")
    return await visitor.send(page.form("key"), {"key": made.key})


@pytest.fixture
async def home(database_url: str) -> AsyncIterator[Installation]:
    """An installation whose address is plain, so that cookies come back over plain HTTP."""
    async with installation(database_url, public_url="http://leads.example") as opened:
        yield opened


@pytest.fixture
async def member(home: Installation) -> AsyncIterator[Customer]:
    """Somebody of contoso, signed in."""
    async with Customer(home.url) as visitor:
        page = await signed_in(home, visitor, "publisher:contoso")
        assert page.status == 200, page.text
        assert "Contoso CRM Pro" in page.links
        yield visitor


def _run(conn: sa.Connection, act: sa.Update) -> None:
    conn.execute(act)


async def test_nobody_sees_anything_without_signing_in(home: Installation) -> None:
    async with Customer(home.url) as visitor:
        for path in (*PAGES, "/portal/leads/019a9e3b-7c2e-7d41-b1a5-3f0f6f3c2a11"):
            assert (await visitor.open(path)).form("key").action.startswith(f"{home.url}/portal/sign-in?after=/portal")
        page = await visitor.open("/portal/sign-in?after=https://evil.example")
        assert "evil" not in page.html
        page = await visitor.send(page.form("key"), {"key": "lk_wrong"})
        assert page.status == 401
        assert "unknown, revoked" in page.text
    async with Customer(home.url) as visitor:
        assert (await signed_in(home, visitor, "marketplace")).status == 401


async def test_who_signs_in_comes_to_what_the_link_of_a_mail_shows(home: Installation) -> None:
    made = await home.services.access.keys.create("publisher:contoso", by="test")
    async with Customer(home.url) as visitor:
        page = await visitor.open("/portal/leads?state=setAside&owner=nobody&lang=pt")
        page = await visitor.send(page.form("key"), {"key": made.key})
        assert page.url == f"{home.url}/portal/leads?state=setAside&owner=nobody"
        assert page.status == 200


async def test_a_revoked_key_opens_no_page_any_more(home: Installation) -> None:
    made = await home.services.access.keys.create("publisher:contoso", by="test")
    async with Customer(home.url) as visitor:
        page = await visitor.open("/portal/leads")
        page = await visitor.send(page.form("key"), {"key": made.key})
        assert page.url == f"{home.url}/portal/leads"
        assert made.key not in page.html
        await home.services.access.keys.revoke(made.id)
        assert (await visitor.open("/portal/leads")).form("key")


async def test_too_many_tries_are_refused(home: Installation) -> None:
    async with Customer(home.url) as visitor:
        page = await visitor.open("/portal/sign-in")
        statuses = [(await visitor.send(page.form("key"), {"key": f"lk_{n}"})).status for n in range(11)]
    assert statuses == [401] * 10 + [429]


async def test_a_lead_is_seen_whole_and_what_became_of_it_is_told(home: Installation, member: Customer) -> None:
    operator = await home.visitor("operator")
    await operator.put(f"{OFFER}/customer-leads", DESTINATION)
    lead_id = await hand_in(operator, customer={"lastName": "<b>Lovelace</b>", "email": "ada@contoso.example"})
    page = await member.open("/portal/leads")
    assert "<b>" not in page.html
    page = await member.open(f"/portal/leads/{lead_id}")
    assert "ada@contoso.example" in page.text
    assert "HTTPS endpoint pending" in " ".join(page.text.split())
    page = await member.open("/portal")
    page = await member.send(page.form("text"), {"text": "ada@contoso.example"})
    assert "it goes out now" in page.text
    assert "ada@" not in unquote(page.url)
    page = await member.send(page.form("text"), {"text": "nobody@contoso.example"})
    assert "No lead fits" in page.text


async def test_the_first_page_names_what_a_person_must_decide_alone(home: Installation, member: Customer) -> None:
    operator = await home.visitor("operator")
    await operator.put(f"{OFFER}/customer-leads", DESTINATION)
    lead_id = await hand_in(operator)
    for reason, named in (("outage", False), ("mayHaveArrived", True)):
        aside = sa.update(t.delivery).values(state="setAside", set_aside_for=reason)
        await home.services.storage.write(_run, aside)
        page = await member.open("/portal")
        assert ("Leads may have arrived, and nobody knows" in page.text) is named
        page = await member.open(f"/portal/leads/{lead_id}")
        assert ("It goes out by itself once the connection works" in page.text) is not named
        assert ("It may have arrived: the answer was lost" in page.text) is named


async def test_missed_leads_are_sent_again_by_a_button(home: Installation, member: Customer) -> None:
    operator = await home.visitor("operator")
    await operator.put(f"{OFFER}/customer-leads", DESTINATION)
    await hand_in(operator)
    await operator.put(f"{OFFER}/connections/second", DESTINATION)
    page = await member.open("/portal/offers/contoso/crm-pro/destinations")
    (form,) = [form for form in page.forms if form.action.endswith("/connections/second/replay")]
    page = await member.send(form, {})
    assert "cannot be mailed" in page.text
    assert "1 lead was set aside, or came before" in page.text
    page = await member.send(page.form("sure"), {})
    assert "1 lead is on the way again" in page.text
    (lead,) = (await operator.get("/v1/leads")).json()["leads"]
    assert {delivery["connection"] for delivery in lead["deliveries"]} == {"primary", "second"}


async def test_an_offer_is_published_by_buttons(home: Installation, member: Customer) -> None:
    page = await member.open("/portal/offers/contoso/crm-pro/publishing")
    assert "Before it can be published" in page.text
    assert "Destination is missing" in page.text
    operator = await home.visitor("operator")
    message = {"title": "Contoso CRM Pro", "summary": "S.", "description": "D.", "callsToAction": ["getItNow"]}
    await operator.put(OFFER, message)
    page = await member.open("/portal/offers/contoso/crm-pro/publishing")
    (form,) = [form for form in page.forms if form.action.endswith("/publish")]
    page = await member.send(form, {})
    assert "Publishing: running" in page.text
    assert "Validate Pre-Requisites" in page.text
    (form,) = [form for form in page.forms if form.action.endswith("/cancel")]
    page = await member.send(form, {})
    assert "Publishing: canceled" in page.text


async def test_a_test_lead_shows_what_is_wrong(home: Installation, member: Customer) -> None:
    operator = await home.visitor("operator")
    await operator.put(f"{OFFER}/customer-leads", DESTINATION)
    page = await member.open("/portal/offers/contoso/crm-pro/destinations")
    (form,) = [form for form in page.forms if form.action.endswith("/validate")]
    page = await member.send(form, {})
    assert "No test lead was sent over HTTPS endpoint" in page.text, "the name of the usual connection is no word"
    assert "Who acts:" in page.text
    assert "verysecret" not in page.html


async def test_a_forged_form_does_nothing(home: Installation, member: Customer) -> None:
    page = await member.open("/portal/offers/contoso/crm-pro/destinations")
    for form in [form for form in page.forms if "token" in form.values]:
        form.values["token"] = "0" * 64
        answer = await member.send(form, {})
        assert (answer.status, "not one of ours" in answer.text) == (403, True)


async def test_another_publisher_s_things_are_not_there(home: Installation, member: Customer) -> None:
    operator = await home.visitor("operator")
    await operator.put("/v1/publishers/fabrikam", {"displayName": "Fabrikam"})
    await operator.put("/v1/publishers/fabrikam/offers/other", {"title": "Other"})
    await operator.put("/v1/publishers/fabrikam/offers/other/customer-leads", DESTINATION)
    lead_id = await hand_in(operator, publisherId="fabrikam", offerId="other")
    delivery = (await operator.get(f"/v1/leads/{lead_id}")).json()["deliveries"][0]["id"]
    assert "Other" not in (await member.open("/portal")).text
    assert lead_id not in (await member.open("/portal/leads")).html
    for path in ("/portal/offers/fabrikam/other", f"/portal/leads/{lead_id}"):
        assert (await member.open(path)).status == 404
    page = await member.open("/portal")
    found = await member.send(page.form("text"), {"text": "fabrikam.other"})
    assert lead_id not in found.html
    form = page.form("text")
    for path in (
        f"/portal/deliveries/{delivery}/retry",
        "/portal/offers/fabrikam/other/publish",
        "/portal/offers/fabrikam/other/cancel",
        "/portal/offers/fabrikam/other/connections/primary/validate",
        "/portal/offers/fabrikam/other/connections/primary/replay",
    ):
        form.action = home.url + path
        assert (await member.send(form, {})).status == 404, path


async def test_pages_are_sealed_and_never_stored(home: Installation) -> None:
    async with home.session.get(f"{home.url}/portal/sign-in") as response:
        assert response.headers["Cache-Control"] == "no-store"
        policy = response.headers["Content-Security-Policy"]
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        assert "<style" not in (html := await response.text())
        assert "style=" not in html


async def test_over_https_the_cookie_is_for_https_alone(database_url: str) -> None:
    async with installation(database_url) as home:  # its address is https://leads.example
        made = await home.services.access.keys.create("operator", by="test")
        data = {"key": made.key}
        async with home.session.post(f"{home.url}/portal/sign-in", data=data, allow_redirects=False) as response:
            (cookie,) = response.headers.getall("Set-Cookie")
        assert "Secure" in cookie
        assert "HttpOnly" in cookie
        assert made.key not in cookie


async def test_the_page_of_an_offer_shows_who_is_told(home: Installation, member: Customer) -> None:
    publisher = await home.visitor("publisher:contoso")
    summary = DESTINATION | {"httpsEndpointLeadConfiguration": ENDPOINT | {"contactEmail": ["sales@contoso.example"]}}
    assert (await publisher.put(f"{OFFER}/customer-leads", summary)).status == 201
    page = await member.open("/portal/offers/contoso/crm-pro/connections/primary")
    assert "sales@contoso.example is about to be asked whether it wants notices" in page.text


async def test_a_lead_without_a_customer_says_so_and_shows_what_came(home: Installation, member: Customer) -> None:
    operator = await home.visitor("operator")
    hook = (await operator.post(f"{OFFER}/hooks")).json()["token"]
    kept = (await operator.post(f"/hooks/{hook}", {"LeadSource": "SPZA", "Who": {"Name": "<b>Rosa</b>"}})).json()
    page = await member.open(f"/portal/leads/{kept['id']}")
    assert "Nothing of a customer was found" in page.text
    assert '"Who"' in page.text
    assert "<b>Rosa" not in page.html
