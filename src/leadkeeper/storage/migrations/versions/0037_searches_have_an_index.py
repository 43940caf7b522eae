"""Leads are found by a part of a name, a company or an address by an index, where the database can have one"""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"


def upgrade() -> None:
    """Apply."""
    op.add_column("lead", sa.Column("words", sa.Text()))
    op.create_table(
        "search_state",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("lead_id", sa.String(36), nullable=False),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_search_state")),
    )
    conn = op.get_bind()
    empty = "NOT EXISTS (SELECT 1 FROM lead)"
    conn.execute(sa.text(f"INSERT INTO search_state SELECT 1, 1, 0, '', {empty}"))
    try:
        with conn.begin_nested():
            for statement in _POSTGRESQL if conn.dialect.name == "postgresql" else _SQLITE:
                conn.execute(sa.text(statement))
    except sa.exc.DBAPIError:
        return  # the server lacks the extensions, or SQLite FTS5: searches look through leads in parts


_POSTGRESQL = (
    "CREATE EXTENSION IF NOT EXISTS pg_trgm",
    "CREATE EXTENSION IF NOT EXISTS btree_gin",
    # What new leads leave beside the index is put into it by workers, every second: storage.search_index.write_pending.
    "CREATE INDEX ix_lead_search ON lead USING gin (publisher_id, words gin_trgm_ops)"
    " WITH (fastupdate = on, gin_pending_list_limit = 65536) WHERE words IS NOT NULL",
)
_SQLITE = (
    "CREATE VIRTUAL TABLE lead_search"
    " USING fts5 (terms, content = '', columnsize = 0, detail = none, tokenize = 'ascii')",
)
