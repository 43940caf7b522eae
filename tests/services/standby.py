"""A PostgreSQL server that follows another, and takes its place when told."""

from __future__ import annotations

from typing import Final

from tests.services.postgres import Postgres, PostgresFailed

_NAME: Final = "follower"


class Standby(Postgres):
    """A copy of ``primary`` as it is now, made at once; once started it streams from it.

    Its databases have the same names, users and passwords, on a port of its own.
    """

    def __init__(self, primary: Postgres) -> None:
        self._primary = primary
        super().__init__()

    def promote(self) -> None:
        """Take over. Commits wait for no standby until another is made. Raises ``PostgresFailed``."""
        if self.sql("SELECT pg_promote(true, 60)") != "t":
            raise PostgresFailed("The standby was not promoted.")
        _wait_for_standbys(self, "")

    def synchronous(self) -> bool:
        """Whether commits of the primary wait for this one now."""
        return self._primary.sql("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'") == "1"

    def _make_cluster(self) -> None:
        self._password = self._primary.password
        self._give_away(self._folder)
        source = self._primary.address(_NAME)
        done = self._spawn(
            *("pg_basebackup", f"--dbname={source}", f"--pgdata={self._folder / 'data'}"),
            *("--checkpoint=fast", "--wal-method=stream", "--write-recovery-conf", "--no-sync"),
        )
        if done.wait():
            raise PostgresFailed(f"pg_basebackup failed.{self._last_words()}")
        _wait_for_standbys(self._primary, _NAME)


def _wait_for_standbys(server: Postgres, names: str) -> None:
    """From now on its commits wait for these standbys; for none when empty."""
    server.sql(f"ALTER SYSTEM SET synchronous_standby_names = '{names}'")
    server.sql("SELECT pg_reload_conf()")
