"""The error codes and numbers in a text, and what the adapters' own tables say that they mean. Pure."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from leadkeeper.destinations.interface import ErrorCodes
from leadkeeper.destinations.registry import OURS, Destinations
from leadkeeper.diagnosis import AnyKind, Kind
from leadkeeper.network.answer import kind_of_status


@dataclass(frozen=True, slots=True)
class Sign:
    """Something in a text that tells a kind; ``system`` says in which system it does, empty when everywhere."""

    kind: AnyKind
    text: str
    system: str = ""


_OURS: Final = {
    "EAI_NONAME": Kind.ADDRESS_NOT_FOUND,
    "EAI_NODATA": Kind.ADDRESS_NOT_FOUND,
    "EAI_AGAIN": Kind.CONNECTION_FAILED,
    "ECONNREFUSED": Kind.CONNECTION_FAILED,
    "EHOSTUNREACH": Kind.CONNECTION_FAILED,
    "ENETUNREACH": Kind.CONNECTION_FAILED,
    "ETIMEDOUT": Kind.CONNECTION_FAILED,
    "ECONNRESET": Kind.CONNECTION_LOST,
    "EPIPE": Kind.CONNECTION_LOST,
    "CERTIFICATE_VERIFY_FAILED": Kind.TLS_FAILED,
}
"""The network's codes, as ``network.trouble`` shows them in evidence."""

_RESOLVER: Final = ("EAI_NONAME", "EAI_NODATA", "EAI_AGAIN")
"""Of those, what is trouble of this installation where no setting names the host."""

_DIRECTORY: Final = "AADSTS"
_AADSTS: Final = re.compile(
    r"AADSTS\W{0,3}([0-9]{5,8})(?![0-9])|error_codes\W{1,8}([0-9]{5,8})(?![0-9])", re.IGNORECASE
)
_HEX: Final = re.compile(r"(?<![0-9a-z])(?:0x)?([0-9a-f]{8})(?![0-9a-z])", re.IGNORECASE)
_INTEGER: Final = re.compile(r"(?<![0-9a-zA-Z])-?[0-9]{9,10}(?![0-9a-zA-Z])")
_WORD: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_NUMBER: Final = re.compile(r"(?<![\w.,:/-])[0-9]{3,7}(?![\w/-]|[.,:][0-9])")
_NAMED: Final = re.compile(
    r"(?P<name>http(?:/[0-9.]{1,3})?|status(?:[ _-]?code)?|error(?:[ _-]?code)?|code|erro|código|codigo|estado|reason)"
    r"\W{0,5}(?P<number>[0-9]{3,7})(?![0-9\w])",
    re.IGNORECASE,
)
_PHRASES: Final = {status.value: status.phrase.casefold() for status in HTTPStatus}
_FEW_WORDS: Final = 4


