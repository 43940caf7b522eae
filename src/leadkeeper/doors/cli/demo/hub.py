"""The hub itself as a child process, and its REST API as any program sees it."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import aiohttp

from leadkeeper.doors.cli.demo.guard import Guard
from leadkeeper.doors.cli.demo.stage import free_port
from leadkeeper.doors.cli.failing import Failed
from leadkeeper.doors.cli.showing import SPOKEN
from leadkeeper.sandbox.place import HOST
from leadkeeper.texts import join_lazily
from leadkeeper.texts import lazy_gettext as _

PORT: Final = 8700
_JSON: Final = re.compile(r"application/(problem\+)?json")
_START_SECONDS: Final = 30.0
_STOP_SECONDS: Final = 10.0
_LAST_LINES: Final = 8


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of the API."""

    status: int
    body: Any

    @property
    def refused(self) -> bool:
        """It is a problem document."""
        return self.status >= 400


class Refused(Exception):
    """The hub refused what the demo counts on."""


class Hub:
    """``leadkeeper serve`` in a folder of its own, with an operator's key. Use ``async with``."""

    def __init__(self, folder: Path, guard: Guard, settings: Mapping[str, str]) -> None:
        self.port = PORT
        self.log = folder / "hub.log"
        self.settings = {
            "LEADKEEPER_DATABASE_URL": f"sqlite+aiosqlite:///{folder / 'leadkeeper.db'}",
            "LEADKEEPER_SECRET_KEY_FILE": str(folder / "leadkeeper.key"),
            "LEADKEEPER_HOST": HOST,
            "LEADKEEPER_SHUTDOWN_SECONDS": "3",
            **settings,
        }
        self.key = ""
        self._folder = folder
        self._guard = guard
        self._process: asyncio.subprocess.Process | None = None
        self._session: aiohttp.ClientSession | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{HOST}:{self.port}"

    async def __aenter__(self) -> Self:
        try:
            self.key = await self._make_key()
            self._session = aiohttp.ClientSession(
                headers={"Authorization": f"Bearer {self.key}", "Accept-Language": SPOKEN.get().code}
            )
            for wanted in ([PORT], [], []):
                # Between our look and the hub's start somebody else may take the port.
                if await self._start_on(free_port(wanted)):
                    break
            else:
                raise Failed(await self.ended())
        except BaseException:
            await self.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """End it in good order, or after :data:`_STOP_SECONDS` otherwise."""
        if self._session is not None:
            await self._session.close()
        process = self._process
        if process is None:
            return
        if process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), _STOP_SECONDS)
            except TimeoutError:
                process.kill()
                await process.wait()
        self._guard.gone(process.pid)

    async def ended(self) -> str:
        """Return when the hub ends, with what there is to say about it."""
        assert self._process is not None
        code = await self._process.wait()
        summary = _("The hub ended by itself (exit code %(code)s).", code=code)
        return join_lazily((summary, *self.last_words()), "\n")

    async def call(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """Call the API; ``body`` goes as JSON, bytes as they are. Header ``idempotency_key`` is ``Idempotency-Key``."""
        assert self._session is not None
        data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if data is not None:
            sent.setdefault("content-type", "application/json")
        async with self._session.request(method, f"{self.url}{path}", data=data, headers=sent) as response:
            text = await response.text()
            return Answer(
                response.status, json.loads(text) if text and _JSON.fullmatch(response.content_type) else text
            )

    async def ask(self, method: str, path: str, body: object = None, **headers: str) -> Any:
        """The answer's body. Raises :class:`Refused` when the hub refuses."""
        answer = await self.call(method, path, body, **headers)
        if answer.refused:
            detail = answer.body.get("detail", "") if isinstance(answer.body, dict) else answer.body
            raise Refused(
                _(
                    "%(method)s %(path)s was refused (%(status)s): %(why)s",
                    method=method,
                    path=path,
                    status=answer.status,
                    why=detail,
                )
            )
        return answer.body

    async def _make_key(self) -> str:
        """As an operator makes the first one: at the command line, on a database that is not there yet."""
        process = await self._start(
            "keys", "create", "--role", "operator", "--json", stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        output, errors = await process.communicate()
        self._guard.gone(process.pid)
        if process.returncode != 0:
            raise Failed(_("The hub cannot make a key: %(why)s", why=errors.decode(errors="replace").strip()))
        key: str = json.loads(output)["key"]
        return key

    async def _start(self, *arguments: str, **streams: Any) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "leadkeeper",
            *arguments,
            cwd=self._folder,  # so that no .env of this folder's is read
            env=_environment() | self.settings,
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C in the terminal is for us, who then end it
            **({"stdout": subprocess.DEVNULL} | streams),
        )
        self._guard.child(process.pid)
        return process

    async def _start_on(self, port: int) -> bool:
        """Start the hub and wait until it answers; false if it ended instead. Raises :class:`Failed` if neither."""
        self.port = port
        self.settings["LEADKEEPER_PORT"] = str(port)
        with self.log.open("wb") as log:
            self._process = await self._start("serve", stderr=log)
        ended = asyncio.create_task(self._process.wait())
        try:
            async with asyncio.timeout(_START_SECONDS):
                while not ended.done():
                    if await self._answers():
                        return True
                    await asyncio.wait({ended}, timeout=0.05)
                self._guard.gone(self._process.pid)
        except TimeoutError:
            raise Failed(
                join_lazily(
                    (
                        _("The hub did not answer within %(seconds)s s.", seconds=round(_START_SECONDS)),
                        *self.last_words(),
                    ),
                    "\n",
                )
            ) from None
        finally:
            ended.cancel()
        return False

    async def _answers(self) -> bool:
        """Whether our hub answers: another one at that port does not know the key."""
        try:
            return not (await self.call("GET", "/v1/leads?limit=1")).refused
        except (aiohttp.ClientError, ValueError):
            return False

    def last_words(self) -> list[str]:
        """The last lines of its log, if there are any; they hold no personal data."""
        lines = self.log.read_text(errors="replace").splitlines()[-_LAST_LINES:]
        return ["The last lines of the hub's log:", *lines] if lines else []


def _environment() -> dict[str, str]:
    """Ours, without settings that are meant for another installation."""
    return {name: value for name, value in os.environ.items() if not name.startswith("LEADKEEPER_")}
