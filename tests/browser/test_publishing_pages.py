"""Publishing in a real browser: the pages move by themselves, an operator decides, the record is shown while typing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from leadkeeper.offer import OfferRef
from leadkeeper.publishing.runner import PublishingRunner
from leadkeeper.sandbox.faults import Exchange, answer
from tests.browser.axe import violations
from tests.browser.connecting import AT, LOOKS, Places, enter, places, save, sign_in
from tests.browser.pressing import press
from tests.browser.test_storefront import PHONE, ROUTES, picture, wide
from tests.contracts.cases.dynamics import APPLICATION_SETTINGS
from tests.contracts.market import DEFINITION
from tests.contracts.test_live_pages import table_settings

REF = OfferRef("contoso", "crm-pro")
SUMMARY = "microsoft-azure-marketplace.summary"


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[Places]:
    async with places(tmp_path) as opened:
        yield opened


@asynccontextmanager
async def pressing(at: Places) -> AsyncIterator[None]:
    """A publishing runner works meanwhile; an operator certifies."""
    services = at.home.services
    runner = PublishingRunner(
        services.storage,
        services.connections,
        services.validator,
        by_operator=True,
        base_url="http://leads.example",
        clock=services.clock,
    )
    working = asyncio.create_task(runner.run())
    try:
        yield
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)


async def define(at: Places, **changed: Any) -> None:
    definition = {**DEFINITION, "offer": DEFINITION["offer"] | changed}
    services = at.home.services
    await services.offers.catalogue.put_definition(
        REF, offer_type="saas", definition=definition, lead_settings=None, by="test"
    )


async def connect(at: Places, name: str = "primary") -> None:
    await at.home.services.connections.put(REF, name, at.remote.settings, by="test", trusted=True)


async def looked_at(page: Page, name: str) -> None:
    """Axe finds nothing, nothing is too wide; a picture for people."""
    assert await violations(page) == []
    assert not await wide(page)
    await picture(page, name)


async def test_publishing_moves_by_itself_until_it_is_live(browser: Browser, at: Places) -> None:
    await define(at)
    await connect(at)
    async with pressing(at):
        page = await sign_in(browser, at.home, **ROUTES)
        operator = await sign_in(browser, at.home, "operator", **ROUTES, color_scheme="dark")
        await page.goto(f"{at.home.url}{AT}/publishing")
        await looked_at(page, "publishing-new")
        steps = page.locator("#steps")
        await page.evaluate("window.stayed = true")
        await press(page.get_by_role("button", name="Publish the draft"))
        await expect(steps).to_contain_text("waits for an operator")
        await page.evaluate("window.stayed = true")
        await looked_at(page, "publishing-waits")
        await operator.locator(".menu > summary").first.click()
        await operator.get_by_role("link", name="Certification").click()
        await expect(operator.get_by_role("heading", name="Contoso CRM Pro")).to_be_visible()
        await looked_at(operator, "certification")
        await operator.get_by_text("Refuse", exact=True).click()
        await looked_at(operator, "certification-refuse")
        await operator.get_by_role("button", name="Approve").click()
        await expect(operator.get_by_text("Nothing waits for you")).to_be_visible()
        await expect(steps).to_contain_text("preview ready")
        assert await page.evaluate("window.stayed"), "nobody loaded the page again"
        await expect(page.locator("#offer-head")).to_contain_text("preview ready")
        await looked_at(page, "publishing-preview")
        await press(page.get_by_role("button", name="Go live"))
        await expect(steps).to_contain_text("All six steps are done")
        await expect(steps.get_by_text("MSFT_TEST_").first).not_to_be_visible()
        await page.get_by_text("All six steps are done").click()
        await expect(steps.get_by_text("MSFT_TEST_").first).to_be_visible()
        await expect(page.get_by_role("button", name="Publish the draft")).to_have_count(0)
        await looked_at(page, "publishing-live")
        await define(at, **{SUMMARY: "Customers, kept even better."})
        await expect(steps).to_contain_text("kept even better")
        await expect(steps.get_by_text("MSFT_TEST_").first).to_be_visible()  # what was opened stays open
        await looked_at(page, "publishing-differs")


@pytest.mark.parametrize(
    ("device", "settings"), [("phone", PHONE), ("phone-dark", PHONE | {"color_scheme": "dark"}), ("desk", ROUTES)]
)
async def test_the_new_pages_fit_and_axe_finds_nothing(
    browser: Browser, at: Places, device: str, settings: dict[str, Any]
) -> None:
    await define(at)
    await connect(at)
    services = at.home.services
    await services.offers.catalogue.put_offer(OfferRef("contoso", "planner"), title="Contoso Planner", by="test")
    ends = datetime.now(UTC) + timedelta(days=5, hours=1)
    await services.connections.put(REF, "table", table_settings(ends), by="test", trusted=True)
    async with pressing(at):
        await services.offers.publication.publish(REF, by="test")
        operator = await sign_in(browser, at.home, "operator", **settings)
        await operator.goto(f"{at.home.url}/portal/certification")
        await expect(operator.get_by_role("button", name="Approve")).to_be_visible()
        page = await sign_in(browser, at.home, **settings)
        paths = ("", "/publishing", "/copy", "/connections/primary/copy", "/connections/table", "/withdraw")
        for language in ("en", "pt"):
            await operator.goto(f"{at.home.url}/portal/certification?lang={language}")
            await looked_at(operator, f"new-{device}-{language}-certification")
            for number, path in enumerate(paths):
                await page.goto(f"{at.home.url}{AT}{path}?lang={language}")
                await looked_at(page, f"new-{device}-{language}-{number}")
            await page.goto(f"{at.home.url}{AT}/connect?kind=dynamics&lang={language}")
            await page.locator("details.more").last.locator("summary").click()
            await looked_at(page, f"new-{device}-{language}-mapping")


async def test_the_record_follows_what_is_typed(browser: Browser, at: Places) -> None:
    page = await sign_in(browser, at.home, **ROUTES)
    await page.goto(f"{at.home.url}{AT}/connect?kind=dynamics")
    for name, value in APPLICATION_SETTINGS.items():
        if name not in ("authentication", "applicationKey"):
            await page.fill(f"#{name}", str(value))
    await page.locator("details.more", has=page.locator("#record")).locator("summary").click()
    record = page.locator("#record")
    await expect(record).to_contain_text("lastname")
    await page.locator("[id='fields.0.name']").fill("new_region")
    await page.locator("[id='fields.0.value']").fill("{country} (ours)")
    await expect(record).to_contain_text("US (ours)")
    assert list(at.sandbox.stand_in("dynamics").received()) == []
    await looked_at(page, "record")


async def test_a_validation_shows_its_steps_while_it_runs(browser: Browser, at: Places) -> None:
    await connect(at)
    gone_on = asyncio.Event()
    taken = answer(200)

    async def slow(exchange: Exchange) -> None:
        await gone_on.wait()
        await taken(exchange)

    at.remote.manner = slow
    page = await sign_in(browser, at.home, **ROUTES)
    await page.goto(f"{at.home.url}{AT}/connections/primary")
    await page.get_by_role("button", name="Validate: send a test lead").click()
    await expect(page.locator("#progress")).to_contain_text("MSFT_TEST_")
    await expect(page.locator("#progress")).to_contain_text("passed")
    await picture(page, "validating")
    gone_on.set()
    await expect(page.locator("#finding")).to_contain_text("was received over HTTPS endpoint")


@pytest.mark.parametrize("changed", [False, True], ids=["new", "changed"])
async def test_a_form_that_is_saved_and_validated_shows_the_steps_while_they_run(
    browser: Browser, at: Places, changed: bool
) -> None:
    if changed:
        await connect(at, "crm")
    taken, gone_on = answer(200), asyncio.Event()

    async def slow(exchange: Exchange) -> None:
        await gone_on.wait()
        await taken(exchange)

    at.remote.manner = slow
    page = await sign_in(browser, at.home, **ROUTES)
    form = "connections/crm/edit" if changed else "connect?kind=https_endpoint"
    await page.goto(f"{at.home.url}{AT}/{form}")
    values = {"httpsEndpointUrl": str(at.remote.settings["httpsEndpointLeadConfiguration"]["httpsEndpointUrl"])}  # type: ignore[index]
    secret = {"signingSecret": "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo="}
    await enter(page, values if changed else values | secret | {"name": "crm"})
    await save(page)
    steps = page.locator("form #progress")
    await expect(steps).to_contain_text("MSFT_TEST_")
    await expect(steps).to_contain_text("passed")
    await looked_at(page, f"validating-form-{'changed' if changed else 'new'}")
    gone_on.set()
    await expect(page.locator("#finding")).to_contain_text("was received over crm")
    assert page.url == f"{at.home.url}{AT}/connections/crm"
    await page.reload()
    await expect(page.get_by_role("heading", name="crm", exact=True)).to_be_visible()


async def test_it_works_without_javascript(browser: Browser, at: Places) -> None:
    await define(at)
    await connect(at)
    async with pressing(at):
        page = await sign_in(browser, at.home, java_script_enabled=False)
        await page.goto(f"{at.home.url}{AT}/publishing")
        await press(page.get_by_role("button", name="Publish the draft"))
        for _ in range(LOOKS):
            if await page.get_by_text("waits for an operator").count():
                break
            await page.wait_for_timeout(250)
            await press(page.get_by_role("link", name="Look again"))
        await expect(page.locator("#steps")).to_contain_text("waits for an operator")
