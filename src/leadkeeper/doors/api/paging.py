"""Lists in pages: ``limit`` and ``cursor`` in, ``nextCursor`` out. Without a limit a list is as long as it may be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Final, TypeVar

from fastapi import Query
from pydantic import Field, field_validator

from leadkeeper.doors.api.schemas import Body
from leadkeeper.intake.texts import UNCLEAN

MOST: Final = 1_000
"""The most entries of one page, and how many there are where no limit is given."""

Entry = TypeVar("Entry")


class Page(Body):
    """Which part of a list is asked for."""

    limit: int = Field(MOST, ge=1, le=MOST, description="The most entries.")
    cursor: str | None = Field(None, max_length=300, description="`nextCursor` of the page before.")

    @field_validator("cursor")
    @classmethod
    def _cursor(cls, value: str | None) -> str | None:
        # What no name holds leads nowhere, and some of it no database takes.
        return None if value is None else UNCLEAN.sub("", value)

    @property
    def asked(self) -> int:
        """How many to read: one more than are shown tells whether others follow."""
        return self.limit + 1

    def cut(self, found: Sequence[Entry], name: Callable[[Entry], str]) -> tuple[list[Entry], str | None]:
        """What is shown of ``found``, and the cursor of what follows; ``name`` is what the list is ordered by."""
        shown = list(found[: self.limit])
        return shown, name(shown[-1]) if len(found) > self.limit else None


Paged = Annotated[Page, Query()]
