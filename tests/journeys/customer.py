"""Somebody at the pages: reads them, follows links, fills forms out, as a browser without script does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from html.parser import HTMLParser
from types import TracebackType
from typing import Self
from urllib.parse import urljoin

import aiohttp

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


@dataclass
class Form:
    """A form as it stands on a page: where it goes, what it holds, which boxes can be ticked."""

    action: str
    method: str
    values: dict[str, str] = field(default_factory=dict)
    boxes: dict[str, str] = field(default_factory=dict)


@dataclass
class Page:
    """A page as it was answered, after redirects."""

    status: int
    url: str
    html: str

    @cached_property
    def text(self) -> str:
        """Its words, as they are read one after another."""
        return " ".join(" ".join(self._read.words).split())

    @property
    def forms(self) -> list[Form]:
        """Its forms, in the order in which they stand."""
        return self._read.forms

    @property
    def links(self) -> dict[str, str]:
        """Where its links go, by their words."""
        return self._read.links

    @cached_property
    def _read(self) -> _Reader:
        """Reading a page costs as much as making it, and of many pages only the status is looked at."""
        reader = _Reader(self.url)
        reader.feed(self.html)
        return reader

    def form(self, *names: str) -> Form:
        """The one form that has all these fields."""
        (found,) = [form for form in self.forms if form.values.keys() | form.boxes.keys() >= set(names)]
        return found


class _Reader(HTMLParser):
    def __init__(self, url: str) -> None:
        super().__init__(convert_charrefs=True)
        self.url = url
        self.forms: list[Form] = []
        self.links: dict[str, str] = {}
        self.words: list[str] = []
        self._form: Form | None = None
        self._open: list[str] = []
        self._link: tuple[str, list[str]] | None = None
        self._choice = ""
        self._first = False
        self._area = ""
        self._within_word = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._within_word = tag == "wbr"
        if tag not in VOID:
            self._open.append(tag)
        if tag == "form":
            action = urljoin(self.url, given.get("action") or self.url)
            self._form = Form(action, given.get("method", "get").upper())
            self.forms.append(self._form)
        elif tag == "a" and "href" in given:
            self._link = (urljoin(self.url, given["href"]), [])
        elif self._form is not None:
            self._field(tag, given, self._form)

    def _field(self, tag: str, given: Mapping[str, str], form: Form) -> None:
        name = given.get("name", "")
        if tag == "input" and name and given.get("type") in ("checkbox", "radio"):
            form.boxes[name] = given.get("value", "on")
        elif tag == "input" and name and given.get("type") not in ("submit", "button"):
            form.values[name] = given.get("value", "")
        elif tag == "select":
            self._choice, self._first = name, True
            form.values.setdefault(name, "")
        elif tag == "option" and self._choice and ("selected" in given or self._first):
            form.values[self._choice], self._first = given.get("value", ""), False
        elif tag == "textarea":
            self._area = name
            form.values[name] = ""

    def handle_endtag(self, tag: str) -> None:
        while tag in self._open and self._open.pop() != tag:
            pass
        if tag == "form":
            self._form = None
        elif tag == "select":
            self._choice = ""
        elif tag == "textarea":
            if self._form is not None:  # a line's end right behind the tag is no part of the text
                self._form.values[self._area] = self._form.values[self._area].removeprefix("\n")
            self._area = ""
        elif tag == "a" and self._link is not None:
            self.links[" ".join("".join(self._link[1]).split())] = self._link[0]
            self._link = None

    def handle_data(self, data: str) -> None:
        if self._area and self._form is not None:
            self._form.values[self._area] += data
        if self._link is not None:
            self._link[1].append(data)
        if self._within_word and self.words:
            self.words[-1] += data
        elif "script" not in self._open and "style" not in self._open:
            self.words.append(data)
        self._within_word = False


class Customer:
    """One visitor with cookies of their own. Use ``async with``."""

    def __init__(self, url: str, language: str = "en") -> None:
        self.url = url
        jar = aiohttp.CookieJar(unsafe=True)  # also of a host that is an address
        self._session = aiohttp.ClientSession(headers={"Accept-Language": language}, cookie_jar=jar)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self._session.close()

    async def open(self, path: str) -> Page:
        """Go to a page."""
        async with self._session.get(urljoin(self.url, path)) as response:
            return await self._read(response)

    async def send(self, form: Form, values: Mapping[str, str], *ticked: str) -> Page:
        """Fill ``form`` out, tick boxes, and send it."""
        unknown = values.keys() - form.values.keys()
        assert not unknown, f"the form has no field {unknown}: {sorted(form.values)}"
        content = form.values | dict(values) | {name: form.boxes[name] for name in ticked}
        async with self._session.request(form.method, form.action, data=content) as response:
            return await self._read(response)

    async def upload(self, form: Form, name: str, content: bytes, kind: str) -> Page:
        """Send ``form`` with a file in the field ``name``, as browsers send one."""
        data = aiohttp.FormData({key: value for key, value in form.values.items() if key != name})
        data.add_field(name, content, filename="file", content_type=kind)
        async with self._session.post(form.action, data=data) as response:
            return await self._read(response)

    async def _read(self, response: aiohttp.ClientResponse) -> Page:
        html = await response.text(errors="replace")  # a picture too
        return Page(response.status, str(response.url), html)
