"""The references of settings and commands say what the program says. `UPDATE_DOCS=1` writes them anew."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

import typer
from typer._click.core import Context

from leadkeeper.doors.cli.program import NAME, program
from leadkeeper.settings import Settings
from leadkeeper.texts import ENGLISH, Language
from tests.languages import PORTUGUESE

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs/reference"
PAGES = [p for p in sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]) if p != REFERENCE / "commands.md"]

SETTINGS_HEAD = """# Settings

Settings are environment variables, or lines of a file `.env` in the working folder (the environment wins). A wrong
setting stops the start with one line that names it; one that is empty has its default, but for `WITHHELD_DOMAINS`,
which then withholds nothing. A name that no setting has is passed over: `serve`, `api` and `worker` warn of it, and
`leadkeeper doctor` names the setting that may be meant. This page is generated from `src/leadkeeper/settings.py`; it
is there [in Portuguese](settings.pt.md) too.

| setting | default | what it does |
|---|---|---|
"""
SETTINGS_HEAD_PT = """# Configurações

Configurações são variáveis de ambiente, ou linhas de um arquivo `.env` na pasta de trabalho (o ambiente prevalece). Uma
configuração errada impede o início com uma linha que a nomeia; uma vazia tem o seu valor padrão, exceto
`WITHHELD_DOMAINS`, que então não retém nada. Um nome que nenhuma configuração tem é ignorado: `serve`, `api` e `worker`
avisam, e `leadkeeper doctor` nomeia a configuração que pode ter sido pretendida. Esta página é gerada a partir de
`src/leadkeeper/settings.py` e do catálogo de textos; ela existe também [em inglês](settings.md).

| configuração | padrão | o que faz |
|---|---|---|
"""

COMMANDS_HEAD = """# Commands

`leadkeeper` and `python -m leadkeeper` are the same. Commands work straight on the database of the
[settings](settings.md), which they make or bring up to date first (`db status` and `doctor` change nothing); no server
needs to run. What they find goes to standard output, what they say to standard error. With `--json` standard output is
JSON, and names and texts are those of the REST API.

Exit codes: 0 done; 1 refused, or something is wrong: one line on standard error says what; 2 called wrongly; 130 ended
with Ctrl-C. This page is generated from the program.

`--url` and `--key-file` stand before the command, as `--language` does: with them (or `LEADKEEPER_URL` and
`LEADKEEPER_KEY_FILE`) it works on another machine's installation, where it has a way:
[Work from another machine](../howto/work-from-another-machine.md).

