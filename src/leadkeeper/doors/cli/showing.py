"""How commands show things: JSON for programs, tables for people, complaints on standard error."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, is_dataclass
from typing import Annotated, Any, Final

import typer

from leadkeeper.texts import ENGLISH, Language, _, lazy_gettext

SPOKEN: Final[ContextVar[Language]] = ContextVar("spoken", default=ENGLISH)
"""The language of the command that runs; only what is shown to people is told in it, never JSON."""

WIDE = 250
"""How many columns a table may take where there is no terminal."""

WHOLE: Final = frozenset({"Id", "Offer", "Connection"})
"""The columns that identify things, by their English names."""
LEAST: Final = 12
"""The least places of a column of a table, where its texts need as many."""

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]


def spoken(text: str) -> str:
    """``text`` in the language of the command that runs, where it can be told in another."""
    return SPOKEN.get().tell(text)


def system_text(error: OSError) -> str:
    """What the operating system says of an error, to be told in a language where it is one of the usual."""
    return lazy_gettext(error.strerror or type(error).__name__)


_USUAL: Final = (
    _("No such file or directory"),
    _("Permission denied"),
    _("Is a directory"),
    _("Not a directory"),
    _("Address already in use"),
    _("No space left on device"),
)
"""What the operating system says often, in its words."""


def complain(line: str) -> None:
    """One line on standard error, lost where it cannot take it: a disk that is full of logs must not stop leads."""
    with contextlib.suppress(OSError):
        print(line, file=sys.stderr, flush=True)


def say(line: str) -> None:
    """One line for the person at the keyboard; on standard error, so that output stays clean. Told in a language."""
    complain(spoken(line))


def print_line(line: str) -> None:
    """One line on standard output, whatever stands in it. Told in the language of the command."""
    print(plain_text(spoken(line)))


def print_json(value: object) -> None:
    """``value`` as JSON with camelCase names: views, dataclasses, or what JSON knows."""
    print(json.dumps(_plain(value), ensure_ascii=False, indent=2))


def to_json(value: object) -> str:
    """``value``, as JSON knows it, on one line."""
    return json.dumps(value, ensure_ascii=False)


def _plain(value: object) -> Any:
    from pydantic import BaseModel

    match value:
        case BaseModel():
            return value.model_dump(mode="json", by_alias=True)
        case dict():
            return {key: _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case _ if is_dataclass(value) and not isinstance(value, type):
            return {_json_name(name): _plain(item) for name, item in asdict(value).items()}
        case _:
            return value


def _json_name(name: str) -> str:
    """As the REST API writes it: ``created_at`` is ``createdTime``."""
    from pydantic.alias_generators import to_camel

    return to_camel(f"{name.removesuffix('_at')}_time" if name.endswith("_at") else name)


@dataclass(frozen=True, slots=True)
class Cell:
    """A text in a table, coloured where there is a terminal; the text says all that the colour does."""

    text: str
    style: str


_STYLES: Final = {
    **dict.fromkeys(("working", "delivered"), "green"),
    **dict.fromkeys(("unconfirmed", "waiting", "held", "paused"), "yellow"),
    **dict.fromkeys(("broken", "setAside"), "red"),
}


def state_text(state: str, word: str | None = None) -> Cell:
    """A state as a table shows it, in ``word`` where that is another."""
    return Cell(state if word is None else word, _STYLES.get(state, ""))


def short_moment_of(text: str | None) -> str:
    """A moment as JSON writes it, to the minute, with its zone; nothing for none."""
    from datetime import datetime

    return "" if text is None else f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M} UTC"


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str | Cell]], *, empty: str) -> None:
    """A table; the line ``empty`` on standard error when there are no rows.

    What identifies things (a column ``Id``, ``Offer`` or ``Connection``) is never broken or cut, however narrow the
    terminal is; other columns keep :data:`LEAST` places, too, and a line that is longer then goes on below.
    """
    from rich.table import Table
    from rich.text import Text

    titles = [spoken(name) for name in columns]
    table, widest = Table(box=None, pad_edge=False, header_style="bold"), [len(title) for title in titles]
    made = [
        [Cell(spoken(cell.text), cell.style) if isinstance(cell, Cell) else Cell(spoken(cell), "") for cell in row]
        for row in rows
    ]
    for row in made:
        widest = [max(width, len(cell.text)) for width, cell in zip(widest, row, strict=True)]
    least = [width if name in WHOLE else min(width, LEAST) for name, width in zip(columns, widest, strict=True)]
    for name, title, width in zip(columns, titles, least, strict=True):
        table.add_column(title, no_wrap=name in WHOLE, min_width=width)
    for row in made:
        table.add_row(*(Text(plain_text(cell.text), style=cell.style) for cell in row))
    if made:
        print_rich(table, sum(least) + 2 * len(least))
    else:
        say(empty)


def print_named(values: Iterable[tuple[str, str]], *, indent: str = "", width: int = 0) -> None:
    """Lines of a name and what it is, the names at least ``width`` places wide; without a value there is no line."""
    shown = [(spoken(name), spoken(value)) for name, value in values if value]
    wide = max(width, *(len(name) for name, _value in shown), 0)
    for name, value in shown:
        print_line(f"{indent}{name:<{wide}} {value}")


def print_rich(shown: Any, least: int = 0) -> None:
    """Something of rich's on standard output; as wide as it needs to be where there is no terminal, else ``least``."""
    from rich.console import Console

    console = Console(highlight=False)
    console.width = max(console.width if console.is_terminal else WIDE, least)
    console.print(shown, crop=False)


@contextmanager
def busy(what: str) -> Iterator[None]:
    """Show on standard error that something takes its time, where there is a terminal."""
    from rich.console import Console

    with Console(stderr=True).status(f"{spoken(what)} ..."):
        yield


def plain_text(text: str) -> str:
    """``text`` on one line, without characters that move the cursor or change colours."""
    return "".join(c if c.isprintable() else " " for c in text)
