"""The list of leads in a real browser: many are ticked and worked at once; a phone shows cards; axe finds nothing."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Browser, FilePayload, expect

from tests.browser.axe import violations
from tests.browser.conftest import Opened
from tests.browser.signing_in import sign_in_with_key
from tests.browser.test_storefront import PHONE, ROUTES, picture, wide
from tests.in_process import DESTINATION, OFFER, hand_in

PEOPLE = (
    {"firstName": "Ada", "lastName": "Lovelace", "email": "ada@contoso.example", "company": "Analytical Engines"},
    {"firstName": "Grace", "lastName": "Hopper", "email": "grace@fabrikam.example", "company": "Fabrikam"},
    {"firstName": "Mary", "lastName": "Somerville", "email": "mary@tailspin.example", "country": "GB"},
)


@pytest.mark.parametrize(
    ("device", "settings"), [("desk", ROUTES), ("phone-dark", PHONE | {"color_scheme": "dark", "locale": "pt"})]
)
async def test_many_leads_are_ticked_and_worked(
    browser: Browser, opening: Opened, device: str, settings: dict[str, Any]
) -> None:
    async with opening(public_url="http://leads.example") as home:
        operator = await home.visitor("operator")
        await operator.put(f"{OFFER}/customer-leads", DESTINATION)
        for each in PEOPLE:
            await hand_in(operator, customer=each, source="SPZA", action="PLT")
        key = (await home.services.access.keys.create("publisher:contoso", by="test")).key
        context = await browser.new_context(**({"locale": "en"} | settings))
        page = await context.new_page()
        await page.goto(f"{home.url}/portal?lang=en")
        await sign_in_with_key(page, key)
        await page.goto(f"{home.url}/portal/leads")
        boxes = page.locator("input[name^=pick-]")
        assert await boxes.count() == 3
        await page.locator("#pick-all").check()
        await expect(page.locator("[data-picked]")).to_have_text("3")
        await page.locator("#with-ticked > summary").click()
        await page.locator("#list-looks > summary").click()
        assert await violations(page) == []
        assert not await wide(page)
        await picture(page, f"lead-list-{device}")
        await page.locator("#to-state").select_option("active")
        await page.locator("button[name=act][value=state]").click()
        await page.locator("input[name=sure]").wait_for(state="attached")
        words = "3 leads will be set to: active." if device == "desk" else "3 leads passarão a: ativo."
        await expect(page.locator("#content")).to_contain_text(words)
        assert await violations(page) == []
        assert not await wide(page)
        await picture(page, f"lead-selected-{device}")
        await page.locator("form:has(input[name=sure]) button").click()
        await expect(page.locator(".state-ok")).to_have_count(3)
        found = (await operator.get("/v1/leads?followUp=active")).json()["leads"]
        assert len(found) == 3
        await page.goto(f"{home.url}/portal/leads")
        await page.locator(".who-link").nth(1).click()
        await page.get_by_role("navigation").locator("[rel=next]").wait_for()
        assert await violations(page) == []
        await picture(page, f"lead-in-list-{device}")
        await page.goto(f"{home.url}/portal/leads/upload")
        assert await violations(page) == []
        rows = f"Lead id,Follow-up,Reason\r\n{found[0]['id']},won,\r\n{found[1]['id']},lost,\r\n"
        file: FilePayload = {"name": "leads.csv", "mimeType": "text/csv", "buffer": rows.encode()}
        await page.locator("#upload-file").set_input_files(file)
        await page.locator("form:has(#upload-file) button").click()
        await page.locator("#changes").wait_for()
        assert await violations(page) == []
        assert not await wide(page)
        await picture(page, f"lead-upload-{device}")
        await page.locator("form:has(input[name=rows]) button").click()
        await page.locator(".notice").wait_for()
        won = (await operator.get("/v1/leads?followUp=won")).json()["leads"]
        assert [each["id"] for each in won] == [found[0]["id"]]
        await context.close()


async def test_new_leads_are_told_of_and_shown_when_asked(browser: Browser, opening: Opened) -> None:
    async with opening(public_url="http://leads.example") as home:
        operator = await home.visitor("operator")
        await operator.put(f"{OFFER}/customer-leads", DESTINATION)
        await hand_in(operator, customer=PEOPLE[0], source="SPZA", action="PLT")
        key = (await home.services.access.keys.create("publisher:contoso", by="test")).key
        context = await browser.new_context(**ROUTES, locale="en")
        page = await context.new_page()
        await page.goto(f"{home.url}/portal?lang=en")
        await sign_in_with_key(page, key)
        async with page.expect_response(lambda answer: "/portal/leads/events" in answer.url):
            await page.goto(f"{home.url}/portal/leads")
        await page.locator("input[name^=pick-]").check()
        for each in PEOPLE[1:]:
            await hand_in(operator, customer=each, source="SPZA", action="PLT")
        told = page.locator("#arrived")
        await expect(told).to_contain_text("2 new leads")
        assert await page.locator("input[name^=pick-]").count() == 1
        assert await page.locator("input[name^=pick-]").is_checked()
        assert await violations(page) == []
        await picture(page, "lead-list-arrived")
        await told.get_by_role("button").click()
        await expect(page.locator("input[name^=pick-]")).to_have_count(3)
        await expect(page.locator("#arrived")).to_be_empty()
        await context.close()
