"""A real PostgreSQL server in a temporary folder, for tests and bench.

Needs the server's programs (Debian: ``postgresql``), not a running server, and never touches one that it did not start.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import pwd
import random
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self

import psutil

from tests.ports import PORTS, is_free

StopMode = Literal["smart", "fast", "immediate"]

_SIGNALS: Final[Mapping[StopMode, signal.Signals]] = {
    "smart": signal.SIGTERM,
    "fast": signal.SIGINT,
    "immediate": signal.SIGQUIT,
}
_USER: Final = "leadkeeper"
_START_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 60.0
_SETTINGS: Final[Mapping[str, str]] = {
    "fsync": "on",  # tests kill it and count what is left
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "log_line_prefix": "%m [%p] ",
}


class PostgresMissing(RuntimeError):
    """The server's programs are not on this machine."""


class PostgresFailed(RuntimeError):
    """The server did not do what was asked; the text ends with what it wrote last."""


def find_programs() -> Path:
    """The folder of ``initdb``, ``postgres`` and ``psql``: Debian's newest, or the one in ``PATH``.

    Raises :class:`PostgresMissing`.
    """
    debian = Path("/usr/lib/postgresql").glob("[0-9]*/bin/initdb")
    found = sorted(debian, key=lambda p: int(p.parts[-3]))
    in_path = shutil.which("initdb")
    if found:
        return found[-1].parent
    if in_path:
        return Path(in_path).resolve().parent
    raise PostgresMissing("PostgreSQL is missing: apt-get install --no-install-recommends postgresql")


