"""By which words a lead is found: those of the customer's name, company and e-mail address. Pure."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from leadkeeper.lead_body import from_body

GRAM: Final = 3
"""A part of so many letters is found anywhere in a word; a shorter one where a word begins with it."""
_WORD: Final = re.compile(r"[^\W_]+")
_BETWEEN: Final = re.compile(r"[\W_]")
_SEARCHED: Final = ("firstName", "lastName", "company", "email")


def words_of(first_name: str, last_name: str, company: str, email: str) -> str:
    """The words in small letters, with a space before each and in place of whatever is no letter and no digit.

    Empty where there are none.
    """
    text = f" {first_name} {last_name} {company} {email}"
    return apart(text.casefold()).rstrip()


def words_in(body: str) -> str:
    """The same of a stored body; empty where it is damaged."""
    try:
        customer = from_body(body).get("customer")
    except ValueError:
        return ""
    found: Mapping[str, Any] = customer if isinstance(customer, dict) else {}
    texts = [found.get(name, "") for name in _SEARCHED]
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

    ``c`` stands before the runs, ``a`` and ``b`` before the first letter and the first two.
    """
    found: set[str] = set()
    for word in _WORD.findall(words):
        found.update(_beginnings(word))
        found.update(_runs(word))
    return found


def wanted_terms(wanted: str) -> set[str]:
    """Index terms that every lead has in which ``wanted`` is found; none where no index can tell, as for ``@``."""
    if is_beginning(wanted):
        return {f"{'ab'[len(wanted) - 1]}{wanted}"}
    found: set[str] = set()
    for match in _WORD.finditer(wanted):
        found.update(_runs(match[0]))
        if match.start():  # something that is no letter stands before it, so it begins a word
            found.update(_beginnings(match[0]))
    return found


def publisher_term(publisher_id: str) -> str:
    """The index term of all leads of a publisher, and rarely of another's too."""
    return f"p{zlib.crc32(publisher_id.encode()):08x}"


def _beginnings(word: str) -> Iterator[str]:
    yield f"a{word[:1]}"
    if len(word) > 1:
        yield f"b{word[:2]}"


def _runs(word: str) -> Iterator[str]:
    return (f"c{word[at : at + GRAM]}" for at in range(len(word) - GRAM + 1))
