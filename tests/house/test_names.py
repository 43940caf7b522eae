"""The field's terms are used: no name, path or public key has an old word. One public name means one thing."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests.house.pages import ROOT

PACKAGE = ROOT / "src/leadkeeper"

OLD_WORDS = frozenset(
    {"rooms", "house", "lane", "lanes", "press", "dice", "told", "said", "heard", "unheard", "untold"}
    | {"trial", "trials", "epoch", "desk", "mend", "far"}
)
"""Words of no name in the package; what replaces each is services, installation, queue, ..."""
OLD_NAMES = frozenset({"Again", "Act", "open_line", "after_lost", "lost_delays"})
OF_OTHERS = frozenset({"FREE_TRIAL", "FREE_TRIAL_NOTE", "_EPOCH", "_TICKS_AT_EPOCH"})
"""Microsoft's free trial, and the calendar's epochs."""
OLD_PROSE = re.compile(r"\b(?:lanes?|dice|far side|mend(?:s|ed|ing)?|epochs?|toldBy|rooms\.py)\b", re.IGNORECASE)

MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "versions" not in path.parts)
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md")])

ONE_MEANING = ("destinations", "delivery")
SHARED = frozenset({"PROVIDER", "log"})
"""Each destination's package has its ``PROVIDER``, each module its own log."""


def words(name: str) -> list[str]:
    """The words of an identifier or a key, in small letters."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return [word.lower() for word in apart.split("_") if word]


def is_old(name: str) -> bool:
    """Whether a name has an old word."""
    if name in OF_OTHERS:
        return False
    return name in OLD_NAMES or not OLD_WORDS.isdisjoint(words(name))


def names_in(source: str) -> Iterator[str]:
    """The identifiers of a module, and those of its texts that are a key or a column."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.NAME:
            yield token.string
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Dict):
            yield from (key.value for key in node.keys if isinstance(key, ast.Constant) and isinstance(key.value, str))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "Column":
            yield from (str(arg.value) for arg in node.args[:1] if isinstance(arg, ast.Constant))
        elif isinstance(node, ast.JoinedStr):
            yield from (each.id for each in ast.walk(node) if isinstance(each, ast.Name))


def public_names(source: str) -> Iterator[str]:
    """The classes and functions that a module defines for others."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.name[0] != "_":
            yield node.name


def with_two_meanings(modules: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """The public names that more than one of the modules, given as name and source, defines."""
    places: defaultdict[str, list[str]] = defaultdict(list)
    for module, source in modules:
        for name in public_names(source):
            places[name].append(module)
    return {name: found for name, found in sorted(places.items()) if len(found) > 1 and name not in SHARED}


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_name_is_old(module: Path) -> None:
    assert sorted({name for name in names_in(module.read_text()) if is_old(name)}) == []
    assert [part for part in module.relative_to(PACKAGE).with_suffix("").parts if is_old(part)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_page_uses_an_old_word(page: Path) -> None:
    assert [line for line in page.read_text().splitlines() if OLD_PROSE.search(line)] == []


def test_each_public_name_means_one_thing() -> None:
    paths = [PACKAGE / "services.py", *(path for of in ONE_MEANING for path in sorted((PACKAGE / of).rglob("*.py")))]
    assert with_two_meanings((str(path.relative_to(PACKAGE)), path.read_text()) for path in paths) == {}


def test_old_names_are_found() -> None:
    source = 'class PublishingDesk:\n    told_at: int\n\n\nsaid = {"toldBy": f"{dice}"}\n'
    assert {name for name in names_in(source) if is_old(name)} == {
        "PublishingDesk", "told_at", "said", "toldBy", "dice",
    }  # fmt: skip
    assert not is_old("FREE_TRIAL")
    assert not is_old("households")


def test_two_meanings_are_found() -> None:
    assert with_two_meanings(
        [("a", "class Kept: ...\ndef _own(): ..."), ("b", "def Kept(): ...\ndef _own(): ...")]
    ) == {"Kept": ["a", "b"]}
