"""In which order ``leads list`` shows them, and the text that it searches for: the words of the pages and the API."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from leadkeeper.texts import lazy_gettext as _


def known_order(text: str | None) -> str | None:
    """``text`` if leads can be ordered so, or nothing. Raises ``typer.BadParameter``."""
    if text is not None:
        from leadkeeper.inbox.lists.sorting import ORDERS

        if text not in ORDERS:
            raise typer.BadParameter(_("choose one of %(choices)s", choices=", ".join(ORDERS)))
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


def given_text(text: str | None) -> str | None:
    """``text``, or what standard input says where it is ``-``."""
    import sys

    return sys.stdin.readline().strip() if text == "-" else text


def ordering(search: str | None, sort: str | None) -> dict[str, Any]:
    """The filters' part of both. Raises ``typer.BadParameter`` for nothing to search for: it would list all leads."""
    from leadkeeper.inbox.lists.sorting import OLDEST

    text = given_text(search)
    if text is not None and not text.strip():
        raise typer.BadParameter(_("--search names a part of a name, company or address"))
    return {"text": text, "oldest_first": sort == OLDEST, "sort": None if sort == OLDEST else sort}
