"""One connection: uvicorn's protocol, which sees no more bytes of a request than it may have, nor waits for ever.

Bytes are counted before anything parses them, and parsed in small pieces: uvicorn's own protocol parses whatever has
come, keeps headers of any size, and waits for the rest of a request as long as its client likes. What is refused here
never reached a door.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, ClassVar, Final

import httptools
from pydantic_core import to_json
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from leadkeeper.doors.listener.crowd import Phase
from leadkeeper.doors.listener.limits import SLOWEST
from leadkeeper.doors.listener.one_write import OneWrite
from leadkeeper.doors.web import problem_content
from leadkeeper.problem import Problem, ProblemType
from leadkeeper.texts import lazy_gettext

if TYPE_CHECKING:
    from leadkeeper.doors.listener.server import Listener

_PART: Final = 16_384
"""Bytes of a body that are parsed at once."""
_MOST_PIECES: Final = 1_000
"""Pieces (as the network brings them) that a head, or a body besides one for each :data:`_PIECE` bytes, may come in."""
_PIECE: Final = 64
_MOST_HELD: Final = 1_048_576
_MOST_UNREAD: Final = 1_048_576
"""Bytes that are thrown away after a refusal, so that a client that is still sending gets to read it."""
_HEADERS: Final = lazy_gettext("headers")
_BODY: Final = lazy_gettext("body")
_NO_UPGRADE: Final = lazy_gettext(
    "A request with a body may not ask for another protocol here. Send it without the header Upgrade."
)
_LINGER: Final = 2.0


class BoundedProtocol(HttpToolsProtocol):
    """A connection within the limits of its ``listener``."""

    listener: ClassVar[Listener]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.address: str | None = None
        self.since = 0.0
        """When what it waits for began, as deadlines count it."""
        self._in_head = True
        self._completed = False
        self._uncounted = False
        """The head's beginning came behind another request's end, in one piece."""
        self._last: object = None
        self._head = self._pieces = self._body = self._framing = 0
        self._held = b""
        self._refused: float | None = None
        self._unread = self._unsent = 0

    # What the loop tells.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Let it in, if there is room or somebody who makes some."""
        super().connection_made(transport)
        self.since = self.loop.time()
        if not self.listener.admit(self):
            self._refused = self.since
            transport.write(_BUSY)
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        self.listener.crowd.leave(self)
        self._held = b""
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came, as far as it may."""
        if self._refused is not None or self._held or self.pipeline:
            self._take_no_more(data)
        elif len(data) > (self.listener.limits.head_bytes - self._head if self._in_head else _PART):
            self._take_in_parts(data)
        else:
            self._feed(data)

    def pause_writing(self) -> None:
        """The client does not take what it is answered."""
        super().pause_writing()
        self._unsent, self.since = self.transport.get_write_buffer_size(), self.loop.time()

    def resume_writing(self) -> None:
        """It does again."""
        super().resume_writing()
        self.since = self.loop.time()

    # What the parser tells.

    def on_headers_complete(self) -> None:
        """The head is whole."""
        if self._uncounted and self._length_of_head() > self.listener.limits.head_bytes:
            raise _Refused(_head_too_large())
        upgrade = bool(self.parser.should_upgrade())
        if upgrade and self._has_body():
            # The parser passes the body over, and what follows would be taken for the next request.
            raise _Refused(_malformed(_NO_UPGRADE))
        super().on_headers_complete()  # refuses an address that is none
        if upgrade:  # served as what it is without it; what the client sends behind it may be another protocol
            self.cycle.keep_alive = False
        self._in_head = self._uncounted = False
        self._body = self._framing = self._pieces = 0

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self._body += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The body is whole; what comes now is the next head."""
        super().on_message_complete()
        self._in_head = self._completed = True
        self._last = self.scope

    def on_response_complete(self) -> None:
        """A request was answered: the next one, if it is here already."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)
        if self.pipeline:
            return
        self.since = self.loop.time()
        self.flow.resume_reading()
        held, self._held = self._held, b""
        if held and self._refused is None:
            self._take_in_parts(held)

    # What the listener asks and tells.

    @property
    def phase(self) -> Phase:
        """What it waits for; a body that we do not read on, or have not asked for yet, waits for us."""
        cycle: RequestResponseCycle | None = self.cycle
        if self.flow.write_paused:
            return Phase.STALLED
        if not self._in_head:
            return Phase.BUSY if self.flow.read_paused or self.cycle.waiting_for_100_continue else Phase.BODY
        if cycle is not None and not cycle.response_complete:
            return Phase.BUSY
        return Phase.HEAD if self._head or cycle is None else Phase.IDLE

    def shed(self) -> None:
        """Somebody else needs the room."""
        self.transport.abort()

    def look(self, now: float, elapsed: float) -> None:
        """End it if its time is over. ``elapsed``: seconds since the listener looked last."""
        limits, phase = self.listener.limits, self.phase
        waited = now - self.since
        if self._refused is not None:
            if now - self._refused > _LINGER:
                self.transport.abort()
        elif phase is Phase.STALLED or self.transport.is_closing():
            unsent, self._unsent = self._unsent, self.transport.get_write_buffer_size()
            if self._unsent < unsent:
                self.since = now
            elif waited > limits.body_seconds:
                self.transport.abort()
        elif phase is Phase.BUSY:
            self.since += elapsed
        elif phase is Phase.HEAD and waited > limits.head_seconds:
            self._too_slow(_HEADERS)
        elif phase is Phase.IDLE and waited > limits.idle_seconds:
            self.transport.close()
        elif phase is Phase.BODY and waited > limits.body_seconds + self._body / SLOWEST:
            self._too_slow(_BODY)

    # Within.

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Have the request answered."""
        cycle.transport = OneWrite(cycle, self.transport)  # type: ignore[assignment]
        super()._start_asgi_task(cycle, app)

    def _take_in_parts(self, data: bytes) -> None:
        """Feed the parser, never with more of a head than one may have."""
        position, size = 0, len(data)
        while position < size:
            room = self.listener.limits.head_bytes - self._head if self._in_head else _PART
            if room <= 0:
                self._refuse(_head_too_large())
                return
            part = data[position : position + room]
            position += len(part)
            if not self._feed(part):
                return
            if self.pipeline and position < size:
                self._hold(data[position:])
                return

    def _take_no_more(self, data: bytes) -> None:
        """What comes after a refusal, or while requests wait for their turn."""
        if self._refused is None:
            self._hold(self._held + data)
            return
        self._unread += len(data)
        if self._unread > _MOST_UNREAD:
            self.transport.abort()

    def _feed(self, part: bytes) -> bool:
        """Parse a part; false if that was the end of it."""
        in_head, body = self._in_head, self._body
        self._completed = False
        try:
            self.parser.feed_data(part)
        except httptools.HttpParserUpgrade:
            pass
        except httptools.HttpParserError as error:
            self._refuse(error.__context__.problem if isinstance(error.__context__, _Refused) else _malformed())
            return False
        if self._completed:
            self._head = self._pieces = 0
            if self.scope is self._last:
                return True
            self._uncounted, self._head, self.since = self._in_head, 1, self.loop.time()
            return True
        return self._counted(len(part), self._body - body if not in_head else None)

    def _counted(self, size: int, body: int | None) -> bool:
        """Count a part that ended no request: of the head, or with so much ``body`` in it; false if it is too much."""
        self._pieces += 1
        if self._in_head:
            if not self._head:
                self.since = self.loop.time()
            self._head += size
        elif body is None:
            self._head, self.since = 0, self.loop.time()
        else:
            # Lengths of chunks and headers after the last: a body of single bytes is mostly that.
            self._framing += size - body
            if self._framing > _PART + self._body // 4:
                self._refuse(_malformed(lazy_gettext("The body comes in too many too small chunks.")))
                return False
        if self._pieces > _MOST_PIECES + self._body // _PIECE:
            self._too_slow(_HEADERS if self._in_head else _BODY, lazy_gettext("in too many too small pieces"))
            return False
        return True

    def _hold(self, data: bytes) -> None:
        """Keep what came behind requests that wait for their turn."""
        self._held = data
        self.flow.pause_reading()
        if len(data) > _MOST_HELD:
            self.transport.abort()

    def _has_body(self) -> bool:
        return any(
            name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0 \t"))
            for name, value in self.headers
        )

    def _length_of_head(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def _too_slow(self, what: str, how: str = lazy_gettext("too slowly")) -> None:
        if self._in_head and not self._head:
            self.transport.close()  # nothing was asked
        else:
            self._refuse(
                Problem(ProblemType.TOO_SLOW, lazy_gettext("The request's %(what)s came %(how)s.", what=what, how=how))
            )

    def _refuse(self, problem: Problem) -> None:
        """Answer once, if that cannot be taken for another request's answer, and read no more."""
        cycle: RequestResponseCycle | None = self.cycle
        self._held = b""
        self._refused = self.loop.time()
        answered = cycle is None or cycle.response_complete
        if not self._in_head and not answered and not self.cycle.response_started and not self.pipeline:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        elif not self._in_head or not answered:
            self.transport.abort()
            return
        self.transport.write(_answer(problem))
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()


class _Refused(Exception):
    """Raised through the parser."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.problem = problem


def _head_too_large() -> Problem:
    return Problem(
        ProblemType.HEAD_TOO_LARGE, lazy_gettext("The request line and the headers are larger than this server takes.")
    )


def _malformed(detail: str = lazy_gettext("This is no HTTP request.")) -> Problem:
    return Problem(ProblemType.MALFORMED_REQUEST, detail)


def _answer(problem: Problem) -> bytes:
    body = to_json(problem_content(problem))
    head = (
        b"content-type: application/problem+json\r\ncontent-length: %d\r\nx-content-type-options: nosniff\r\n"
        b"cache-control: no-store\r\nconnection: close\r\n"
    )
    more = b"retry-after: 1\r\n" if problem.status == 503 else b""
    return STATUS_LINE[problem.status] + head % len(body) + more + b"\r\n" + body


_BUSY: Final = _answer(
    Problem(ProblemType.TOO_BUSY, lazy_gettext("All connections are in use. Nothing was done; try again soon."))
)
