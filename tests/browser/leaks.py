"""What a journey leaves behind, searched byte by byte for what nobody else may read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, quote_plus, unquote_plus

from playwright.async_api import BrowserContext

from tests.contracts.mailbox import Mailbox


@dataclass
class Trail:
    """Every address that a browser asked for on its way."""

    addresses: list[str] = field(default_factory=list)

    def follow(self, context: BrowserContext) -> None:
        """Note down from now on what this browser asks for."""
        context.on("request", lambda request: self.addresses.append(request.url))


def forms_of(text: str) -> set[bytes]:
    """A text as it may stand somewhere: as it is, in an address, in small letters."""
    return {form.encode() for each in (text, text.lower()) for form in (each, quote(each, safe=""), quote_plus(each))}


def found(places: Mapping[str, Iterable[bytes]], texts: Iterable[str]) -> list[str]:
    """Where one of ``texts`` stands; what is searched may be escaped once."""
    return [
        f"{text!r} in {where}"
        for where, contents in places.items()
        for content in contents
        for text in texts
        for form in forms_of(text)
        if form in content or form in unquote_plus(content.decode("utf-8", "replace")).encode()
    ]


def bodies(box: Mailbox) -> list[bytes]:
    """Every mail as it went out: all headers but whom it is for, and its texts, decoded."""
    every = []
    for mail in box.mails:
        texts = [str(part.get_content()) for part in mail.walk() if part.get_content_maintype() == "text"]
        heads = [f"{name}: {value}" for name, value in mail.items() if name.lower() != "to"]
        every.append("\n".join([*heads, *texts]).encode())
    return every
