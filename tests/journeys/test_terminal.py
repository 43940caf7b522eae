"""The list of leads in a terminal: ids whole at any width, states in colour, completed by the shell."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from leadkeeper.doors.cli.program import run

OFFER = "contoso.crm-pro"
PROGRAM = (sys.executable, "-m", "leadkeeper")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with a lead over a connection that is paused."""
    made = tmp_path_factory.mktemp("terminal")
    with pytest.MonkeyPatch.context() as patch:
        for name in [each for each in os.environ if each.startswith("LEADKEEPER_")]:
            patch.delenv(name)
        patch.chdir(made)
        (made / "address").write_text("https://contoso.example/leads")
        for command in (
            ("publishers", "put", "contoso"),
            ("offers", "put", OFFER),
            ("connections", "put", OFFER, "--to", "httpsEndpoint", "--set", "httpsEndpointUrl=@address"),
            ("leads", "send", OFFER, "--first-name", "Ada", "--email", "ada@contoso.example"),
            ("connections", "pause", OFFER),
        ):
            assert run(command) == 0
    return made


def bare(**more: str) -> dict[str, str]:
    """An environment without settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LEADKEEPER_")}
    return kept | {"LANG": "C.UTF-8"} | more


def on_a_terminal(folder: Path, columns: int, *command: str) -> str:
    """What is shown on a terminal that is so wide."""
    ours, theirs = pty.openpty()
    env = bare(COLUMNS=str(columns), TERM="xterm-256color")
    env.pop("NO_COLOR", None)
    with subprocess.Popen((*PROGRAM, *command), cwd=folder, env=env, stdin=theirs, stdout=theirs, stderr=theirs) as ran:
        os.close(theirs)
        shown = b""
        try:
            while piece := os.read(ours, 65_536):
                shown += piece
        except OSError:  # nobody writes to it any more
            pass
        os.close(ours)
        assert ran.wait(300) == 0, shown
    return shown.decode()


@pytest.mark.parametrize("columns", [30, 200])
def test_ids_are_whole_at_any_width_and_states_are_coloured(folder: Path, columns: int) -> None:
    shown = on_a_terminal(folder, columns, "leads", "list")
    assert re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", shown), shown
    assert re.search("\x1b\\[33m[^\x1b]*held", shown.replace("\r\n", "")), shown  # yellow


def test_a_download_shows_its_bar_on_a_terminal_alone(folder: Path) -> None:
    shown = on_a_terminal(folder, 80, "leads", "download", "leads.csv")
    assert "━" in shown
    assert "1 of 1" in shown or "1 lead is in the file." in shown
    assert (folder / "leads.csv").read_text(encoding="utf-8-sig").count("\n") == 2
    quiet = subprocess.run(
        (*PROGRAM, "leads", "download", "-"), cwd=folder, env=bare(), capture_output=True, timeout=300, check=True
    )
    assert quiet.stdout.decode("utf-8-sig").count("\r\n") == 2
    assert quiet.stderr.decode() == "1 lead is in the file.\n"


def test_an_act_on_many_leads_shows_its_bar_on_a_terminal_alone(folder: Path) -> None:
    command = ("leads", "select", "set-state", "active", "--publisher", "contoso", "--dry-run")
    shown = on_a_terminal(folder, 200, *command)
    assert "━" in shown.partition("Would change")[0], "no bar before the table"
    assert "1 of 1 leads would be changed." in shown
    quiet = subprocess.run((*PROGRAM, *command), cwd=folder, env=bare(), capture_output=True, timeout=300, check=True)
    assert quiet.stderr.decode() == "1 of 1 leads would be changed.\n"


def test_a_shell_completes_commands_and_options(folder: Path) -> None:
    for typed, completed in (("leads do", "download"), ("leads list --fol", "--follow-up"), ("conn", "connections")):
        words = f"leadkeeper {typed}"
        env = bare(_LEADKEEPER_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=str(len(words.split()) - 1))
        done = subprocess.run(
            (sys.executable, "-c", "from leadkeeper.doors.cli.program import run; run([])"),
            cwd=folder,
            env=env,
            capture_output=True,
            timeout=300,
            check=False,
        )
        assert completed in done.stdout.decode().split(), (typed, done.stdout, done.stderr)
