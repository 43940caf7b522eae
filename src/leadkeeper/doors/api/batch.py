"""``POST /v1/leads/batch``: many leads, one a line, one answer a line; read and answered as they come."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import to_json
from starlette.types import Receive, Scope, Send

from leadkeeper.access.quotas import Rate
from leadkeeper.doors.api.hand_in import kept_content
from leadkeeper.doors.api.lead_reader import read_lead
from leadkeeper.doors.api.metrics import Metrics
from leadkeeper.doors.api.problems import documented, invalid_model
from leadkeeper.doors.api.schemas import INVALID_LEAD, LeadBody, parse_idempotency_key
from leadkeeper.doors.api.security import require_hand_in, sign_in
from leadkeeper.doors.bearer import Bearers
from leadkeeper.doors.languages import accepted
from leadkeeper.doors.readable import require_unencoded, without_mark
from leadkeeper.doors.web import MAX_BODY, HotRoute, header, hops_of, problem_content, require_content_type, too_large
from leadkeeper.intake.keep import Accepted, Intake
from leadkeeper.intake.new_lead import NewLead
from leadkeeper.problem import FieldError, Problem, ProblemType
from leadkeeper.texts import Language, Languages, lazy_gettext

MAX_LINES: Final = 10_000
"""The most lines in one batch."""
CHUNK: Final = 500
"""The most lines that are kept together."""
LONGEST_KEY: Final = 240
NDJSON: Final = b"application/x-ndjson"


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a request says of all its lines. ``language`` is that of the problems in the answer."""

    key: str | None
    hops: int
    language: Language

    def key_of(self, number: int) -> str | None:
        """The key of one line, by its number."""
        return None if self.key is None else f"{self.key}/{number}"


def batch_route(bearers: Bearers, intake: Intake, metrics: Metrics, languages: Languages) -> HotRoute:
    """The way in for many leads."""
    batch = _Batch(bearers, intake, metrics, languages)
    return HotRoute("/v1/leads/batch", "batch", batch.handle, _operation(), (LeadBody,))


