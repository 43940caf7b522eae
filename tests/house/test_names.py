"""The field's terms are used: no name, path, public key, comment or page has an old word. One name means one thing."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from babel.messages.pofile import read_po

from tests.house.openapi import openapi_document
from tests.house.pages import ROOT

PACKAGE = ROOT / "src/leadkeeper"

OLD_WORDS = frozenset(
    {"rooms", "house", "lane", "lanes", "press", "dice", "told", "said", "heard", "unheard", "untold"}
    | {"trial", "trials", "epoch", "desk", "mend", "far"}
)
"""Words of no name in the package; what replaces each is services, installation, queue, ..."""
OLD_NAMES = frozenset({"Again", "Act", "open_line", "after_lost", "lost_delays"})
OF_OTHERS = frozenset({"FREE_TRIAL", "FREE_TRIAL_NOTE", "freeTrial", "_EPOCH", "_TICKS_AT_EPOCH"})
"""Microsoft's free trial, and when clocks begin to count."""
OLD_PROSE = re.compile(
    r"\b(?:lanes?|dice|far sides?|(?<!\*)mend(?:s|ed|ing)?|epochs?|toldBy|rooms(?:\.py)?|on trial|the trial"
    r"|needs? somebody|stands here"
    r"|(?<!tests/)(?<!tests\.)houses?(?! rules)|(?:others'|another's|intake's) acts?)(?![\w/])"
    r"|``(?:told|heard|trials?|press)``",
    re.IGNORECASE,
)
"""What is said otherwise now, in comments, docstrings, pages and texts."""
TEMPLATE_NAME = re.compile(
    r"""\b(?:id|class|for|name|aria-[a-z]+)="([^"]*)"|\{%-?\s*(?:set|macro|for)\s+(\w+)|\{\{-?\s*(\w+)"""
)
"""Where a template names something of ours: ids and classes, fields, its own variables and macros."""

MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "versions" not in path.parts)
SOURCES = sorted([*MODULES, *(ROOT / "tests").rglob("*.py"), *(ROOT / "bench").rglob("*.py")])
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md")])
TEMPLATES = sorted(path for path in PACKAGE.rglob("*.html") if "static" not in path.parts)
CATALOGUES = sorted((PACKAGE / "locale").rglob("*.po"))

SHARED: Mapping[str, str] = {
    "main": "where a process begins: the program's, and the demo's guard's",
}
"""Public names that two modules define although they could meet, each with its reason."""


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


