"""The list of leads as a file in a real browser: how far it is is shown; without JavaScript it comes all the same."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from leadkeeper.inbox.lists.filter import LeadFilter
from leadkeeper.inbox.reading import Reading
from leadkeeper.views import LeadSummary
from tests.browser.axe import violations
from tests.browser.conftest import Opened
from tests.browser.signing_in import sign_in_with_key
from tests.browser.test_storefront import PHONE, ROUTES, picture, wide
from tests.in_process import Installation, hand_in

WORDS = {
    "en": ("0 of 3 leads are loaded.", "The file is whole: 3 leads.", "The download broke off"),
    "pt": ("0 de 3 leads carregados.", "O arquivo está completo: 3 leads.", "O download foi interrompido"),
}


class Slow:
    """Holds the rows back until they are let go, or breaks off."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.go = asyncio.Event()
        self.breaks = False
        export = Reading.export

        async def slowly(reading: Reading, filters: LeadFilter, *, by: str) -> AsyncIterator[LeadSummary]:
            found = [lead async for lead in export(reading, filters, by=by)]
            await self.go.wait()
            for lead in found:
                if self.breaks:
                    raise ConnectionError("the database is away")
                yield lead

        monkeypatch.setattr(Reading, "export", slowly)
        monkeypatch.setattr("leadkeeper.doors.leads_csv._CHUNK", 1)


async def furnish(home: Installation, page: Page) -> None:
    operator = await home.visitor("operator")
    for company in ("Analytical Engines", 'Two\r\n"lines"', "=1+1"):
        await hand_in(operator, customer={"firstName": "Ada", "lastName": "Lovelace", "company": company})
    await page.goto(f"{home.url}/portal?lang=en")
    await sign_in_with_key(page, (await home.services.access.keys.create("publisher:contoso", by="test")).key)
    await page.goto(f"{home.url}/portal/leads")


async def rows_of(file: Path) -> list[dict[str, str]]:
    text = await asyncio.to_thread(file.read_bytes)
    return list(csv.DictReader(io.StringIO(text.decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize(
    ("device", "settings"), [("desk", ROUTES), ("phone-dark", PHONE | {"color_scheme": "dark", "locale": "pt"})]
)
async def test_a_download_says_how_far_it_is(
    browser: Browser,
    opening: Opened,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    device: str,
    settings: dict[str, Any],
) -> None:
    slow = Slow(monkeypatch)
    async with opening(public_url="http://leads.example") as home:
        context = await browser.new_context(**({"locale": "en"} | settings))
        page = await context.new_page()
        await furnish(home, page)
        so_far, whole, broken = WORDS["en" if device == "desk" else "pt"]
        button = page.locator("#download button")
        async with page.expect_download() as begun:
            await button.click()
            bar = page.locator("#downloading progress")
            await expect(bar).to_be_visible()
            await expect(page.locator("#downloading")).to_contain_text(so_far)
            assert await bar.evaluate("each => [each.value, each.max]") == [0, 3]
            assert await violations(page) == []
            assert not await wide(page)
            await picture(page, f"lead-download-{device}")
            slow.go.set()
        file = await begun.value
        await file.save_as(tmp_path / "leads.csv")
        assert file.suggested_filename.startswith("leads-")
        await expect(page.locator("#downloading [role=status]")).to_have_text(whole)
        await expect(bar).to_be_hidden()
        await expect(button).not_to_have_class("btn-busy")
        companies = [row["Company" if device == "desk" else "Empresa"] for row in await rows_of(tmp_path / "leads.csv")]
        assert companies == ["'=1+1", 'Two\r\n"lines"', "Analytical Engines"]
        slow.breaks = True
        await button.click()
        await expect(page.locator("#downloading [role=status]")).to_contain_text(broken)
        assert await violations(page) == []
        await context.close()


async def test_without_javascript_the_file_comes_all_the_same(
    browser: Browser, opening: Opened, tmp_path: Path
) -> None:
    async with opening(public_url="http://leads.example") as home:
        context = await browser.new_context(**(ROUTES | {"java_script_enabled": False, "locale": "en"}))
        page = await context.new_page()
        await furnish(home, page)
        await expect(page.locator("#downloading")).to_be_hidden()
        async with page.expect_download() as begun:
            await page.locator("#download button").click()
        await (await begun.value).save_as(tmp_path / "leads.csv")
        assert len(await rows_of(tmp_path / "leads.csv")) == 3
        await context.close()
