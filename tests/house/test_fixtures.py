"""The tests of the stand-ins share their fixtures: what two of their modules need alike is made in one place."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable

from tests.house.pages import ROOT, name_of

MODULES = sorted((ROOT / "tests/contracts").glob("test_sandbox_*.py"))


def makes(decorator: ast.expr) -> bool:
    """Whether it makes a function a fixture."""
    return ast.unparse(decorator).partition("(")[0].endswith(".fixture")


def fixtures(source: str) -> dict[str, str]:
    """The fixtures of a module: what each does, without its docstring, and its name."""
    found = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and any(map(makes, node.decorator_list)):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            found["\n".join(map(ast.unparse, [node.args, *body]))] = node.name
    return found


def repeated(modules: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """The fixtures that two of the modules, given as name and source, define alike, with where they do."""
    where: defaultdict[str, list[str]] = defaultdict(list)
    for module, source in modules:
        for body, name in fixtures(source).items():
            where[f"{name}: {body}"].append(module)
    return {fixture.partition(":")[0]: names for fixture, names in where.items() if len(names) > 1}


def test_no_fixture_of_the_stand_ins_tests_is_made_twice() -> None:
    assert MODULES
    assert repeated((name_of(path), path.read_text(encoding="utf-8")) for path in MODULES) == {}


def test_a_repeated_fixture_is_found() -> None:
    one = "@pytest.fixture\ndef call(a: int) -> int:\n    'Said.'\n    return a\n"
    other = "@pytest.fixture(scope='module')\ndef call(a: int) -> int:\n    return a\n"
    assert repeated([("a", one), ("b", other)]) == {"call": ["a", "b"]}
    assert repeated([("a", one), ("b", other.replace("return a", "return -a"))]) == {}
