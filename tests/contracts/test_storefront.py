"""The storefront over HTTP: every action makes its lead, with consent, once. On both databases."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import sqlalchemy as sa

from leadkeeper.doors.storefront.guard import SERVICES
from leadkeeper.lead_body import from_body
from leadkeeper.offer import OfferRef
from leadkeeper.publishing.listing import LONGEST, MOST_OF_DESCRIPTION
from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.faults import Exchange, FaultServer, answer
from leadkeeper.storage import tables as t
from tests.in_process import Installation, hand_in, installation
from tests.journeys.customer import Customer, Page
from tests.shop import ANSWERS, PARTNER, PLANNER, define, new_preview, open_shop, put_in_slots

AT = "/store/offers/contoso/planner"


@pytest.fixture
async def shop(home: Installation) -> Installation:
    """An installation whose shop is open."""
    await open_shop(home.services)
    return home


@pytest.fixture
async def customer(shop: Installation) -> AsyncIterator[Customer]:
    """Somebody who looks around."""
    async with Customer(shop.url) as visitor:
        yield visitor


async def leads(home: Installation) -> list[dict[str, Any]]:
    """All leads as they are kept, oldest first."""
    rows = await home.services.storage.read(lambda conn: conn.execute(sa.select(t.lead).order_by(t.lead.c.id)).all())
    return [
        dict(from_body(row.body))
        | {"offer": f"{row.publisher_id}.{row.offer_id}", "source": row.source, "action": row.action}
        | {"preview": row.preview, "withheld": row.withheld}
        for row in rows
    ]


async def sent(customer: Customer, path: str, *ticked: str, **changed: str) -> Page:
    """A form filled out and sent."""
    page = await customer.open(path)
    assert page.status == 200, page.html
    return await customer.send(page.form("email"), ANSWERS | changed, *(ticked or ("consent",)))


@pytest.mark.parametrize(
    ("path", "source", "action", "description"),
    [
        (f"{AT}/get-it-now", "SPZA", "INS", "Please call in the morning."),
        (f"{AT}/contact-me", "SPZA", "PLT", "Please call in the morning."),
        (f"{AT}/free-trial", "SPZA", "INS", "The customer asked for a free trial.\nPlease call in the morning."),
        (f"{AT}/test-drive", "TestDrive", "StartTestDrive", "Please call in the morning."),
        ("/store/portal/contoso/planner", "AzurePortal", "Create", "Please call in the morning."),
    ],
)
async def test_each_action_makes_its_lead(
    shop: Installation, customer: Customer, path: str, source: str, action: str, description: str
) -> None:
    page = await sent(customer, f"{path}?mktcmpid=spring-26")
    assert (page.status, page.url.partition("&")[0]) == (200, f"{shop.url}{path}/thanks?mktcmpid=spring-26")
    (lead,) = await leads(shop)
    assert (lead["offer"], lead["source"], lead["action"]) == ("contoso.planner", source, action)
    assert (lead["description"], lead["campaign"]) == (description, "spring-26")
    assert lead["customer"] == {name: message for name, message in ANSWERS.items() if name != "notes"}
    assert not lead["preview"]


async def test_what_the_customer_agreed_to_is_kept_and_found_by_its_reference(shop: Installation) -> None:
    for code in ("en", "pt"):
        async with Customer(shop.url, code) as visitor:
            form = await visitor.open(f"{AT}/contact-me")
            page = await visitor.send(form.form("email"), ANSWERS, "consent")
            reference = page.url.partition("reference=")[2]
            assert reference in page.text
        answer = await (await shop.visitor("operator")).get(f"/v1/leads/{reference}")
        consent = answer.json()["consent"]
        assert (consent["purpose"], consent["language"]) == ("contact", code)
        assert consent["text"] in form.text, "the words that the customer read"
        assert "Contoso" in consent["text"]
        assert consent["at"] == answer.json()["createdTime"]
    handed_in = await hand_in(await shop.visitor("operator"))
    assert (await (await shop.visitor("operator")).get(f"/v1/leads/{handed_in}")).json()["consent"] is None


async def test_a_reference_is_shown_only_as_we_write_one(customer: Customer) -> None:
    page = await customer.open(f"{AT}/contact-me/thanks?reference=call-0900-now")
    assert "0900" not in page.text


async def test_offers_are_found_by_category_and_by_parts_of_words(shop: Installation, customer: Customer) -> None:
    operator = await shop.visitor("operator")
    for name, category in (("analyser", "Analytics"), ("seller", "Sales & service")):
        body = {"title": f"Contoso {name}", "category": category, "price": "from 20 euros a month"}
        assert (await operator.put(f"/v1/publishers/contoso/offers/{name}", body)).status == 201
        await put_in_slots(shop.services, OfferRef("contoso", name), production=1)
    page = await customer.open("/store")
    assert "from 20 euros a month" in page.text
    page = await customer.open(page.links["Sales & service"])
    assert "Contoso seller" in page.links
    assert "Contoso analyser" not in page.links
    page = await customer.open("/store?search=nalys")
    assert ("Contoso analyser" in page.links, "Contoso seller" in page.links) == (True, False)
    page = await customer.open("/store?search=lytic")
    assert "Contoso analyser" in page.links, "its category is searched too"
    assert "from 20 euros a month" in (await customer.open("/store/offers/contoso/analyser")).text


async def test_what_can_be_done_stands_before_the_description(customer: Customer) -> None:
    html = (await customer.open(AT)).html
    assert html.index("<h1>") < html.index('id="actions"') < html.index("First paragraph")


async def test_an_offer_of_azure_s_store_says_so(shop: Installation, customer: Customer) -> None:
    image = OfferRef("contoso", "image")
    await define(shop.services, image, "Contoso Image", ["free"], "microsoft-azure-virtualmachines")
    await put_in_slots(shop.services, image, production=1)
    await sent(customer, "/store/offers/contoso/image/get-it-now")
    assert [lead["source"] for lead in await leads(shop)] == ["AzureMarketplace"]


async def test_asking_a_partner_tells_both_and_says_who_must_not_make_contact(
    shop: Installation, customer: Customer
) -> None:
    page = await customer.open(AT)
    link = page.links["Ask Fabrikam & Sons about Rollout Help"]
    form = await customer.open(link)
    assert "Fabrikam & Sons" in form.text
    assert "Contoso" in form.text
    page = await customer.send(form.form("email"), ANSWERS, "consent")
    assert page.url.partition("?")[0].endswith("/thanks")
    asked, known = sorted(await leads(shop), key=lambda lead: lead["action"], reverse=True)
    assert (asked["offer"], asked["source"], asked["action"]) == (str(PARTNER), "SPZA", "PLT")
    assert asked["description"] == "Please call in the morning."
    assert (known["offer"], known["source"], known["action"]) == (str(PLANNER), "SPZA", "DNC")
    assert known["description"] == f"Do not contact this customer, who asked your partner Rollout Help ({PARTNER})."


async def test_without_consent_there_is_no_lead(shop: Installation, customer: Customer) -> None:
    page = await customer.open(f"{AT}/contact-me")
    assert "checked" not in page.html
    page = await customer.send(page.form("email"), ANSWERS)
    assert page.status == 422
    assert "Without that nothing is sent or kept." in page.text
    assert page.form("email").values["lastName"] == "Lovelace", "what was entered is kept"
    assert await leads(shop) == []


async def test_every_wrong_field_is_named_at_once(shop: Installation, customer: Customer) -> None:
    wrong = {"firstName": "", "email": "ada", "company": "x" * 161, "country": "XX", "notes": "y" * 2001}
    page = await sent(customer, f"{AT}/contact-me", "consent", **wrong)
    assert page.status == 422
    for name in wrong:
        assert f'href="#{name}"' in page.html
        assert f'id="{name}-wrong"' in page.html
    assert await leads(shop) == []


async def test_a_line_s_end_counts_as_the_one_character_that_it_is_where_it_is_entered(
    shop: Installation, customer: Customer
) -> None:
    notes = "\r\n".join(["x" * 99] * 20)  # 1,999 characters, as a browser counts them and as it sends them
    assert (await sent(customer, f"{AT}/contact-me", "consent", notes=notes + "yy")).status == 422
    assert (await sent(customer, f"{AT}/contact-me", "consent", notes=notes + "y")).status == 200
    assert len(await leads(shop)) == 1


async def test_a_form_sent_twice_makes_one_lead_and_a_changed_one_another(
    shop: Installation, customer: Customer
) -> None:
    page = await customer.open(f"{AT}/contact-me")
    for _ in range(2):
        assert (await customer.send(page.form("email"), ANSWERS, "consent")).status == 200
    assert len(await leads(shop)) == 1
    await customer.send(page.form("email"), ANSWERS | {"notes": "And in the evening."}, "consent")
    assert len(await leads(shop)) == 2


async def test_a_program_learns_nothing(shop: Installation, customer: Customer) -> None:
    page = await customer.open(f"{AT}/contact-me")
    page = await customer.send(page.form("email"), ANSWERS | {"website": "https://spam.example"}, "consent")
    assert page.url.partition("?")[0].endswith("/thanks")
    assert await leads(shop) == []


async def test_only_what_an_offer_has_can_be_asked_for(shop: Installation, customer: Customer) -> None:
    at = "/store/offers/fabrikam/rollout.help"
    assert (await customer.open(f"{at}/contact-me")).status == 200
    for path in (
        f"{at}/get-it-now",
        f"{at}/nothing",
        "/store/portal/fabrikam/rollout.help",
        f"{AT}/partners/contoso/planner",
        f"{AT}/partners/fabrikam/nothing",
        "/store/offers/contoso/crm-pro",  # takes leads, but was never published
        "/store/offers/contoso/nothing",
        "/store/nothing",
    ):
        page = await customer.open(path)
        assert (page.status, "This page is not here" in page.text) == (404, True), path


async def test_the_list_shows_what_is_published_and_finds_it(customer: Customer) -> None:
    page = await customer.open("/store")
    assert {"Contoso Planner", "Rollout Help"} <= page.links.keys()
    assert "Contoso CRM Pro" not in page.text
    page = await customer.open("/store?search=fabrikam+consulting")
    assert "Rollout Help" in page.links
    assert "Contoso Planner" not in page.links
    page = await customer.open("/store?search=%3Cscript%3E")
    assert "<script>" not in page.html
    assert "No offer fits" in page.text


async def test_a_preview_is_seen_with_its_key_and_its_leads_say_so(shop: Installation, customer: Customer) -> None:
    key = await new_preview(shop.services)
    assert "next" not in (await customer.open(AT)).text
    for wrong in ("", "x", key[:-1], key + "x"):
        assert (await customer.open(f"{AT}?preview={wrong}")).status == 404
    page = await customer.open(f"{AT}?preview={key}")
    assert "Contoso Planner, next" in page.text
    assert 'name="robots" content="noindex' in page.html
    page = await customer.open(page.links["Contact me"])
    page = await customer.send(page.form("email"), ANSWERS, "consent")
    assert page.url.startswith(f"{shop.url}{AT}/contact-me/thanks?preview={key}&reference=")
    (lead,) = await leads(shop)
    assert lead["preview"]
    assert lead["description"].startswith("Made from the offer's preview")
    shown = (await (await shop.visitor("operator")).get("/v1/leads")).json()["leads"][0]
    assert shown["preview"] is True


async def test_an_offer_that_is_only_in_its_preview_takes_leads_from_there_alone(
    shop: Installation, customer: Customer
) -> None:
    await put_in_slots(shop.services, PLANNER, preview=1)
    assert (await customer.open(AT)).status == 404
    key = (await shop.services.offers.catalogue.offer(PLANNER)).preview_key
    assert (await sent(customer, f"{AT}/contact-me?preview={key}")).status == 200
    assert [lead["preview"] for lead in await leads(shop)] == [True]


async def test_pages_speak_portuguese(shop: Installation) -> None:
    async with Customer(shop.url, "pt-BR,pt;q=0.9") as brazilian:
        page = await brazilian.open(f"{AT}/contact-me")
        assert 'lang="pt"' in page.html
        assert "Software como serviço" in (await brazilian.open("/store")).text
        assert "Quero ser contatado" in page.text
        assert "Reino Unido" in page.text
        page = await brazilian.open(f"{AT}?lang=en")
        assert "What you can do" in page.text
        assert "What you can do" in (await brazilian.open(AT)).text, "the choice is remembered"


async def test_markup_in_any_field_stays_text(shop: Installation, customer: Customer) -> None:
    attack = "<script>alert(1)</script>"
    page = await sent(
        customer, f"{AT}/contact-me", "consent", firstName=attack, notes=f"</textarea>{attack}", email="x"
    )
    assert page.status == 422
    assert attack not in page.html
    assert page.form("email").values["firstName"] == attack
    assert "&lt;b&gt;markup&lt;/b&gt;" in (await customer.open(AT)).html


async def test_an_endless_listing_costs_customers_a_page_of_it(shop: Installation, customer: Customer) -> None:
    """Definitions had room for a megabyte; everybody who looks at the offer would load it."""
    properties = {f"microsoft-azure-marketplace.{name}": name[0] * 100_000 for name in ("summary", "description")}
    properties |= {f"microsoft-azure-marketplace.{name}": name[0] * 100_000 for name in ("category", "priceLine")}
    definition = json.dumps({"displayText": "t" * 100_000, "offer": properties, "plans": []})
    stored = sa.update(t.offer_version).where(t.offer_version.c.offer_ref == "contoso.planner")
    await shop.services.storage.write(lambda conn: conn.execute(stored.values(definition=definition)).rowcount)
    listed, page = await customer.open("/store"), await customer.open(AT)
    assert listed.status == page.status == 200
    assert len(listed.html) < 20_000
    assert len(page.html) < MOST_OF_DESCRIPTION + 20_000
    found = await shop.services.offers.showcase.offer(OfferRef("contoso", "planner"))
    assert found is not None
    assert {name: len(getattr(found.listing, name)) for name in LONGEST} == LONGEST


async def test_pages_are_sealed(shop: Installation) -> None:
    for path in ("/store", AT, f"{AT}/contact-me", "/store/nothing"):
        async with shop.session.get(shop.url + path) as response:
            policy = response.headers["Content-Security-Policy"]
            assert "unsafe" not in policy
            assert "frame-ancestors 'none'" in policy
            assert response.headers["Referrer-Policy"] == "same-origin"
            assert response.headers["X-Content-Type-Options"] == "nosniff"


async def test_too_many_forms_are_refused(database_url: str) -> None:
    async with installation(database_url, form_limit="2/minute") as home, Customer(home.url) as visitor:
        await open_shop(home.services)
        page = await visitor.open(f"{AT}/contact-me")
        for _ in range(2):
            assert (await visitor.send(page.form("email"), ANSWERS, "consent")).status == 200
        assert (await visitor.send(page.form("email"), ANSWERS, "consent")).status == 429
        assert len(await leads(home)) == 1


async def test_what_is_no_form_or_too_large_is_refused(shop: Installation) -> None:
    sends: list[tuple[Any, int]] = [({"notes": "x" * 70_000}, 413), (b"{}", 415)]
    for data, expected in sends:
        async with shop.session.post(f"{shop.url}{AT}/contact-me", data=data) as response:
            assert response.status == expected
    assert await leads(shop) == []


async def test_a_proxy_s_word_on_the_address_is_taken_only_if_trusted(database_url: str) -> None:
    async with installation(database_url, form_limit="1/minute", trusted_proxies="127.0.0.1") as home:
        await open_shop(home.services)
        statuses = []
        for forwarded in ("203.0.113.1", "203.0.113.2", "203.0.113.9, 203.0.113.2", "evil, 203.0.113.3"):
            headers = {"X-Forwarded-For": forwarded}
            async with home.session.post(f"{home.url}{AT}/contact-me", data=ANSWERS, headers=headers) as response:
                statuses.append(response.status)
        assert statuses == [422, 422, 429, 422]


async def test_other_sites_send_forms_only_if_they_are_named(database_url: str) -> None:
    async with installation(database_url, form_origins="https://shop.example") as home:
        await open_shop(home.services)
        url = f"{home.url}{AT}/contact-me?fragment=1"
        form = ANSWERS | {"consent": "yes"}
        async with home.session.post(url, data=form, headers={"Origin": "https://evil.example"}) as response:
            assert response.status == 403
            assert "Access-Control-Allow-Origin" not in response.headers
        async with home.session.post(url, data=form, headers={"Origin": "https://shop.example"}) as response:
            assert response.status == 200
            assert response.headers["Access-Control-Allow-Origin"] == "https://shop.example"
            assert "Origin" in response.headers["Vary"]
            assert "<html" not in await response.text()
        assert len(await leads(home)) == 1


async def test_a_captcha_is_checked_before_a_lead_is_kept(
    database_url: str, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    bodies: list[bytes] = []
    message: dict[str, Any] = {"success": False, "error-codes": ["invalid-input-response"]}

    async def service(exchange: Exchange) -> None:
        bodies.append(exchange.request.body)
        assert exchange.request.headers["content-type"] == "application/x-www-form-urlencoded"
        await answer(200, json.dumps(message).encode())(exchange)

    remote = FaultServer(service)
    await remote.start(authority.server_context("challenges.cloudflare.com"))
    given: dict[str, Any] = {
        "captcha": "turnstile",
        "captcha_site_key": "site-key",
        "captcha_secret": "captcha-secret",
        "hosts": f"challenges.cloudflare.com=127.0.0.1:{remote.port}",
        "ca_file": authority.ca_file,
        "allow_addresses": "127.0.0.0/8",
    }
    async with installation(database_url, **given) as home, Customer(home.url) as visitor:
        await open_shop(home.services)
        page = await visitor.open(f"{AT}/contact-me")
        assert 'data-sitekey="site-key"' in page.html
        assert "captcha-secret" not in page.html
        assert (await visitor.open(f"{AT}/contact-me?fragment=1")).status == 403
        form = page.form("email")
        page = await visitor.send(form, ANSWERS, "consent")
        assert (page.status, bodies) == (422, [])
        form.values[SERVICES["turnstile"].field] = "token"
        page = await visitor.send(form, ANSWERS, "consent")
        assert page.status == 422
        assert "Show that you are a person" in page.text
        assert bodies == [b"secret=captcha-secret&response=token"]
        message["success"] = True
        assert (await visitor.send(form, ANSWERS, "consent")).status == 200
        assert len(await leads(home)) == 1
        await remote.aclose()
        page = await visitor.send(form, ANSWERS | {"notes": "again"}, "consent")
        assert page.status == 422
        assert "cannot be made just now" in page.text
