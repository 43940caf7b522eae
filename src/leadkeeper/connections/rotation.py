"""The secrets of all connections, those in effect and those that wait: which can be read, and a new key for them."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from leadkeeper.connections.vault import Vault
from leadkeeper.storage import tables as t

_HELD: Final = ((t.connection, t.connection.c.id), (t.connection_change, t.connection_change.c.connection_id))


def unreadable(conn: sa.Connection, vault: Vault) -> list[str]:
    """The connections (``publisher.offer/name``) some of whose secrets none of the vault's keys opens."""
    c = t.connection.c
    sealed = [conn.execute(sa.select(id, table.c.secrets)).all() for table, id in _HELD]
    wrong = {connection_id for rows in sealed for connection_id, secrets in rows if not vault.opens(secrets)}
    names = conn.execute(sa.select(c.id, c.offer_ref, c.name).order_by(c.offer_ref, c.name))
    return [f"{row.offer_ref}/{row.name}" for row in names if row.id in wrong]


def rotate(conn: sa.Connection, vault: Vault) -> int:
    """Encrypt all of them with the newest key; how many connections there are. Raises ``WrongKey`` for one unread."""
    for table, id in _HELD:
        for connection_id, secrets in conn.execute(sa.select(id, table.c.secrets)).all():
            conn.execute(sa.update(table).where(id == connection_id).values(secrets=vault.resealed(secrets)))
    return conn.scalar(sa.select(sa.func.count()).select_from(t.connection)) or 0


def any_sealed(conn: sa.Connection) -> bool:
    """Whether there are connections, whose secrets one key or another has sealed; a removed one has none."""
    return bool(conn.scalar(sa.select(sa.exists().where(t.connection.c.removed_at.is_(None)))))
