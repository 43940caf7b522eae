"""How far a validation is, for pages that are open meanwhile. Kept in the process that carries it out; ends with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from leadkeeper.offer import OfferRef
from leadkeeper.views import CheckStepView

Line = tuple[OfferRef, str]
"""An offer and the name of its connection."""


@dataclass(slots=True)
class Under:
    """A validation under way: what its check found so far, and the marker of the test lead that is on its way."""

    checks: Sequence[CheckStepView] = ()
    marker: str = ""


@dataclass(slots=True)
class Validations:
    """The validations that this process carries out for somebody at a page."""

    under_way: dict[Line, Under] = field(default_factory=dict)

    @contextmanager
    def validating(self, line: Line) -> Iterator[Under]:
        """One of them, from its beginning to its end; the newest is shown where there are several."""
        made = self.under_way[line] = Under()
        try:
            yield made
        finally:
            if self.under_way.get(line) is made:
                del self.under_way[line]
