"""A Leadkeeper of real processes: started, killed, frozen, asked over HTTP."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import functools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import aiohttp
import psutil

from leadkeeper.access.keys import Keys
from leadkeeper.storage.engine import open_storage
from leadkeeper.storage.migrate import bring_up_to_date
from tests.journeys.database import sql
from tests.journeys.forking import Copy, Order, die_with_parent, source, source_of_wrong_clocks
from tests.ports import free_port
from tests.services.wrong_clock import Wall

PUBLISHER: Final = "contoso"
SOON: Final = 90.0
"""Seconds within which what must happen has happened, on a machine that has much else to do too."""
READY_SECONDS: Final = 120.0
"""Seconds for a process to start: on a busy machine its imports alone take ten."""
LEASE_SECONDS: Final = 30
"""No worker loses its lease because a busy machine keeps it waiting for seconds, as it does now and then: what it held
would be sent twice. Who kills or freezes one, and waits for another to take over, says :data:`SHORT_LEASE`."""
SHORT_LEASE: Final = 2
IMPATIENT: Final = 20.0
"""Seconds for an answer where none may come, and the caller goes on."""
_OFTEN, _SELDOM = 0.05, 0.2
_ON_THEIR_WAY: Final = "SELECT count(*) FROM delivery WHERE state IN ('pending', 'sending', 'waiting')"


async def until(
    what: str,
    holds: Callable[[], Awaitable[object]],
    seconds: float,
    every: float | None = None,
    summary: Callable[[], str] = str,
) -> float:
    """Wait until ``holds()`` is true; how long that took. Fails with ``what`` and ``summary()`` after ``seconds``.

    It is looked ``every`` so many seconds; without, at first often, then seldom: a look costs a hub what a lead does.
    """
    start, pause = time.monotonic(), _OFTEN if every is None else every
    while not await holds():
        if time.monotonic() - start > seconds:
            raise AssertionError(f"not within {seconds} s: {what}\n{summary()}")
        await asyncio.sleep(pause)
        if every is None:
            pause = min(pause * 1.2, _SELDOM)
    return time.monotonic() - start


class Process:
    """One child process and its log. ``word`` is ``serve``, ``api`` or ``worker``, and may have options behind it."""

    def __init__(self, hub: Hub, word: str, name: str) -> None:
        self.hub, self.word, self.name, self.program, self.wall = hub, word, name, hub.program, hub.wall
        self.log = hub.folder / f"{name}.log"
        self._child: subprocess.Popen[bytes] | Copy | None = None

    @property
    def running(self) -> bool:
        """Whether it is alive (a frozen one is)."""
        return self._child is not None and self._child.poll() is None

    @property
    def pid(self) -> int:
        """Its process id, while it runs."""
        assert self._child is not None
        return self._child.pid

    def start(self) -> None:
        """Start it; :meth:`Hub.ready` waits until the API answers."""
        assert not self.running
        if self.program is None:
            self.log.touch()  # it is read before the copy opens it
            order = Order(self.word, str(self.hub.folder), self.hub.environment, str(self.log), self.hub.files)
            if self.wall is not None:
                self._child = source_of_wrong_clocks().copy(replace(order, clock=str(self.wall.file)))
            else:
                self._child = source().copy(order)
            return
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                [sys.executable, "-m", *self.program, *self.word.split()],
                cwd=self.hub.folder,
                env=self.hub.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                preexec_fn=functools.partial(die_with_parent, self.hub.files),  # noqa: PLW1509 (starts no threads, takes no locks)
            )

    def send(self, signum: signal.Signals) -> None:
        """Send it a signal."""
        assert self._child is not None
        self._child.send_signal(signum)

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()

    async def carries(self) -> None:
        """Wait until a worker says that it carries leads."""

        async def has_confirmed() -> bool:
            return "Leadkeeper carries leads" in self.log.read_text(errors="replace")

        await until(f"{self.name} carries leads", has_confirmed, READY_SECONDS, summary=self.hub.tail)

    async def end(self, seconds: float = SOON) -> tuple[int, float]:
        """SIGTERM; the exit code and how long it took. Fails when it does not end in time."""
        self.send(signal.SIGTERM)
        return await self.ended(seconds)

    async def ended(self, seconds: float) -> tuple[int, float]:
        """Wait for its end; the exit code and how long it took."""
        child = self._child
        assert child is not None

        async def gone() -> bool:
            return child.poll() is not None

        took = await until(f"{self.name} ends", gone, seconds, 0.01, self.hub.tail)
        return child.wait(), took

    def has_port(self, port: int) -> bool:
        """Whether one of its connections goes out from ``port``."""
        return any(c.laddr.port == port for c in psutil.Process(self.pid).net_connections("tcp"))


class Hub:
    """One installation: its settings, its processes, and a client with the operator's key."""

    def __init__(self, folder: Path, database_url: str, ca_file: Path, **settings: object) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.program: tuple[str, ...] | None = None
        """What stands after ``python -m``; without, processes are copies of one that has imported the program."""
        self.wall: Wall | None = None
        """The wall clock of the machine that the next processes start on, if it is wrong."""
        self.port = free_port()
        self.processes: list[Process] = []
        self.files: int | None = None
        """How many files its processes may open; as many as we, unless said otherwise."""
        self.key = ""
        self.database_url = database_url
        given = {
            "DATABASE_URL": database_url,
            "PORT": self.port,
            "ALLOW_ADDRESSES": "127.0.0.0/8",
            "CA_FILE": ca_file,
            "SECRET_KEY_FILE": folder / "leadkeeper.key",
            "LEASE_SECONDS": LEASE_SECONDS,
            "PROCESSES": 1,
            **settings,
        }
        outside = {k: v for k, v in os.environ.items() if not k.startswith("LEADKEEPER_")}
        outside["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parents[2]), outside.get("PYTHONPATH", "")])
        self.environment = outside | {f"LEADKEEPER_{name}": str(value) for name, value in given.items()}
        self.url = f"http://127.0.0.1:{self.port}"
        self._session: aiohttp.ClientSession | None = None
        atexit.register(self.kill_all)

    async def open(self) -> None:
        """Make the operator's key, and the database where it is empty."""
        storage = open_storage(self.database_url)
        try:
            await bring_up_to_date(storage)
            self.key = (await Keys(storage).create("operator", by="test")).key
        finally:
            await storage.close()
        self._session = aiohttp.ClientSession(
            self.url,
            headers={"Authorization": f"Bearer {self.key}"},
            connector=aiohttp.TCPConnector(limit=0),
        )

    async def close(self) -> None:
        """Kill every process, frozen ones too."""
        self.kill_all()
        atexit.unregister(self.kill_all)
        if self._session is not None:
            await self._session.close()

    def kill_all(self) -> None:
        """SIGKILL to all of them."""
        for process in self.processes:
            process.kill()

    async def start(self, *words: str) -> list[Process]:
        """Start new processes and wait until the API answers and the workers carry leads."""
        new = []
        for word in words:
            count = sum(p.word == word for p in self.processes) + 1
            process = Process(self, word, f"{word.partition(' ')[0]}-{count}")
            self.processes.append(process)
            process.start()
            new.append(process)
        if not {"serve", "api"}.isdisjoint(word.partition(" ")[0] for word in words):
            await self.ready()
        for process in new:
            if process.word.startswith("worker"):
                await process.carries()
        return new

    async def ready(self) -> float:
        """Wait until ``/readyz`` says 200; how long it took."""

        async def answers() -> bool:
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                status, _ = await self.call("GET", "/readyz", seconds=IMPATIENT)
                return status == 200
            return False

        return await until("the API is ready", answers, READY_SECONDS, summary=self.tail)

    def tail(self, lines: int = 25) -> str:
        """What every process wrote last."""
        texts = []
        for process in self.processes:
            last = process.log.read_text(errors="replace").splitlines()[-lines:]
            state = "runs" if process.running else "ended"
            texts.append("\n".join([f"--- {process.name} ({state})", *last]))
        return "\n".join(texts)

    async def call(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        *,
        seconds: float = SOON,
    ) -> tuple[int, Any]:
        """One request; status and JSON. Raises what aiohttp raises when the API is away or takes longer."""
        assert self._session is not None
        timeout = aiohttp.ClientTimeout(total=seconds)
        async with self._session.request(method, path, json=body, headers=headers, timeout=timeout) as response:
            text = await response.text()
            try:
                return response.status, json.loads(text) if text else None
            except ValueError:
                return response.status, text

    async def ask(self, method: str, path: str, body: object = None) -> Any:
        """The same where only success will do."""
        status, answer = await self.call(method, path, body)
        assert 200 <= status < 300, f"{method} {path}: {status} {answer}\n{self.tail()}"
        return answer

    # What the stories ask for, in their words.

    async def make_offer(self, offer: str, **connections: Mapping[str, Any]) -> None:
        """An offer that is live, with these connections."""
        await self.ask("PUT", f"/v1/publishers/{PUBLISHER}", {"displayName": "Contoso"})
        await self.ask("PUT", _offer(offer), {"title": f"Offer {offer}", "offerType": "saas", "live": True})
        for name, settings in connections.items():
            await self.connect(offer, name, settings)

    async def connect(self, offer: str, name: str, settings: Mapping[str, Any]) -> Any:
        """Make or change a connection."""
        return await self.ask("PUT", f"{_offer(offer)}/connections/{name}", settings)

    async def connection(self, offer: str, name: str) -> Any:
        """A connection as it is shown."""
        return await self.ask("GET", f"{_offer(offer)}/connections/{name}")

    async def disconnect(self, offer: str, name: str) -> None:
        """Remove a connection."""
        await self.ask("DELETE", f"{_offer(offer)}/connections/{name}")

    async def tell(self, offer: str, name: str, word: str) -> Any:
        """``validate``, ``pause`` or ``resume`` a connection."""
        return await self.ask("POST", f"{_offer(offer)}/connections/{name}/{word}")

    async def hand_in(
        self, offer: str, email: str, key: str | None = None, *, seconds: float = SOON
    ) -> tuple[int, Any]:
        """Hand in a lead; status and answer."""
        headers = {"Idempotency-Key": key} if key is not None else None
        return await self.call("POST", "/v1/leads", lead(offer, email), headers, seconds=seconds)

    async def give(self, offer: str, email: str) -> str:
        """Hand in a lead; its id."""
        status, answer = await self.hand_in(offer, email)
        assert status == 202, f"{status} {answer}\n{self.tail()}"
        return str(answer["id"])

    async def lead(self, lead_id: str) -> Any:
        """A lead whole."""
        return await self.ask("GET", f"/v1/leads/{lead_id}")

    async def delivery(self, lead_id: str) -> Any:
        """The one delivery of a lead."""
        (delivery,) = (await self.lead(lead_id))["deliveries"]
        return delivery

    async def in_state(self, *states: str, limit: int = 5) -> list[Any]:
        """Some leads that have a delivery in one of these states."""
        found = []
        for state in states:
            answer = await self.ask("GET", f"/v1/leads?publisherId={PUBLISHER}&state={state}&limit={limit}")
            found += answer["leads"]
        return found

    async def all_delivered(self, seconds: float = SOON) -> float:
        """Wait until no delivery is on its way any more; how long it took. None may be set aside."""

        async def done() -> bool:
            # In one look: between two, a delivery could change from a state not yet asked for to one asked before.
            ((count,),) = await sql(self.database_url, _ON_THEIR_WAY)
            return not count

        took = await until("every lead is delivered", done, seconds, 0.2, self.tail)
        left = await self.in_state("setAside", "unconfirmed", "withheld")
        assert not left, f"not delivered: {left}"
        return took

    async def all_settled(self, seconds: float = SOON) -> None:
        """Wait until no delivery is on its way; some may be withheld."""

        async def done() -> bool:
            ((count,),) = await sql(self.database_url, _ON_THEIR_WAY)
            return not count

        await until("no delivery is on its way", done, seconds, 0.1, self.tail)

    async def stop_all(self) -> None:
        """SIGTERM to every process that runs, and wait for its end."""
        for process in self.processes:
            if process.running:
                await process.end()


def _offer(offer: str) -> str:
    return f"/v1/publishers/{PUBLISHER}/offers/{offer}"


def lead(offer: str, email: str) -> dict[str, Any]:
    """A lead that its customer's address tells from all others."""
    return {
        "publisherId": PUBLISHER,
        "offerId": offer,
        "source": "AzureMarketplace",
        "action": "INS",
        "customer": {
            "firstName": "Ada",
            "lastName": "Customer",
            "email": email,
            "phone": "+49 30 901820",
            "country": "DE",
            "company": "Northwind",
            "title": "CTO",
        },
        "description": "Please call.",
        "campaign": "spring",
    }


@contextlib.asynccontextmanager
async def running(hub: Hub) -> AsyncIterator[Hub]:
    """The hub with its key made; whatever happens, none of its processes is left."""
    try:
        await hub.open()
        yield hub
    finally:
        await hub.close()
