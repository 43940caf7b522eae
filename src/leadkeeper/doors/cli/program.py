"""The program ``leadkeeper``: its commands, and what becomes of errors.

Each command stands below its decorator, in a module whose ``commands`` are added to the group above: a module without a
name of its own adds its commands to that group, one with a name is a group. The modules stand in :data:`_PANELS`.

Exit codes: 0 done, 1 refused or something is wrong, 2 called wrongly, 130 ended with Ctrl-C. What is expected to go
wrong is told in one line on standard error.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Annotated, Final

import typer
from typer._click.core import Command
from typer._click.exceptions import ClickException, NoArgsIsHelpError, UsageError
from typer.main import get_command

from leadkeeper.doors.cli.failing import Failed, explanation
from leadkeeper.doors.cli.localized_help import first_word, help_language, tell_help
from leadkeeper.doors.cli.misuse import misuse
from leadkeeper.doors.cli.remote.chosen import require_here
from leadkeeper.doors.cli.showing import SPOKEN, complain, plain_text, spoken
from leadkeeper.texts import Language
from leadkeeper.texts import lazy_gettext as _

NAME = "leadkeeper"

_PANELS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "Run": {
        "operating.serve": ("serve", "api", "worker"),
        "demo.command": ("demo",),
        "demo.sandbox": ("sandbox",),
    },
    "Set up": {
        "operating.keys": ("keys",),
        "operating.marketplace": ("marketplace",),
        "offers.publishers": ("publishers",),
        "offers.commands": ("offers",),
        "offers.hooks": ("hooks",),
        "connections.commands": ("connections",),
        "connections.channels": ("channels",),
        "connections.contacts": ("contacts",),
        "offers.cross_listings": ("cross-listings",),
    },
    "Look and act": {
        "leads.commands": ("leads",),
        "operating.attention": ("attention",),
        "operating.doctor": ("doctor",),
        "operating.audit": ("audit",),
        "explain": ("explain",),
    },
    "Maintain": {"operating.db": ("db",)},
}
"""The panels of the help: the modules with commands, and the words that these begin with. A command that is called by
its word imports its own module alone: all of them take as long to read as some commands take."""


def _version(asked: bool) -> None:
    if asked:
        from leadkeeper import __version__

        print(f"{NAME} {__version__}")
        raise typer.Exit


def _known(tag: str | None) -> str | None:
    from leadkeeper.languages import installed

    if tag is not None and installed().find(tag) is None:
        raise typer.BadParameter(
            _("choose one of %(choices)s", choices=", ".join(language.code for language in installed()))
        )
    return tag


def _options(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_version, is_eager=True)
    ] = False,
    language: Annotated[
        str | None,
        typer.Option(
            "--language",
            metavar="TAG",
            help="Language to speak, such as en or pt; else the setting's or the terminal's.",
            callback=_known,
        ),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(
            "--url",
            metavar="ADDRESS",
            help="Work on the installation at this address, over its REST API; else LEADKEEPER_URL, else on the "
            "database of this machine's settings.",
        ),
    ] = None,
    key_file: Annotated[
        str | None,
        typer.Option(
            "--key-file",
            metavar="FILE",
            help="The file with your key for --url, which nobody else may read (chmod 600); else LEADKEEPER_KEY_FILE.",
        ),
    ] = None,
) -> None:
    """What stands before the command."""
    if context.invoked_subcommand in _HERE and "--help" not in sys.argv:
        require_here()


_HERE: Final = frozenset({"serve", "api", "worker", "db", "doctor"})
"""Commands that are about this machine, and must not be taken for ones about the installation that ``--url`` names."""


@functools.cache
def program(word: str | None = None) -> typer.Typer:
    """The program with all its commands, or with those alone whose module has the one called ``word``."""
    made = typer.Typer(
        name=NAME,
        help="Keeps every lead of a software marketplace and carries it to the publisher's own system.",
        epilog="Settings come from LEADKEEPER_* and .env; docs/reference/settings.md lists them.",
        no_args_is_help=True,
        add_completion=True,
        pretty_exceptions_enable=False,  # a trace is for us; it must not print the values of variables
        context_settings={"help_option_names": ["--help", "-h"]},
    )
    made.callback()(_options)
    for panel, modules in _PANELS.items():
        for module, words in modules.items():
            if word is None or word in words:
                _show(made, panel, import_module(f"leadkeeper.doors.cli.{module}").commands)
    return made


def _show(made: typer.Typer, panel: str, commands: typer.Typer) -> None:
    """Make a group of commands, or single ones, the program's, shown in ``panel`` of its help."""
    made.add_typer(commands, rich_help_panel=panel)
    if not isinstance(commands.info.name, str):  # no group: Typer asks each of them for its panel
        for command in commands.registered_commands:
            command.rich_help_panel = panel


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command; answers the exit code. Errors of ours (bugs) are raised as they are."""
    given = sys.argv[1:] if arguments is None else arguments
    if not all(map(_is_text, given)):
        language = help_language([each for each in given if _is_text(each)])
        complain(language.tell(_("An argument is no text: it holds bytes that are not UTF-8.")))
        return 2
    language = help_language(given)
    before = SPOKEN.set(language)
    try:
        code = command_in(language, _known_word(given))(args=list(given), prog_name=NAME, standalone_mode=False)
        sys.stdout.flush()
    except ClickException as error:
        return _called_wrongly(error)
    except BrokenPipeError:
        # Whoever read our output has had enough (`| head`); the interpreter must not complain at its end.
        sys.stdout = None
        return 1
    except Failed as error:
        complain(plain_text(language.tell(error.args[0])))
        return 1
    except typer.Abort:
        return 130
    except Exception as error:
        summary = explanation(error)
        if summary is None:
            raise
        complain(language.tell(summary))
        return 1
    finally:
        SPOKEN.reset(before)
    return code if isinstance(code, int) else 0


@functools.cache
def command_in(language: Language, word: str | None = None) -> Command:
    """``program(word)`` with its help in ``language``, made once: that reads the signature of every command."""
    command = get_command(program(word))
    tell_help(command, language)
    return command


def _known_word(arguments: Sequence[str]) -> str | None:
    """The command that is called; ``None`` where none is, or none of ours, or a shell asks what there is."""
    word = first_word(arguments)
    known = any(word in words for modules in _PANELS.values() for words in modules.values())
    return word if known and f"_{NAME.upper()}_COMPLETE" not in os.environ else None


def _is_text(argument: str) -> bool:
    """Whether it can be kept: what is not UTF-8 comes as halves of surrogate pairs, which no database takes."""
    try:
        argument.encode()
    except UnicodeEncodeError:
        return False
    return True


def _called_wrongly(error: ClickException) -> int:
    if isinstance(error, NoArgsIsHelpError):
        error.show()
        return error.exit_code
    context = error.ctx if isinstance(error, UsageError) else None
    summary = misuse(error)
    if context is not None:
        summary = _("%(what)s (see %(command)s)", what=summary, command=f"{context.command_path} --help")
    complain(plain_text(f"{spoken(summary).rstrip('.')}."))
    return error.exit_code
