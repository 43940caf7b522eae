"""The program ``leadkeeper``: its commands, and what becomes of errors.

Each command stands below its decorator, in a module whose ``commands`` are added to the group above: a module without a
name of its own adds its commands to that group, one with a name is a group.

Exit codes: 0 done, 1 refused or something is wrong, 2 called wrongly, 130 ended with Ctrl-C. What is expected to go
wrong is told in one line on standard error.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Sequence
from typing import Annotated, Final

import typer
from typer._click.core import Command
from typer._click.exceptions import ClickException, NoArgsIsHelpError, UsageError
from typer.main import get_command

from leadkeeper.doors.cli import explain
from leadkeeper.doors.cli.connections import channels, contacts
from leadkeeper.doors.cli.connections import commands as connections
from leadkeeper.doors.cli.demo import command as demo
from leadkeeper.doors.cli.demo import sandbox
from leadkeeper.doors.cli.failing import Failed, explanation
from leadkeeper.doors.cli.leads import commands as leads
from leadkeeper.doors.cli.localized_help import help_language, tell_help
from leadkeeper.doors.cli.misuse import misuse
from leadkeeper.doors.cli.offers import commands as offers
from leadkeeper.doors.cli.offers import cross_listings, hooks, publishers
from leadkeeper.doors.cli.operating import attention, audit, db, doctor, keys, marketplace, serve
from leadkeeper.doors.cli.remote.chosen import require_here
from leadkeeper.doors.cli.showing import SPOKEN, complain, plain_text, spoken
from leadkeeper.texts import Language
from leadkeeper.texts import lazy_gettext as _

NAME = "leadkeeper"

program = typer.Typer(
    name=NAME,
    help="Keeps every lead of a software marketplace and carries it to the publisher's own system.",
    epilog="Settings come from LEADKEEPER_* and .env; docs/reference/settings.md lists them.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,  # a trace is for us; it must not print the values of variables
    context_settings={"help_option_names": ["--help", "-h"]},
)


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


@program.callback()
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


def _show(panel: str, *several: typer.Typer) -> None:
    """Make ``several`` commands and groups of commands the program's, shown in this order in ``panel`` of its help."""
    for commands in several:
        program.add_typer(commands, rich_help_panel=panel)
        if not isinstance(commands.info.name, str):  # no group: Typer asks each of them for its panel
            for command in commands.registered_commands:
                command.rich_help_panel = panel


_show("Run", serve.commands, demo.commands, sandbox.commands)
_show(
    "Set up",
    keys.commands,
    marketplace.commands,
    publishers.commands,
    offers.commands,
    hooks.commands,
    connections.commands,
    channels.commands,
    contacts.commands,
    cross_listings.commands,
)
_show("Look and act", leads.commands, attention.commands, doctor.commands, audit.commands, explain.commands)
_show("Maintain", db.commands)


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
        code = command_in(language)(args=list(given), prog_name=NAME, standalone_mode=False)
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
def command_in(language: Language) -> Command:
    """The program with its help in ``language``, made once: that reads the signature of every command."""
    command = get_command(program)
    tell_help(command, language)
    return command


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
