"""A publisher makes a hook, posts to it, gives it a new address and revokes it, on its page alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, expect

from tests.browser.axe import violations
from tests.browser.connecting import AT, Places, places, sign_in
from tests.browser.pressing import press
from tests.browser.test_storefront import PHONE, ROUTES, picture, wide

PAYLOAD = {"UserDetails": {"LastName": "Lovelace", "Email": "ada@contoso.example"}, "LeadSource": "SPZA"}


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[Places]:
    async with places(tmp_path) as opened:
        yield opened


@pytest.mark.parametrize(
    ("device", "settings"), [("desk", ROUTES), ("phone-dark", PHONE | {"color_scheme": "dark"})], ids=["desk", "phone"]
)
async def test_a_hook_is_made_tried_rotated_and_revoked(
    browser: Browser, at: Places, device: str, settings: dict[str, Any]
) -> None:
    page = await sign_in(browser, at.home, **settings)
    await page.goto(f"{at.home.url}{AT}/hooks")
    await press(page.get_by_role("button", name="Make a hook"))
    old = (await page.locator(".once code").inner_text()).partition("leads.example")[2]
    await press(page.get_by_role("button", name="Post a test payload"))
    posted = page.locator(".finding-ok")
    await expect(posted).to_contain_text("MSFT_TEST_")
    await expect(page.locator("article")).to_contain_text("UserDetails.FirstName")
    assert (await at.home.anyone.post(old, PAYLOAD)).status == 200
    await at.home.services.access.uses.settled()
    await press(page.get_by_role("button", name="Give it a new address"))
    new = (await page.locator(".once code").inner_text()).partition("leads.example")[2]
    assert new != old
    await expect(page.locator("article .notice")).to_contain_text("The old address takes leads until")
    assert [(await at.home.anyone.post(path, PAYLOAD)).status for path in (old, new)] == [200, 200]
    for language in ("en", "pt"):
        await page.goto(f"{at.home.url}{AT}/hooks?lang={language}")
        assert await violations(page) == []
        assert not await wide(page)
        await picture(page, f"hooks-{device}-{language}")
    await page.goto(f"{at.home.url}{AT}/hooks?lang=en")
    await press(page.get_by_role("button", name="End the old address now"))
    await expect(page.locator("article .notice")).to_have_count(0)
    assert [(await at.home.anyone.post(path, PAYLOAD)).status for path in (old, new)] == [404, 200]
    await page.get_by_text("Revoke", exact=True).click()
    await press(page.get_by_role("button", name="Revoke it"))
    await expect(page.get_by_text("No hooks", exact=True)).to_be_visible()
    assert (await at.home.anyone.post(new, PAYLOAD)).status == 404
