"""Signing in with a real browser."""

from __future__ import annotations

from playwright.async_api import Page


async def sign_in_with_key(page: Page, key: str) -> None:
    """With a key, from the sign-in page."""
    await page.locator("details.more summary").click()
    await page.fill("#key", key)
    await _send(page, "form:has(#key) button")


async def sign_in(page: Page, email: str, password: str) -> None:
    """As a person, from the sign-in page."""
    await page.fill("#email", email)
    await page.fill("#password", password)
    await _send(page, "form:has(#email) button")


async def _send(page: Page, button: str) -> None:
    """Press it, and wait for the answer: who goes elsewhere at once is not signed in yet."""
    async with page.expect_navigation():
        await page.locator(button).click()
