"""PostgreSQL: the table of evidence is one for each month of the attempt's id, made ahead and dropped whole.

``evidence_other`` takes what has no month: what came before its month was made, what a wrong clock wrote, and what
belongs to leads that wait longer than their month is kept. So an insert always finds its place. SQLite has one table
for all, and there nothing here has anything to do. See ``docs/decisions/0031-evidence-by-month.md``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Self

import sqlalchemy as sa

from leadkeeper.clock import least_id, made_at
from leadkeeper.storage.ids import UuidText

AHEAD: Final = 2
"""So many months beyond the present one have their table."""
LOCK_MS: Final = 100
"""How long a change of tables waits for its locks at most: whoever writes evidence meanwhile waits behind it."""
OTHER: Final = "evidence_other"
_LOCK: Final = 0x1EAD1
_NOT_NOW: Final = "55P03"
"""PostgreSQL's state of a lock that was not to be had in time."""


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A month of UTC."""

    year: int
    number: int

    @classmethod
    def at(cls, ms: int) -> Self:
        """The one of that moment, which lies before the year 9999."""
        moment = datetime.fromtimestamp(min(max(ms, 0), _LAST_MS) / 1_000, UTC)
        return cls(moment.year, moment.month)

    @property
    def after(self) -> Month:
        """The next one."""
        return Month(self.year + self.number // 12, self.number % 12 + 1)

    @property
    def begin_ms(self) -> int:
        """Its first millisecond since 1970."""
        return int(datetime(self.year, self.number, 1, tzinfo=UTC).timestamp()) * 1_000

    @property
    def table(self) -> str:
        """The name of its table."""
        return f"evidence_{self.year:04d}_{self.number:02d}"

    @property
    def bounds(self) -> tuple[str, str]:
        """No id that is made in it sorts before the first or not before the second."""
        return least_id(self.begin_ms), least_id(self.after.begin_ms)


_LAST_MS: Final = 253_000_000_000_000


def keeps_months(conn: sa.Connection) -> bool:
    """Whether this database drops evidence by the month."""
    return conn.dialect.name == "postgresql"


def lacks_months(conn: sa.Connection, now: int) -> bool:
    """Whether the present month or one of the next :data:`AHEAD` has no table yet."""
    return keeps_months(conn) and any(not _exists(conn, month) for month in _wanted(now))


def make_months(conn: sa.Connection, now: int) -> bool:
    """Make the tables that :func:`lacks_months` looks for; ``False`` where their locks were not to be had at once.

    What ``evidence_other`` holds of such a month moves into its table. Evidence of other months is written meanwhile.
    """
    if not _alone(conn):
        return False
    for month in _wanted(now):
        if not _exists(conn, month):
            with _briefly(conn) as tried:
                _make(conn, month)
            if tried.late:
                return False
    return True


def months(conn: sa.Connection, *, attached: bool) -> list[Month]:
    """Those that have a table, the oldest first: in use, or detached and about to be dropped."""
    if not keeps_months(conn):
        return []
    names = conn.scalars(_TABLES, {"attached": attached})
    return sorted(Month(int(name[-7:-3]), int(name[-2:])) for name in names)


def oldest_in_months(conn: sa.Connection) -> int | None:
    """When the oldest evidence came that has a month, in milliseconds; ``None`` where there is none."""
    for month in months(conn, attached=True):
        id_ = table_named(month.table).c.attempt_id
        first = conn.scalar(sa.select(id_).order_by(id_).limit(1))
        if first is not None:
            return made_at(first)
    return None


def detach_month(conn: sa.Connection, month: Month) -> bool:
    """Take a month out of the table of evidence; ``False`` where somebody held it for so long that it stays for now.

    What is written of that month from then on goes into ``evidence_other``.
    """
    if not _alone(conn):
        return False
    with _briefly(conn) as tried:
        conn.execute(sa.text(f"ALTER TABLE evidence DETACH PARTITION {month.table}"))
    return not tried.late


def drop_month(conn: sa.Connection, month: Month) -> int | None:
    """Drop the table of a detached month; how many rows it held. ``None``: somebody held it, and it stays for now."""
    held = conn.scalar(sa.select(sa.func.count()).select_from(table_named(month.table))) or 0
    with _briefly(conn) as tried:
        conn.execute(sa.text(f"DROP TABLE {month.table}"))
    return None if tried.late else held


def table_named(name: str) -> sa.TableClause:
    """One of the tables of evidence by itself."""
    return sa.table(name, sa.column("attempt_id", UuidText()), sa.column("content", sa.Text()))


@dataclass(slots=True)
class _Tried:
    late: bool = False


@contextmanager
def _briefly(conn: sa.Connection) -> Iterator[_Tried]:
    """Do something for which others are locked out, or nothing of it, should the locks not be had soon."""
    before = conn.scalar(sa.select(sa.func.current_setting("lock_timeout")))
    tried, point = _Tried(), conn.begin_nested()
    try:
        conn.execute(_LOCK_TIMEOUT, {"time": f"{LOCK_MS}ms"}).close()
        yield tried
        conn.execute(_LOCK_TIMEOUT, {"time": before}).close()
        point.commit()
    except sa.exc.DBAPIError as error:
        point.rollback()
        if getattr(error.orig, "sqlstate", None) != _NOT_NOW:
            raise
        tried.late = True


def _alone(conn: sa.Connection) -> bool:
    """Whether no other process changes these tables at this moment."""
    return bool(conn.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(_LOCK))))


def _wanted(now: int) -> list[Month]:
    found = [Month.at(now)]
    while len(found) <= AHEAD:
        found.append(found[-1].after)
    return found


def _exists(conn: sa.Connection, month: Month) -> bool:
    return conn.scalar(sa.select(sa.func.to_regclass(month.table))) is not None


def _make(conn: sa.Connection, month: Month) -> None:
    """Within it nobody writes into ``evidence_other``, so that what belongs to the month is there or does not come."""
    first, end = month.bounds
    conn.execute(sa.text(f"LOCK TABLE {OTHER} IN ACCESS EXCLUSIVE MODE"))
    conn.execute(sa.text(f"CREATE TABLE {month.table} (LIKE evidence INCLUDING ALL)"))
    other, into = table_named(OTHER), table_named(month.table)
    its = (other.c.attempt_id >= first, other.c.attempt_id < end)
    conn.execute(sa.insert(into).from_select(["attempt_id", "content"], sa.select(other).where(*its)))
    conn.execute(sa.delete(other).where(*its))
    bounds = f"FOR VALUES FROM ('{first}') TO ('{end}')"
    conn.execute(sa.text(f"ALTER TABLE evidence ATTACH PARTITION {month.table} {bounds}"))


_LOCK_TIMEOUT: Final = sa.select(sa.func.set_config("lock_timeout", sa.bindparam("time", type_=sa.String), True))
_TABLES: Final = sa.text(
    "SELECT relname FROM pg_class WHERE relname ~ '^evidence_[0-9]{4}_[0-9]{2}$' AND relkind = 'r'"
    " AND relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = 'evidence'::regclass)"
    " AND relispartition = :attached"
)