class Postgres:
    """One server of its own: new, empty, durable (fsync on), on a loopback port that stays the same over restarts.

    Made by root it runs as ``postgres`` or ``nobody``, since PostgreSQL refuses root. All methods block; call them
    with ``asyncio.to_thread`` where a loop must go on. Whatever happens, the server ends with this process
    (except when this process is killed outright).
    """

    def __init__(self, settings: Mapping[str, str] | None = None, *, on_disk: bool = False) -> None:
        """Make the cluster; ``settings`` are added to postgresql.conf. Raises :class:`PostgresMissing`.

        It may lie in memory, where fsync costs nothing, unless ``on_disk``.
        """
        self._programs = find_programs()
        self._account = account()
        else_there = "/tmp" if self._account else None  # which the server's account can enter
        within = tempfile.gettempdir() if on_disk else roomy_memory() or else_there
        self._folder = Path(tempfile.mkdtemp(prefix="leadkeeper-pg-", dir=within))
        self._log = self._folder / "log"
        self._password = secrets.token_hex(12)
        self._settings = {**_SETTINGS, **(settings or {})}
        self._port: int | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._session: subprocess.Popen[str] | None = None
        atexit.register(self.close)
        self._make_cluster()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    @property
    def url(self) -> str:
        """SQLAlchemy's address of the database ``postgres``; tests make their own with :meth:`create_database`."""
        return self._url("postgres")

    @property
    def port(self) -> int:
        """The port on 127.0.0.1; known after the first start."""
        if self._port is None:
            raise PostgresFailed("The server has not been started yet.")
        return self._port

    @property
    def password(self) -> str:
        """Of the one user."""
        return self._password

    @property
    def pid(self) -> int:
        """The server's main process, of which all others are children. Raises :class:`PostgresFailed`."""
        if self._process is None:
            raise PostgresFailed("The server does not run.")
        return self._process.pid

    def address(self, application: str) -> str:
        """How one of PostgreSQL's own programs reaches it, under that name."""
        return f"host=127.0.0.1 port={self.port} user={_USER} password={self._password} application_name={application}"

    @property
    def running(self) -> bool:
        """Whether the server's main process is alive."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start and wait until it answers. Does nothing when it runs. Raises :class:`PostgresFailed`."""
        if self.running:
            return
        if self._port is not None:
            self._start_on(self._port)
            return
        for port in random.sample(PORTS, 20):
            if not is_free(port):
                continue
            try:
                self._start_on(port)
            except PostgresFailed:
                if is_free(port):  # so the port was not the reason
                    raise
            else:
                self._port = port
                return
        raise PostgresFailed("No free port for PostgreSQL.")

    def stop(self, mode: StopMode = "fast") -> None:
        """Stop and wait: ``smart`` lets clients finish, ``fast`` ends their transactions, ``immediate`` is a crash.

        Does nothing when it does not run. Raises :class:`PostgresFailed` when it still runs after a minute.
        """
        process = self._process
        if process is None or process.poll() is not None:
            self._process = None
            return
        process.send_signal(_SIGNALS[mode])
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            raise PostgresFailed(f"PostgreSQL did not stop ({mode}).{self._last_words()}") from None
        self._process = None

    def restart(self, mode: StopMode = "fast") -> None:
        """Stop, and start on the same port with the same data."""
        self.stop(mode)
        self.start()

    def kill(self) -> None:
        """SIGKILL to every process of the server at once, as a crash of the machine would (disk caches excepted)."""
        process, self._process = self._process, None
        if process is None:
            return
        victims = _family(process.pid)
        for victim in victims:
            with contextlib.suppress(psutil.NoSuchProcess):  # it ended by itself meanwhile
                victim.kill()
        process.wait()
        while any(_lives(victim) for victim in victims):
            time.sleep(0.01)

    def close(self) -> None:
        """Stop, however, and remove the folder. May be called twice."""
        atexit.unregister(self.close)
        self._hang_up()
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def create_database(self, name: str | None = None, *, template: str | None = None) -> str:
        """Make a database (``name``, else a new one), empty or a copy of ``template``; gives its address.

        Nobody may be connected to ``template`` meanwhile.
        """
        name = name or f"t_{secrets.token_hex(6)}"
        self._say(f'CREATE DATABASE "{name}" TEMPLATE "{template or "template0"}" STRATEGY FILE_COPY')
        return self._url(name)

    def drop_database(self, name_or_url: str) -> None:
        """Remove a database and disconnect whoever uses it. Does nothing when there is none."""
        self._say(f'DROP DATABASE IF EXISTS "{name_or_url.rpartition("/")[2]}" WITH (FORCE)')

    def sql(self, statement: str, database: str = "postgres") -> str:
        """What ``psql`` prints for ``statement``: one row a line, columns between ``|``. Raises on an SQL error."""
        command = [*self._psql(database), "--set=ON_ERROR_STOP=1", f"--command={statement}"]
        done = subprocess.run(command, env=self._identity(), capture_output=True, text=True, check=False)
        if done.returncode:
            raise PostgresFailed(f"{statement}: {done.stderr.strip()}")
        return done.stdout.strip()

    def _psql(self, database: str) -> list[str]:
        return [
            str(self._programs / "psql"),
            *("--no-psqlrc", "--quiet", "--tuples-only", "--no-align"),
            *("--host=127.0.0.1", f"--port={self.port}", f"--username={_USER}", f"--dbname={database}"),
        ]

    def _identity(self) -> dict[str, str]:
        return _environment() | {"PGPASSWORD": self._password}

    def _say(self, statement: str) -> None:
        """Run it in a ``psql`` that stays: hundreds of tests make and drop a database each."""
        for _ in range(2):  # the one that stayed ended with the server that it spoke to
            if self._session is None:
                self._session = subprocess.Popen(
                    self._psql("postgres"),
                    env=self._identity(),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    start_new_session=True,
                )
            summary = _answer_of(self._session, statement)
            if summary == "":
                return
            if summary is not None:
                raise PostgresFailed(f"{statement}: {summary}")
            self._hang_up()
        raise PostgresFailed(f"{statement}: the server cannot be reached.{self._last_words()}")

    def _hang_up(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.kill()
            session.communicate()

    def _url(self, database: str) -> str:
        return f"postgresql+asyncpg://{_USER}:{self._password}@127.0.0.1:{self.port}/{database}"

    def _make_cluster(self) -> None:
        password_file = self._folder / "password"
        password_file.write_text(self._password)
        self._give_away(self._folder, password_file)
        done = self._spawn(
            "initdb",
            *("--auth=scram-sha-256", f"--pwfile={password_file}", f"--username={_USER}"),
            *("--encoding=UTF8", "--no-locale", "--no-sync", f"--pgdata={self._folder / 'data'}"),
        )
        if done.wait():
            raise PostgresFailed(f"initdb failed.{self._last_words()}")
        with (self._folder / "data" / "postgresql.conf").open("a") as conf:
            conf.writelines(f"{name} = '{value}'\n" for name, value in self._settings.items())

    def _give_away(self, *paths: Path) -> None:
        """Let the server's account have them."""
        if self._account:
            for path in paths:
                os.chown(path, self._account.pw_uid, self._account.pw_gid)

    def _start_on(self, port: int) -> None:
        self._process = self._spawn("postgres", "-D", str(self._folder / "data"), "-p", str(port))
        ready = [str(self._programs / "pg_isready"), "--quiet", "--host=127.0.0.1", f"--port={port}"]
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end and self.running:
            if subprocess.run(ready, env=_environment(), check=False).returncode == 0 and self.running:
                return
            time.sleep(0.05)
        self.kill()
        raise PostgresFailed(f"PostgreSQL did not start on port {port}.{self._last_words()}")

    def _spawn(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [str(self._programs / program), *arguments],
                cwd=self._folder,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the tests, which then stop the server
                user=self._account.pw_uid if self._account else None,
                group=self._account.pw_gid if self._account else None,
                extra_groups=[] if self._account else None,
            )

    def _last_words(self) -> str:
        return "\n" + "\n".join(self._log.read_text(errors="replace").splitlines()[-15:])


_MESSAGE: Final = "-- said --"


def _answer_of(session: subprocess.Popen[str], statement: str) -> str | None:
    """What ``psql`` prints for ``statement``; ``None`` when it has lost its server."""
    assert session.stdin is not None
    assert session.stdout is not None
    summary: list[str] = []
    with contextlib.suppress(BrokenPipeError):
        session.stdin.write(f"{statement};\n\\echo {_MESSAGE}\n")
        session.stdin.flush()
        for line in session.stdout:
            if line.strip() == _MESSAGE:
                return "".join(summary).strip()
            summary.append(line)
    return None


def roomy_memory() -> Path | None:
    """A folder in memory, where there is room for databases: each test makes one, of 8 MB on PostgreSQL."""
    memory = Path("/dev/shm")
    return memory if os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > _ROOM else None


_ROOM: Final = 4 * 2**30


def account() -> pwd.struct_passwd | None:
    """Whom the server runs as when we are root, else ``None``."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    return names.get("postgres") or names["nobody"]


def _environment() -> dict[str, str]:
    """Ours, without settings meant for another PostgreSQL, speaking English."""
    return {k: v for k, v in os.environ.items() if not k.startswith("PG")} | {"LC_ALL": "C"}


def _family(pid: int) -> list[psutil.Process]:
    """The process and everything under it, the parent first; empty when it is gone."""
    try:
        parent = psutil.Process(pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _lives(process: psutil.Process) -> bool:
    """Whether it still holds files and memory: one that init has yet to bury does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
