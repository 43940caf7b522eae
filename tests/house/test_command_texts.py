"""What commands say goes through the catalogue: no English stands in a call that shows it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.house.pages import ROOT

COMMANDS: Final = ROOT / "src/leadkeeper/doors/cli"
FILES: Final = sorted(path for path in COMMANDS.rglob("*.py") if path.name != "__init__.py")
SHOWS: Final = frozenset(
    {"say", "complain", "print", "print_line", "print_table", "print_named", "busy", "heading", "table"}
    | {"Failed", "Refused", "Arrival", "BadParameter", "add_task", "add_column", "print_advice"}
)
"""What shows a text to a person, or carries one there."""
PASSES: Final = frozenset({"spoken", "plain_text", "join_lazily", "Cell", "tuple", "list"})
"""What hands on the texts that it is given; of any other call it is not known what it answers."""
NO_TEXTS: Final = frozenset({"style", "indent", "key", "sep", "end", "justify", "title_justify", "file", "overflow"})
"""Arguments that name no text: a colour, a margin."""
TYPED: Final = re.compile(r"leadkeeper( [\w-]+)+|--[a-z-]+")
"""Commands and options as they are typed."""
_WORD: Final = re.compile(r"[^\W\d_]{3,}")
NAMES: Final = frozenset(
    {"PartitionKey", "RowKey", "LeadSource", "Email", "Description", "Azure Table", "Azure Blob"}
    | {"green", "yellow", "red", "[bold]", "[/bold]", "\n[bold]"}
)
"""Names of other systems, which are the same in every language, and marks of the terminal."""


def name_of(path: Path) -> str:
    """Where it is among the commands."""
    return path.relative_to(COMMANDS).as_posix()


def called(node: ast.Call) -> str:
    """The name of what is called, without what stands before its dot."""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def shown_of(node: ast.AST) -> Iterable[ast.AST]:
    """The parts of an expression that are shown with it."""
    match node:
        case ast.Call(func=ast.Attribute(attr="join", value=joint), args=args):
            return (joint, *args)
        case ast.Call(args=args) if called(node) in PASSES:
            return args
        case ast.Call() | ast.Subscript() | ast.Attribute() | ast.Compare():
            return ()
        case ast.IfExp(body=body, orelse=other):
            return (body, other)
        case ast.ListComp(elt=elt) | ast.GeneratorExp(elt=elt):
            return (elt,)
        case _:
            return ast.iter_child_nodes(node)


def english(node: ast.AST, known: dict[str, list[ast.expr]], seen: frozenset[str] = frozenset()) -> Iterator[str]:
    """The words in what is shown that no catalogue can tell; names are followed to what they were given nearby."""
    match node:
        case ast.Constant(value=str(text)):
            if _WORD.search(TYPED.sub("", text)) and text not in NAMES:
                yield text
        case ast.Name(id=name):
            for value in [] if name in seen else known.get(name, []):
                yield from english(value, known, seen | {name})
        case _:
            for each in shown_of(node):
                yield from english(each, known, seen)


def given_within(node: ast.AST) -> dict[str, list[ast.expr]]:
    """What names were given in a function, or in a file outside of them."""
    known: dict[str, list[ast.expr]] = {}
    for each in ast.walk(node):
        match each:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    if isinstance(target, ast.Name):
                        known.setdefault(target.id, []).append(value)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                known.setdefault(name, []).append(value)
    return known


def untold(source: str) -> list[str]:
    """Every English text that a file's commands show as it stands."""
    found: list[str] = []
    for function in ast.walk(ast.parse(source)):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        known = given_within(function)
        for call in ast.walk(function):
            if isinstance(call, ast.Call) and called(call) in SHOWS and ast.unparse(call.func) != "table":
                shown = [*call.args, *(each.value for each in call.keywords if each.arg not in NO_TEXTS)]
                found += [text for each in shown for text in english(each, known)]
    return sorted(set(found))


def test_what_a_command_shows_is_in_the_catalogue() -> None:
    found = {path: untold(path.read_text(encoding="utf-8")) for path in FILES}
    assert {name_of(path): texts for path, texts in found.items() if texts} == {}


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ('say("It is made.")', "It is made."),
        ('say(f"It is {made}, {count} times.")', " times."),
        ('raise Failed("There is none.")', "There is none."),
        ('typer.BadParameter(f"--to {to}: choose one")', ": choose one"),
        ('print_table((_("Id"), "Name"), rows, empty=_("There are none."))', "Name"),
        ('columns = ("Id", "Name")\n    print_table(columns, rows, empty=_("There are none."))', "Name"),
        ('print_table(columns, [(each.id, "yes" if each.done else _("no")) for each in found], empty=none)', "yes"),
        ('print_table(columns, rows, empty="There are none.")', "There are none."),
        ('say(_("It is made.") + (" It is new." if new else ""))', " It is new."),
        ('print_line(", ".join([name, "and others"]))', "and others"),
        ('screen.say(_("It is made."), "green")', None),
        ('say(_("%(name)s is made.", name=found["display name"]))', None),
        ('say(f"leadkeeper connections found {offer} {name}")', None),
    ],
)
def test_english_in_a_command_is_seen(line: str, text: str | None) -> None:
    found = untold(f"def command() -> None:\n    {line}\n")
    assert found == ([] if text is None else [text])
