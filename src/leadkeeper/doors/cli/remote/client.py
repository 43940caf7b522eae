"""The REST API of an installation elsewhere, asked over TLS; whatever it refuses is one line with what to do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from http.client import HTTPMessage
from types import MappingProxyType
from typing import Any, TypeVar
from urllib.parse import urlencode

from pydantic import BaseModel, ValidationError
from yarl import URL

from leadkeeper import __version__
from leadkeeper.doors.cli.failing import Failed, RemoteRefused
from leadkeeper.doors.cli.remote.calls import NoAnswer, RemoteAnswer, RemoteCaller
from leadkeeper.doors.cli.remote.chosen import RemotePlace
from leadkeeper.doors.cli.remote.refusals import not_understood, remote_refusal, unreachable, wrong_address
from leadkeeper.doors.cli.showing import system_text
from leadkeeper.doors.cli.telling import spoken_language
from leadkeeper.network.addresses import AddressInvalid, parse_url
from leadkeeper.texts import lazy_gettext

R = TypeVar("R")
M = TypeVar("M", bound=BaseModel)


class Remote:
    """One installation's REST API, asked with one key. Every method raises :class:`Failed` for a refusal, in one line
    that says what to do and never holds the key."""

    def __init__(self, place: RemotePlace, base: str, caller: RemoteCaller, language: str) -> None:
        self._place = place
        self._base = base
        self._caller = caller
        self._headers = {
            "Authorization": f"Bearer {place.key}",
            "Accept": "application/json",
            "Accept-Language": language,
            "User-Agent": f"Leadkeeper/{__version__}",
        }

    async def get(
        self, path: str, model: type[M], query: Mapping[str, object] | None = None, *, language: str | None = None
    ) -> M:
        """What is at ``path`` (its parts quoted), asked with the parts of ``query`` that are not ``None``.

        It is told in ``language``, else in that of the command.
        """
        more = {} if language is None else {"Accept-Language": language}
        _, answer = await self._send("GET", _with(path, query or {}), None, "", more)
        return self._read(model, answer)

    async def find(self, path: str, model: type[M]) -> M | None:
        """The same, or ``None`` where there is no such thing."""
        try:
            return await self.get(path, model)
        except RemoteRefused as error:
            if error.status in (404, 422):  # an id that is none of ours is refused before anybody looks for it
                return None
            raise

    async def every(self, path: str, entries: str, query: Mapping[str, object] | None = None) -> list[Any]:
        """All entries of a list, as JSON, however many pages it has."""
        found: list[Any] = []
        async for page in self.pages(path, entries, query):
            found += page
        return found

    async def pages(
        self, path: str, entries: str, query: Mapping[str, object] | None = None
    ) -> AsyncIterator[list[Any]]:
        """The pages of a list, as JSON, until there is none."""
        cursor: str | None = None
        while True:
            answer = await self._call("GET", _with(path, {**(query or {}), "cursor": cursor}))
            if not isinstance(answer, dict) or not isinstance(answer.get(entries), list):
                raise not_understood(self._base)
            yield answer[entries]
            following = answer.get("nextCursor")
            if following is None:
                return
            if following == cursor:  # it would go on for ever
                raise not_understood(self._base)
            cursor = following

    async def post(self, path: str, model: type[M], body: object = None) -> M:
        """What it answers to ``body``."""
        return self._read(model, await self._call("POST", path, body))

    async def send(self, path: str, model: type[M], content: bytes, content_type: str) -> M:
        """What it answers to ``content``, which is no JSON."""
        _, answer = await self._send("POST", path, content, content_type)
        return self._read(model, answer)

    async def hand_in(self, lead: object, model: type[M], key: str | None) -> tuple[M, bool]:
        """What is answered to a lead, and whether it was kept before under the same idempotency ``key``."""
        more = {} if key is None else {"Idempotency-Key": key}
        status, answer = await self._send("POST", "/v1/leads", json.dumps(lead).encode(), "application/json", more)
        return self._read(model, answer), status == 200

    async def put(self, path: str, model: type[M], body: object) -> tuple[M, bool]:
        """What there is now at ``path``, and whether it is new."""
        status, answer = await self._answer("PUT", path, body)
        return self._read(model, answer), status == 201

    async def put_picture(self, path: str, model: type[M], picture: bytes) -> M:
        """What there is at ``path`` once it has this picture; what kind it is, its bytes say there."""
        return self._read(model, (await self._send("PUT", path, picture, "image/png"))[1])

    async def act(self, path: str) -> None:
        """What is asked for is done; there is nothing to answer."""
        await self._call("POST", path)

    async def delete(self, path: str) -> None:
        """Nothing is at ``path`` any more."""
        await self._call("DELETE", path)

    async def take_away(self, path: str, missing: str = "not-found") -> bool:
        """The same; whether there was anything, which the problem ``missing`` denies."""
        return await self._did("DELETE", path, None, missing)

    async def does(self, path: str, body: object, missing: str) -> bool:
        """Have done what ``body`` asks for, where nothing is answered; whether what it is about is there."""
        return await self._did("POST", path, body, missing)

    async def _did(self, method: str, path: str, body: object, missing: str) -> bool:
        try:
            await self._call(method, path, body)
        except RemoteRefused as error:
            if error.problem == missing:
                return False
            raise
        return True

    @asynccontextmanager
    async def stream(self, path: str, body: object) -> AsyncIterator[tuple[HTTPMessage, AsyncIterator[bytes]]]:
        """The headers of what it answers to ``body``, and that in pieces, however long it is."""
        headers = self._headers | {"Content-Type": "application/json", "Accept": "text/csv, application/json"}
        content = json.dumps(body).encode()
        with self._reached(changes=False):
            async with self._caller.begun("POST", self._url(path), content, headers) as (answer, pieces):
                if answer.status >= 300:
                    whole = b"".join([piece async for piece in pieces])
                    raise self._refusal(answer._replace(body=whole))
                yield answer.headers, pieces

    def read(self, model: type[M], value: object) -> M:
        """An entry of a list as ``model``."""
        return self._read(model, value)

    def _read(self, model: type[M], value: object) -> M:
        try:
            return model.model_validate(value)
        except ValidationError:
            raise not_understood(self._base) from None

    async def _call(self, method: str, path: str, body: object = None) -> Any:
        _, answer = await self._answer(method, path, body)
        return answer

    async def _answer(self, method: str, path: str, body: object) -> tuple[int, Any]:
        return await self._send(method, path, None if body is None else json.dumps(body).encode(), "application/json")

    async def _send(
        self,
        method: str,
        path: str,
        data: bytes | None,
        content_type: str,
        more: Mapping[str, str] = MappingProxyType({}),
    ) -> tuple[int, Any]:
        headers = {**self._headers, **({} if data is None else {"Content-Type": content_type}), **more}
        with self._reached(changes=method != "GET"):
            found = await self._caller.call(method, self._url(path), data, headers)
        if found.status >= 300:
            raise self._refusal(found)
        answer = _json(found.body)
        if answer is None and found.status != 204:
            raise not_understood(self._base)
        return found.status, answer

    def _url(self, path: str) -> URL:
        return URL(self._base + path, encoded=True)

    @contextmanager
    def _reached(self, *, changes: bool) -> Iterator[None]:
        try:
            yield
        except NoAnswer as error:
            raise unreachable(self._base, error, changes=changes) from None

    def _refusal(self, answer: RemoteAnswer) -> RemoteRefused:
        again, content = answer.headers.get("Retry-After"), _json(answer.body)
        return remote_refusal(answer.status, content, self._base, self._place.key_file, again)


def asked(place: RemotePlace, work: Callable[[Remote], Awaitable[R]]) -> R:
    """What ``work`` answers, given the installation at ``place``."""
    base, language = _base(place.url), spoken_language()

    async def run() -> R:
        try:
            caller = RemoteCaller(place.ca_file)
        except OSError as error:  # no file, or no certificate in it
            raise Failed(
                lazy_gettext(
                    "LEADKEEPER_CA_FILE: %(path)s cannot be used: %(why)s.",
                    path=place.ca_file,
                    why=system_text(error),
                )
            ) from None
        return await work(Remote(place, base, caller, language.code))

    return asyncio.run(run())


def _base(text: str) -> str:
    """The address that paths are put behind. Raises :class:`Failed`; a key goes over TLS, or stays on this machine."""
    try:
        url = parse_url(text.rstrip("/"))
    except AddressInvalid as error:
        raise wrong_address(error.args[0]) from None
    if url.query_string or url.fragment:
        raise wrong_address(lazy_gettext("it may have no query and no fragment."))
    if url.scheme != "https" and url.raw_host not in ("localhost", "127.0.0.1", "::1"):
        raise wrong_address(lazy_gettext("a key goes over https alone, or to this machine itself."))
    return str(url).rstrip("/")


def _with(path: str, query: Mapping[str, object]) -> str:
    given = {name: _text(value) for name, value in query.items() if value is not None}
    return f"{path}?{urlencode(given)}" if given else path


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None
