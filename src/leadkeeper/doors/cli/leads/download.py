"""``leadkeeper leads download``: all leads that fit as a file for spreadsheets, whatever their number."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from leadkeeper.doors.cli.installation import BY, quiet_settings
from leadkeeper.doors.cli.leads.filters import LeadOptions, filtered, rest_words
from leadkeeper.doors.cli.leads.progress import LeadBar, lead_progress
from leadkeeper.doors.cli.reading import with_reading
from leadkeeper.doors.cli.remote.chosen import ask
from leadkeeper.doors.cli.showing import say, system_text
from leadkeeper.doors.cli.telling import spoken_language
from leadkeeper.texts import join_lazily, lazy_ngettext

if TYPE_CHECKING:
    from leadkeeper.doors.cli.remote.client import Remote
    from leadkeeper.inbox.lists.filter import LeadFilter
    from leadkeeper.inbox.reading import Reading

commands = typer.Typer()


@commands.command()
@filtered
def download(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="Where to write it; what is there is replaced. - is standard output.")
    ],
    wanted: LeadOptions,
) -> None:
    """Download leads as CSV, for a spreadsheet: all that fit, the newest first. Test leads too, without --no-test.

    The file holds personal data: only you may read it. It is there once it is whole.
    """
    filters, rows = wanted.filters(), 0

    def counted(more: int) -> None:
        nonlocal rows
        rows += more
        bar.advance(more)

    with lead_progress() as bar, _written(file) as out:

        async def here(reading: Reading) -> None:
            await _from_here(reading, filters, out, replace(bar, advance=counted))

        async def there(remote: Remote) -> None:
            await _from_there(remote, filters, out, replace(bar, advance=counted))

        ask(lambda: with_reading(here), there)
    say(lazy_ngettext("%(count)s lead is in the file.", "%(count)s leads are in the file.", rows))


async def _from_here(reading: Reading, filters: LeadFilter, out: BinaryIO, bar: LeadBar) -> None:
    from leadkeeper.doors.leads_csv import csv_of

    bar.begin(await reading.total(filters))
    title = quiet_settings().destinations.title
    await _copy(csv_of(reading.export(filters, by=BY), spoken_language(), title), out, bar)


async def _from_there(remote: Remote, filters: LeadFilter, out: BinaryIO, bar: LeadBar) -> None:
    from leadkeeper.doors.leads_csv import TOTAL_HEADER, parse_total

    whom = {"email": filters.email, "text": filters.text}
    words = {name: value for name, value in (rest_words(filters) | whom).items() if value is not None}
    words.pop("sort", None)
    async with remote.stream("/v1/leads/download", words) as (headers, pieces):
        bar.begin(parse_total(headers.get(TOTAL_HEADER)))
        await _copy(pieces, out, bar)


async def _copy(pieces: AsyncIterator[bytes], out: BinaryIO, bar: LeadBar) -> None:
    rows, more = _Rows(), -1  # the row of titles is no lead
    async for piece in pieces:
        out.write(piece)
        more += rows.ended_in(piece)
        bar.advance(more)
        more = 0


class _Rows:
    """Counts the rows of a file that comes in pieces: line breaks within quotation marks end none."""

    def __init__(self) -> None:
        self._quoted = False

    def ended_in(self, piece: bytes) -> int:
        """How many rows end in the next piece."""
        ended = 0
        for at, part in enumerate(piece.split(b'"')):
            self._quoted ^= at > 0
            ended += 0 if self._quoted else part.count(b"\n")
        return ended


@contextmanager
def _written(file: str) -> Iterator[BinaryIO]:
    """What becomes ``file`` when it is whole, and nothing when it is not."""
    if file == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    target, part = Path(file), Path(f"{file}.part")
    try:
        part.unlink(missing_ok=True)  # it may be a link, or readable by others
        out = os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
    except OSError as error:
        raise typer.BadParameter(join_lazily((file, system_text(error)), ": ")) from None
    try:
        with out:
            yield out
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
