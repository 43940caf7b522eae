"""A file system of a few megabytes, which can be filled up and freed."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tests.services.postgres import account

_CHUNK: Final = b"\0" * 4096


class SmallDiskMissing(RuntimeError):
    """This machine does not let us mount anything: it takes root."""


class SmallDisk:
    """Mounted in a folder of its own while it is used as a context; PostgreSQL's account owns it."""

    def __init__(self, megabytes: int) -> None:
        self._megabytes = megabytes
        self.path = Path(tempfile.mkdtemp(prefix="leadkeeper-disk-", dir="/tmp"))
        self._filler = self.path / "filler"

    def __enter__(self) -> Self:
        command = ["mount", "-t", "tmpfs", "-o", f"size={self._megabytes}m", "tmpfs", str(self.path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            self.path.rmdir()
            raise SmallDiskMissing(f"A small file system cannot be mounted here: {done.stderr.strip()}")
        owner = account()
        if owner is not None:
            os.chown(self.path, owner.pw_uid, owner.pw_gid)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        subprocess.run(["umount", "--lazy", str(self.path)], check=False)
        with contextlib.suppress(OSError):
            self.path.rmdir()

    def fill(self) -> None:
        """Leave not a page."""
        with self._filler.open("ab", buffering=0) as filler, contextlib.suppress(OSError):
            while filler.write(_CHUNK) == len(_CHUNK):
                pass

    def free(self) -> None:
        """Give back what was filled up."""
        self._filler.unlink(missing_ok=True)
