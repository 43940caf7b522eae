"""Which entries of the catalogue a pasted error means. Pure; takes any text."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from leadkeeper.catalogue import CATALOGUE, docs_of, kind_of, text_of
from leadkeeper.destinations.registry import OURS, Destinations
from leadkeeper.diagnosis import AnyKind
from leadkeeper.explain.codes import Sign, codes_of
from leadkeeper.explain.texts import worded
from leadkeeper.explain.views import Explanation
from leadkeeper.languages import installed
from leadkeeper.texts import Language, Languages

LONGEST: Final = 20_000
"""How many characters of a text are looked at."""


@dataclass(frozen=True, slots=True)
class Match:
    """A kind that a text means, what in the text told it, and in which systems that means this (none: anywhere)."""

    kind: AnyKind
    recognized_by: str
    systems: tuple[str, ...]


def find(pasted: str, languages: Languages | None = None, destinations: Destinations = OURS) -> tuple[Match, ...]:
    """The kinds that a pasted error means, each once, the surest first; empty when nothing in it is known.

    The codes are those of ``destinations``. Our own sentences are known in each of ``languages``; without, in all that
    there are.

    Codes and known texts decide; only where there are none, the errors of OAuth do, and then bare numbers, each of
    which may mean something else in every system.
    """
    text, codes = pasted[:LONGEST], codes_of(destinations)
    with suppress(ValueError):  # also one of a package's
        named = kind_of(text.strip())
        return (Match(named, named.value, ()),)
    for signs in (
        (*codes.coded(text), *worded(text, languages or installed())),
        tuple(codes.sign_in_errors(text)),
        tuple(codes.numbered(text)),
    ):
        if signs:
            return _gathered(signs)
    return ()


def explain(
    pasted: str, language: Language, languages: Languages | None = None, destinations: Destinations = OURS
) -> tuple[Explanation, ...]:
    """What :func:`find` finds, told in ``language``."""
    return tuple(_summary(match, language) for match in find(pasted, languages, destinations))


def _gathered(signs: Iterable[Sign]) -> tuple[Match, ...]:
    found: dict[AnyKind, Match] = {}
    for sign in signs:
        first = found.setdefault(sign.kind, Match(sign.kind, sign.text, ()))
        if sign.system and sign.system not in first.systems:
            found[sign.kind] = Match(first.kind, first.recognized_by, (*first.systems, sign.system))
    return tuple(found.values())


def _summary(match: Match, language: Language) -> Explanation:
    entry, text = CATALOGUE[match.kind], text_of(match.kind, language)
    return Explanation(
        kind=match.kind,
        recognized_by=match.recognized_by,
        systems=match.systems,
        outcome=entry.outcome,
        who=entry.who,
        summary=text.summary,
        steps=text.steps,
        docs=docs_of(match.kind, language),
    )
