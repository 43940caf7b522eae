"""How long the texts of a listing may be: no longer than customers are shown, so that nothing is cut. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leadkeeper.problem import FieldError, Problem, ProblemType, every_error
from leadkeeper.publishing.listing import LONGEST, listing_texts
from leadkeeper.texts import LazyText, lazy_gettext


def too_long(texts: Mapping[str, str | None]) -> dict[str, LazyText]:
    """What is wrong with each of ``texts`` (see :data:`LONGEST`) that is longer than customers are shown."""
    given = {name: text for name in LONGEST if (text := texts.get(name)) is not None and len(text) > LONGEST[name]}
    return {
        name: lazy_gettext(
            "Customers are shown at most %(most)s characters, and this has %(length)s: shorten it.",
            most=format(LONGEST[name], ","),
            length=format(len(text), ","),
        )
        for name, text in given.items()
    }


def require_lengths(texts: Mapping[str, str | None]) -> None:
    """Raise :class:`Problem` that names every one of ``texts`` which is too long; ``None`` is nothing that was said."""
    _refuse({name: name for name in texts}, too_long(texts))


def require_definition_lengths(definition: Mapping[str, Any]) -> None:
    """The same for the listing in ``definition``, whose fields are named as they stand there."""
    found = listing_texts(definition)
    _refuse({name: f"definition.{place}" for name, (place, _) in found.items()}, too_long(_only(found)))


def _only(found: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    return {name: text for name, (_, text) in found.items()}


def _refuse(places: Mapping[str, str], wrong: Mapping[str, LazyText]) -> None:
    if wrong:
        errors = tuple(FieldError(places[name][:300], message) for name, message in wrong.items())
        detail = lazy_gettext("The request cannot be taken: %(errors)s", errors=every_error(errors))
        raise Problem(ProblemType.INVALID_REQUEST, detail, errors)
