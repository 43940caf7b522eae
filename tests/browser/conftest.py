"""A real browser, and a shop that it looks at."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from shutil import which
from typing import Any, Final

import pytest
from playwright.async_api import Browser, expect

from tests.browser.shared import SharedBrowser, connected
from tests.conftest import missing_service
from tests.in_process import Installation, installation

ROOT: Final = Path(__file__).parents[2]
AXE: Final = ROOT / "node_modules" / "axe-core" / "axe.min.js"
PATIENCE: Final = 60_000
"""How long (ms) a story waits for what must come, on a machine that has much else to do too."""
_FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Each page is a new context of JavaScript, which is left before what was optimized for it pays.
    "--js-flags=--no-opt --no-maglev",
)

expect.set_options(timeout=PATIENCE)


def chromium(*flags: str) -> SharedBrowser:
    """Debian's Chromium as it is built to run without a screen: a start costs half of what the whole one's does."""
    found = which("chromium-headless-shell")
    if found is None:
        missing_service("Chromium's headless shell is not installed: scripts/setup-chromium")
    return SharedBrowser(found, (*_FLAGS, *flags))


@contextlib.asynccontextmanager
async def patient(shared: SharedBrowser) -> AsyncIterator[Browser]:
    """A browser that waits for what a busy machine takes long for; its contexts end here."""
    async with connected(shared.address()) as opened:
        opened.on("context", lambda context: context.set_default_timeout(PATIENCE))
        yield opened


@pytest.fixture(scope="session")
def one_browser() -> Iterator[SharedBrowser]:
    """The worker's."""
    with chromium() as shared:
        yield shared


@pytest.fixture
async def browser(one_browser: SharedBrowser) -> AsyncIterator[Browser]:
    """A browser without contexts, pages, cookies or files."""
    async with patient(one_browser) as opened:
        yield opened


Opened = Callable[..., contextlib.AbstractAsyncContextManager[Installation]]


@pytest.fixture
def opening(tmp_path: Path) -> Opened:
    """Opens installations on a new SQLite file each: what pages look like does not depend on the database."""
    numbers = iter(range(100))

    def open(**settings: Any) -> contextlib.AbstractAsyncContextManager[Installation]:
        return installation(f"sqlite+aiosqlite:///{tmp_path / f'{next(numbers)}.db'}", **settings)

    return open
