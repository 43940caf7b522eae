"""Which leads ``leads list`` shows, and in which order: the words of the pages and the API."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from leadkeeper.doors.cli.values import parse_offer
from leadkeeper.offer import OfferRef
from leadkeeper.texts import lazy_gettext as _


def known_order(text: str | None) -> str | None:
    """``text`` if leads can be ordered so, or nothing. Raises ``typer.BadParameter``."""
    if text is not None:
        from leadkeeper.inbox.lists.filter import ORDERS

        if text not in ORDERS:
            raise typer.BadParameter(_("choose one of %(choices)s", choices=", ".join(ORDERS)))
    return text


OfOffer = Annotated[
    OfferRef | None, typer.Option(metavar="PUBLISHER.OFFER", parser=parse_offer, help="Only this offer's.")
]
OfEmail = Annotated[
    str | None, typer.Option(help="Only of the customer with this address; - reads it from standard input.")
]
Search = Annotated[
    str | None,
    typer.Option(help="Only with this part of a name, company or address; - reads it from standard input."),
]
Sort = Annotated[
    str | None,
    typer.Option(
        callback=known_order,
        help="In this order: oldest, customer, company, country, offer, follow, owner, due; -due: the other way round.",
    ),
]


def given_text(text: str | None) -> str | None:
    """``text``, or what standard input says where it is ``-``."""
    import sys

    return sys.stdin.readline().strip() if text == "-" else text


def searched_text(search: str | None) -> str | None:
    """What is searched for. Raises ``typer.BadParameter`` for nothing to search for: it would list all leads."""
    text = given_text(search)
    if text is not None and not text.strip():
        raise typer.BadParameter(_("--search names a part of a name, company or address"))
    return text


def ordering(sort: str | None) -> dict[str, Any]:
    """What of the filters sorts."""
    from leadkeeper.inbox.lists.filter import OLDEST

    return {"oldest_first": sort == OLDEST, "sort": None if sort == OLDEST else sort}
