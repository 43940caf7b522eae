"""Links of our pages into the documentation lead to pages that are there, as a browser asks for them."""

from __future__ import annotations

import re
from typing import Final

from tests.house.pages import DOCS, ROOT, anchors, name_of

_LINK: Final = re.compile(r"""["'](/docs/[^"'{}]*)["']""")
_OWN: Final = re.compile(r"/docs/(api(/.*)?|accent\.css)?")
"""What the documentation's door itself answers."""


def dead(address: str) -> str:
    """What is wrong with an address below ``/docs``; empty for a good one."""
    path, _, anchor = address.partition("#")
    if _OWN.fullmatch(path):
        return ""
    page = DOCS / path.removeprefix("/docs/").replace(".html", ".md")
    if not path.endswith(".html") or not page.is_file():
        return "no such page"
    return "no such heading" if anchor and anchor not in anchors(page) else ""


def test_links_into_the_documentation_lead_somewhere() -> None:
    doors = ROOT / "src/leadkeeper/doors"
    files = [path for path in doors.rglob("*") if path.suffix in (".html", ".py") and "static" not in path.parts]
    found = [(name_of(path), link) for path in files for link in _LINK.findall(path.read_text(encoding="utf-8"))]
    assert len(found) > 6
    assert [each for each in found if dead(each[1])] == []


def test_a_dead_link_is_seen() -> None:
    assert dead("/docs/reference/webhooks/") == "no such page"
    assert dead("/docs/reference/nothing.html") == "no such page"
    assert dead("/docs/reference/webhooks.html#nothing") == "no such heading"
    assert dead("/docs/reference/webhooks.html") == ""
