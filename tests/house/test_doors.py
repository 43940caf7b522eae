"""What every door keeps to: nothing of the framework's reads a stranger's cookies or forms."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

DOORS = Path(__file__).parents[2] / "src/leadkeeper/doors"
INSTEAD = {"cookies": "doors.cookies.cookie", "form": "doors.forms.sent_form", "client": "doors.client_address"}


@pytest.mark.parametrize("path", sorted(DOORS.rglob("*.py")), ids=lambda path: str(path.relative_to(DOORS)))
def test_cookies_forms_and_addresses_are_read_in_one_place(path: Path) -> None:
    """``request.cookies`` and ``request.form()`` take time that grows with the square of what a stranger sent."""
    read = [
        f"line {node.lineno}: request.{node.attr}: use {INSTEAD[node.attr]}"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
        if node.value.id == "request" and node.attr in INSTEAD
    ]
    assert not read
