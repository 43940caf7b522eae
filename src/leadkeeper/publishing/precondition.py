"""What a request says of the state that it may change (RFC 9110, section 13.1). Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from leadkeeper.problem import FieldError, Problem, ProblemType
from leadkeeper.texts import LazyText, lazy_gettext

_ANY: Final = "*"
_ETAG: Final = re.compile(r'(?:W/)?"[^"]*"')


@dataclass(frozen=True, slots=True)
class Precondition:
    """The request's ``If-Match`` and ``If-None-Match``: ETags with commas between them, or ``*`` for any.

    ETags are compared as they are written: ours are weak, and say whether a draft (for some callers with its lead
    destination) is the same.
    """

    match: str | None = None
    none_match: str | None = None

    def require(self, etag: str | None) -> None:
        """Go on if it holds of the offer that has this ETag; ``None``: of one that is not there.

        Raises :class:`Problem` (412) with the header that does not hold.
        """
        if self.match is not None and not _names(self.match, etag):
            if etag is None:
                raise _failed("If-Match", lazy_gettext("There is no such offer, so its draft has no ETag."))
            raise _failed(
                "If-Match",
                lazy_gettext(
                    "The offer has changed since it was read. Read it again and repeat the change on what it is now."
                ),
            )
        if self.none_match is not None and _names(self.none_match, etag):
            raise _failed(
                "If-None-Match",
                lazy_gettext("There is such an offer already. Leave out If-None-Match to change it."),
            )


UNCONDITIONAL: Final = Precondition()
"""The request says nothing of it."""


def _names(header: str, etag: str | None) -> bool:
    if etag is None:
        return False
    return header.strip() == _ANY or etag in _ETAG.findall(header)


def _failed(header: str, detail: LazyText) -> Problem:
    return Problem(ProblemType.PRECONDITION_FAILED, detail, (FieldError(header, lazy_gettext("does not hold")),))
