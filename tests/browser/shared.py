"""One Chromium for all tests of a worker, each of which sees a browser without contexts.

To start Chromium and its driver takes more than a second of processor, as much as many tests do with it. The driver
starts it as a server, and a test speaks to that over a connection of its own loop, with which its contexts end.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import json
import subprocess
import tempfile
from collections.abc import AsyncIterator, Sequence
from typing import Any, Self

import aiohttp
from playwright._impl._driver import compute_driver_executable, get_driver_env
from playwright._impl.browser import Browser as _Browser
from playwright._impl.connection import Connection
from playwright._impl.utils.tasks import wait_for_next_task
from playwright.async_api import Browser


class SharedBrowser:
    """Chromium and its driver, started when a test first asks for them, and anew where one has ended."""

    def __init__(self, program: str, flags: Sequence[str]) -> None:
        self._settings = {"executablePath": program, "args": list(flags), "host": "127.0.0.1"}
        self._driver: subprocess.Popen[bytes] | None = None
        self._address = ""

    def __enter__(self) -> Self:
        atexit.register(self.close)
        return self

    def __exit__(self, *_: object) -> None:
        atexit.unregister(self.close)
        self.close()

    def address(self) -> str:
        """Where the driver listens; its connections are WebSockets."""
        if self._driver is None or self._driver.poll() is not None:
            self._start()
        return self._address

    def close(self) -> None:
        """End both: a driver that is asked to end ends its browser first."""
        driver, self._driver = self._driver, None
        if driver is None:
            return
        driver.terminate()
        driver.wait()
        assert driver.stdout is not None
        driver.stdout.close()

    def _start(self) -> None:
        self.close()
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            file.write(json.dumps(self._settings))
            file.flush()
            command = (*compute_driver_executable(), "launch-server", "--browser", "chromium", "--config", file.name)
            self._driver = subprocess.Popen(command, stdout=subprocess.PIPE, env=get_driver_env())
            assert self._driver.stdout is not None
            self._address = self._driver.stdout.readline().decode().strip()
        assert self._address.startswith("ws://"), "the driver does not listen"


@contextlib.asynccontextmanager
async def connected(address: str) -> AsyncIterator[Browser]:
    """The browser at the driver's address, for this loop; without contexts, and its contexts end with it."""
    async with aiohttp.ClientSession() as session, session.ws_connect(address, max_msg_size=0) as line:
        connection = Connection(asyncio.get_running_loop())
        connection.mark_as_remote()
        outgoing: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        connection.onmessage = outgoing.put_nowait
        carrying = asyncio.gather(_send(outgoing, line), _receive(line, connection))
        try:
            playwright = await connection.initialize_playwright()
            opened = _Browser.from_(playwright._initializer["preLaunchedBrowser"])
            opened._connect_to_browser_type(playwright.chromium, {}, None)
            browser = Browser(opened)
            yield browser
            for context in browser.contexts:
                await context.close()
        finally:
            connection.close()
            carrying.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await carrying


async def _send(outgoing: asyncio.Queue[dict[str, Any]], line: aiohttp.ClientWebSocketResponse) -> None:
    while True:
        await line.send_str(json.dumps(await outgoing.get(), allow_nan=False))


async def _receive(line: aiohttp.ClientWebSocketResponse, connection: Connection) -> None:
    """Hand on what comes, one message for each turn of what awaits them, as Playwright's own transport does."""
    async for message in line:
        try:
            connection.dispatch(json.loads(message.data))
        except Exception as error:
            connection._on_event_listener_error(error)  # the next call raises it, as with Playwright's own transport
        await wait_for_next_task()
    connection.close("The browser is gone.")
