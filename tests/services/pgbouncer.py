"""A real PgBouncer before a test's PostgreSQL server."""

from __future__ import annotations

import os
import random
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self
from urllib.parse import urlsplit

from tests.ports import PORTS
from tests.services.postgres import Postgres, PostgresFailed, PostgresMissing, account

PoolMode = Literal["session", "transaction"]
_START_SECONDS: Final = 30.0


class PgBouncer:
    """One pooler with few server connections, so that clients surely share them. Use it as a context.

    Raises ``PostgresMissing`` when the program is not on this machine.
    """

    def __init__(self, server: Postgres, mode: PoolMode, pool_size: int = 4) -> None:
        program = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
        if program is None:
            raise PostgresMissing("PgBouncer is missing: apt-get install --no-install-recommends pgbouncer")
        self._program = program
        self._server = server
        self._mode = mode
        self._pool_size = pool_size
        self._folder = Path(tempfile.mkdtemp(prefix="leadkeeper-pgbouncer-", dir="/tmp"))
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    def __enter__(self) -> Self:
        for port in random.sample(PORTS, 20):
            self._start(port)
            if self._answers(port):
                self.port = port
                return self
        self.close()
        raise PostgresFailed("PgBouncer did not start:\n" + (self._folder / "log").read_text(errors="replace"))

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def url(self, database_url: str) -> str:
        """The address of the same database through the pooler."""
        return database_url.replace(f":{self._server.port}/", f":{self.port}/")

    def stop(self) -> None:
        """End it at once, and with it every connection."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def start(self) -> None:
        """Start it again on its port. Raises ``PostgresFailed``."""
        self._start(self.port)
        if not self._answers(self.port):
            raise PostgresFailed(
                "PgBouncer did not start again:\n" + (self._folder / "log").read_text(errors="replace")
            )

    def close(self) -> None:
        """Stop it and remove its folder."""
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _start(self, port: int) -> None:
        given = urlsplit(self._server.url)
        users, settings = self._folder / "users", self._folder / "settings"
        users.write_text(f'"{given.username}" "{given.password}"\n')
        settings.write_text(
            "[databases]\n"
            f"* = host=127.0.0.1 port={self._server.port}\n"
            "[pgbouncer]\n"
            f"listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
            f"auth_type = scram-sha-256\nauth_file = {users}\n"
            f"pool_mode = {self._mode}\ndefault_pool_size = {self._pool_size}\nmax_client_conn = 500\n"
        )
        owner = account()
        if owner is not None:
            for path in (self._folder, users, settings):
                os.chown(path, owner.pw_uid, owner.pw_gid)
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._program, str(settings)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the tests, which then stop it
                user=owner.pw_uid if owner else None,
                group=owner.pw_gid if owner else None,
                extra_groups=[] if owner else None,
            )

    def _answers(self, port: int) -> bool:
        """Wait until it takes connections; false when it has ended, as when the port was taken."""
        assert self._process is not None
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end and self._process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return self._process.poll() is None
            time.sleep(0.02)
        return False
