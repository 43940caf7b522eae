"""What a file of ours cites is in the repository: pages, their headings, decisions, modules."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.house.pages import DOCS, PAGES, ROOT, anchors, name_of, spans

OUTSIDE = re.compile(
    r"(?<![\w/])facts/|\(facts[:,] |\bfacts \d|\b(?:of|from) the facts\b"
    r"|\bDESIGN\b|\bSTYLE\.md\b"
)
"""How somebody cites notes that whoever clones the repository does not have."""

TEXTS = sorted(
    path
    for folder in ("src", "tests", "bench", "scripts", ".ci", "docs")
    for path in (ROOT / folder).rglob("*")
    if path.is_file()
    and path.suffix in {"", ".css", ".html", ".js", ".md", ".po", ".py", ".sh", ".toml", ".yml"}
    and not {"static", "__pycache__", "node_modules"} & set(path.parts)
    and path != Path(__file__)
) + sorted(path for path in ROOT.iterdir() if path.is_file() and path.suffix in {".md", ".toml", ".yml"})

MODULES = [path for path in TEXTS if path.suffix == ".py"]
_PAGE = re.compile(r"(?<![\w./-])(docs/[\w/.-]+\.md)(?:#([\w-]+))?")
_DECISION = re.compile(r"\bdecisions? \(?(?:no\. ?)?(\d{4})\b", re.IGNORECASE)
_NUMBER = re.compile(r"(?<![\w.#/-])(00\d{2})(?![\w.])")
_PATH = re.compile(r"(?:[\w<>.*-]+/)*[\w<>*-]+\.(?:py|md|toml|css|js|html|txt|po)|(?:[\w<>.*-]+/)+[\w<>*-]*")
_SERVICES = re.compile(r"src/|tests/|docs/|bench/|scripts/|requirements/")


def outside(text: str) -> list[str]:
    """The lines of ``text`` that cite something outside the repository."""
    return [line.strip() for line in text.splitlines() if OUTSIDE.search(line)]


def wrong_pages(text: str) -> Iterator[str]:
    """The pages and headings that ``text`` cites and that are not there."""
    for page, anchor in _PAGE.findall(text):
        if not (ROOT / page).is_file():
            yield page
        elif anchor and anchor not in anchors(ROOT / page):
            yield f"{page}#{anchor}"


def is_there(path: str) -> bool:
    """Whether ``path`` is a file or folder, from the root or the package; ``<name>`` may be anything."""
    pattern = re.sub(r"<[^>]*>", "*", path).rstrip("/")
    bases = (ROOT, ROOT / "src/leadkeeper", ROOT / "tests/contracts", ROOT / "src/leadkeeper/doors")
    return any(next(base.glob(pattern), None) is not None for base in bases)


def wrong_paths(page: Path) -> Iterator[str]:
    """The files that ``page`` names as code and that are not there; other people's folders are not meant."""
    for span in spans(page):
        path = span.partition("::")[0]
        ours = _SERVICES.match(path) or (path.endswith(".py") and "/" in path)
        if ours and _PATH.fullmatch(path) and not is_there(path):
            yield span


def flaws(paths: Iterable[Path], found: Callable[[Path], Iterable[str]]) -> dict[str, list[str]]:
    """What is wrong in each of the files; nothing for one in which nothing is. One test for all: they are many."""
    return {name_of(path): wrong for path in paths if (wrong := [*found(path)])}


def test_nothing_outside_the_repository_is_cited() -> None:
    def found(path: Path) -> Iterator[str]:
        text = path.read_text(encoding="utf-8")
        yield from outside(text)
        yield from wrong_pages(text)

    assert flaws(TEXTS, found) == {}


def test_modules_cite_a_decision_by_its_page() -> None:
    """A number alone goes unnoticed when it is the wrong one; the page's name says what was decided."""
    assert flaws(MODULES, lambda path: _DECISION.findall(path.read_text(encoding="utf-8"))) == {}


def test_files_that_a_page_names_are_there() -> None:
    assert flaws(PAGES, wrong_paths) == {}


def test_decisions_are_numbered_and_listed() -> None:
    pages = sorted((DOCS / "decisions").glob("0*.md"))
    numbers = [int(page.name[:4]) for page in pages]
    assert all(after == before + 1 for before, after in pairwise(numbers))
    listed = (DOCS / "decisions/README.md").read_text(encoding="utf-8")
    assert [page.name for page in pages if f"[{page.name[:4]}]({page.name})" not in listed] == []
    known = {page.name[:4] for page in pages}
    for page in PAGES:
        assert set(_NUMBER.findall(page.read_text(encoding="utf-8"))) - known == set(), name_of(page)


_SOURCE = r"(?:\[[^\]]+\](?:\[\w+\]|\(https://[^)]+\))|observed|unverified)"
_SOURCED = re.compile(rf"\| .+ \| {_SOURCE}(?:, {_SOURCE})* \|")
VENDORS = sorted((DOCS / "reference/vendors").glob("*.md"))


def unsourced(text: str) -> list[str]:
    """The rows of a vendor's page that name no source: a link, that it was observed, or that it is unverified."""
    tables = re.findall(r"^\| rule \| source \|\n\|[-|]+\|\n((?:\|.*\n)+)", text, re.MULTILINE)
    rows = [row for table in tables for row in table.splitlines()]
    return [row for row in rows if not _SOURCED.fullmatch(row)]


@pytest.mark.parametrize("page", VENDORS, ids=name_of)
def test_every_rule_of_a_vendor_names_where_it_can_be_read(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert unsourced(text) == []
    assert page.name == "README.md" or "| rule | source |" in text
    used, defined = set(re.findall(r"\]\[(\w+)\]", text)), set(re.findall(r"^\[(\w+)\]: https://", text, re.MULTILINE))
    assert used == defined


def test_wrong_citations_are_found() -> None:
    for line in ("Source: ``facts/x.md`` 4.1.", "as DESIGN 5 says", "every code of the facts"):
        assert outside(line) == [line]
    row = "| It answers 200. | somewhere |"
    assert unsourced(f"| rule | source |\n|---|---|\n{row}\n| So. | [a][b], observed |\n") == [row]
    assert outside("The artefacts/build folder, facts that we know, and a redesign.") == []
    assert list(wrong_pages("``docs/no-such-page.md``")) == ["docs/no-such-page.md"]
    assert list(wrong_pages("``docs/security.md#no-such-heading``")) == ["docs/security.md#no-such-heading"]
    assert list(wrong_pages("``docs/security.md#against-whom``")) == []
    assert _DECISION.findall("see decision 0002") == ["0002"]
    assert is_there("intake/keep.py")
    assert is_there("docs/destinations/<name>.md")
    assert not is_there("intake/nobody.py")
