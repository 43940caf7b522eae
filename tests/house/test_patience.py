"""Tests wait long for what must come: a busy machine takes seconds for what takes none on a calm one."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

import pytest

from tests.house.pages import ROOT, name_of

FOLDERS: Final = ("browser", "contracts", "house", "journeys", "services", "unit")
LEAST_SECONDS: Final = 20
WAITING: Final = ("asyncio.timeout", "asyncio.wait_for")


def hasty(source: str) -> Iterator[str]:
    """The calls that give up sooner; none at all (``asyncio.timeout(0)``) is no deadline, but what is tested."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in WAITING:
            given = [*node.args[-1:], *(each.value for each in node.keywords)]
            numbers = [each.value for each in given if isinstance(each, ast.Constant)]
            if any(isinstance(each, int | float) and 0 < each < LEAST_SECONDS for each in numbers):
                yield f"line {node.lineno}: {ast.unparse(node)}"


@pytest.mark.parametrize("folder", FOLDERS)
def test_nothing_that_must_come_is_given_up_soon(folder: str) -> None:
    found = {
        name_of(path): calls
        for path in sorted((ROOT / "tests" / folder).rglob("*.py"))
        if (calls := [*hasty(path.read_text(encoding="utf-8"))])
    }
    assert found == {}, f"give it {LEAST_SECONDS} s at least, or wait for an event without a deadline"


@pytest.mark.parametrize(
    "call", ["asyncio.timeout(2.5)", "asyncio.wait_for(it, 10)", "asyncio.wait_for(it, timeout=1)"]
)
def test_a_hasty_call_is_found(call: str) -> None:
    assert [*hasty(call)] == [f"line 1: {call}"]
    assert not [*hasty("asyncio.timeout(0)\nasyncio.timeout(60)\nasyncio.wait_for(it, SOON)")]