class _Batch:
    def __init__(self, bearers: Bearers, intake: Intake, metrics: Metrics, languages: Languages) -> None:
        self._bearers = bearers
        self._intake = intake
        self._metrics = metrics
        self._languages = languages

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer every line in order.

        Many clients send all before they read any, so reading never waits for answers to be taken: at most those to
        :data:`MAX_LINES` lines gather, some kilobytes each at worst.
        """
        require_hand_in(await sign_in(self._bearers, scope))
        require_content_type(scope, NDJSON, b"application/ndjson", b"application/jsonl")
        require_unencoded(scope)
        wanted = header(scope, b"accept-language")
        language = accepted(None if wanted is None else wanted.decode("latin-1"), self._languages)
        asked = _Asked(_batch_key(header(scope, b"idempotency-key")), hops_of(scope), language)
        headers = [(b"content-type", NDJSON), (b"content-language", language.code.encode())]
        answers: asyncio.Queue[bytes | None] = asyncio.Queue()
        reading = asyncio.create_task(self._read(receive, asked, answers), name="batch")
        try:
            block = await answers.get()
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            while block is not None:
                await send({"type": "http.response.body", "body": block, "more_body": True})
                block = await answers.get()
            await reading
            await send({"type": "http.response.body", "body": b""})
        finally:
            reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reading

    async def _read(self, receive: Receive, asked: _Asked, answers: asyncio.Queue[bytes | None]) -> None:
        before = 0
        try:
            async for lines in _lines(receive):
                for start in range(0, len(lines), CHUNK):
                    chunk = lines[start : start + CHUNK][: MAX_LINES - before]
                    if chunk:
                        await answers.put(await self._answer(chunk, before + 1, asked))
                    before += len(chunk)
                    if len(chunk) < len(lines[start : start + CHUNK]):
                        problem = too_large(
                            lazy_gettext(
                                "A batch has at most %(max_lines)s lines; the rest is not read.", max_lines=MAX_LINES
                            )
                        )
                        await answers.put(_refused(before + 1, problem, asked.language))
                        return
        finally:
            await answers.put(None)

    async def _answer(self, lines: Sequence[bytes | None], first: int, asked: _Asked) -> bytes:
        read: dict[int, NewLead | Problem] = {}
        if first == 1 and lines[0] is not None:
            lines = [without_mark(lines[0]), *lines[1:]]
        for number, line in enumerate(lines, first):
            if line is None or line.strip():
                read[number] = _parse(line, asked.key_of(number), asked.hops)
        leads = [lead for lead in read.values() if isinstance(lead, NewLead)]
        kept = iter(await self._intake.keep_many(leads, Rate.KEY_LEADS))
        answers = []
        for number, lead in read.items():
            answer = lead if isinstance(lead, Problem) else next(kept)
            if isinstance(answer, Accepted):
                self._metrics.counted("batch", "repeat" if answer.repeat else "kept")
                answers.append(_line(number, kept_content(answer)))
            else:
                self._metrics.counted("batch", answer.type.value)
                answers.append(_refused(number, answer, asked.language))
        return b"".join(answers)


def _line(number: int, content: Mapping[str, Any]) -> bytes:
    return to_json({"line": number, **content}) + b"\n"


def _refused(number: int, problem: Problem, wanted: Language) -> bytes:
    """In the language that is ``wanted`` where all of it can be told so."""
    return _line(number, {"problem": problem_content(problem, problem.language(wanted))})


def _parse(line: bytes | None, key: str | None, hops: int) -> NewLead | Problem:
    if line is None:
        return too_large(lazy_gettext("The line is longer than %(max_body)s bytes.", max_body=MAX_BODY))
    try:
        return read_lead(line, key, hops)
    except ValidationError as error:
        return invalid_model(error, what=INVALID_LEAD)


def _batch_key(value: bytes | None) -> str | None:
    """The key of the whole batch: line *n* is kept under ``key/n``. Raises :class:`Problem`."""
    key = parse_idempotency_key(value)
    if key is not None and len(key) > LONGEST_KEY:
        rule = lazy_gettext("at most %(longest_key)s characters for a batch", longest_key=LONGEST_KEY)
        error = FieldError("Idempotency-Key", rule)
        raise Problem(
            ProblemType.INVALID_REQUEST, lazy_gettext("An Idempotency-Key has %(rule)s.", rule=rule), (error,)
        )
    return key


async def _lines(receive: Receive) -> AsyncIterator[list[bytes | None]]:
    """The lines of the body as they come in, ``None`` for one that is too long. A client that leaves ends them."""
    rest, too_long, more = bytearray(), False, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        more = message.get("more_body", False)
        *whole, end = message.get("body", b"").split(b"\n")
        if whole:
            whole[0] = bytes(rest) + whole[0]
            rest.clear()
        rest += end
        lines: list[bytes | None] = [line if len(line) <= MAX_BODY else None for line in whole]
        if lines and too_long:
            lines[0], too_long = None, False
        if len(rest) > MAX_BODY:
            rest, too_long = bytearray(), True
        if not more and (rest or too_long):
            lines.append(None if too_long else bytes(rest))
        yield lines


_DESCRIPTION: Final = f"""One lead a line (NDJSON), as for `POST /v1/leads`; one answer a line, in order:
`{{"line": 1, "id": ..., "deliveries": [...]}}`, or `{{"line": 2, "problem": {{...}}}}`. A bad line spoils no other.
Blank lines are counted, not answered. Answers come while the batch is still being sent.

With an `Idempotency-Key` (at most {LONGEST_KEY} characters) the whole batch may be sent again: every line is kept once.
At most {MAX_LINES} lines of 64 KiB.
"""


def _operation() -> Mapping[str, Any]:
    example = '{"line":1,"id":"019a9e3b-7c2e-7d41-b1a5-3f0f6f3c2a11","deliveries":[]}'
    lead = '{"publisherId":"contoso","offerId":"crm-pro","source":"SPZA","action":"PLT","customer":{"title":"CTO"}}'
    responses = {**documented(body=True)}
    responses.pop("413")
    return {
        "operationId": "handInLeads",
        "tags": ["Leads"],
        "summary": "Hand in many leads",
        "description": _DESCRIPTION,
        "parameters": [
            {
                "name": "Idempotency-Key",
                "in": "header",
                "description": "Your own name for this batch.",
                "schema": {"type": "string", "pattern": f"^[!-~]{{1,{LONGEST_KEY}}}$"},
            }
        ],
        "requestBody": {
            "required": True,
            "content": {NDJSON.decode(): {"schema": {"type": "string"}, "example": lead + "\n"}},
        },
        "responses": {
            "200": {
                "description": "One answer for every line.",
                "content": {NDJSON.decode(): {"schema": {"type": "string"}, "example": example + "\n"}},
            },
            **responses,
        },
    }
