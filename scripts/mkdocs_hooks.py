"""What MkDocs does beyond its settings: pages at the root of the repository become pages of the site.

So their links are checked like those of every other page, and a page of ``docs/`` may link to them.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
AT_ROOT = {
    "README.md": "project/readme.md",
    "CONTRIBUTING.md": "project/contributing.md",
    "CHANGELOG.md": "project/changelog.md",
    "SECURITY.md": "project/security.md",
}
SOURCE = {site: name for name, site in AT_ROOT.items()}
_CELL = re.compile(r"<td[ >].*?</td>", re.DOTALL)
_CODE = re.compile(r"<code>[^<]*</code>")
_LINK = re.compile(r"(?<=\]\()(?![a-z][a-z0-9+.-]*:|[#/])([^)#\s]+)")


def on_files(files: Files, *, config: Any) -> Files:
    """The pages at the root come in beside those of ``docs/``."""
    for name, site in AT_ROOT.items():
        files.append(File.generated(config, site, content=(ROOT / name).read_text(encoding="utf-8")))
    return files


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Links between the root and ``docs/`` lead to where these pages are in the site."""
    here = page.file.src_uri

    def moved(match: re.Match[str]) -> str:
        source = posixpath.normpath(posixpath.join(posixpath.dirname(SOURCE.get(here, f"docs/{here}")), match[1]))
        if here not in SOURCE and source not in AT_ROOT:
            return match[1]  # within docs/
        there = AT_ROOT.get(source) or source.removeprefix("docs/")
        return posixpath.relpath(there, posixpath.dirname(here) or ".")

    return _LINK.sub(moved, markdown)


def on_post_page(output: str, **_: Any) -> str:
    """Names in tables may break after ``_``, ``/`` and ``.``, so that a table fits on a telephone."""

    def breaks(code: re.Match[str]) -> str:
        return re.sub(r"(?<=\w)([_/.]+)(?=[\w{])", r"\1<wbr>", code[0].removeprefix("<code>")).join(("<code>", ""))

    return _CELL.sub(lambda cell: _CODE.sub(breaks, cell[0]), output)
