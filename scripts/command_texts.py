"""Gathers what the help of the commands says, for Babel, which passes over docstrings and declarations."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import IO, Any

from babel.messages.extract import extract_python
from typer.main import get_command

from leadkeeper.doors.cli.localized_help import help_texts
from leadkeeper.doors.cli.program import program


def extract(
    fileobj: IO[bytes], keywords: Mapping[str, Any], comment_tags: Collection[str], options: Any
) -> Iterator[tuple[int, str, Any, list[str]]]:
    """The texts of the program's file as Babel finds them, and those of the help of all commands."""
    yield from extract_python(fileobj, keywords, comment_tags, options)
    for text in dict.fromkeys(help_texts(get_command(program()))):
        yield 1, "_", text, []
