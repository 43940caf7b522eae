"""Azure Table in the demo."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Any, Final

from leadkeeper.sandbox.azure_storage.account import connection_string
from leadkeeper.sandbox.place import FoundLead, Mishap, Place, Scene

_WRONG_KEY: Final = base64.b64encode(b"not the key of this account, but as long as it is, so 64 bytes.!").decode()


def places(scene: Scene) -> list[Place]:
    """The connections to it."""
    return [table(scene)]


def table(scene: Scene, connection: str = "table") -> Place:
    """Azure Table under its production host name."""

    def settings(string: str) -> dict[str, Any]:
        return {"storageAccountConnectionString": string}

    async def look() -> Mapping[str, FoundLead]:
        return in_table(await scene.storage.rows())

    wrong = settings(connection_string(_WRONG_KEY))
    mishap = Mishap("its account key was rotated", "the new connection string is entered", wrong)
    return Place(connection, "Azure Table", settings(connection_string()), look, mishap)


def in_table(rows: Iterable[Mapping[str, Any]]) -> dict[str, FoundLead]:
    """Rows of the table."""
    return {
        row["RowKey"]: FoundLead(f"row {row['PartitionKey']}/{row['RowKey']}", row["LeadSource"], row["Email"])
        for row in rows
    }
