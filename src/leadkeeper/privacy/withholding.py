"""Whose data are not passed on: customers of withheld mail domains, by default ``.edu``. Pure.

Source: ``docs/reference/vendors/marketplace.md#rules``. Which domains that means exactly is nowhere stated, so it is a
setting.

A domain is recognised wherever an address stands and however it is written: with characters that nobody sees, in
letters that IDNA (UTS 46) maps to the usual ones, as its A-label, with comments, within another address (``%``, ``=``,
``!``, quotes, routes), as HTML or ``%`` or ``\\u`` escapes. Letters of another script that only look alike make
another domain for mail servers as well, and pass; so do addresses in words (*rosa at mit dot edu*), in pictures, or
encoded otherwise (Base64).
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import unquote

from leadkeeper.intake.texts import INVISIBLE
from leadkeeper.normal_forms import composed, is_composed
from leadkeeper.texts import lazy_gettext

_ENTRY: Final = re.compile(r"\.?[^\s@.,]+(\.[^\s@.,]+)*")
_DOT: Final = re.compile("[\u3002\uff0e\uff61\ufe52]")
_DOTS: Final = str.maketrans("\u3002\uff0e\uff61\ufe52", "....")
_ESCAPED: Final = re.compile(r"\\u\{?([0-9a-f]{4})\}?")
_COMMENT: Final = re.compile(r"\([^()]*\)")
_DOMAIN: Final = re.compile(r"[ \t\"'<\[]*([\w.-]+)")
_LOCAL: Final = re.compile(r"[\s<>,;\0]")
_ROUTE: Final = re.compile(r"([%=!])")
_SPACES: Final = re.compile(r"[\s\"'\\\\]+")
_ZEROS: Final = re.compile(r"(&#x?)0+(?=[0-9a-f])", re.IGNORECASE)
_NO_CHARACTER: Final = re.compile(r"&#(?:x[0-9a-f]{8,}|[0-9]{8,});?", re.IGNORECASE)
"""Numbers beyond any character's: Python refuses to read very long ones."""
_LONGEST_LABEL: Final = 63
"""A label of a domain has at most so many characters."""
_LONGEST: Final = 1_000
"""More characters than this are no address but a text."""
_ROUNDS: Final = 4
"""How many times what is escaped within an escape is read."""


@dataclass(frozen=True, slots=True)
class Withholding:
    """Domains as they are compared (see :func:`_folded`): ``suffixes`` with all below them, ``exact`` by themselves."""

    suffixes: tuple[str, ...] = ()
    exact: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read domains with commas between them: ``.edu`` is a suffix, ``contoso.org`` one domain.

        Raises ``ValueError`` that names the first entry which is neither.
        """
        entries = [entry.strip().casefold() for entry in text.split(",") if entry.strip()]
        for entry in entries:
            if not _ENTRY.fullmatch(entry):
                raise ValueError(
                    lazy_gettext(
                        "%(entry)s is no mail domain; use .edu for a suffix, contoso.org for one domain",
                        entry=repr(entry),
                    )
                )
        return cls(
            tuple(_folded(entry) for entry in entries if entry.startswith(".")),
            frozenset(_folded(entry) for entry in entries if not entry.startswith(".")),
        )

    def withholds(self, email: str) -> bool:
        """Whether a customer with this address is one whose data are not passed on.

        An address that is none, or several in one text, is searched for every domain that it names; spaces and quotes
        within it hide nothing.
        """
        squeezed = email if len(email) > _LONGEST else _SPACES.sub("", email)
        return self._names_any(email) or (squeezed != email and self._names_any(squeezed))

    def withholds_any(self, texts: Iterable[str]) -> bool:
        """Whether an address of a withheld domain stands in any of ``texts``, all that would be kept of somebody."""
        return self._names_any("\0".join(texts))

    def _names_any(self, text: str) -> bool:
        if not (self.suffixes or self.exact):
            return False
        plain = _plain(text)
        if not self._may_name(plain):
            return False
        return any(self._names(domain) for reading in _readings(plain) for domain in {*_domains(reading)})

    def _may_name(self, plain: str) -> bool:
        """Whether a closer look is worth it: most texts hold nothing like a withheld domain, and no disguise."""
        if "%" in plain or "&" in plain or "\\" in plain or "(" in plain or "xn--" in plain:
            return True
        return "@" in plain and (
            any(suffix in plain for suffix in self.suffixes) or any(each in plain for each in self.exact)
        )

    def _names(self, domain: str) -> bool:
        plain = _folded(domain.strip(".-_"))
        return plain in self.exact or plain.endswith(self.suffixes)


def _readings(text: str) -> Iterator[str]:
    """``text``, which is plain, then with what is escaped in it undone; each also without comments."""
    for _ in range(_ROUNDS):
        yield text
        if "(" in text:
            yield _without_comments(text)
        unquoted = unquote(_ESCAPED.sub(lambda match: chr(int(match[1], 16)), text))
        unescaped = _plain(html.unescape(_NO_CHARACTER.sub("\ufffd", _ZEROS.sub(r"\1", unquoted))))
        if unescaped == text:
            return
        text = unescaped


def _plain(text: str) -> str:
    """In lower case and usual letters, without characters that nobody sees: so IDNA maps before anything else."""
    if text.isascii():
        return text.lower()
    mapped = INVISIBLE.sub("", composed(text).casefold())
    if not is_composed(mapped):
        mapped = composed(mapped)
    return mapped.translate(_DOTS) if _DOT.search(mapped) else mapped


def _without_comments(text: str) -> str:
    for _ in range(_ROUNDS):
        text, count = _COMMENT.subn("", text)
        if not count:
            break
    return text


def _domains(text: str) -> Iterator[str]:
    """Every domain of an address in ``text``: after each at sign, and where the part before it tells another way."""
    before, *pieces = text.split("@")
    for piece in pieces:
        yield from _routed(_LOCAL.split(before)[-1])
        found = _DOMAIN.match(piece)
        if found is not None:
            yield found[1]
        before = piece


def _routed(local: str) -> Iterator[str]:
    """Domains in the part before an at sign: ``rosa%mit.edu``, ``rosa=mit.edu``, ``mit.edu!rosa``."""
    first, *rest = _ROUTE.split(local)
    for sign, after in zip(rest[::2], rest[1::2], strict=True):
        found = _DOMAIN.match(after) if sign != "!" else None
        if found is not None:
            yield found[1]
        if sign == "!":
            yield first
        first = after


def _folded(domain: str) -> str:
    """The domain in the one form in which domains are compared: in Unicode, mapped; A-labels are read."""
    if domain.isascii() and "xn--" not in domain:
        return domain.lower()
    return _plain(".".join(_label(label) for label in _plain(domain).split(".")))


def _label(label: str) -> str:
    if not label.startswith("xn--") or len(label) > _LONGEST_LABEL:
        return label
    try:
        return label[4:].encode("ascii").decode("punycode")
    except UnicodeError:
        return label


NOTHING_WITHHELD: Final = Withholding()
