"""Signing in with a real browser."""

from __future__ import annotations

from playwright.async_api import Page

from tests.browser.pressing import press


async def sign_in_with_key(page: Page, key: str) -> None:
    """With a key, from the sign-in page."""
    await page.locator("details.more summary").click()
    await page.fill("#key", key)
    await press(page.locator("form:has(#key) button"))


async def sign_in(page: Page, email: str, password: str) -> None:
    """As a person, from the sign-in page."""
    await page.fill("#email", email)
    await page.fill("#password", password)
    await press(page.locator("form:has(#email) button"))
