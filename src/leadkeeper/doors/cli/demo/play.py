"""Playing the demo: everything is started, the story told, the arrivals proven, everything ended."""

from __future__ import annotations

import asyncio
import signal
import tempfile
import time
from collections.abc import Coroutine, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

import aiohttp

from leadkeeper.doors.cli.demo.board import Board
from leadkeeper.doors.cli.demo.guard import Guard
from leadkeeper.doors.cli.demo.hub import Hub, Refused
from leadkeeper.doors.cli.demo.proof import Arrival, arrivals
from leadkeeper.doors.cli.demo.screen import Screen, short_lead_source
from leadkeeper.doors.cli.demo.sights import sights
from leadkeeper.doors.cli.demo.stage import Stage, open_stage
from leadkeeper.doors.cli.demo.storage import storage_ends
from leadkeeper.doors.cli.demo.story import Story
from leadkeeper.doors.cli.failing import Failed
from leadkeeper.doors.cli.showing import spoken
from leadkeeper.texts import join_lazily
from leadkeeper.texts import lazy_gettext as _

LIMIT: Final = 90.0
"""Seconds within which every lead must have arrived after the story's end."""
_ROWS: Final = 8
"""How many deliveries stand below the list of what to look at, which must stay in sight."""
_INTERRUPTED: Final = 130


def play(*, once: bool) -> int:
    """Play and answer the exit code: 0 when every acknowledged lead arrived everywhere. Ends everything it started."""
    with (
        Guard() as guard,
        tempfile.TemporaryDirectory(prefix="leadkeeper-demo-", ignore_cleanup_errors=True) as name,
    ):
        folder = Path(name).resolve()
        guard.folder(folder)
        # Whatever else is put into temporary folders goes with ours, even if we are killed.
        tempfile.tempdir = str(folder)
        try:
            return asyncio.run(_until_stopped(_Demo(folder, guard, Screen(), once=once)))
        finally:
            tempfile.tempdir = None


async def _until_stopped(demo: _Demo) -> int:
    """Play until the end, or until somebody presses Ctrl-C, closes the terminal or asks us to end."""
    playing = asyncio.create_task(demo.play())
    loop = asyncio.get_running_loop()
    for summary in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(summary, playing.cancel)
    try:
        return await playing
    except asyncio.CancelledError:
        return demo.interrupted


class _Demo:
    def __init__(self, folder: Path, guard: Guard, screen: Screen, *, once: bool) -> None:
        self._folder = folder
        self._guard = guard
        self._screen = screen
        self._once = once
        self.interrupted = _INTERRUPTED

    async def play(self) -> int:
        async with AsyncExitStack() as stack:
            self._screen.say(_("Starting the sandbox (a stand-in for every destination, over TLS) and the hub ..."))
            stage = await stack.enter_async_context(open_stage(self._folder, self._guard))
            hub = await stack.enter_async_context(Hub(self._folder, self._guard, stage.settings))
            self._screen.say(
                _("The hub listens at %(url)s. What arrives: %(page)s", url=hub.url, page=stage.sandbox.control_url)
            )
            board = Board(hub, self._screen)
            story = Story(hub, stage, self._screen, board)
            failed: list[str] = []
            with self._screen.watching():
                await _while_alive(hub, stage, board, self._tell(story, hub, failed))
            if self._once or failed:
                return self._verdict(failed)
            self._verdict(failed)
            self.interrupted = 0
            self._screen.name_each()
            self._screen.say(sights(hub, stage, story.hook_url, story.accounts))
            with self._screen.watching(_ROWS):
                await _while_alive(hub, stage, board, asyncio.sleep(float("inf")))
        return 0

    async def _tell(self, story: Story, hub: Hub, failed: list[str]) -> None:
        """The story, then the proof; ``failed`` gets what did not arrive."""
        await story.play()
        self._screen.heading(_("Waiting until every lead is found at every destination"))
        end = time.monotonic() + LIMIT
        found = await arrivals(hub, story.handed_in)
        while any(arrival.wrong for arrival in found) and time.monotonic() < end:
            await asyncio.sleep(0.3)
            found = await arrivals(hub, story.handed_in)
        self._report(found)
        failed += [
            f"{arrival.lead.lead_source} -> {spoken(arrival.where)}: {spoken(arrival.wrong)}"
            for arrival in found
            if arrival.wrong
        ]

    def _report(self, found: Sequence[Arrival]) -> None:
        rows = [
            (
                self._screen.fitting(a.lead.id),
                short_lead_source(a.lead.lead_source),
                a.where,
                self._screen.fitting(spoken(a.receipt or _("NOT ARRIVED"))),
            )
            for a in found
            if not a.lead.test or a.wrong
        ]
        columns = (_("Lead"), _("Lead source"), _("Destination"), _("Receipt, read at the destination"))
        self._screen.table(
            _(
                "What arrived, read from each destination's own records (the test leads, just as found, are left out "
                "here)"
            ),
            columns,
            rows,
        )
        leads = len({arrival.lead.id for arrival in found})
        arrived = sum(bool(arrival.receipt) for arrival in found)
        self._screen.say("")
        self._screen.say(
            _(
                "%(leads)s leads acknowledged, %(arrived)s of %(every)s deliveries arrived.",
                leads=leads,
                arrived=arrived,
                every=len(found),
            )
        )

    def _verdict(self, failed: Sequence[str]) -> int:
        for reason in failed:
            self._screen.say(_("Not arrived within %(seconds)s s: %(why)s", seconds=round(LIMIT), why=reason), "red")
        return 1 if failed else 0


async def _while_alive(hub: Hub, stage: Stage, board: Board, doing: Coroutine[Any, Any, None]) -> None:
    """Do it with the board beside it; raises :class:`Failed` when a child dies meanwhile or the hub refuses."""
    from azure.core.exceptions import AzureError

    work = asyncio.create_task(doing)
    beside = [
        asyncio.create_task(board.run()),
        asyncio.create_task(_hub_ends(hub)),
        asyncio.create_task(storage_ends(stage.storage)),
        asyncio.create_task(stage.keep_page_fresh()),
    ]
    try:
        done, _pending = await asyncio.wait({work, *beside}, return_when=asyncio.FIRST_COMPLETED)
        if beside[0] in done and not beside[1].done():
            # The board cannot ask a hub that has just died: what the hub said last tells more.
            await asyncio.wait({beside[1]}, timeout=1.0)
        for task in (*beside[1:], work, beside[0]):
            if task.done():
                task.result()
    except Refused as error:
        summary = _("The demo did not go as told: %(why)s", why=error.args[0])
        raise Failed(join_lazily((summary, *hub.last_words()), "\n")) from None
    except aiohttp.ClientError as error:
        raise Failed(_("The hub does not answer: %(cause)s.", cause=type(error).__name__)) from None
    except AzureError as error:
        raise Failed(
            _("Azurite, the Azure Storage emulator, does not answer: %(cause)s.", cause=type(error).__name__)
        ) from None
    finally:
        for task in (work, *beside):
            task.cancel()
        await asyncio.gather(work, *beside, return_exceptions=True)


async def _hub_ends(hub: Hub) -> None:
    raise Failed(await hub.ended())
