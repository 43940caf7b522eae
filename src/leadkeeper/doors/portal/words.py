"""How the portal's pages show times, JSON, and what was said."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Final

from markupsafe import Markup, escape

from leadkeeper.clock import to_datetime
from leadkeeper.destinations.registry import OURS, Destinations
from leadkeeper.publishing.step_words import step_message
from leadkeeper.texts import Language


def when(moment: int | str | None) -> Markup:
    """A moment (ms since 1970, or as JSON writes it) with its zone; the browser shows the reader's own, and UTC beside.

    Nothing for ``None``.
    """
    if moment is None or moment == "":
        return Markup()
    aware = to_datetime(moment) if isinstance(moment, int) else datetime.fromisoformat(moment)
    aware = aware.astimezone(UTC)
    shown, exact = f"{aware:%Y-%m-%d %H:%M} UTC", f"{aware:%Y-%m-%d %H:%M:%S} UTC"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(f"{aware:%Y-%m-%dT%H:%M:%SZ}", exact, shown)


def address_text(address: str) -> Markup:
    """An e-mail address that a narrow place may break after ``@`` and ``.``, and not within a word."""
    return Markup("<wbr>").join(re.split(r"(?<=[@.])(?=[^@.])", address))


def readable_json(content: object) -> str:
    """JSON as people read it, in every script; always valid Unicode."""
    return json.dumps(content, indent=2, ensure_ascii=False).encode("utf-8", "replace").decode()


_LEAD: Final = re.compile(r"https?://[^\s/]+(?:/[^\s/]+)*?(/portal/leads/[0-9a-f-]{36})\b")


def summary(text: str, language: Language, *, destinations: Destinations = OURS) -> Markup:
    """What a step of publishing said, in ``language``, with the page of its test lead a click away."""
    text = step_message(text, language, destinations)
    shown, end = Markup(), 0
    for found in _LEAD.finditer(text):
        shown += escape(text[end : found.start()]) + Markup('<a href="{}">{}</a>').format(found[1], found[0])
        end = found.end()
    return shown + escape(text[end:])
