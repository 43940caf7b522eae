"""Pressing what leads to another page."""

from __future__ import annotations

from playwright.async_api import Locator


async def press(where: Locator) -> None:
    """Press a button or follow a link, and wait for the whole page that it leads to.

    A click alone may return while the old page still stands there. Whatever is read, marked or pressed then is the old
    page's where it has the same, and is lost with it.
    """
    async with where.page.expect_navigation():
        await where.click()
