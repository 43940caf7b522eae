"""Files say one thing and functions fit on a screen. Over the limit: ask which two things it does, and part them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
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


def too_long(path: Path) -> list[str]:
    """What of the module does not fit."""
    text = path.read_text(encoding="utf-8")
    lines = len(text.splitlines())
    found = [f"{lines} lines"] if lines > FILE_LINES else []
    limit = TEST_FUNCTION_LINES if name_of(path).startswith("tests/") else FUNCTION_LINES
    if "migrations/versions" not in name_of(path):  # those list the tables as they were then
        for name, line, size in functions(ast.parse(text)):
            if size > limit:
                found.append(f"{name} (line {line}): {size} lines")
    return found


def test_modules_are_of_a_readable_size() -> None:
    assert {name_of(path): long for path in EVERY_MODULE if (long := too_long(path))} == {}


def test_modules_say_what_they_are() -> None:
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in EVERY_MODULE}
    assert [name_of(path) for path, tree in trees.items() if tree.body and not ast.get_docstring(tree)] == []
