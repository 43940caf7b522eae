"""A publisher's member who uses the pages and publishes while something else is measured."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlencode

from bench.children import ChildFailed

_SECONDS: Final = 30.0
_FORM: Final = "application/x-www-form-urlencoded"


class Api:
    """The REST API of one installation with one key, one request at a time."""

    def __init__(self, port: int, key: str) -> None:
        self._port = port
        self._key = key

    def call(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """One request on a connection of its own; its status and JSON (``None`` where there is none)."""
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        content = None if body is None else json.dumps(body).encode()
        status, text, _ = request(self._port, method, path, content, headers)
        return status, json.loads(text) if text.startswith(b"{") else None

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """The same where only success will do. Raises :class:`ChildFailed`."""
        status, answer = self.call(method, path, body)
        if not 200 <= status < 300:
            raise ChildFailed(f"{method} {path}: {status} {answer}")
        return answer


def request(
    port: int, method: str, path: str, body: bytes | None, headers: dict[str, str]
) -> tuple[int, bytes, dict[str, str]]:
    """One HTTP request on a new connection: status, body, headers (in lower case)."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_SECONDS)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read(), {name.lower(): value for name, value in answer.getheaders()}
    finally:
        connection.close()


def sign_in(port: int, key: str) -> dict[str, str]:
    """Sign in to the portal with a key; the header that says so. Raises :class:`ChildFailed`."""
    headers = {"Content-Type": _FORM, "Origin": f"http://127.0.0.1:{port}"}
    status, _, answer = request(port, "POST", "/portal/sign-in", urlencode({"key": key}).encode(), headers)
    if status != 303:
        raise ChildFailed(f"signing in: {status}")
    return {"Cookie": answer["set-cookie"].partition(";")[0]}


class Visitor:
    """Looks at ``pages`` in turn and publishes ``offers`` one after another until told to stop, each in a thread.

    ``pages_took`` and ``publishing_took`` are milliseconds; ``failures`` says what did not work.
    """

    def __init__(self, port: int, key: str, pages: Sequence[str], offers: Sequence[str]) -> None:
        self._port = port
        self._key = key
        self._api = Api(port, key)
        self._pages = pages
        self._offers = list(offers)
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._guarded, args=[work]) for work in (self._look, self._publish)]
        self.pages_took: list[float] = []
        self.publishing_took: list[float] = []
        self.failures: list[str] = []

    def __enter__(self) -> Visitor:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _guarded(self, work: Any) -> None:
        while not self._stopping.is_set():
            try:
                work()
            except (OSError, ChildFailed, http.client.HTTPException) as error:
                self.failures.append(f"{work.__name__}: {error}")
                self._stopping.wait(0.5)

    def _look(self) -> None:
        cookie = sign_in(self._port, self._key)
        while not self._stopping.is_set():
            for page in self._pages:
                begun = time.monotonic()
                status, _, _ = request(self._port, "GET", page, None, cookie)
                if status != 200:
                    raise ChildFailed(f"{page}: {status}")
                self.pages_took.append((time.monotonic() - begun) * 1_000)
            self._stopping.wait(0.2)

    def _publish(self) -> None:
        offer = self._offers.pop(0)
        self._offers.append(offer)
        begun = time.monotonic()
        self._api.ask("POST", f"{offer}/publish", {})
        while (state := self._api.ask("GET", f"{offer}/status")["operation"]["state"]) == "running":
            if self._stopping.wait(0.05):
                return
        if state != "completed":
            raise ChildFailed(f"publishing {offer} ended as {state}")
        self.publishing_took.append((time.monotonic() - begun) * 1_000)
