"""Where a run happens: its folder, its databases, its helpers. Everything it makes is gone after it."""

from __future__ import annotations

import contextlib
import random
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal

from bench.children import Child, ChildFailed
from tests.services.postgres import Postgres

Kind = Literal["sqlite", "postgresql"]
KINDS: Final[tuple[Kind, ...]] = ("sqlite", "postgresql")

SINK_HOST: Final = "sink.example"
TABLE_ACCOUNT: Final = "contosoleads"
TABLE_HOST: Final = f"{TABLE_ACCOUNT}.table.core.windows.net"
TROUBLED_HOSTS: Final = ("hangs.example", "fails.example")
_PORTS: Final = range(15_000, 30_000)  # below those that the system gives to outgoing connections


class Place:
    """The folder and the programs that all measurements share: echo, load, sink, poster, and PostgreSQL when asked.

    Use it as a context: on leaving, all of them are stopped and the folder is removed.
    """

    def __init__(self, postgres: Postgres | None = None) -> None:
        """``postgres`` is a server that runs, if there is to be none of its own."""
        self._stack = contextlib.ExitStack()
        self.folder = Path(tempfile.mkdtemp(prefix="leadkeeper-bench-"))
        self._stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self._postgres = postgres

    def __enter__(self) -> Place:
        try:
            self.echo = self.start("bench.echo")
            self.load = self.start("bench.load")
            hosts = (SINK_HOST, TABLE_HOST, *TROUBLED_HOSTS, "127.0.0.1")
            self.sink = self.start("bench.sink", str(self.folder), *hosts)
            self.poster = self.start("bench.poster")
            self.echo_port: int = self.echo.summary()["port"]
            self.sink_port: int = self.sink.summary()["port"]
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def ca_file(self) -> Path:
        """The certificate authority of the sink."""
        return self.folder / "ca.pem"

    @property
    def hosts(self) -> str:
        """``LEADKEEPER_HOSTS``: every host that a lead goes to is the sink."""
        names = (SINK_HOST, TABLE_HOST, *TROUBLED_HOSTS)
        return ",".join(f"{name}=127.0.0.1:{self.sink_port}" for name in names)

    @property
    def postgres(self) -> Postgres:
        """The run's own PostgreSQL server, started when first asked for. Raises ``PostgresMissing``."""
        if self._postgres is None:
            server = Postgres(on_disk=True)
            self._stack.callback(server.close)
            server.start()
            self._postgres = server
        return self._postgres

    def start(self, module: str, *arguments: str) -> Child:
        """One of the bench's own programs, until the end of the run."""
        return self._stack.enter_context(Child(self.folder, module, *arguments))

    @contextlib.contextmanager
    def database(self, kind: Kind) -> Iterator[tuple[Path, str]]:
        """A new folder, and the address of a new, empty database (SQLite's file lies in the folder)."""
        folder = Path(tempfile.mkdtemp(prefix=f"{kind}-", dir=self.folder))
        if kind == "sqlite":
            yield folder, f"sqlite+aiosqlite:///{folder / 'leadkeeper.db'}"
            shutil.rmtree(folder, ignore_errors=True)
            return
        url = self.postgres.create_database()
        try:
            yield folder, url
        finally:
            self.postgres.drop_database(url)

    def count(self) -> dict[str, Any]:
        """What the sink has seen since its last reset: ``requests``, ``leads``, ``distinct``, ``seconds``."""
        counted: dict[str, Any] = self.sink.ask({"order": "count"})
        return counted

    def reset(self) -> None:
        """Let the sink forget."""
        self.sink.ask({"order": "reset"})


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    for port in random.sample(_PORTS, 50):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return port
    raise ChildFailed("there is no free port")