class Codes:
    """The codes of ``destinations``, of the network, and our own kinds."""

    def __init__(self, destinations: Destinations) -> None:
        known = list(dict.fromkeys(codes for provider in destinations for codes in provider.codes))
        own = [("", kind.value, kind) for kind in destinations.kinds]
        of_network = [("", code, kind) for code, kind in _OURS.items()]
        of_network += [("", code, Kind.HOST_NOT_RESOLVED) for code in _RESOLVER]
        self._named = _index([*own, *of_network, *_rows(known, lambda codes: codes.named)])
        self._sign_in = _index(_rows(known, lambda codes: codes.sign_in))
        self._hex = _index(_rows(known, lambda codes: codes.hex))
        self._numbers = _index(_rows(known, lambda codes: codes.numbers), _digits)
        self._statuses = [(codes.system, codes.statuses) for codes in known]
        self._words: dict[str, set[str]] = {}
        for codes in known:
            for word in codes.words:
                self._words.setdefault(word, set()).add(codes.system)

    def coded(self, text: str) -> Iterator[Sign]:
        """The codes that can mean but one thing: of Entra ID, Dataverse, Azure, Salesforce, and our kinds.

        A code that is also a plain word (``Forbidden``, ``throttled``) counts only where it is all there is.
        """
        for match in _AADSTS.finditer(text):
            yield from self._of_directory(match[1] or match[2])
        for code in _hexes(text):
            yield from self._hex.get(f"0x{code}", ())
        words = _WORD.findall(text)
        for word in words:
            for sign in self._named.get(word.casefold(), ()):
                if len(words) == 1 or _is_code(sign.text):
                    yield sign

    def sign_in_errors(self, text: str) -> Iterator[Sign]:
        """OAuth's errors, such as ``invalid_client``: several systems have the same."""
        named = self._systems_in(text)
        for word in _WORD.findall(text):
            yield from _of(named, self._sign_in.get(word.casefold(), ()))

    def numbered(self, text: str) -> Iterator[Sign]:
        """HTTP statuses and codes of digits alone, where the text says that a number is one or is little else.

        A system that the text names rules the others out.
        """
        named = self._systems_in(text)
        for number, is_status in _numbers(text):
            if not is_status:
                yield from _of(named, self._numbers.get(str(number), ()))
            yield from _of(named, self._of_status(number)) or _by_class(number, named)

    def _of_directory(self, number: str) -> list[Sign]:
        return [sign for sign in self._numbers.get(str(int(number)), ()) if sign.text.startswith(_DIRECTORY)]

    def _systems_in(self, text: str) -> set[str]:
        words = {word.casefold() for word in _WORD.findall(text)}
        return {system for word in words for system in self._words.get(word, ())}

    def _of_status(self, number: int) -> Iterator[Sign]:
        return (Sign(kinds[number], f"HTTP {number}", system) for system, kinds in self._statuses if number in kinds)


@functools.lru_cache(maxsize=8)
def codes_of(destinations: Destinations = OURS) -> Codes:
    """The codes of these destinations; made once for each."""
    return Codes(destinations)


_Row = tuple[str, str, AnyKind]


def _rows(known: Iterable[ErrorCodes], table: Callable[[ErrorCodes], Mapping[str, AnyKind]]) -> list[_Row]:
    return [(codes.system, code, kind) for codes in known for code, kind in table(codes).items()]


def _index(rows: Iterable[_Row], key: Callable[[str], str] = str.casefold) -> dict[str, list[Sign]]:
    found: dict[str, list[Sign]] = {}
    for system, code, kind in rows:
        found.setdefault(key(code), []).append(Sign(kind, code, system))
    return found


def _digits(code: str) -> str:
    return code.removeprefix(_DIRECTORY)


def _is_code(name: str) -> bool:
    """Whether no prose holds such a word: joined words, or capitals with an underscore."""
    return "_" in name or not name[1:].islower() or any(c.isdigit() for c in name)


def _hexes(text: str) -> list[str]:
    """Eight hexadecimal digits, and whole numbers as the same number's signed 32 bits."""
    return [
        *(match[1].lower() for match in _HEX.finditer(text)),
        *(f"{int(match[0]) % 2**32:08x}" for match in _INTEGER.finditer(text)),
    ]


def _of(systems: set[str], signs: Iterable[Sign]) -> list[Sign]:
    return [sign for sign in signs if not systems or sign.system in systems]


def _numbers(text: str) -> Iterator[tuple[int, bool]]:
    """Numbers that are codes, and whether the text says that they are HTTP statuses."""
    seen = set()
    for match in _NAMED.finditer(text):
        seen.add(match.start("number"))
        yield int(match["number"]), match["name"].casefold().startswith(("http", "status"))
    folded, few = text.casefold(), len(text.split()) <= _FEW_WORDS
    for match in _NUMBER.finditer(text):
        number = int(match[0])
        if match.start() in seen:
            continue
        if number in _PHRASES and _PHRASES[number] in folded:
            yield number, True
        elif few:
            yield number, False


def _by_class(number: int, named: set[str]) -> Iterator[Sign]:
    """What a status means that no table holds. What is wrong with a request (4xx), each system judges for itself."""
    if number in _PHRASES and number >= 300 and not (named and 400 <= number < 500):
        yield Sign(kind_of_status(number), f"HTTP {number}")
