"""Every link between our own pages leads somewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])

_FENCE = re.compile(r"^(```|~~~).*?^\1", re.DOTALL | re.MULTILINE)
_CODE = re.compile(r"`[^`\n]*`")
_LINK = re.compile(r"!?\[[^\]]*\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)|^\[[^\]]+\]:\s+(\S+)", re.MULTILINE)
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)
_ANCHOR = re.compile(r"<a\s+(?:id|name)=\"([^\"]+)\"")


def links(page: Path) -> Iterator[str]:
    """The targets of the links in ``page``, without those inside code."""
    text = _CODE.sub("", _FENCE.sub("", page.read_text(encoding="utf-8")))
    for match in _LINK.finditer(text):
        yield match[1] or match[2]


def anchors(page: Path) -> set[str]:
    """The names that ``page#name`` may use: headings as GitHub spells them, and explicit ones."""
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    found = set(_ANCHOR.findall(text))
    for heading in _HEADING.findall(text):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").lower()
        slug = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        number = 0
        while (name := f"{slug}-{number}" if number else slug) in found:
            number += 1
        found.add(name)
    return found


def wrong_with(target: str, page: Path) -> str | None:
    """Why the link ``target`` on ``page`` leads nowhere, or ``None``. Other sites are not asked."""
    if re.match(r"[a-z][a-z0-9+.-]*:", target):
        return None
    name, _, anchor = target.partition("#")
    there = (page.parent / name).resolve() if name else page
    if not there.exists():
        return "there is no such file"
    if not there.is_relative_to(ROOT):
        return "leads out of the project"
    if anchor and there.suffix == ".md" and anchor not in anchors(there):
        return "there is no such heading"
    return None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_of_a_page_resolve(page: Path) -> None:
    wrong = {target: why for target in links(page) if (why := wrong_with(target, page))}
    assert not wrong


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    page = ROOT / "CONTRIBUTING.md"
    assert wrong_with("no-such-page.md", page) == "there is no such file"
    assert wrong_with("CHANGELOG.md#no-such-heading", page) == "there is no such heading"
    assert wrong_with("CHANGELOG.md#unreleased", page) is None
    sample = tmp_path / "sample.md"
    sample.write_text("[a](x.md) `[b](y.md)`\n\n```\n[c](z.md)\n```\n\n[d]: w.md\n")
    assert list(links(sample)) == ["x.md", "w.md"]