`leadkeeper --install-completion` lets your shell (bash, zsh, fish, PowerShell) complete commands and options with Tab;
`--show-completion` prints what it would install. Tables keep ids whole at any width, and colour states on a terminal
alone (`NO_COLOR=1`: nowhere).
"""


def settings_page(head: str, language: Language) -> str:
    """The reference of settings as it should be."""
    rows = []
    for name, field in Settings.model_fields.items():
        default = field.get_default()
        shown = "" if default in (None, "") else f"`{str(default).lower() if default is False else default}`"
        rows.append(f"| `LEADKEEPER_{name.upper()}` | {shown} | {language.tell(field.description or '')} |\n")
    return head + "".join(rows)


@functools.cache
def whole_command() -> Any:
    """The program as one command, put together once: that takes some hundredths of a second."""
    return typer.main.get_command(program())


def commands() -> Iterator[tuple[str, Any]]:
    """Every command as it is typed, and groups before what is in them."""

    def walk(command: Any, path: str) -> Iterator[tuple[str, Any]]:
        yield path, command
        for name, below in getattr(command, "commands", {}).items():
            yield from walk(below, f"{path} {name}")

    yield from walk(whole_command(), NAME)


def commands_page() -> str:
    """The reference of commands as it should be."""
    return COMMANDS_HEAD + "".join(_command(path, command) for path, command in commands() if path != NAME)


def _command(path: str, command: Any) -> str:
    context = Context(command, info_name=path)
    usage = " ".join([path, *command.collect_usage_pieces(context)])
    options = [parameter for parameter in command.get_params(context) if parameter.name != "help"]
    runs = not getattr(command, "commands", None) or command.invoke_without_command
    summary = re.sub(r"(?<!\n)\n(?!\n)", " ", (command.help or "").strip())
    text = f"\n## {path}\n\n{summary}\n"
    if not runs:
        below = ", ".join(f"[{name}](#{f'{path} {name}'.replace(' ', '-')})" for name in command.commands)
        return f"{text}\nIt has {below}.\n"
    text += f"\n```\n{usage}\n```\n"
    if options:
        text += "\n| | |\n|---|---|\n" + "".join(_parameter(parameter) for parameter in options)
    return text


def _parameter(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        name = parameter.make_metavar(None) if parameter.metavar is None else parameter.metavar
    else:
        name = ", ".join(parameter.opts)
        if parameter.secondary_opts:
            name += ", " + ", ".join(parameter.secondary_opts)
    default = parameter.default
    shown = (
        f" Default: `{default}`." if isinstance(default, str | int) and default != "" and default is not False else ""
    )
    shown = "" if default is True else shown
    return f"| `{name.strip('[]')}` | {escape(parameter.help, quote=False)}{shown} |\n"


def is_current(name: str, written: str) -> bool:
    """Whether the page says so; it does after ``UPDATE_DOCS=1``."""
    page = REFERENCE / name
    if os.environ.get("UPDATE_DOCS"):
        page.write_text(written)
    return page.exists() and page.read_text() == written


def test_the_reference_of_settings_is_current() -> None:
    assert is_current("settings.md", settings_page(SETTINGS_HEAD, ENGLISH)), (
        "run: UPDATE_DOCS=1 make test ARGS=tests/house"
    )
    assert is_current("settings.pt.md", settings_page(SETTINGS_HEAD_PT, PORTUGUESE)), "run: UPDATE_DOCS=1 make test"


def test_the_reference_of_commands_is_current() -> None:
    assert is_current("commands.md", commands_page()), "run: UPDATE_DOCS=1 make test ARGS=tests/house"


def test_every_setting_says_what_it_does() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_commands_that_pages_name_are_there() -> None:
    wrong = [f"{page.name}: {line}" for page in PAGES for line in typed(page) if not is_understood(line)]
    assert not wrong


def test_a_wrong_command_is_found() -> None:
    assert is_understood("leadkeeper keys create --role operator | tee key")
    assert is_understood("PORT=1 .venv/bin/leadkeeper demo --once")
    for line in ("leadkeeper keys mint", "leadkeeper dance", "leadkeeper keys create --rule x", "leadkeeper keys"):
        assert not is_understood(line)


def typed(page: Path) -> Iterator[str]:
    """The commands of ours on a page: lines of code blocks, and code within text."""
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"^ *```\w*\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE)
    inline = re.findall(r"`([^`\n]+)`", re.sub(r"^ *```.*?^ *```", "", text, flags=re.DOTALL | re.MULTILINE))
    for line in [*"\n".join(blocks).replace("\\\n", " ").splitlines(), *inline]:
        if re.match(r" *(\S+=\S+ +)*(\.venv/bin/)?leadkeeper +(?!\[|\|)\S", line):
            yield line


def is_understood(line: str) -> bool:
    """Whether every word of ours in the line is a command or an option of it."""
    words = iter(re.split(r"\s+[|>&]+", line)[0].split())
    while not next(words).endswith(NAME):
        pass
    command = whole_command()
    for word in words:
        below = getattr(command, "commands", {})
        if word in below:
            command = below[word]
        elif word.startswith("--"):
            named = [p for p in command.params if word in (*p.opts, *p.secondary_opts)]
            if not named and word != "--help":
                return False
            if named and not named[0].is_flag:
                next(words, None)
        elif below and not word.startswith("<"):
            return False
    return not getattr(command, "commands", None) or command.invoke_without_command or "--help" in line
