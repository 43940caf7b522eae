"""How far a command is that goes through many leads, shown where there is a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from leadkeeper.doors.cli.showing import spoken
from leadkeeper.doors.cli.telling import spoken_language
from leadkeeper.texts import lazy_gettext as _

if TYPE_CHECKING:
    from leadkeeper.inbox.lists.total import LeadTotal


@dataclass(frozen=True, slots=True)
class LeadBar:
    """``begin`` is told how many leads there will be, as far as that is known, ``advance`` how many more are done."""

    begin: Callable[[LeadTotal | int | None], None]
    advance: Callable[[int], None]


@contextmanager
def lead_progress() -> Iterator[LeadBar]:
    """A bar on standard error, where that is a terminal; it is gone at the end."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[shown]}"))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bar, language, total = progress.add_task(spoken(_("Leads")), total=None, shown=""), spoken_language(), ""

        def begin(known: LeadTotal | int | None) -> None:
            nonlocal total
            if known is None:
                return
            count, about = (known, False) if isinstance(known, int) else (known.leads, known.about)
            total = language.number(count)
            total = language.gettext("about %(count)s", count=total) if about else total
            progress.update(bar, total=max(1, count))

        def advance(leads: int) -> None:
            progress.update(bar, advance=leads)
            done = language.number(int(progress.tasks[0].completed))
            shown = language.gettext("%(done)s of %(all)s", done=done, all=total) if total else done
            progress.update(bar, shown=shown)

        yield LeadBar(begin, advance)
