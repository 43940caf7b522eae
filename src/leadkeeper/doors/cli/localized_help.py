"""The help of the commands in the reader's language: Typer and its texts of our commands know English only."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from typer._click.core import Command, Context, Parameter
from typer._click.formatting import HelpFormatter

from leadkeeper.doors.cli.remote.chosen import written_setting
from leadkeeper.doors.cli.telling import language_of_tag, terminal_language
from leadkeeper.texts import Language, _

USAGE: Final = _("Usage:")
SHOW: Final = _("Show this message and exit.")
OPTIONS: Final = _("[OPTIONS]")
COMMANDS: Final = _("COMMAND [ARGS]...")
RICH: Final = {
    "DEFAULT_STRING": _("[default: {}]"),
    "REQUIRED_LONG_STRING": _("[required]"),
    "ARGUMENTS_PANEL_TITLE": _("Arguments"),
    "OPTIONS_PANEL_TITLE": _("Options"),
    "COMMANDS_PANEL_TITLE": _("Commands"),
}
"""What Typer's own module for help calls its headings and marks."""

_WITH_VALUE: Final = frozenset({"--language", "--url", "--key-file"})
"""Options before the command that are followed by a value."""

_OWN: Final = ("help", "short_help", "epilog", "rich_help_panel", "metavar")
_FOUND: Final = (*_OWN, "options_metavar", "subcommand_metavar")


def help_texts(command: Command) -> Iterator[str]:
    """The English texts in the help of ``command`` and all below it, some of them several times."""
    for part in _parts(command):
        yield from (text for name in _OWN if isinstance(text := getattr(part, name, None), str) and text)


def tell_help(command: Command, language: Language) -> None:
    """Put the help of ``command`` and all below it into ``language``. Call it once: the English texts are replaced."""
    context = _context(language)
    for part in _parts(command):
        for name in _FOUND:
            text = getattr(part, name, None)
            if isinstance(text, str) and text:
                setattr(part, name, language.catalogue.gettext(text))
        if isinstance(part, Command):
            part.context_class = context


def help_language(arguments: Sequence[str]) -> Language:
    """The language before anything is parsed: of ``--language``, else the setting, else the terminal's.

    Reads the one setting by itself, since all of them take long to read. A tag that is not known is English here.
    """
    chosen = _asked(arguments) or written_setting("LEADKEEPER_LANGUAGE") or terminal_language(os.environ)
    return language_of_tag(chosen)


def _asked(arguments: Sequence[str]) -> str:
    """What stands after ``--language`` before the first command."""
    given = (value for option, value in _before(arguments) if option == "--language")
    return next(given, "")


def first_word(arguments: Sequence[str]) -> str | None:
    """The command that stands first, behind the options of the program itself."""
    return next((value for option, value in _before(arguments) if option is None), None)


def _before(arguments: Sequence[str]) -> Iterator[tuple[str | None, str]]:
    """The options before the first command with their values, then that command, which is no option."""
    rest = iter(arguments)
    for each in rest:
        option, equals, value = each.partition("=")
        if not each.startswith("-"):
            yield None, each
            return
        yield option, value if equals or option not in _WITH_VALUE else next(rest, "")


def _parts(command: Command) -> Iterator[Command | Parameter]:
    yield command
    yield from command.params
    below: dict[str, Command] = getattr(command, "commands", {})
    for each in below.values():
        yield from _parts(each)


def _context(language: Language) -> type[Context]:
    tell: Callable[[str], str] = language.catalogue.gettext

    class LocalizedFormatter(HelpFormatter):
        """Typer writes help by constants of a module: they are set when a help is begun, for every language anew."""

        def __init__(self, *args: Any, **options: Any) -> None:
            from typer import rich_utils

            for name, text in RICH.items():
                setattr(rich_utils, name, tell(text))
            super().__init__(*args, **options)

        def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
            super().write_usage(prog, args, f"{tell(USAGE)} " if prefix is None else prefix)

    class LocalizedContext(Context):
        formatter_class = LocalizedFormatter

        def __init__(self, command: Command, *args: Any, **options: Any) -> None:
            super().__init__(command, *args, **options)
            option = command.get_help_option(self)
            if option is not None:
                option.help = tell(SHOW)

    return LocalizedContext