def prose_in(source: str) -> Iterator[str]:
    """The lines of a module's comments and docstrings."""
    before = tokenize.NEWLINE
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.string
        elif token.type != tokenize.NL:
            alone = before in (tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
            if token.type == tokenize.STRING and alone:
                yield from token.string.splitlines()
            before = token.type


def names_of_template(source: str) -> Iterator[str]:
    """The ids, classes, fields, variables and macros of a template."""
    for found in TEMPLATE_NAME.finditer(source):
        yield from re.findall(r"[A-Za-z_][\w-]*", " ".join(filter(None, found.groups())))


def names_of_document(value: Any) -> Iterator[str]:
    """Every key of a JSON document and what it lists as names: parameters, operations, values to choose from."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            if key in ("name", "operationId") and isinstance(inner, str):
                yield inner
            elif key == "enum":
                yield from map(str, inner)
            yield from names_of_document(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from names_of_document(inner)


def public_names(source: str) -> set[str]:
    """The classes and functions that a module defines for others; a command of the program is for nobody else."""
    return {
        node.name
        for node in ast.parse(source).body
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name[0] != "_"
        and not any("command" in ast.unparse(each) for each in node.decorator_list)
    }


def area(module: str) -> tuple[str, ...]:
    """The part of the package that keeps to itself: a door, a stand-in; empty for all that the rest may import."""
    first, *rest = module.split("/")
    return () if first not in ("doors", "sandbox") else (first, *rest[:1]) if len(rest) > 1 else (first,)


def may_meet(one: str, other: str) -> bool:
    """Whether two modules may stand in one import list.

    Doors do not import one another, nor do stand-ins, and a stand-in imports nothing of ours: the import contracts say
    so. Two of those have the same roles, and the same names for them.
    """
    outer, inner = sorted((area(one), area(other)), key=len)
    return inner[: len(outer)] == outer and (outer != () or inner[:1] != ("sandbox",))


def with_two_meanings(modules: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """The public names that two of the modules, given as path and source, define although they may meet."""
    places: defaultdict[str, list[str]] = defaultdict(list)
    for module, source in modules:
        for name in public_names(source):
            places[name].append(module)
    found: dict[str, list[str]] = {}
    for name, where in sorted(places.items()):
        meeting = {module for pair in combinations(where, 2) if may_meet(*pair) for module in pair}
        if meeting:
            found[name] = sorted(meeting)
    return found


def test_no_name_is_old() -> None:
    found: dict[str, list[str]] = {}
    for module in MODULES:
        path = module.relative_to(PACKAGE)
        names = {*names_in(module.read_text()), *path.with_suffix("").parts}
        found[str(path)] = sorted(name for name in names if is_old(name))
    assert {path: names for path, names in found.items() if names} == {}


def test_no_page_uses_an_old_word() -> None:
    found = {page: [line for line in page.read_text().splitlines() if OLD_PROSE.search(line)] for page in PAGES}
    assert {str(page.relative_to(ROOT)): lines for page, lines in found.items() if lines} == {}


def test_no_comment_uses_an_old_word() -> None:
    found = {module: [line for line in prose_in(module.read_text()) if OLD_PROSE.search(line)] for module in SOURCES}
    assert {str(module.relative_to(ROOT)): lines for module, lines in found.items() if lines} == {}


def test_no_template_has_an_old_name() -> None:
    found: dict[str, list[str]] = {}
    for template in TEMPLATES:
        source = template.read_text()
        names = sorted({name for name in names_of_template(source) if is_old(name)})
        lines = [line for line in source.splitlines() if OLD_PROSE.search(line)]
        found[str(template.relative_to(PACKAGE))] = [*names, *lines]
    assert {path: old for path, old in found.items() if old} == {}


@pytest.mark.parametrize("catalogue", CATALOGUES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_text_uses_an_old_word(catalogue: Path) -> None:
    with catalogue.open("rb") as file:
        texts = [text for message in read_po(file) for text in (message.id, message.context) if text]
    singular = [each for text in texts for each in (text if isinstance(text, tuple | list) else [text])]
    assert len(singular) > 1_000
    assert [text for text in singular if OLD_PROSE.search(text)] == []


def test_the_api_has_no_old_name() -> None:
    names = set(names_of_document(openapi_document()))
    assert {"publisherId", "contactMe", "deliveries"} <= names
    assert sorted(name for name in names if is_old(name)) == []


def test_each_public_name_means_one_thing() -> None:
    found = with_two_meanings((str(path.relative_to(PACKAGE)), path.read_text()) for path in MODULES)
    assert {name: modules for name, modules in found.items() if name not in SHARED} == {}
    assert sorted(SHARED) == [name for name in found if name in SHARED], "an exception that is none"


def test_old_names_are_found() -> None:
    source = 'class PublishingDesk:\n    told_at: int\n\n\nsaid = {"toldBy": f"{dice}"}\n'
    assert {name for name in names_in(source) if is_old(name)} == {
        "PublishingDesk", "told_at", "said", "toldBy", "dice",
    }  # fmt: skip
    assert not is_old("FREE_TRIAL")
    assert not is_old("households")


def test_old_words_are_found_in_comments_alone() -> None:
    source = '"""A lane."""\nx = "a lane of text"  # the dice\n\n\ndef f(a: int = 1) -> None:\n    """On trial."""\n'
    assert [line for line in prose_in(source) if OLD_PROSE.search(line)] == [
        '"""A lane."""',
        "# the dice",
        '"""On trial."""',
    ]
    assert not OLD_PROSE.search("make check ARGS=tests/house and the house rules of a warehouse")


def test_old_names_are_found_in_templates() -> None:
    source = '<p class="card told-ok" id="said">{% macro heard(x) %}{% set dice = 1 %}{{ lane.name }}{{ told }}</p>'
    assert {name for name in names_of_template(source.replace("-", "_")) if is_old(name)} == {
        "told_ok", "said", "heard", "dice", "lane", "told",
    }  # fmt: skip


def test_old_names_are_found_in_documents() -> None:
    document = {"paths": {"/": {"operationId": "said_it", "parameters": [{"name": "toldBy"}], "enum": ["untold"]}}}
    assert {name for name in names_of_document(document) if is_old(name)} == {"said_it", "toldBy", "untold"}


def test_two_meanings_are_found() -> None:
    one, two = "class Kept: ...\ndef _own(): ...", "def Kept(): ...\ndef _own(): ..."
    assert with_two_meanings([("a.py", one), ("b/b.py", two)]) == {"Kept": ["a.py", "b/b.py"]}
    assert with_two_meanings([("a.py", one), ("doors/api/b.py", two)]) == {"Kept": ["a.py", "doors/api/b.py"]}
    assert with_two_meanings([("sandbox/a.py", one), ("sandbox/x/b.py", two)]) != {}
    for apart in ("doors/portal/a.py", "sandbox/a.py", "sandbox/x/a.py"):
        assert with_two_meanings([(apart, one), ("doors/api/b.py", two)]) == {}, apart


def test_a_command_is_no_public_name() -> None:
    assert public_names("@app.command()\ndef put(): ...\n\n\n@cache\ndef get(): ...") == {"get"}
