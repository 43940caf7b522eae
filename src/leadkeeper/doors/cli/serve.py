"""``leadkeeper serve | api | worker``: the running service, until it is told to stop."""

from __future__ import annotations

import asyncio
import errno
import gc
import signal
from typing import TYPE_CHECKING, Annotated

import typer

from leadkeeper.doors.cli.failing import Failed
from leadkeeper.doors.cli.showing import say

if TYPE_CHECKING:
    from leadkeeper.settings import Settings

Host = Annotated[str | None, typer.Option(help="Listen here instead of at LEADKEEPER_HOST.")]
Port = Annotated[int | None, typer.Option(min=1, max=65535, help="Listen here instead of at LEADKEEPER_PORT.")]


def serve(host: Host = None, port: Port = None) -> None:
    """Take leads in and carry them: the API and a worker in one process.

    Ctrl-C (or SIGTERM) ends it in good order: what is in flight may end, the rest stays in the database.
    """
    _run(host, port, api=True, worker=True)


def api(host: Host = None, port: Port = None) -> None:
    """Only take leads in. A worker elsewhere carries them."""
    _run(host, port, api=True, worker=False)


def worker() -> None:
    """Only carry leads. Any number of workers may share one database."""
    _run(None, None, api=False, worker=True)


def _run(host: str | None, port: int | None, *, api: bool, worker: bool) -> None:
    import uvloop

    from leadkeeper.app import configure_logging
    from leadkeeper.settings import load_settings

    settings = load_settings()
    settings = settings.model_copy(update={"host": host or settings.host, "port": port or settings.port})
    configure_logging(settings)
    _warn(settings)
    try:
        uvloop.run(_until_stopped(settings, api=api, worker=worker))
    except OSError as error:
        if error.errno in (errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EACCES) and error.filename is None:
            why = {errno.EADDRINUSE: "is taken", errno.EACCES: "needs more rights"}.get(error.errno or 0, "is not here")
            raise Failed(
                f"{settings.host}:{settings.port} {why}: choose another with LEADKEEPER_HOST and LEADKEEPER_PORT."
            ) from None
        raise


def _warn(settings: Settings) -> None:
    """Say what stands open on this machine; the doctor says the same."""
    import structlog

    from leadkeeper.doors.cli.permissions import ROOT, exposed_files, is_root

    log = structlog.get_logger(__name__)
    for each in exposed_files(settings):
        log.warning("a file stands open", file=str(each.path), summary=each.summary, remedy=each.remedy)
    if is_root():
        log.warning(ROOT[0], remedy=ROOT[1])


async def _until_stopped(settings: Settings, *, api: bool, worker: bool) -> None:
    import structlog

    from leadkeeper.doors.cli.python_check import REMEDY, WARNING, reads_cookies_slowly
    from leadkeeper.serving import serve

    log, slow = structlog.get_logger(__name__), api and reads_cookies_slowly()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for summary in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(summary, stop.set)

    def ready() -> None:
        where = f"Leadkeeper listens at http://{settings.host}:{settings.port}" if api else "Leadkeeper carries leads"
        say(f"{where}{'' if worker else '; a worker elsewhere must carry the leads'}. Ctrl-C ends it.")
        if slow:
            log.warning(WARNING, remedy=REMEDY)
        # What is there now stays: looking through it again and again for garbage took a quarter of a worker's time.
        # The garbage in it stays too: it is some 2 MB, and to find it takes a tenth of a second.
        gc.freeze()

    def begin(address: str) -> None:
        say(f"Nobody can sign in yet. Open this link to begin; it is good once, for 24 hours: {address}")

    await serve(settings, api=api, worker=worker, stop=stop, ready=ready, begin=begin)
