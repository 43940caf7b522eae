"""``leadkeeper serve | api | worker``: the running service, until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import signal
import socket
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Final

import typer

from leadkeeper.doors.cli.failing import Failed
from leadkeeper.doors.cli.showing import say
from leadkeeper.network.listening import with_port
from leadkeeper.processes.plan import Duty, ProcessPlan, by_itself, planned
from leadkeeper.texts import _ as gettext
from leadkeeper.texts import join_lazily, lazy_ngettext
from leadkeeper.texts import lazy_gettext as _

if TYPE_CHECKING:
    from leadkeeper.settings import Settings

commands = typer.Typer()

MOST: Final = 64
"""The most processes of a kind that one command runs."""

_PEERS_NEEDED: Final = _(
    "Several processes need PostgreSQL: on SQLite one process writes at a time, and one is quicker than two. "
    "Use --processes 1 without --workers, or see docs/howto/run-several-processes.md."
)

_PEERS_NEEDED_BY_SETTING: Final = gettext(
    "LEADKEEPER_PROCESSES=%(count)s needs PostgreSQL: on SQLite one process writes at a time, and one is quicker than "
    "two. Set it to 1, or see docs/howto/run-several-processes.md."
)
_NOT_HERE: Final = gettext("%(address)s is not here: choose another with LEADKEEPER_HOST and LEADKEEPER_PORT.")
_NO_LISTENING: Final = {errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EACCES, errno.EAFNOSUPPORT}
_NOT_FOUND: Final = gettext(
    "%(host)s is no address and no host name that leads to one: set LEADKEEPER_HOST to an address of this machine, "
    "such as 127.0.0.1 or ::1, or to 0.0.0.0 for all IPv4 addresses, :: for those of IPv6 as well."
)
_PORT_TROUBLE: Final = {
    errno.EADDRINUSE: gettext("%(address)s is taken: choose another with LEADKEEPER_HOST and LEADKEEPER_PORT."),
    errno.EACCES: gettext("%(address)s needs more rights: choose another with LEADKEEPER_HOST and LEADKEEPER_PORT."),
}

Host = Annotated[str | None, typer.Option(help="Listen here instead of at LEADKEEPER_HOST.")]
Port = Annotated[int | None, typer.Option(min=1, max=65535, help="Listen here instead of at LEADKEEPER_PORT.")]
Processes = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=MOST,
        help="How many processes take leads in and carry them; else LEADKEEPER_PROCESSES, else 1 on SQLite, and on "
        "PostgreSQL one for each core, at most 4.",
    ),
]
Workers = Annotated[
    int, typer.Option(min=0, max=MOST, help="So many further processes carry the leads, and the others only take in.")
]
Alike = Annotated[int, typer.Option("--processes", min=1, max=MOST, help="How many such processes run (PostgreSQL).")]


@commands.command()
def serve(host: Host = None, port: Port = None, processes: Processes = None, workers: Workers = 0) -> None:
    """Take leads in and carry them: the API and a worker, in one process or several.

    Ctrl-C (or SIGTERM) ends it in good order: what is in flight may end, the rest stays in the database.
    """
    _run(Duty.SERVE, host, port, processes, workers)


@commands.command()
def api(host: Host = None, port: Port = None, processes: Alike = 1) -> None:
    """Only take leads in. A worker elsewhere carries them."""
    _run(Duty.API, host, port, processes)


@commands.command()
def worker(processes: Alike = 1) -> None:
    """Only carry leads. Any number of workers may share one database."""
    _run(Duty.WORKER, None, None, processes)


def _run(role: Duty, host: str | None, port: int | None, processes: int | None, workers: int = 0) -> None:
    from leadkeeper.app import configure_logging
    from leadkeeper.settings import load_settings

    settings = load_settings()
    settings = settings.model_copy(update={"host": _host(host) or settings.host, "port": port or settings.port})
    configure_logging(settings)
    plan = planned(role, processes or _by_itself(settings), workers)
    if len(plan) > 1 and not settings.takes_peers:
        by_setting = None if processes or workers or role is not Duty.SERVE else too_many_processes(settings)
        raise Failed(by_setting or _PEERS_NEEDED)
    _warn(settings)
    with _port_explained(settings):
        if len(plan) > 1:
            from leadkeeper.doors.cli.operating.several import supervise

            supervise(plan, settings)
        else:
            import uvloop

            uvloop.run(_until_stopped(settings, role))


def too_many_processes(settings: Settings) -> str | None:
    """Why ``serve`` refuses the number of processes in the settings, with the remedy; ``None`` where it takes it."""
    if settings.processes in (None, 1) or settings.takes_peers:
        return None
    return _(_PEERS_NEEDED_BY_SETTING, count=settings.processes)


def _host(given: str | None) -> str | None:
    from leadkeeper.network.site import parse_listening_host

    try:
        return parse_listening_host(given) if given else None
    except ValueError as error:
        raise typer.BadParameter(join_lazily(("--host", *error.args), ": ")) from None


def _by_itself(settings: Settings) -> int:
    from leadkeeper.processes.supervisor import cores

    return settings.processes or by_itself(peers=settings.takes_peers, cores=cores())


@contextlib.contextmanager
def _port_explained(settings: Settings) -> Iterator[None]:
    """A host or port that cannot be listened on is told with its remedy."""
    try:
        yield
    except OSError as error:
        summary = listening_trouble(settings.host, settings.port, error)
        if summary is None:
            raise
        raise Failed(summary) from None


def listening_trouble(host: str, port: int, error: OSError) -> str | None:
    """Why the API cannot listen there, with the remedy; ``None`` for an error of something else."""
    # What a resolver says comes with its own numbers, which are negative but for some systems.
    if isinstance(error, socket.gaierror) or (error.errno or 0) < 0 or error.errno == socket.EAI_NONAME:
        return _(_NOT_FOUND, host=host)
    if error.errno in _NO_LISTENING and error.filename is None:
        return _(_PORT_TROUBLE.get(error.errno or 0, _NOT_HERE), address=with_port(host, port))
    return None


def _warn(settings: Settings) -> None:
    """Say what stands open on this machine; the doctor says the same."""
    import structlog

    from leadkeeper.doors.cli.operating.permissions import ROOT, exposed_files, is_root
    from leadkeeper.doors.cli.operating.unknown_settings import unknown_settings

    log = structlog.get_logger(__name__)
    for unknown in unknown_settings():
        log.warning("a setting is not known", summary=unknown.summary, remedy=unknown.remedy)
    for each in exposed_files(settings):
        log.warning("a file stands open", file=str(each.path), summary=each.summary, remedy=each.remedy)
    if is_root():
        log.warning(ROOT[0], remedy=ROOT[1])


async def _until_stopped(settings: Settings, role: Duty) -> None:
    from leadkeeper.serving import serve

    stop = stop_at_signals()

    def ready() -> None:
        say_listening(settings, [ProcessPlan(role, 1)])
        settle()

    await serve(settings, role, stop=stop, ready=ready, begin=say_begin)


def stop_at_signals() -> asyncio.Event:
    """What Ctrl-C and SIGTERM set, of the loop that runs."""
    stop = asyncio.Event()
    for summary in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(summary, stop.set)
    return stop


def say_listening(settings: Settings, plan: Sequence[ProcessPlan]) -> None:
    """All of ``plan`` works: where it listens, what it lacks, how it ends, and which pages there are."""
    import structlog

    from leadkeeper.doors.cli.operating.python_check import REMEDY, WARNING, reads_cookies_slowly

    listens, carries = (any(each) for each in ([p.role.listens for p in plan], [p.role.carries for p in plan]))
    parts = [_("Leadkeeper carries leads")]
    if listens:
        parts = [_("Leadkeeper listens at %(address)s", address=f"http://{with_port(settings.host, settings.port)}")]
    if len(plan) > 1:
        parts.append(lazy_ngettext("in %(count)s process", "in %(count)s processes", len(plan)))
    where = join_lazily(parts)
    if carries:
        say(_("%(where)s. Ctrl-C ends it.", where=where))
    else:
        say(_("%(where)s; a worker elsewhere must carry the leads. Ctrl-C ends it.", where=where))
    if not listens:
        return
    pages = {name: f"{settings.base_url}/{name}" for name in ("portal", "store", "docs")}
    say(_("The portal is at %(portal)s, the storefront at %(store)s, the documentation at %(docs)s.", **pages))
    if reads_cookies_slowly():
        structlog.get_logger(__name__).warning(WARNING, remedy=REMEDY)


def say_begin(address: str) -> None:
    """Where an installation begins in which nobody can sign in yet."""
    say(
        _(
            "Nobody can sign in yet. Open this link to begin; it is good once, for 24 hours: %(address)s",
            address=address,
        )
    )


def settle() -> None:
    """What is there now stays: looking through it again and again for garbage took a quarter of a worker's time.

    The garbage in it stays too: it is some 2 MB, and to find it takes a tenth of a second. From here on garbage is
    looked for often and a little at a time, since everybody waits meanwhile: for 50 ms and more where 50,000 new
    objects are let come together, as a start does.
    """
    gc.freeze()
    gc.set_threshold(1_000, 20, 100)
