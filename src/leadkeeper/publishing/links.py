"""Where a listing sends customers: a page, or an e-mail address. Pure."""

from __future__ import annotations

import re
from typing import Final

from leadkeeper.problem import FieldError, Problem, ProblemType
from leadkeeper.texts import lazy_gettext as _

LONGEST_LINK: Final = 500
"""The most characters of a link."""
_LINK: Final = re.compile(r"https?://[^\s<>\"]+")
_ADDRESS: Final = re.compile(r"[^\s<>\",;:@/]+@[^\s<>\",;:@/]+\.[^\s<>\",;:@/]+")


def is_page(text: str) -> bool:
    """Whether this is the whole address of a page on the web."""
    return len(text) <= LONGEST_LINK and _LINK.fullmatch(text) is not None


def is_reachable(text: str) -> bool:
    """Whether customers can turn there: the whole address of a page, or an e-mail address."""
    return is_page(text) or (len(text) <= LONGEST_LINK and _ADDRESS.fullmatch(text) is not None)


def link_to(text: str) -> str:
    """Where a link to what is reachable leads."""
    return text if "://" in text else f"mailto:{text}"


def require_links(support: str | None, privacy: str | None) -> None:
    """Raise :class:`Problem` for a link that is none; empty is no link, ``None`` nothing that was said."""
    if support and not is_reachable(support):
        _refuse("support", _("Enter an e-mail address, or the whole address of a page: https://…"))
    if privacy and not is_page(privacy):
        _refuse("privacy", _("Enter the whole address of a page: https://…"))


def _refuse(field: str, message: str) -> None:
    raise Problem(ProblemType.INVALID_REQUEST, message, (FieldError(field, message),))
