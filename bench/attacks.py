"""What a hostile publisher and strangers without any key do to an installation, all of it at once.

``python -m bench.attacks FOLDER`` writes ``{"port": ...}``, where its relay listens under TLS, and follows orders:
``begin`` (port, key, offers, hooks) and ``end``, which answers how often each attack was answered how, and how many
of each kind were made for one that was due. Attacks come at a pace of their own, whatever the answers do: an
installation that makes its attackers wait is not attacked less. It runs at a low priority, since attackers bring
machines of their own.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import sys
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

import aiohttp

from bench.orders import Order, follow_orders, tell
from leadkeeper.sandbox.authority import Authority

RELAY_HOST: Final = "relay.example"
HALF_OPEN: Final = 1_500
ADDRESSES: Final = 50
"""From how many addresses they come: every limit by address is theirs fifty times."""
_SECONDS: Final = 20.0
_CONNECTIONS_EACH: Final = 10


@dataclass(slots=True)
class Attack:
    """One installation under attack. ``offers`` are the publisher's own; ``hooks`` are paths, one for each of them."""

    port: int
    key: str
    publisher: str
    offers: Sequence[str]
    hooks: Sequence[str]
    answers: Counter[str] = field(default_factory=Counter)
    made: Counter[str] = field(default_factory=Counter)
    over: bool = False
    _sent: int = 0

    async def raw(self, name: str, *parts: bytes, pause: float = 0.0) -> None:
        """Send bytes as they are; note the status that came, or that none did."""
        status = "none"
        with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
            async with asyncio.timeout(_SECONDS):
                self._sent += 1
                reader, writer = await asyncio.open_connection(
                    "127.0.0.1", self.port, local_addr=(_address(self._sent), 0)
                )
                try:
                    for part in parts:
                        writer.write(part)
                        await writer.drain()
                        await asyncio.sleep(pause)
                    status = (await reader.readuntil(b" ") + await reader.readexactly(3))[-3:].decode()
                finally:
                    writer.transport.abort()
        self.answers[f"{name}: {status}"] += 1

    async def call(
        self,
        session: aiohttp.ClientSession,
        name: str,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """One request with the publisher's key unless ``headers`` name another; notes the status."""
        status = "none"
        with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError):
            async with session.request(method, path, json=body, headers=headers) as answer:
                status = str(answer.status)
                await answer.read()
        self.answers[f"{name}: {status}"] += 1

    def offer(self, number: int) -> str:
        """The address of one of the offers, in turn."""
        return f"/v1/publishers/{self.publisher}/offers/{self.offers[number % len(self.offers)]}"


Act = Callable[[Attack, aiohttp.ClientSession, int], Coroutine[Any, Any, None]]


async def _cookie(attack: Attack, _: aiohttp.ClientSession, number: int) -> None:
    door = (b"/portal", b"/store")[number % 2]
    cookie = b'leadkeeper_portal="' + b"\\" * 64_000 + b'"'
    await attack.raw("quoted cookie", b"GET %b HTTP/1.1\r\nHost: a\r\nCookie: %b\r\n\r\n" % (door, cookie))


async def _form(attack: Attack, _: aiohttp.ClientSession, number: int) -> None:
    charset = (b"punycode", b"utf-7", b"idna")[number % 3]
    field = b'--b\r\nContent-Disposition: form-data; name="key"\r\n\r\n' + b"a-" * 30_000 + b"\r\n--b--\r\n"
    head = b"POST /portal/sign-in HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=b; charset=%b\r\n"
    await attack.raw("form", head % charset + b"Content-Length: %d\r\n\r\n" % len(field) + field)


async def _long_type(attack: Attack, _: aiohttp.ClientSession, number: int) -> None:
    head = b"POST /store/offers/a/b/contact-me HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; "
    await attack.raw("long content type", head + b'a="\\";' * 80_000 + b"\r\nContent-Length: 1\r\n\r\nx")


async def _long_head(attack: Attack, _: aiohttp.ClientSession, number: int) -> None:
    line = b"X-Filler: " + b"a" * 8_000 + b"\r\n"
    await attack.raw("endless head", b"GET /healthz HTTP/1.1\r\nHost: a\r\n", *([line * 100] * 40))


