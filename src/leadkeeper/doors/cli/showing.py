"""How commands show things: JSON for programs, tables for people, complaints on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from typing import Annotated, Any

import typer

WIDE = 250
"""How many columns a table may take where there is no terminal."""

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]


def complain(line: str) -> None:
    """One line on standard error."""
    print(line, file=sys.stderr)


def say(line: str) -> None:
    """One line for the person at the keyboard; on standard error, so that output stays clean."""
    print(line, file=sys.stderr, flush=True)


def print_line(line: str) -> None:
    """One line on standard output, whatever stands in it."""
    print(plain_text(line))


def print_json(value: object) -> None:
    """``value`` as JSON with camelCase names: views, dataclasses, or what JSON knows."""
    print(json.dumps(_plain(value), ensure_ascii=False, indent=2))


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


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, empty: str) -> None:
    """A table; the line ``empty`` on standard error when there are no rows."""
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*(Text(plain_text(cell)) for cell in row))
    if table.row_count:
        print_rich(table)
    else:
        say(empty)


def print_rich(shown: Any) -> None:
    """Something of rich's on standard output; as wide as it needs to be where there is no terminal."""
    from rich.console import Console

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDE
    console.print(shown, crop=False)


@contextmanager
def busy(what: str) -> Iterator[None]:
    """Show on standard error that something takes its time, where there is a terminal."""
    from rich.console import Console

    with Console(stderr=True).status(f"{what} ..."):
        yield


def plain_text(text: str) -> str:
    """``text`` on one line, without characters that move the cursor or change colours."""
    return "".join(c if c.isprintable() else " " for c in text)
