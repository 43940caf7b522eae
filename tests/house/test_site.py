"""The pages make one site, strict on links and headings, that fetches nothing from other hosts."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from tests.house.pages import DOCS, ROOT, name_of

SECTIONS = ["Home", "Tutorial", "How-to guides", "Reference", "Explanation", "Project"]
COUNTED = ("ol", "ul", "li", "pre", "table", "h2", "h3")


def build(config: Path, site: Path) -> subprocess.CompletedProcess[str]:
    """Build the site as ``make docs`` does."""
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-f", str(config), "-d", str(site)]
    env = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=600, check=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site."""
    folder = tmp_path_factory.mktemp("site")
    built = build(ROOT / "mkdocs.yml", folder)
    assert built.returncode == 0, built.stderr
    return folder


def page_of(site: Path, page: Path) -> str:
    """The built HTML of a page's text, without what stands around it."""
    where = page.relative_to(DOCS).with_suffix(".html")
    html = (site / where.with_name(where.name.replace("README", "index"))).read_text(encoding="utf-8")
    article = re.search(r"<article.*?</article>", html, re.DOTALL)
    assert article, name_of(page)
    return article[0]


def test_every_page_is_there_and_reads_as_on_github(site: Path) -> None:
    """Markdown that the site takes otherwise than GitHub, such as a list without a blank line before it."""
    common = MarkdownIt("commonmark").enable("table")
    wrong = {}
    for page in sorted(DOCS.rglob("*.md")):
        ours = Counter(re.findall(r"<(\w+)[ >]", page_of(site, page)))
        theirs = Counter(re.findall(r"<(\w+)[ >]", common.render(page.read_text(encoding="utf-8"))))
        if differs := {tag: (ours[tag], theirs[tag]) for tag in COUNTED if ours[tag] != theirs[tag]}:
            wrong[name_of(page)] = differs
    assert wrong == {}


def test_pages_at_the_root_are_part_of_it(site: Path) -> None:
    """So their links are checked too, and lead from one to the other."""
    assert 'href="../tutorial.html"' in (site / "project/readme.html").read_text(encoding="utf-8")
    assert 'href="../howto/add-a-destination.html"' in (site / "project/contributing.html").read_text(encoding="utf-8")
    assert 'href="project/contributing.html"' in page_of(site, DOCS / "index.md")
    assert 'href="project/security.html"' in page_of(site, DOCS / "security.md")


def test_nothing_is_fetched_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        html = page.read_text(encoding="utf-8")
        fetched = re.findall(r"<(?:script|img|iframe|source)[^>]*\ssrc=\"?([^\s\">]+)", html)
        fetched += re.findall(r"<link[^>]*rel=\"?(?:stylesheet|icon|preconnect|preload)[^>]*href=\"?([^\s\">]+)", html)
        assert fetched, page
        assert [address for address in fetched if re.match(r"(https?:)?//", address)] == [], page
    for style in site.rglob("*.css"):
        assert not re.search(r"url\(['\"]?(https?:)?//", style.read_text(encoding="utf-8")), style


def test_what_somebody_looks_for_is_in_the_search(site: Path) -> None:
    index: Any = json.loads((site / "search/search_index.json").read_text(encoding="utf-8"))
    texts = {entry["location"]: entry["text"] for entry in index["docs"]}
    assert any("schedule.py" in text for where, text in texts.items() if where.startswith("architecture.html"))
    assert any(where.startswith("reference/diagnoses.html#") for where in texts)


def test_the_kinds_of_pages_are_told_apart_and_both_themes_are_there(site: Path) -> None:
    html = (site / "index.html").read_text(encoding="utf-8")
    tabs = re.search(r'<nav class="md-tabs".*?</nav>', html, re.DOTALL)
    assert tabs
    assert re.sub(r"\s*<[^>]*>\s*", "|", tabs[0]).replace("|", " ").split() == " ".join(SECTIONS).split()
    assert re.findall(r'data-md-color-scheme="?(\w+)', html)[-2:] == ["default", "slate"]


def one_page(folder: Path, line: str) -> subprocess.CompletedProcess[str]:
    """Build a site of one page that holds ``line``, by the settings of the real one."""
    (folder / "docs").mkdir()
    (folder / "docs/index.md").write_text(f"# Home\n\n{line}\n", encoding="utf-8")
    config = folder / "mkdocs.yml"
    config.write_text(f"INHERIT: {ROOT}/mkdocs.yml\nnav: [index.md]\nhooks: []\nnot_in_nav: ''\n", encoding="utf-8")
    return build(config, folder / "site")


@pytest.mark.parametrize(
    "line", ["[gone](no-such-page.md)", "[gone](index.md#no-such-heading)", "[gone](/absolute)", "[x](../src/x.md)"]
)
def test_a_broken_link_fails_the_build(line: str, tmp_path: Path) -> None:
    built = one_page(tmp_path, line)
    assert built.returncode == 1
    assert "index.md" in built.stderr


def test_a_link_that_holds_passes(tmp_path: Path) -> None:
    assert one_page(tmp_path, "[here](index.md#home)").returncode == 0
