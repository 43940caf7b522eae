"""Acting on all leads that fit, in a real browser: said first, a bar that moves, and no page needed for it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa
from playwright.async_api import Browser, expect

from leadkeeper.inbox.lists.acting import HeldRun, act_on_some, lay_down, take_run
from leadkeeper.inbox.lists.acting_task import BulkRunTask
from leadkeeper.inbox.lists.filter import MOST
from leadkeeper.storage import tables as t
from tests.browser.axe import violations
from tests.browser.conftest import Opened
from tests.browser.pressing import press
from tests.browser.signing_in import sign_in_with_key
from tests.browser.test_lead_list import PEOPLE
from tests.browser.test_storefront import PHONE, ROUTES, picture, wide
from tests.in_process import DESTINATION, OFFER, Installation, Visitor, hand_in

LEADS = MOST + 40


async def hand_in_all(operator: Visitor) -> None:
    """More leads than a page acts on at once, over a connection of their offer."""
    await operator.put(f"{OFFER}/customer-leads", DESTINATION)
    for at in range(0, LEADS, 20):
        some = range(at, min(LEADS, at + 20))
        await asyncio.gather(*(hand_in(operator, customer=PEOPLE[each % 3]) for each in some))


async def halfway(home: Installation) -> None:
    """Another process does the first of the run's leads, and lays it down."""
    storage, clock = home.services.storage, home.services.clock
    held = await storage.write(take_run, clock())
    assert held is not None
    page = await home.services.leads.inbox.list(held.filters, held.after or None, MOST // 2)
    ids = [lead.id for lead in page.leads]
    until, _ = await storage.write(act_on_some, held, ids, clock())
    there = HeldRun(held.id, until, ids[-1], held.filters, held.order, held.by, held.publisher_id)
    await storage.write(lay_down, there, ids[-1], clock())


@pytest.mark.parametrize(
    ("device", "settings"), [("desk", ROUTES), ("phone-dark", PHONE | {"color_scheme": "dark", "locale": "pt"})]
)
async def test_all_that_fit_are_sent_again_with_a_bar(
    browser: Browser, opening: Opened, device: str, settings: dict[str, Any]
) -> None:
    async with opening(public_url="http://leads.example") as home:
        operator, services = await home.visitor("operator"), home.services
        await hand_in_all(operator)
        values = {"state": "setAside", "set_aside_for": "refused", "due_at": 2**60}
        await services.storage.write(lambda conn: conn.execute(sa.update(t.delivery).values(values)).close())
        key = (await services.access.keys.create("publisher:contoso", by="test")).key
        context = await browser.new_context(**({"locale": "en"} | settings))
        page = await context.new_page()
        await page.goto(f"{home.url}/portal?lang=en")
        await sign_in_with_key(page, key)
        await page.goto(f"{home.url}/portal/leads?state=setAside")
        await page.locator("#with-ticked > summary").click()
        await page.locator("#every").check()
        await page.locator("button[name=act][value=again]").click()
        await page.locator("input[name=run]").wait_for(state="attached")
        await expect(page.locator("#content")).to_contain_text(str(LEADS))
        assert await violations(page) == []
        assert not await wide(page)
        await picture(page, f"act-on-all-said-{device}")
        await page.locator("form:has(input[name=sure]) button").click()
        bar = page.locator("#run progress")
        await expect(bar).to_have_attribute("value", "0")
        await halfway(home)
        await expect(bar).to_have_attribute("value", str(MOST // 2))
        assert await violations(page) == []
        assert not await wide(page)
        await picture(page, f"act-on-all-moves-{device}")
        await page.goto(f"{home.url}/portal/leads")
        await picture(page, f"act-on-all-list-{device}")
        runs = page.locator("a[href^='/portal/leads/runs/']")
        await press(runs)
        await BulkRunTask(services.storage, services.leads.inbox, lambda _: None, services.clock).look()
        await expect(bar).to_have_count(0)
        await expect(page.locator("#run")).to_contain_text(str(LEADS))
        assert await violations(page) == []
        await picture(page, f"act-on-all-done-{device}")
        found = (await operator.get("/v1/leads/counts")).json()
        assert found["setAside"] == 0
        await context.close()


async def test_without_scripts_the_page_says_how_far_it_is_when_it_is_loaded(browser: Browser, opening: Opened) -> None:
    async with opening(public_url="http://leads.example") as home:
        operator, services = await home.visitor("operator"), home.services
        await hand_in_all(operator)
        key = (await services.access.keys.create("publisher:contoso", by="test")).key
        context = await browser.new_context(**ROUTES, locale="en", java_script_enabled=False)
        page = await context.new_page()
        await page.goto(f"{home.url}/portal?lang=en")
        await sign_in_with_key(page, key)
        await page.goto(f"{home.url}/portal/leads")
        await page.locator("#with-ticked > summary").click()
        await page.locator("#every").check()
        await page.locator("button[name=act][value=state]").click()
        await page.locator("form:has(input[name=sure]) button").click()
        await expect(page.locator("#run")).to_contain_text(f"0 of {LEADS} leads are gone through.")
        await halfway(home)
        await page.get_by_role("link", name="Look again").click()
        await expect(page.locator("#run")).to_contain_text(f"{MOST // 2} of {LEADS} leads are gone through.")
        await page.get_by_role("button", name="Stop here").click()
        await expect(page.locator("#run")).to_contain_text(f"It was stopped after {MOST // 2} leads.")
        await context.close()
