"""A PostgreSQL server that keeps one database on a small disk of its own, which a test fills and frees.

The disk is a tmpfs that the server's process alone sees: it is mounted in a user and mount namespace of its own, so no
root is needed. The machine must allow unprivileged user namespaces, and ``unshare`` must know ``--keep-caps``
(util-linux 2.36; Debian: ``util-linux``). What is on the disk is gone when the server stops.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from typing import Final

from tests.services.postgres import Postgres, PostgresFailed, PostgresMissing, account

_DISK_MB: Final = 40
_APART: Final = ("--user", "--map-current-user", "--keep-caps", "--mount")
_MOUNT: Final = f'mount -t tmpfs -o size={_DISK_MB}m,mode=0700 disk "$0" && exec "$@"'


def require_namespaces() -> None:
    """Raise :class:`PostgresMissing` where the machine gives nobody a mount of their own."""
    program = shutil.which("unshare")
    if program is None:
        raise PostgresMissing("unshare is missing: apt-get install util-linux")
    user = account()
    tried = subprocess.run(
        [program, *_APART, "mount", "-t", "tmpfs", "disk", "/mnt"],
        capture_output=True,
        text=True,
        check=False,
        user=user.pw_uid if user else None,
        group=user.pw_gid if user else None,
        extra_groups=[] if user else None,
    )
    if tried.returncode:
        raise PostgresMissing(f"This machine allows no user namespace with a mount: {tried.stderr.strip()}")


class SmallDisk(Postgres):
    """As :class:`Postgres`; what :meth:`create_small_database` makes is on the small disk, the server's log is not."""

    def create_small_database(self) -> str:
        """Make a database on the small disk; its address."""
        self.sql(f"CREATE TABLESPACE small LOCATION '{self._disk}'")
        self.sql("CREATE DATABASE small TEMPLATE template0 TABLESPACE small")
        return self._url("small")

    def fill(self) -> None:
        """Leave no room on the small disk: another program's file takes all of it."""
        with contextlib.suppress(PostgresFailed):
            self.sql(f"COPY (SELECT repeat('x', 10000) FROM generate_series(1, 100000)) TO '{self._filler}'")

    def free(self) -> None:
        """That file is removed."""
        self.sql(f"COPY (SELECT 1) TO PROGRAM 'cat > /dev/null; rm {self._filler}'")

    @property
    def _disk(self) -> str:
        return str(self._folder / "disk")

    @property
    def _filler(self) -> str:
        return f"{self._disk}/filler"

    def _spawn(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        if program != "postgres":
            return super()._spawn(program, *arguments)
        disk = self._folder / "disk"
        disk.mkdir(exist_ok=True)
        self._give_away(disk)
        whole = str(self._programs / program)
        unshare = shutil.which("unshare") or "unshare"
        return super()._spawn(unshare, *_APART, "sh", "-c", _MOUNT, str(disk), whole, *arguments)
