"""The import contracts cover the package as it stands, and fail where something forbidden is planted."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from leadkeeper.destinations.registry import OURS
from tests.house.pages import ROOT

PACKAGE = ROOT / "src/leadkeeper"
PLANTED = [
    ("destinations/dynamics/adapter.py", "import leadkeeper.destinations.marketo.rest", "destinations-apart"),
    ("publishing/runner.py", "import asyncpg", "storage-knows"),
    ("inbox/trace.py", "import leadkeeper.destinations.salesforce.diagnoses", "kinds-at-home"),
    ("publishing/steps.py", "import sqlalchemy", "pure"),
    ("sandbox/email/stand_in.py", "import leadkeeper.mail.address", "floors"),
    ("doors/api/app.py", "import leadkeeper.doors.portal.app", "floors"),
]


def contract(name: str) -> Any:
    """The contract of that id."""
    linter = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    return next(each for each in linter["contracts"] if each["id"] == name)


def lint(tree: Path, name: str) -> subprocess.CompletedProcess[str]:
    """What import-linter says of a copy of the package in ``tree``, for one contract."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--contract", name]
    env = os.environ | {"PYTHONPATH": str(tree / "src")}
    return subprocess.run(command, cwd=tree, env=env, capture_output=True, text=True, check=False, timeout=600)


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package and of the contracts."""
    tree = tmp_path_factory.mktemp("house")
    shutil.copytree(PACKAGE, tree / "src/leadkeeper", ignore=shutil.ignore_patterns("__pycache__", "static"))
    shutil.copy(ROOT / "pyproject.toml", tree)
    return tree


@pytest.mark.parametrize(("module", "planted", "name"), PLANTED)
def test_a_planted_import_fails(copied: Path, module: str, planted: str, name: str) -> None:
    file = copied / "src/leadkeeper" / module
    before = file.read_text(encoding="utf-8")
    assert lint(copied, name).returncode == 0
    file.write_text(before.replace("import annotations\n", f"import annotations\n\n{planted}\n", 1), encoding="utf-8")
    try:
        found = lint(copied, name)
    finally:
        file.write_text(before, encoding="utf-8")
    assert found.returncode != 0
    assert planted.removeprefix("import ") in found.stdout


def test_every_destination_is_in_the_contract() -> None:
    shared = {"azure_storage"}
    folders = {path.name for path in (PACKAGE / "destinations").iterdir() if (path / "__init__.py").exists()}
    assert folders - shared == {each.name for each in OURS}
    assert {name.rpartition(".")[2] for name in contract("destinations-apart")["modules"]} == folders - shared


def test_the_diagnoses_of_every_destination_are_hidden_from_the_core() -> None:
    folders = {path.name for path in (PACKAGE / "destinations").iterdir() if (path / "__init__.py").exists()}
    assert {name.rpartition(".")[2] for name in contract("kinds-at-home")["forbidden_modules"]} == folders


def test_the_database_is_hidden_from_every_room() -> None:
    there = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    named = {name.removeprefix("leadkeeper.") for name in contract("storage-knows")["source_modules"]}
    assert named == there - {"storage", "__init__"}


def test_what_calls_itself_pure_is_in_the_contract() -> None:
    pure = set()
    for path in PACKAGE.rglob("*.py"):
        message = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        if "sandbox" not in path.parts and re.search(r"\bPure\b(?! but)", message):
            pure.add(".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts))
    assert set(contract("pure")["source_modules"]) == pure
