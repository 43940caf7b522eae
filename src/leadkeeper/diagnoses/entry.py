"""One entry of the catalogue, and the steps that many entries share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from leadkeeper.diagnosis import Outcome, Who
from leadkeeper.texts import _

Step = str | tuple[str, ...]
"""A step's text, or its texts one after the other: sentences that several steps share are translated once."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What is always the same about a kind of failure; ``outcome`` is the usual one, an adapter may know better.

    ``summary`` and ``steps`` are English texts; :func:`leadkeeper.catalogue.text_of` tells them in a language.
    """

    outcome: Outcome
    who: Who
    summary: str
    steps: tuple[Step, ...]


WAIT: Final = _("Nothing needs to be done: the lead is kept and sent again by itself.")
RESUME: Final = _(
    "Save the corrected settings: the connection is tried at once and the held leads go out, oldest first."
)
VALIDATE: Final = _("Run validate on the connection: when it passes, the held leads go out, oldest first.")
SEARCH_AGAIN: Final = _(
    "Then validate the connection, search for the new test lead, and say whether it was found: once it was, the held "
    "leads go out. Those that were sent before can be sent again: replay the connection with the state unconfirmed."
)
"""For a test lead that no destination confirms, and that somebody did not find."""
