"""What the demo shows: its story, and below it the deliveries as they change; plain lines where no terminal is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from leadkeeper.doors.cli.showing import WIDE, spoken
from leadkeeper.doors.state_words import DELIVERIES
from leadkeeper.texts import lazy_gettext as _

_COLOURS: Final = {
    "delivered": "green",
    "unconfirmed": "green",
    "waiting": "yellow",
    "held": "yellow",
    "setAside": "red",
    "withheld": "red",
}
_MARKERS: Final = re.compile(r"^MSFT_TEST_\d+(\d{6})-MSFT_TEST_\d+")
_ID: Final = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{6}([0-9a-f]{6})\b")
_TEST_LEAD: Final = _("test lead")
_FEWEST_ROWS: Final = 5
_AROUND: Final = 6
"""Lines of a terminal that the live table leaves for its own head and for the story above it."""


@dataclass(frozen=True, slots=True)
class Line:
    """One delivery as it is shown: no personal data."""

    id: str
    lead: str
    lead_source: str
    offer: str
    connection: str
    destination: str
    state: str
    summary: str

    @property
    def short(self) -> str:
        """The end of the lead's id: enough to tell leads apart on one screen."""
        return self.lead[-6:]


def state_word(state: str) -> str:
    """A delivery's state in the language of the command."""
    return spoken(DELIVERIES.get(state, state))


def short_lead_source(text: str) -> str:
    """A lead source that fits a line: of a test lead's two markers only the end of one is left."""
    return _MARKERS.sub(rf"{spoken(_TEST_LEAD)} \1", text)


class Screen:
    """Standard output. ``live`` says whether it is a terminal on which lines can change."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False)
        self.live = self._console.is_terminal and not self._console.is_dumb_terminal
        if not self._console.is_terminal:
            self._console.width = WIDE
        self._lines: Sequence[Line] = ()
        self._shown: dict[str, Line] = {}
        self._display: Live | None = None
        self._rows: int | None = None
        self._names_each = False

    @contextmanager
    def watching(self, rows: int | None = None) -> Iterator[None]:
        """While inside, the newest deliveries (as many as fit, or ``rows``) stand below the story and change."""
        if not self.live:
            yield
            return
        self._rows = rows
        with Live(console=self._console, get_renderable=self._table, auto_refresh=False, transient=True) as display:
            self._display = display
            try:
                yield
            finally:
                self._display = None

    def heading(self, text: str) -> None:
        """A new part of the story. Told in the language of the command, as all texts here."""
        self._console.print(f"\n[bold]{escape(spoken(text))}[/bold]", soft_wrap=True)

    def say(self, text: str, style: str = "", indent: str = "") -> None:
        """A line of the story, behind ``indent``."""
        self._console.print(escape(f"{indent}{spoken(text)}"), style=style, soft_wrap=True)

    def show(self, lines: Sequence[Line]) -> None:
        """The deliveries as they are now, newest first."""
        changed, self._lines = lines != self._lines, lines
        if self._display is not None and changed:
            self._display.refresh()
        if self.live:
            return
        for line in reversed(lines):
            if line.state not in ("pending", "sending") and self._shown.get(line.id) != line:
                self._shown[line.id] = line
                if not self._names_each:
                    continue
                summary = f": {line.summary}" if line.summary else ""
                self.say(
                    f"    {line.short}  {line.lead_source} -> {line.destination}: {state_word(line.state)}{summary}"
                )

    def name_each(self) -> None:
        """From now on print each delivery as it changes, where no terminal shows them all."""
        self._names_each = True

    def sum_up(self, lines: Sequence[Line]) -> None:
        """How many deliveries there are in each state, and over which connections."""
        for state in dict.fromkeys(line.state for line in lines):
            there = [line.connection for line in lines if line.state == state]
            places = ", ".join(dict.fromkeys(there))
            self.say(f"  {state_word(state):<11} {len(there):>2}: {places}", _COLOURS.get(state, ""))

    def table(self, title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """A table that stays."""
        table = Table(
            *map(spoken, columns),
            title=spoken(title),
            title_justify="left",
            box=None,
            pad_edge=False,
            title_style="bold",
        )
        for row in rows:
            table.add_row(*(escape(spoken(cell)) for cell in row))
        self._console.print()
        self._console.print(table, crop=False)

    def fitting(self, text: str) -> str:
        """``text`` with only the ends of the ids in it where a terminal is narrow; whole where there is none."""
        return _ID.sub(r"…\1", text) if self.live else text

    def _table(self) -> Table:
        table = Table(box=None, pad_edge=False, expand=True)
        for name, share in (
            (_("Lead"), None),
            (_("Lead source"), 4),
            (_("Destination"), 3),
            (_("State"), None),
            (_("Receipt or diagnosis"), 5),
        ):
            table.add_column(spoken(name), ratio=share, no_wrap=True, overflow="ellipsis")
        rows = self._rows or max(_FEWEST_ROWS, self._console.height - _AROUND)
        for line in self._lines[:rows]:
            colour = _COLOURS.get(line.state, "cyan")
            state = f"[{colour}]{escape(state_word(line.state))}[/{colour}]"
            table.add_row(
                line.short,
                escape(line.lead_source),
                escape(line.destination),
                state,
                escape(self.fitting(line.summary)),
            )
        return table
