"""Files say one thing and functions fit on a screen. Over the limit: ask which two things it does, and part them."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILE_LINES = 400
FUNCTION_LINES = 45
TEST_FUNCTION_LINES = 60
"""A test may tell a longer story."""
EVERY_MODULE = sorted(path for folder in ("src", "bench", "tests") for path in (ROOT / folder).rglob("*.py"))


def functions(tree: ast.AST) -> Iterator[tuple[str, int, int]]:
    """Name, first line and length of every function in ``tree``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, node.lineno, (node.end_lineno or node.lineno) - node.lineno + 1


def name_of(path: Path) -> str:
    """The path as one would type it."""
    return str(path.relative_to(ROOT))


@dataclass(frozen=True)
class Read:
    """What is known of a module once it is read."""

    too_long: tuple[str, ...]
    says_what_it_is: bool


@functools.cache
def read(path: Path) -> Read:
    """The module, parsed once for both tests; of its syntax tree nothing stays."""
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    lines = len(text.splitlines())
    found = [f"{lines} lines"] if lines > FILE_LINES else []
    limit = TEST_FUNCTION_LINES if name_of(path).startswith("tests/") else FUNCTION_LINES
    if "migrations/versions" not in name_of(path):  # those list the tables as they were then
        found += [f"{name} (line {line}): {size} lines" for name, line, size in functions(tree) if size > limit]
    return Read(tuple(found), not tree.body or bool(ast.get_docstring(tree)))


def test_modules_are_of_a_readable_size() -> None:
    assert {name_of(path): long for path in EVERY_MODULE if (long := read(path).too_long)} == {}


def test_modules_say_what_they_are() -> None:
    assert [name_of(path) for path in EVERY_MODULE if not read(path).says_what_it_is] == []
