"""What the journeys from an empty database share: the program, somebody at its pages, and the first start."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.async_api import Locator, Page
from pydantic import SecretStr

from leadkeeper.processes.plan import Duty
from leadkeeper.sandbox.authority import Authority
from leadkeeper.sandbox.server import Sandbox
from leadkeeper.serving import serve
from leadkeeper.settings import Settings
from leadkeeper.texts import Language
from tests.english import english_on
from tests.in_process import SECRET_KEY
from tests.people import PASSWORD
from tests.ports import free_port


@asynccontextmanager
async def served(folder: Path, **more: Any) -> AsyncIterator[tuple[str, Sandbox]]:
    """The program over an empty database, before a sandbox of destinations: the link that it prints.

    ``more`` are settings of it; the link leads to this machine whatever its public address is.
    """
    port = free_port()
    authority = Authority(folder / "authority")
    async with Sandbox(authority.ca_file.parent) as sandbox:
        settings = Settings(
            database_url=f"sqlite+aiosqlite:///{folder / 'new.db'}",
            secret_key=SecretStr(SECRET_KEY),
            port=port,
            hosts=sandbox.hosts_setting(),
            ca_file=authority.ca_file,
            allow_addresses="127.0.0.0/8",
            **more,
        )
        stop = asyncio.Event()
        begun: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        running = asyncio.create_task(serve(settings, Duty.SERVE, stop=stop, begin=begun.set_result))
        try:
            either: set[asyncio.Future[Any]] = {running, begun}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            assert begun.done(), running
            yield begun.result().replace(settings.base_url, f"http://127.0.0.1:{port}"), sandbox
        finally:
            stop.set()
            await running


@dataclass
class Person:
    """Somebody who goes the whole way, and finds each button by its words in one language.

    ``english`` are the texts that a page showed in English to somebody who reads another language.
    """

    page: Page
    language: Language
    steps: list[str] = field(default_factory=list)
    english: set[str] = field(default_factory=set)

    def summary(self, message: str, **parts: object) -> str:
        """A text of ours in their language."""
        return self.language.gettext(message, **parts)

    async def step(self, what: str, where: Locator) -> None:
        """Press or follow something."""
        await self.look()
        await where.click()
        self.steps.append(what)

    async def submit(self, what: str, where: Locator) -> None:
        """The same, and wait for the page that comes of it: what stands on both may be pressed next."""
        async with self.page.expect_navigation():
            await self.step(what, where)

    async def look(self) -> None:
        """Read the page: no English text of the catalogue ought to be on it."""
        if self.language.code != "en":
            lines = (await self.page.locator("body").inner_text()).splitlines()
            # What Entra said stands there as it said it.
            found = english_on("\n".join(line for line in lines if "AADSTS" not in line))
            self.english.update(f"{self.page.url}: {text}" for text in found)

    async def fill(self, **values: str) -> None:
        """Enter values into the fields of these names."""
        for name, value in values.items():
            await self.page.locator(f"#{name}").fill(value)

    def button(self, message: str, **parts: object) -> Locator:
        """The button that says this."""
        return self.page.get_by_role("button", name=self.summary(message, **parts), exact=True).first

    def link(self, message: str) -> Locator:
        """The link that says this."""
        return self.page.get_by_role("link", name=self.summary(message), exact=True).first


async def begin(person: Person, link: str) -> None:
    """Who runs it, the marketplace, the first publisher and offer, by the guide of the first start."""
    page = person.page
    await page.goto(link)
    person.steps.append("open the link that the program prints")
    await person.fill(name="Ada Lovelace", email="ada@market.example", password=PASSWORD)
    await person.step("make yourself known", person.button("Go on"))
    await page.wait_for_url("**/marketplace")
    await person.fill(name="Feira")
    await person.step("name the marketplace", person.button("Go on"))
    await page.wait_for_url("**/publisher*")
    await person.fill(name="Contoso")
    await person.step("name the first publisher", person.button("Go on"))
    await page.wait_for_url("**/offer*")
    await person.fill(title="Contoso CRM")
    await person.step("name the first offer", person.button("Go on"))
    await page.wait_for_url("**/connect")
