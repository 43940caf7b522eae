"""Files say one thing and functions fit on a screen. Over the limit: ask which two things it does, and part them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILE_LINES = 400
FUNCTION_LINES = 60
MODULES = sorted(path for folder in ("src", "bench") for path in (ROOT / folder).rglob("*.py"))
EVERY_MODULE = sorted([*MODULES, *(ROOT / "tests").rglob("*.py")])


def functions(tree: ast.AST) -> Iterator[tuple[str, int, int]]:
    """Name, first line and length of every function in ``tree``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, node.lineno, (node.end_lineno or node.lineno) - node.lineno + 1


def name_of(path: Path) -> str:
    """The path as one would type it."""
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_is_of_a_readable_size(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    lines = len(text.splitlines())
    assert lines <= FILE_LINES
    if "migrations/versions" in name_of(path):
        return  # a list of tables as they were then; history is not rearranged
    long = [
        f"{name} (line {line}): {size} lines"
        for name, line, size in functions(ast.parse(text))
        if size > FUNCTION_LINES
    ]
    assert not long


@pytest.mark.parametrize("path", EVERY_MODULE, ids=name_of)
def test_a_module_says_what_it_is(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert not tree.body or ast.get_docstring(tree), "the module lacks a docstring"
