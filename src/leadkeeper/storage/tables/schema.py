"""What all tables share: one catalogue, the names of indexes and keys, and the types of ids and names."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from leadkeeper.storage.ids import UuidText

metadata: Final = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Id: Final = sa.String(36)
Uuid: Final = UuidText()
"""Of leads, deliveries and connections, in every column that is joined or compared with one of these in a statement.

What Python alone hands from one column to another (how far a walk came, say) may be the text of such an id.
"""
Name: Final = sa.String(128)
State: Final = sa.String(16)
