"""By which words a lead is found: those of the customer's name, company and e-mail address. Pure."""

from __future__ import annotations

import functools
import re
import zlib
from operator import itemgetter
from typing import Final

from leadkeeper.lead_body import CUSTOMER, customer_in

GRAM: Final = 3
"""A part of so many letters is found anywhere in a word; a shorter one where a word begins with it."""
_WORD: Final = re.compile(r"[^\W_]+")
_BETWEEN: Final = re.compile(r"[\W_]")
_searched: Final = itemgetter(*map(CUSTOMER.index, ("firstName", "lastName", "company", "email")))


def words_of(first_name: str, last_name: str, company: str, email: str) -> str:
    """The words in small letters, with a space before each and in place of whatever is no letter and no digit.

    Empty where there are none.
    """
    text = f" {first_name} {last_name} {company} {email}"
    return apart(text.casefold()).rstrip()


def words_in(body: str) -> str:
    """The same of a stored body; empty where it is damaged."""
    try:
        texts = _searched(customer_in(body))
    except ValueError:
        return ""
    return words_of(*texts) if all(isinstance(each, str) for each in texts) else ""


def apart(folded: str) -> str:
    """``folded`` with a space for each of its characters that is no letter and no digit."""
    return _BETWEEN.sub(" ", folded)


def wanted_text(text: str) -> str:
    """What somebody looks for, as it is compared."""
    return " ".join(text.split()).casefold()


def is_beginning(wanted: str) -> bool:
    """Whether ``wanted`` is so short that words must begin with it."""
    return len(wanted) < GRAM and _WORD.fullmatch(wanted) is not None


def stands_in(wanted: str, part: str) -> bool:
    """Whether ``wanted`` is found in ``part``, a name, a company or an address in any case."""
    folded = part.casefold()
    if not is_beginning(wanted):
        return wanted in folded
    return any(word.startswith(wanted) for word in _WORD.findall(folded))


def terms_of(words: str) -> set[str]:
    """The index terms of a lead: all runs of :data:`GRAM` letters within its words, and how each word begins.

    ``words`` are those of :func:`words_of`. ``c`` stands before the runs, ``a`` and ``b`` before the first letter and
    the first two.
    """
    found: set[str] = set()
    for word in words.split():
        _add_terms(found, word)
    return found


def wanted_terms(wanted: str) -> set[str]:
    """Index terms that every lead has in which ``wanted`` is found; none where no index can tell, as for ``@``."""
    if is_beginning(wanted):
        return {f"{'ab'[len(wanted) - 1]}{wanted}"}
    found: set[str] = set()
    for match in _WORD.finditer(wanted):
        # Where something that is no letter stands before it, it begins a word.
        _add_terms(found, match[0], begins=match.start() > 0)
    return found


def _add_terms(found: set[str], word: str, *, begins: bool = True) -> None:
    if begins:
        found.add("a" + word[0])
        if len(word) > 1:
            found.add("b" + word[:2])
    for at in range(len(word) - GRAM + 1):
        found.add("c" + word[at : at + GRAM])


@functools.lru_cache(maxsize=1_000)
def publisher_term(publisher_id: str) -> str:
    """The index term of all leads of a publisher, and rarely of another's too."""
    return f"p{zlib.crc32(publisher_id.encode()):08x}"
