"""What axe finds wrong with a page, for people who do not see it or use no mouse."""

from __future__ import annotations

from typing import Any

from playwright.async_api import Browser, Page

from tests.browser.conftest import AXE


async def violations(page: Page) -> list[str]:
    """Each rule that the page breaks, and where. The page's policy lets no script of ours in, so it goes beside it.

    A page that is still on its way is waited for, as by all of these: half of one has labels without fields.
    """
    await page.wait_for_load_state()
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE.read_text(encoding="utf-8"))
    return await violations_in_ready(page)


async def made_ready(page: Page) -> None:
    """Give each page that it opens from now on axe: half of the cost where many are looked at."""
    await page.add_init_script(path=AXE)


async def violations_in_ready(page: Page) -> list[str]:
    """What :func:`violations` finds, with the axe of :func:`made_ready`."""
    return await _run(page, "")


async def colour_violations(page: Page) -> list[str]:
    """What :func:`violations` would find in the other theme of the page at which it looked last: colours alone."""
    return await _run(page, "runOnly: ['color-contrast', 'link-in-text-block']")


async def _run(page: Page, options: str) -> list[str]:
    """Of what axe would load beforehand, styles are read by none of the rules that it runs."""
    await page.wait_for_load_state()
    known = "resultTypes: ['violations'], preload: {assets: ['media']}"
    found: dict[str, Any] = await page.evaluate(f"axe.run(document, {{{known}, {options}}})")
    return [
        f"{each['id']}: {each['help']}: {[node['html'][:200] for node in each['nodes']]}"
        for each in found["violations"]
    ]


async def violations_without_script(browser: Browser, url: str, html: str) -> list[str]:
    """The same for a page as it is without JavaScript: its HTML and style, looked at in a browser that runs axe."""
    context = await browser.new_context(java_script_enabled=True)
    try:
        page = await context.new_page()

        async def answer(route: Any) -> None:
            if route.request.resource_type == "document":
                await route.fulfill(body=html, content_type="text/html; charset=utf-8")
            elif route.request.resource_type == "script":
                await route.abort()
            else:
                await route.continue_()

        await page.route("**/*", answer)
        await page.goto(url)
        return await violations(page)
    finally:
        await context.close()
