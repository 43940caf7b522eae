"""The help of every command in Portuguese: of the option, else the setting, else the terminal; English otherwise."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from leadkeeper.doors.cli.localized_help import (
    COMMANDS,
    OPTIONS,
    RICH,
    SHOW,
    USAGE,
    help_language,
    help_texts,
    tell_help,
)
from leadkeeper.doors.cli.program import program
from tests.english import english_on
from tests.languages import PORTUGUESE

SAME = frozenset({"#RRGGBB", "HOOK", "ID", "MSFT_TEST_...", "table, httpsEndpoint, ..."})
"""Texts that hold nothing but names."""
NAME = "LEADKEEPER_LANGUAGE"
TREE = """
import contextlib, io, json, sys
from leadkeeper.doors.cli.program import program, run
from typer.main import get_command
def paths(command, path=()):
    yield path
    for name, below in getattr(command, "commands", {}).items():
        yield from paths(below, (*path, name))
told = {}
for path in paths(get_command(program())):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        code = run([*path, "--help"])
    assert code == 0, path
    told[" ".join(path)] = out.getvalue()
print(json.dumps(told))
"""
"""Runs the help of every command in a process of its own, in which a line is as long as it needs to be."""


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting and no locale."""
    monkeypatch.chdir(tmp_path)
    for name in (NAME, "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)


def test_no_placeholder_is_wrapped_twice() -> None:
    """Click writes brackets and dots around a name by itself."""

    def metavars(command: Any) -> Iterator[str]:
        yield from (each.metavar for each in command.params if each.metavar)
        for below in getattr(command, "commands", {}).values():
            yield from metavars(below)

    assert [each for each in metavars(get_command(program())) if each.startswith("[")] == []


def test_the_audit_is_asked_for_what_was_done_not_for_leads() -> None:
    audit = get_command(program()).commands["audit"]  # type: ignore[attr-defined]
    told = {each.name: each.help for each in audit.params}
    assert all(told[name].startswith("Only what was done") for name in ("since", "until"))


def test_every_text_of_the_help_has_portuguese_words() -> None:
    texts = {*help_texts(get_command(program())), *RICH.values(), USAGE, SHOW, OPTIONS, COMMANDS}
    assert len(texts) > 150
    assert {text for text in texts if PORTUGUESE.gettext(text) == text} == SAME


def test_nothing_english_is_left_in_the_tree() -> None:
    command = get_command(program())
    before = set(help_texts(command))
    tell_help(command, PORTUGUESE)
    assert set(help_texts(command)) & before == SAME


def test_no_command_helps_in_english_where_portuguese_is_spoken(tmp_path: Path) -> None:
    environment = os.environ | {NAME: "pt", "TERMINAL_WIDTH": "400", "PYTHONIOENCODING": "utf-8"}
    call = [sys.executable, "-c", TREE]
    ended = subprocess.run(call, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    told = json.loads(ended.stdout)
    assert len(told) > 50
    assert {path: found for path, text in told.items() if (found := english_on(text.replace("│", "\n")))} == {}
    assert "Usage: " not in ended.stdout
    assert "[default:" not in ended.stdout


def test_the_option_goes_before_the_setting_and_that_before_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    assert help_language(["leads", "--help"]).code == "en"
    monkeypatch.setenv("LANG", "pt_BR.UTF-8")
    assert help_language(["leads", "--help"]).code == "pt"
    Path(".env").write_text(f"{NAME}=en\n", encoding="utf-8")
    assert help_language(["leads", "--help"]).code == "en"
    monkeypatch.setenv(NAME, "pt")
    assert help_language(["leads", "--help"]).code == "pt"
    assert help_language(["--language", "en", "leads", "--help"]).code == "en"
    assert help_language(["--language=en", "leads"]).code == "en"
    assert help_language(["explain", "--language", "en"]).code == "pt"
    assert help_language(["--language"]).code == "pt"
    assert help_language(["--language", "none", "leads"]).code == "en"
