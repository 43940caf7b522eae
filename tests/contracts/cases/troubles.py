"""What can go wrong with the request that carries a lead, the same for every destination, and what usually follows."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from leadkeeper.diagnosis import Kind
from leadkeeper.sandbox import faults
from leadkeeper.sandbox.faults import Exchange, Fault
from leadkeeper.sandbox.mishaps import giant
from tests.contracts.cases.case import AMBIGUOUS, BROKEN, DELIVERED, FAILED, NOBODY, PUBLISHER, THROTTLED, Expected

Work = Callable[[], Awaitable[bytes]]
"""Does what the request asks for; the answer as it would go over the wire."""
Act = Callable[[Exchange, Work], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Trouble:
    """``written``: the lead was written before it went wrong. ``times``: to how many requests in a row it happens."""

    name: str
    act: Act
    usually: Expected | None = None
    written: bool = False
    times: int = 1


def _instead(fault: Fault) -> Act:
    async def act(exchange: Exchange, work: Work) -> None:
        await fault(exchange)

    return act


def _after(fault: Fault) -> Act:
    async def act(exchange: Exchange, work: Work) -> None:
        await work()
        await fault(exchange)

    return act


async def _delay(exchange: Exchange, work: Work) -> None:
    await asyncio.sleep(0.1)
    await exchange.send(await work())


async def _wrong_content_type(exchange: Exchange, work: Work) -> None:
    message = await work()
    await exchange.send(re.sub(rb"(?mi)^content-type:[^\r]*", b"Content-Type: image/png", message, count=1))


def _status(status: int, **headers: str) -> Act:
    body = b'{"error":{"code":"whatever","message":"No."}}'
    return _instead(faults.answer(status, body, **headers))


LOST: Final = Expected(AMBIGUOUS, Kind.CONNECTION_LOST, NOBODY)
SILENT: Final = Expected(AMBIGUOUS, Kind.NO_ANSWER, NOBODY)
SLOWER: Final = Expected(THROTTLED, Kind.THROTTLED, NOBODY)
DOWN: Final = Expected(FAILED, Kind.SERVER_ERROR, NOBODY)
ELSEWHERE: Final = Expected(BROKEN, Kind.REDIRECTED, PUBLISHER)

TROUBLES: Final = (
    Trouble("delay", _delay, Expected(DELIVERED), written=True),
    Trouble("hang", _instead(faults.hang), SILENT),
    Trouble("hang within the headers", _instead(faults.hang_in_headers), SILENT),
    Trouble("hang after the headers", _instead(faults.hang_after_headers())),
    Trouble("commit, then hang", _after(faults.hang), SILENT, written=True),
    Trouble("reset", _instead(faults.reset_before_answer), LOST),
    Trouble("reset within the headers", _instead(faults.reset_in_headers()), LOST),
    Trouble("reset within the body", _instead(faults.reset_in_body())),
    Trouble("commit, then drop the answer", _after(faults.commit_then_drop), written=True),
    Trouble("commit, then drop every answer", _after(faults.commit_then_drop), LOST, written=True, times=2),
    Trouble("commit, then reset", _after(faults.reset_before_answer), LOST, written=True),
    Trouble("not HTTP", _instead(faults.not_http), Expected(AMBIGUOUS, Kind.ANSWER_NOT_UNDERSTOOD)),
    Trouble("HTML", _instead(faults.html(200))),
    Trouble("wrong content type", _wrong_content_type, written=True),
    Trouble("giant answer", _instead(giant())),
    Trouble("echo of the request", _instead(faults.echo(500)), DOWN),
    Trouble("redirect to a private address", _instead(faults.redirect("https://10.0.0.1/")), ELSEWHERE),
    Trouble("redirect to the metadata service", _instead(faults.redirect("http://169.254.169.254/", 307)), ELSEWHERE),
    Trouble("401 once", _status(401)),
    Trouble("401", _status(401), times=2),
    Trouble("403", _status(403)),
    Trouble("404", _status(404)),
    Trouble("410", _status(410)),
    Trouble("429 with seconds", _status(429, retry_after="120"), SLOWER),
    Trouble("429 with a date", _status(429, retry_after="Wed, 01 Jan 2098 00:00:00 GMT"), SLOWER),
    Trouble("429 alone", _status(429), SLOWER),
    Trouble("500", _status(500), DOWN),
    Trouble("503", _status(503), DOWN),
    Trouble("503 with seconds", _status(503, retry_after="120"), SLOWER),
)
