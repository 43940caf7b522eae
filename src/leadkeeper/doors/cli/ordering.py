"""In which order ``leads list`` shows them, and the text that it searches for: the words of the pages and the API."""

from __future__ import annotations

from typing import Annotated, Any

import typer


def known_order(text: str | None) -> str | None:
    """``text`` if leads can be ordered so, or nothing. Raises ``typer.BadParameter``."""
    if text is not None:
        from leadkeeper.inbox.sorting import ORDERS

        if text not in ORDERS:
            raise typer.BadParameter(f"choose one of {', '.join(ORDERS)}")
    return text


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


def ordering(search: str | None, sort: str | None) -> dict[str, Any]:
    """The filters' part of both."""
    import sys

    from leadkeeper.inbox.sorting import OLDEST

    text = sys.stdin.readline() if search == "-" else search
    # As the pages read it; without anything to search for, all leads are listed.
    text = " ".join(text.split()) if text is not None else None
    return {"text": text or None, "oldest_first": sort == OLDEST, "sort": None if sort == OLDEST else sort}
