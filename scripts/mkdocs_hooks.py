"""What MkDocs does beyond its settings: pages at the root of the repository become pages of the site.

So their links are checked like those of every other page, and a page of ``docs/`` may link to them. The theme's scripts
that stand within pages become files, so that the program can serve the site under a policy that runs no others.
"""

from __future__ import annotations

import hashlib
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
_SECTION = re.compile(r'aria-labelledby="__nav_(\w+)_label"')
_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
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


def on_pre_build(**_: Any) -> None:
    """A build begins with no scripts."""
    _scripts.clear()


_scripts: dict[str, str] = {}


def on_post_template(output_content: str, *, template_name: str, **_: Any) -> str:
    """A page of the theme's own, such as that for a wrong address, stands at the root."""
    return _without_scripts(output_content, template_name)


def on_post_build(*, config: Any) -> None:
    """The scripts of all pages, once each."""
    for name, text in _scripts.items():
        file = Path(config.site_dir) / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


def _without_scripts(html: str, where: str) -> str:
    def moved(match: re.Match[str]) -> str:
        name = f"assets/scripts/{hashlib.sha256(match[1].encode()).hexdigest()[:12]}.js"
        _scripts[name] = match[1]
        return f'<script src="{posixpath.relpath(name, posixpath.dirname(where) or ".")}"></script>'

    return _SCRIPT.sub(moved, html)


def on_post_page(output: str, *, page: Any, **_: Any) -> str:
    """Names in tables may break after ``_``, ``/`` and ``.``, so that a table fits on a telephone."""

    def breaks(code: re.Match[str]) -> str:
        return re.sub(r"(?<=\w)([_/.]+)(?=[\w{])", r"\1<wbr>", code[0].removeprefix("<code>")).join(("<code>", ""))

    html = _CELL.sub(lambda cell: _CODE.sub(breaks, cell[0]), output)
    return _without_scripts(_named(html), page.file.dest_uri)


def _named(html: str) -> str:
    """What the theme leaves to guess for those who do not see it: what a dialog is for, and where to scroll."""
    dialog = 'data-md-component="search" role="dialog"'
    html = html.replace(dialog, f'{dialog} aria-label="Search"')
    html = _SECTION.sub(lambda found: f'aria-label="Section {found[1].replace("_", ".")}"', html)
    return html.replace("<table>", '<table tabindex="0">')
