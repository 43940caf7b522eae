"""How many leads stand on each tab of the list, as it is shown."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from leadkeeper.inbox.lists.narrowing import COUNTED
from leadkeeper.views import View


class LeadCounts(View):
    """How many leads stand on each tab of the list, by the state that it asks for."""

    all: int = Field(description=f"{COUNTED + 1}: there are more than {COUNTED}, which nobody counted.")
    attention: int
    waiting: int
    held: int
    set_aside: int

    @classmethod
    def of(cls, found: Mapping[str, int]) -> LeadCounts:
        """As the inbox counts them."""
        return cls.model_validate({"all" if tab == "" else tab: count for tab, count in found.items()})
