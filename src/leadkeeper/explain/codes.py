"""The error codes and numbers in a text, and what the adapters' own tables say that they mean. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from leadkeeper.destinations.azure_storage import errors as azure_errors
from leadkeeper.destinations.dynamics import errors as dynamics_errors
from leadkeeper.destinations.https_endpoint import adapter as https_endpoint
from leadkeeper.destinations.hubspot import errors as hubspot_errors
from leadkeeper.destinations.marketo import errors as marketo_errors
from leadkeeper.destinations.registry import OURS, Destinations
from leadkeeper.destinations.salesforce import errors as salesforce_errors
from leadkeeper.diagnosis import AnyKind, Kind
from leadkeeper.network.answer import kind_of_status
from leadkeeper.network.entra import errors as entra_errors

_AZURE, _DYNAMICS, _ENTRA, _HTTPS = "Azure Storage", "Dynamics 365", "Microsoft Entra ID", "HTTPS endpoint"
_HUBSPOT, _MARKETO, _SALESFORCE, _FLOW = "HubSpot", "Marketo", "Salesforce", "Power Automate"


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


def _own(destinations: Destinations = OURS) -> Mapping[str, AnyKind]:
    return {kind.value: kind for kind in destinations.kinds}


_Tables = tuple[tuple[str, Mapping[str, AnyKind]], ...]
_NAMES: Final[_Tables] = (
    ("", _own()),
    ("", _OURS),
    (_AZURE, {code: verdict.kind for code, verdict in azure_errors.CODES.items()}),
    (_SALESFORCE, salesforce_errors.CODES),
    (_HUBSPOT, hubspot_errors.CODES),
    (_FLOW, https_endpoint.CODES),
)
_SIGN_IN: Final[_Tables] = ((_ENTRA, entra_errors.ERRORS), (_SALESFORCE, salesforce_errors.SIGN_IN))
_STATUSES: Final[tuple[tuple[str, Mapping[int, AnyKind]], ...]] = (
    (_HTTPS, https_endpoint.STATUSES),
    (_AZURE, {status: verdict.kind for status, verdict in azure_errors.STATUSES.items()}),
    (_DYNAMICS, {status: verdict.kind for status, verdict in dynamics_errors.STATUSES.items()}),
    (_SALESFORCE, salesforce_errors.STATUSES),
    (_HUBSPOT, hubspot_errors.STATUSES),
    (_MARKETO, marketo_errors.STATUSES),
)
_SYSTEM_WORDS: Final = {
    "azure": (_AZURE,),
    "storage": (_AZURE,),
    "blob": (_AZURE,),
    "dynamics": (_DYNAMICS, _ENTRA),
    "dataverse": (_DYNAMICS,),
    "crm": (_DYNAMICS, _ENTRA),
    "entra": (_ENTRA,),
    "aad": (_ENTRA,),
    "salesforce": (_SALESFORCE,),
    "hubspot": (_HUBSPOT,),
    "marketo": (_MARKETO,),
    "webhook": (_HTTPS,),
    "flow": (_FLOW, _HTTPS),
}

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


def _index(tables: _Tables) -> dict[str, list[Sign]]:
    found: dict[str, list[Sign]] = {}
    for system, kinds in tables:
        for code, kind in kinds.items():
            found.setdefault(code.casefold(), []).append(Sign(kind, code, system))
    return found


_BY_NAME: Final = _index(_NAMES)
_BY_SIGN_IN: Final = _index(_SIGN_IN)


def coded(text: str) -> Iterator[Sign]:
    """The codes that can mean but one thing: of Entra ID, Dataverse, Azure, Salesforce, Power Automate, and our kinds.

    A code that is also a plain word (``Forbidden``, ``throttled``) counts only where it is all there is.
    """
    for match in _AADSTS.finditer(text):
        number = int(match[1] or match[2])
        if number in entra_errors.CODES:
            yield Sign(entra_errors.CODES[number], f"AADSTS{number}", _ENTRA)
    yield from _dataverse(text)
    words = _WORD.findall(text)
    for word in words:
        for sign in _BY_NAME.get(word.casefold(), ()):
            if len(words) == 1 or _is_code(sign.text):
                yield sign


def _is_code(name: str) -> bool:
    """Whether no prose holds such a word: joined words, or capitals with an underscore."""
    return "_" in name or not name[1:].islower() or any(c.isdigit() for c in name)


def _dataverse(text: str) -> Iterator[Sign]:
    codes = [match[1].lower() for match in _HEX.finditer(text)]
    codes += [f"{int(match[0]) % 2**32:08x}" for match in _INTEGER.finditer(text)]
    for code in codes:
        verdict = dynamics_errors.CODES.get(f"0x{code}")
        if verdict is not None:
            yield Sign(verdict.kind, f"0x{code}", _DYNAMICS)


def sign_in_errors(text: str) -> Iterator[Sign]:
    """OAuth's errors, such as ``invalid_client``: several systems have the same."""
    named = _systems_in(text)
    for word in _WORD.findall(text):
        yield from _of(named, _BY_SIGN_IN.get(word.casefold(), ()))


def numbered(text: str) -> Iterator[Sign]:
    """HTTP statuses and codes of Marketo and Entra ID, where the text says that a number is one or is little else.

    A system that the text names rules the others out.
    """
    named = _systems_in(text)
    for number, is_status in _numbers(text):
        if not is_status:
            yield from _of(named, (*_marketo(number), *_entra(number)))
        yield from _of(named, _statuses(number)) or _by_class(number, named)


def _of(systems: set[str], signs: Iterable[Sign]) -> list[Sign]:
    return [sign for sign in signs if not systems or sign.system in systems]


def _systems_in(text: str) -> set[str]:
    words = {word.casefold() for word in _WORD.findall(text)}
    return {system for word, systems in _SYSTEM_WORDS.items() if word in words for system in systems}


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


def _marketo(number: int) -> Iterator[Sign]:
    kind = marketo_errors.CODES.get(str(number))
    if kind is not None:
        yield Sign(kind, str(number), _MARKETO)


def _entra(number: int) -> Iterator[Sign]:
    if number in entra_errors.CODES:
        yield Sign(entra_errors.CODES[number], f"AADSTS{number}", _ENTRA)


def _statuses(number: int) -> Iterator[Sign]:
    return (Sign(kinds[number], f"HTTP {number}", system) for system, kinds in _STATUSES if number in kinds)


def _by_class(number: int, named: set[str]) -> Iterator[Sign]:
    """What a status means that no table holds. What is wrong with a request (4xx), each system judges for itself."""
    if number in _PHRASES and number >= 300 and not (named and 400 <= number < 500):
        yield Sign(kind_of_status(number), f"HTTP {number}")