async def _half_open(attack: Attack, _: aiohttp.ClientSession, number: int) -> None:
    """One connection that never finishes its head; it is opened again when it is closed."""
    parts = [b"GET /portal HTTP/1.1\r\nHost: a\r\n", *([b"X-Slow: a\r\n"] * 60)]
    await attack.raw("half-open", *parts, pause=5.0)


async def _slow_body(attack: Attack, _: aiohttp.ClientSession, number: int) -> None:
    head = b"POST /hooks/none HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n"
    await attack.raw("slow body", head, *([b"a"] * 60), pause=5.0)


async def _unknown_key(attack: Attack, session: aiohttp.ClientSession, number: int) -> None:
    headers = {"Authorization": f"Bearer lk_{secrets.token_urlsafe(32)}"}
    await attack.call(session, "unknown key", "GET", "/v1/leads", headers=headers)


async def _unknown_hook(attack: Attack, session: aiohttp.ClientSession, number: int) -> None:
    await attack.call(session, "unknown hook", "POST", f"/hooks/lh_{secrets.token_urlsafe(32)}", {"a": 1})


async def _hook_flood(attack: Attack, session: aiohttp.ClientSession, number: int) -> None:
    lead = {"UserDetails": {"Email": f"m{number}@mallory.example"}, "LeadSource": "AzureMarketplace"}
    await attack.call(session, "hook flood", "POST", attack.hooks[number % len(attack.hooks)], lead)


async def _validate(attack: Attack, session: aiohttp.ClientSession, number: int) -> None:
    name = f"trap-{number % _CONNECTIONS_EACH}"
    await attack.call(session, "validate", "POST", f"{attack.offer(number)}/connections/{name}/validate")


async def _publish(attack: Attack, session: aiohttp.ClientSession, number: int) -> None:
    await attack.call(session, "publish", "POST", f"{attack.offer(number)}/publish", {})


async def _change(attack: Attack, session: aiohttp.ClientSession, number: int) -> None:
    body = trap(number) | {"leadDestination": "httpsEndpoint"}
    body["httpsEndpointLeadConfiguration"]["contactEmail"] = [f"s{number}-{n}@strangers.example" for n in range(20)]
    path = f"{attack.offer(number)}/connections/trap-{number % _CONNECTIONS_EACH}"
    await attack.call(session, "change", "PUT", path, body)


async def _lists(attack: Attack, session: aiohttp.ClientSession, number: int) -> None:
    paths = ("/v1/leads?limit=200", f"{attack.offer(number)}/connections", f"/v1/publishers/{attack.publisher}/offers")
    await attack.call(session, "lists", "GET", paths[number % len(paths)])


async def _bomb(attack: Attack, session: aiohttp.ClientSession, number: int) -> None:
    lead = {"source": "AzurePortal", "action": "INS", "description": "a" * 60_000}
    path = f"{attack.offer(number)}/connections/bomb/preview"
    await attack.call(session, "template bomb", "POST", path, lead)


class Kind(NamedTuple):
    """One kind of attack: what it is called in the answers, how many of it are made a second, and at most at once.

    One with a ``pause`` is made by all at once, and again so many seconds after its end: it holds what it got.
    """

    name: str
    act: Act
    pace: float
    at_once: int
    pause: float = 0.0


_ATTACKS: Final[Sequence[Kind]] = (
    Kind("quoted cookie", _cookie, 4, 8),
    Kind("form", _form, 4, 8),
    Kind("long content type", _long_type, 2, 4),
    Kind("endless head", _long_head, 2, 4),
    Kind("half-open", _half_open, 50, HALF_OPEN, pause=10.0),
    Kind("slow body", _slow_body, 1.6, 50, pause=10.0),
    Kind("unknown key", _unknown_key, 16, 16),
    Kind("unknown hook", _unknown_hook, 16, 16),
    Kind("hook flood", _hook_flood, 13, 64),
    Kind("validate", _validate, 13, 64),
    Kind("publish", _publish, 3.5, 16),
    Kind("change", _change, 3, 16),
    Kind("lists", _lists, 3.5, 16),
    Kind("template bomb", _bomb, 1, 8),
)
"""The paces are those at which they came when each waited for its answer, on two cores that did nothing else."""


def trap(number: int) -> dict[str, Any]:
    """The settings of a connection to an endpoint that never answers, or that fails at once."""
    what = "fails" if number % 4 == 3 else "hangs"
    settings = {"httpsEndpointUrl": f"https://{what}.example/{what}?{number}"}
    return {"leadDestination": "httpsEndpoint", "httpsEndpointLeadConfiguration": settings}


