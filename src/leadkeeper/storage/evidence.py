"""Attempts, and what destinations said in them: written together, read and removed apart.

What was said stands in a table of its own, since it is the largest text of all and is kept for a shorter time than the
attempt. Attempts that older versions wrote hold it themselves. See ``docs/decisions/0031-evidence-by-month.md``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from leadkeeper.catalogue import from_content
from leadkeeper.diagnosis import Evidence
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import insert_rows, one_of

EVIDENCE: Final = "evidence"
"""The key, in the row of an attempt, of what goes into the table of evidence; ``None`` where nothing was said."""


def insert_attempts(conn: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert the rows of attempts; and where something was said, which a delivered lead never brings, its evidence."""
    insert_rows(conn, t.attempt, [{name: value for name, value in row.items() if name != EVIDENCE} for row in rows])
    apart = [{"attempt_id": row["id"], "content": row[EVIDENCE]} for row in rows if row[EVIDENCE] is not None]
    insert_rows(conn, t.evidence, apart)


def evidence_of(conn: sa.Connection, attempt_ids: Collection[str]) -> Mapping[str, Evidence]:
    """What was said in those of the attempts whose evidence stands apart and is still kept."""
    if not attempt_ids:
        return {}
    e = t.evidence.c
    rows = conn.execute(sa.select(e.attempt_id, e.content).where(*_these(conn, attempt_ids)))
    return {row.attempt_id: from_content(row.content) for row in rows}


def forget_evidence(conn: sa.Connection, attempt_ids: Collection[str]) -> None:
    """Remove what was said in these attempts, where it stands apart."""
    if attempt_ids:
        conn.execute(sa.delete(t.evidence).where(*_these(conn, attempt_ids)))


def _these(conn: sa.Connection, attempt_ids: Collection[str]) -> tuple[sa.ColumnElement[bool], ...]:
    """By their bounds too: PostgreSQL leaves months out by these, also in a plan that does not know the list."""
    e = t.evidence.c
    return (one_of(conn, e.attempt_id, attempt_ids), e.attempt_id.between(min(attempt_ids), max(attempt_ids)))
