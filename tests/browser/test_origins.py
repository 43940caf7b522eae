"""What a real browser says of where our own forms were sent from: without it they could not be told from others'."""

from __future__ import annotations

from playwright.async_api import Browser, Request

from tests.browser.conftest import Opened
from tests.browser.signing_in import sign_in_with_key
from tests.browser.test_storefront import fill, kept
from tests.shop import PLANNER, open_shop


async def test_our_own_forms_say_that_they_are_ours(browser: Browser, opening: Opened) -> None:
    async with opening(public_url="http://leads.example") as home:
        await open_shop(home.services)
        key = (await home.services.access.keys.create("operator", by="test")).key
        page = await browser.new_page(locale="en")
        sent: list[Request] = []
        page.on("request", lambda request: sent.append(request) if request.method == "POST" else None)
        await page.goto(f"{home.url}/store/offers/{PLANNER.publisher_id}/{PLANNER.offer_id}/contact-me")
        await fill(page)
        await page.check("#consent")
        await page.get_by_role("button", name="Send").click()
        await page.wait_for_url("**/thanks?reference=*")
        await page.goto(f"{home.url}/portal")
        await sign_in_with_key(page, key)
        await page.get_by_role("heading", name="Offers").wait_for()
        assert [(await request.all_headers()).get("origin") for request in sent] == [home.url, home.url]
        assert len(await kept(home)) == 1


async def test_a_page_that_hides_its_origin_sends_nothing(browser: Browser, opening: Opened) -> None:
    async with opening(public_url="http://leads.example") as home:
        await open_shop(home.services)
        at = f"{home.url}/store/offers/{PLANNER.publisher_id}/{PLANNER.offer_id}/contact-me"
        page = await browser.new_page(locale="en")
        answers: list[int] = []
        page.on("response", lambda response: answers.append(response.status) if response.url == at else None)
        form = f'<form method="post" action="{at}"><input name="firstName" value="a"><button>Go</button></form>'
        await page.goto(f"data:text/html,{form}")
        await page.get_by_role("button", name="Go").click()
        await page.wait_for_url(at)
        assert answers == [403]
