"""Files that hold leads or secrets, and who else may read them."""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from leadkeeper.texts import lazy_gettext as _

if TYPE_CHECKING:
    from leadkeeper.settings import Settings

_OTHERS: Final = stat.S_IRWXO
_GROUP: Final = stat.S_IRWXG
ROOT: Final = (
    _("the program runs as root: whoever breaks into it has the whole machine"),
    _("give it a user of its own"),
)


@dataclass(frozen=True, slots=True)
class Exposed:
    """A file that not only its owner may read or write. ``by_all``: everybody on this machine may."""

    path: Path
    mode: int
    by_all: bool

    @property
    def summary(self) -> str:
        """What is wrong with it."""
        if self.by_all:
            return _("has mode %(mode)s: everybody on this machine may use it", mode=f"{self.mode:04o}")
        return _("has mode %(mode)s: its group may use it", mode=f"{self.mode:04o}")

    @property
    def remedy(self) -> str:
        """The command that fixes it."""
        return f"chmod 600 {shlex.quote(str(self.path))}"


def exposed_files(settings: Settings) -> list[Exposed]:
    """Those of the key, the database (SQLite's, with what stands beside it) and ``.env`` that exist and are loose."""
    found = []
    for path in _private_files(settings):
        try:
            mode = stat.S_IMODE(path.stat().st_mode)
        except OSError:
            continue
        if mode & (_OTHERS | _GROUP):
            found.append(Exposed(path, mode, bool(mode & _OTHERS)))
    return found


def _private_files(settings: Settings) -> Iterator[Path]:
    import sqlalchemy as sa

    if settings.secret_key is None:
        yield settings.secret_key_file
    url = sa.make_url(settings.database_url)
    if url.get_backend_name() == "sqlite" and url.database:
        yield from (Path(url.database + end) for end in ("", "-wal", "-shm", "-journal"))
    yield Path(".env")


def is_root() -> bool:
    """Whether this process may do everything on this machine."""
    return os.geteuid() == 0
