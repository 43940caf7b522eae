"""What every door keeps to: nothing of the framework's reads a stranger's cookies or forms."""

from __future__ import annotations

import ast
import re
from pathlib import Path

DOORS = Path(__file__).parents[2] / "src/leadkeeper/doors"
INSTEAD = {"cookies": "doors.cookies.cookie", "form": "doors.forms.sent_form", "client": "doors.client_address"}


def test_cookies_forms_and_addresses_are_read_in_one_place() -> None:
    """``request.cookies`` and ``request.form()`` take time that grows with the square of what a stranger sent."""
    read = [
        f"{path.relative_to(DOORS)}:{node.lineno}: request.{node.attr}: use {INSTEAD[node.attr]}"
        for path in sorted(DOORS.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
        if node.value.id == "request" and node.attr in INSTEAD
    ]
    assert not read


def registered_elsewhere(source: str) -> list[str]:
    """What a module of the command line makes a command in another way than by a decorator above it."""
    tree = ast.parse(source)
    above = {id(each) for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) for each in node.decorator_list}
    return [
        ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "command"
        and id(node) not in above
    ]


def test_commands_are_registered_in_one_way() -> None:
    """Each stands below its decorator, in a module whose ``commands`` the group above adds to its own."""
    texts = {
        str(path.relative_to(DOORS)): path.read_text(encoding="utf-8") for path in sorted((DOORS / "cli").rglob("*.py"))
    }
    assert {name: found for name, text in texts.items() if (found := registered_elsewhere(text))} == {}
    with_commands = [text for text in texts.values() if "@commands.command(" in text]
    assert len(with_commands) > 20
    assert all(re.search(r"^commands = typer\.Typer\(", text, re.MULTILINE) for text in with_commands)
    assert registered_elsewhere("@commands.command()\ndef one(): ...\ncommands.command('two')(two)") == [
        "commands.command('two')"
    ]
