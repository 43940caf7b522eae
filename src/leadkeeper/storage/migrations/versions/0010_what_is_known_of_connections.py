"""What is known of a connection: whether leads were taken, whether one is known to be there, what somebody said"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Apply. What was called proven and whose last test lead nobody confirmed is unconfirmed from now on."""
    for column in (
        sa.Column("tried", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("test_lead_id", sa.String(36)),
        sa.Column("test_marker", sa.String(64)),
        sa.Column("test_sent_at", sa.BigInteger()),
        sa.Column("test_confirmed", sa.Boolean()),
        sa.Column("test_change", sa.Text()),
        sa.Column("test_diagnosis", sa.Text()),
        sa.Column("found", sa.Boolean()),
        sa.Column("found_marker", sa.String(64)),
        sa.Column("found_by", sa.Text()),
        sa.Column("found_at", sa.BigInteger()),
    ):
        op.add_column("connection", column)
    _tell_what_is_known()


def _tell_what_is_known() -> None:
    connection = sa.table(
        "connection",
        *(sa.column(name) for name in ("id", "destination", "proven", "tried", "test_lead_id", "test_marker")),
        *(sa.column(name) for name in ("test_sent_at", "test_confirmed")),
    )
    conn = op.get_bind()
    proven = conn.execute(sa.select(connection.c.id, connection.c.destination).where(connection.c.proven)).all()
    for row in proven:
        last = _last_test(conn, row.id)
        # Where the test lead is gone, only e-mail is known to confirm nothing.
        confirmed = row.destination != "email" if last is None else last.state == "delivered"
        values: dict[str, Any] = {"tried": True, "proven": confirmed}
        if last is not None:
            marker = str(last.email).partition("@")[0].upper()
            values |= {"test_lead_id": last.id, "test_marker": marker, "test_sent_at": last.created_at}
            values["test_confirmed"] = confirmed
        conn.execute(sa.update(connection).where(connection.c.id == row.id).values(values))


def _last_test(conn: sa.Connection, connection_id: str) -> Any:
    lead = sa.table("lead", *(sa.column(name) for name in ("id", "email", "test", "created_at")))
    delivery = sa.table("delivery", *(sa.column(name) for name in ("lead_id", "connection_id", "state")))
    taken = (delivery.c.connection_id == connection_id, lead.c.test, delivery.c.state.in_(["delivered", "unconfirmed"]))
    query = sa.select(lead.c.id, lead.c.email, lead.c.created_at, delivery.c.state)
    query = query.join(delivery, delivery.c.lead_id == lead.c.id).where(*taken)
    return conn.execute(query.order_by(lead.c.id.desc()).limit(1)).first()
