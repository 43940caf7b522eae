"""Every threat on the security page names tests that exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "security.md"
NAMED = re.findall(r"`(tests/[\w/]+\.py)::([\w:]+)`", PAGE.read_text(encoding="utf-8"))


def names(body: list[ast.stmt], prefix: str = "") -> set[str]:
    """The tests in a module or class, as pytest names them."""
    found = set()
    for node in body:
        if isinstance(node, ast.ClassDef):
            found |= names(node.body, f"{prefix}{node.name}::")
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            found.add(prefix + node.name)
    return found


@pytest.mark.parametrize(("path", "name"), NAMED, ids=lambda text: text)
def test_a_threat_is_held_by_a_test_that_exists(path: str, name: str) -> None:
    assert name in names(ast.parse((ROOT / path).read_text(encoding="utf-8")).body)


def test_every_row_names_one() -> None:
    rows = [
        line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ") and "::" not in line
    ]
    heads = ("| what |", "| threat |", "|---")
    threats = PAGE.read_text(encoding="utf-8").partition("## What holds each threat")[2]
    assert not [row for row in rows if row in threats and not row.startswith(heads)]
    assert len(NAMED) > 20
