"""Where our pages are, and the names by which links and docstrings may point into them."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])

_FENCE = re.compile(r"^ *(```|~~~).*?^ *\1", re.DOTALL | re.MULTILINE)
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)
_CODE = re.compile(r"`([^`\n]+)`")


def name_of(path: Path) -> str:
    """The path as one would type it."""
    return path.relative_to(ROOT).as_posix()


def prose(page: Path) -> str:
    """The text of ``page`` without its blocks of code."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def spans(page: Path) -> list[str]:
    """What ``page`` shows as code within its text."""
    return _CODE.findall(prose(page))


def anchors(page: Path) -> set[str]:
    """The names that ``page#name`` may use: its headings, spelled as GitHub and the site spell them."""
    found = set()
    for heading in _HEADING.findall(prose(page)):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").lower()
        found.add(re.sub(r"[^\w\- ]", "", plain).replace(" ", "-"))
    return found


def section(page: Path, heading: str) -> str:
    """The text below ``heading``, with its subsections; empty when there is no such heading."""
    text = page.read_text(encoding="utf-8")
    level = re.match("#+", heading)
    assert level, heading
    found = re.search(rf"^{re.escape(heading)}\n(.*?)(?=^#{{1,{len(level[0])}}} |\Z)", text, re.DOTALL | re.MULTILINE)
    return found[1] if found else ""
