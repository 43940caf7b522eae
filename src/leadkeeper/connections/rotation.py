"""The secrets of all connections, those in effect and those that wait: which can be read, and a new key for them.

People's second factors and the addresses of channels are sealed with the same keys, and get the new one with them.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from leadkeeper.access.audit import note
from leadkeeper.access.people.factor import factor_binding as factor_row
from leadkeeper.connections.vault import Vault, channel_row, row_of
from leadkeeper.storage import tables as t
from leadkeeper.storage.engine import change_all_routes

_HELD: Final = ((t.connection, t.connection.c.id), (t.connection_change, t.connection_change.c.connection_id))


def unreadable(conn: sa.Connection, vault: Vault) -> list[str]:
    """The connections (``publisher.offer/name``) some of whose secrets none of the vault's keys opens."""
    return _named(conn, {id for _, id, row, sealed in _sealed(conn) if not vault.opens(sealed, row)})


def unbound(conn: sa.Connection) -> list[str]:
    """The connections some of whose secrets are not bound to their row yet: :func:`rotate` does it."""
    return _named(conn, {id for _, id, _, sealed in _sealed(conn) if not Vault.is_bound(sealed)})


def rotate(conn: sa.Connection, vault: Vault, now: int) -> int:
    """Seal all of them anew, with the newest key; how many connections there are. ``WrongKey`` for one unread."""
    change_all_routes(conn)
    for table, connection_id, row, sealed in _sealed(conn):
        this = dict(_HELD)[table] == connection_id
        conn.execute(sa.update(table).where(this).values(secrets=vault.resealed(sealed, row)))
    p = t.person.c
    for person_id, sealed in conn.execute(sa.select(p.id, p.factor).where(p.factor.is_not(None))).all():
        # One that no key opens asks for a recovery code, whatever it is sealed with.
        if vault.opens(sealed, factor_row(person_id)):
            renewed = vault.resealed(sealed, factor_row(person_id))
            conn.execute(sa.update(t.person).where(p.id == person_id).values(factor=renewed))
    ch = t.channel.c
    for channel_id, sealed in conn.execute(sa.select(ch.id, ch.sealed)).all():
        renewed = vault.resealed(sealed, channel_row(channel_id))
        conn.execute(sa.update(t.channel).where(ch.id == channel_id).values(sealed=renewed))
    count = conn.scalar(sa.select(sa.func.count()).select_from(t.connection)) or 0
    note(conn, now, "cli", "secrets.rotate", "*", str(count))
    return count


def any_sealed(conn: sa.Connection) -> bool:
    """Whether there are connections or channels, whose secrets some key has sealed; a removed connection has none."""
    there = sa.exists().where(t.connection.c.removed_at.is_(None)) | sa.exists(sa.select(t.channel.c.id))
    return bool(conn.scalar(sa.select(there)))


def _sealed(conn: sa.Connection) -> list[tuple[sa.Table, str, str, str]]:
    """The table, the connection's id, the row that the text is bound to, and the text."""
    found = []
    for table, id in _HELD:
        for connection_id, destination, sealed in conn.execute(sa.select(id, table.c.destination, table.c.secrets)):
            found.append((table, connection_id, row_of(connection_id, destination), sealed))
    return found


def _named(conn: sa.Connection, ids: set[str]) -> list[str]:
    c = t.connection.c
    names = conn.execute(sa.select(c.id, c.offer_ref, c.name).order_by(c.offer_ref, c.name))
    return [f"{row.offer_ref}/{row.name}" for row in names if row.id in ids]