def bomb() -> dict[str, Any]:
    """The settings of a connection whose fields repeat the description many times over."""
    fields = {f"Bomb_{number}": "{description}" * 280 for number in range(10)}
    settings = {"objectIdentifier": "00D000000000001", "fields": fields}
    return {"leadDestination": "salesforce", "salesforceLeadConfiguration": settings}


class Attackers:
    """Attack one installation at a time; the relay posts on to the next hook whatever it gets, but no header of it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._attack: Attack | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._relayed = 0
        self._begun = 0.0

    async def listen(self) -> int:
        """Start the relay; its port."""
        context = Authority(self._folder).server_context(RELAY_HOST)
        server = await asyncio.start_server(self._relay, "127.0.0.1", 0, ssl=context)
        return int(server.sockets[0].getsockname()[1])

    async def obey(self, order: Order) -> object:
        """Answer one order."""
        if order["order"] == "end":
            return await self._end()
        given = {name: value for name, value in order.items() if name != "order"}
        attack = self._attack = Attack(**given)
        self._begun = asyncio.get_running_loop().time()
        self._tasks = [
            asyncio.create_task(_repeat(attack, kind, pace, worker))
            for kind in _ATTACKS
            for pace in [_Pace(kind.pace)]
            for worker in range(kind.at_once)
        ]
        return {"attackers": len(self._tasks)}

    async def _end(self) -> object:
        seconds = asyncio.get_running_loop().time() - self._begun
        if self._attack is not None:
            self._attack.over = True  # aiohttp may take the end of a task for one of its timeouts, and go on
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        answers = {} if self._attack is None else dict(sorted(self._attack.answers.items()))
        made = {} if self._attack is None else {k.name: self._attack.made[k.name] / k.pace / seconds for k in _ATTACKS}
        self._attack, self._tasks = None, []
        return {"answers": answers, "made": made, "relayed": self._relayed}

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, ValueError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
                body = await reader.readexactly(length)
                await self._hand_on(body)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                await writer.drain()
        writer.close()

    async def _hand_on(self, body: bytes) -> None:
        attack = self._attack
        if attack is None or not attack.hooks:
            return
        self._relayed += 1
        path = attack.hooks[self._relayed % len(attack.hooks)].encode()
        head = b"POST %b HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        await attack.raw("loop", head % (path, len(body)) + body)


def _address(number: int) -> str:
    return f"127.0.1.{1 + number % ADDRESSES}"


class _Pace:
    """When the next of a kind is due. What was late is made up for as soon as somebody is free."""

    def __init__(self, a_second: float) -> None:
        self._between = 1 / a_second
        self._next = asyncio.get_running_loop().time()

    async def due(self) -> None:
        """Wait for the next moment that nobody waits for yet."""
        at, self._next = self._next, self._next + self._between
        await asyncio.sleep(at - asyncio.get_running_loop().time())


async def _repeat(attack: Attack, kind: Kind, pace: _Pace, worker: int) -> None:
    timeout = aiohttp.ClientTimeout(total=_SECONDS)
    headers = {"Authorization": f"Bearer {attack.key}"}
    base = f"http://127.0.0.1:{attack.port}"
    connector = aiohttp.TCPConnector(local_addr=(_address(worker), 0))
    async with aiohttp.ClientSession(base, headers=headers, timeout=timeout, connector=connector) as session:
        while not attack.over:
            if not kind.pause:
                await pace.due()
            attack.made[kind.name] += 1
            await kind.act(attack, session, attack.made[kind.name] - 1)
            await asyncio.sleep(kind.pause)


async def _main(folder: Path) -> None:
    attackers = Attackers(folder)
    tell({"port": await attackers.listen()})
    await follow_orders(attackers.obey)


def _give_way() -> None:
    """They are other machines: what they take of the cores that are measured counts as little as may be."""
    os.nice(19)
    # Where Linux shares the cores among sessions first, niceness counts within one only, and this is a session's own.
    with contextlib.suppress(OSError):
        Path("/proc/self/autogroup").write_text("19")


if __name__ == "__main__":
    _give_way()
    asyncio.run(_main(Path(sys.argv[1])))
