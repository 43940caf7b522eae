"""What was sent to a system that takes so many leads in 24 hours is counted in a table of its own

Of the last 24 hours what attempts still tell is counted: leads that Web-to-Lead took, or may have taken, by the
organizations of their connections today.
"""

import hashlib
import json
import time
from collections import Counter

import sqlalchemy as sa
from alembic import op

from leadkeeper.clock import least_id
from leadkeeper.storage.ids import UuidText

revision = "0054"
down_revision = "0053"

_DAY_MS = 86_400_000
_SLOT_MS = 300_000
_CLOCKS_MS = 3_600_000
"""By so much the clock of a process that made an id may have been behind."""


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "account_use",
        sa.Column("publisher_id", sa.String(128), nullable=False),
        sa.Column("account", sa.String(32), nullable=False),
        sa.Column("slot", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("leads", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["publisher_id"],
            ["publisher.id"],
            name=op.f("fk_account_use_publisher_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("publisher_id", "account", "slot", name=op.f("pk_account_use")),
    )
    op.create_index("ix_account_use_slot", "account_use", ["slot"])
    conn = op.get_bind()
    accounts = _accounts(conn)
    if not accounts:
        return
    uses: Counter[tuple[str, str, int]] = Counter()
    for row in conn.execute(_sent(int(time.time() * 1_000) - _DAY_MS)):
        if row.connection_id in accounts:
            uses[(*accounts[row.connection_id], row.slot)] += row.leads
    names = ("publisher_id", "account", "slot", "leads")
    rows = [dict(zip(names, (*key, leads), strict=True)) for key, leads in uses.items()]
    if rows:
        conn.execute(sa.insert(sa.table("account_use", *map(sa.column, names))), rows)


def _accounts(conn: sa.Connection) -> dict[str, tuple[str, str]]:
    """Of every connection to Salesforce, whose it is and which organization it names."""
    c = sa.table("connection", sa.column("id", UuidText()), *map(sa.column, ("offer_ref", "destination", "settings")))
    o = sa.table("offer", sa.column("ref"), sa.column("publisher_id"))
    query = sa.select(c.c.id, o.c.publisher_id, c.c.settings).join(o, o.c.ref == c.c.offer_ref)
    found = {}
    for row in conn.execute(query.where(c.c.destination == "salesforce")):
        try:
            settings = json.loads(row.settings)
            named = [settings.get("webToLeadHost", "webto.salesforce.com"), settings["objectIdentifier"]]
        except (ValueError, TypeError, KeyError, AttributeError):
            continue  # damaged: nothing was sent over it
        digest = hashlib.sha256(json.dumps(["salesforce", *named]).encode()).hexdigest()[:32]
        found[row.id] = (row.publisher_id, digest)
    return found


def _sent(since: int) -> sa.Select[tuple[str, int, int]]:
    """By connection and five minutes, the attempts that took a place or may have; ids tell when attempts were made.

    What was found there since is ``delivered``. Over the REST API, which tells twice from once, nothing takes a place.
    """
    a = sa.table(
        "attempt",
        *(sa.column(name, UuidText()) for name in ("id", "delivery_id")),
        sa.column("at", sa.BigInteger),
        sa.column("outcome"),
        sa.column("answer", sa.Text),
        sa.column("late", sa.Boolean),
    )
    d = sa.table("delivery", *(sa.column(name, UuidText()) for name in ("id", "connection_id")))
    c = sa.table(
        "connection", sa.column("id", UuidText()), sa.column("destination"), sa.column("repeatable", sa.Boolean)
    )
    joined = a.join(d, d.c.id == a.c.delivery_id).join(c, c.c.id == d.c.connection_id)
    slot = (a.c.at // _SLOT_MS).label("slot")
    may_have = sa.or_(a.c.outcome != "ours", a.c.answer.contains("mayHaveArrived"))
    unsure = sa.and_(a.c.outcome.in_(["delivered", "ambiguous", "ours"]), may_have, sa.not_(c.c.repeatable))
    return (
        sa.select(d.c.connection_id, slot, sa.func.count().label("leads"))
        .select_from(joined)
        .where(
            a.c.id >= least_id(since - _CLOCKS_MS), a.c.at >= since, sa.not_(a.c.late), c.c.destination == "salesforce"
        )
        .where(sa.or_(a.c.outcome == "unconfirmed", unsure))
        .group_by(d.c.connection_id, slot)
    )
