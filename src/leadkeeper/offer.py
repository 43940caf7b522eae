"""Publishers and offers: their names and what a name may look like. Pure data and rules."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

PUBLISHER_ID: Final = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$"
OFFER_ID: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$"
CONNECTION_NAME: Final = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"

PRIMARY: Final = "primary"
"""The name of the connection that Microsoft's ``customer-leads`` resource stands for."""


def title_or_name(title: str | None, name: str) -> str:
    """What people call a publisher, an offer or a connection: its title, or its id or name where it has none."""
    return title or name


def own_title(connection_title: str | None) -> str:
    """What somebody called a connection; nothing for the usual one, which nobody gave a title."""
    return "" if connection_title is None or connection_title == PRIMARY else connection_title


def connection_called(title: str, destination: str) -> str:
    """What people call a connection and its destination; of the usual connection, untitled, the destination alone."""
    return f"{own} ({destination})" if (own := own_title(title)) else destination


def place_called(offer_title: str, connection_title: str | None = None) -> str:
    """What people call one of an offer's connections, or the offer: the usual connection, untitled, needs no word."""
    return f"{offer_title} › {own}" if (own := own_title(connection_title)) else offer_title


@dataclass(frozen=True, slots=True)
class OfferRef:
    """One offer of one publisher. Publisher ids hold no dot, so ``publisher.offer`` is unambiguous."""

    publisher_id: str
    offer_id: str

    def __str__(self) -> str:
        return f"{self.publisher_id}.{self.offer_id}"

    @classmethod
    def parse(cls, text: str) -> OfferRef:
        """Read ``publisher.offer``; raises ``ValueError`` when there is no dot."""
        publisher_id, dot, offer_id = text.partition(".")
        if not dot:
            raise ValueError("an offer is written publisher.offer")
        return cls(publisher_id, offer_id)

    @property
    def is_well_formed(self) -> bool:
        """Whether both ids are such as publishers and offers may have."""
        return bool(re.match(PUBLISHER_ID, self.publisher_id) and re.match(OFFER_ID, self.offer_id))
