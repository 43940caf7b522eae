"""Where a database is and which tables it has, looked at without changing anything."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from leadkeeper.storage.away import DatabaseState
from leadkeeper.storage.engine import open_storage, parsed_address
from leadkeeper.storage.migrate import current_revision, database_state, newest
from leadkeeper.storage.sqlite_files import SQLiteFiles


@dataclass(frozen=True, slots=True)
class DatabaseStatus:
    """A database's address without its password, and its tables: migrations by their names, ``None`` for none."""

    database: str
    current: str | None
    newest: str | None
    state: DatabaseState

    @property
    def up_to_date(self) -> bool:
        """Whether it has this version's tables."""
        return self.state is DatabaseState.UP_TO_DATE


async def look_at(url: str) -> DatabaseStatus:
    """The status of the database at ``url``. No SQLite file is made. Raises ``StorageAway``."""
    parsed = parsed_address(url)
    state = _of_file(Path(parsed.database or "")) if parsed.get_backend_name() == "sqlite" else None
    current = None
    if state is None:
        storage = open_storage(url)
        try:
            current = await storage.read(current_revision)
        finally:
            await storage.close()
        state = database_state(current)
    return DatabaseStatus(parsed.render_as_string(hide_password=True), current, newest(), state)


def _of_file(path: Path) -> DatabaseState | None:
    """What is known of a file before it is opened as a database of ours; ``None`` where it is to be opened."""
    files = SQLiteFiles(path)
    if path.exists():
        return DatabaseState.FOREIGN if files.are_foreign() else None
    if (unusable := files.unusable()) is not None:
        raise unusable
    return DatabaseState.EMPTY
