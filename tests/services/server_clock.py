"""A PostgreSQL database whose clock is wrong, as its clients see it; the server's other databases keep theirs."""

from __future__ import annotations

from tests.services.postgres import Postgres


class ServerClock:
    """Of a new database: whoever connects from now on, and asks for ``clock_timestamp()``, hears the wrong time.

    The function of that name in the schema ``public`` is found before the server's own.
    """

    def __init__(self, server: Postgres, url: str) -> None:
        self._server, self._name = server, url.rpartition("/")[2]
        self._sql("CREATE TABLE public.test_clock AS SELECT interval '0' AS ahead")
        self._sql(
            "CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS "
            "'SELECT pg_catalog.clock_timestamp() + ahead FROM public.test_clock'"
        )
        self._sql(f'ALTER DATABASE "{self._name}" SET search_path = public, pg_catalog')

    def set(self, seconds: int) -> None:
        """Let it be so many seconds ahead of the real one (behind, if negative) from now on."""
        self._sql(f"UPDATE public.test_clock SET ahead = interval '{seconds} seconds'")

    def _sql(self, statement: str) -> None:
        self._server.sql(statement, self._name)
