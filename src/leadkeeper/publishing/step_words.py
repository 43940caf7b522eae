"""What steps of publishing said, in a reader's language.

A step's messages are kept as they were written, in the language of the installation. Those in English are told in any
language: the sentences that publishing composes are recognised here, and what they were composed of is told too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Final

from leadkeeper.connections.validation_texts import TEXTS as OF_TEST_LEADS
from leadkeeper.destinations.registry import OURS, Destinations
from leadkeeper.offer import connection_called
from leadkeeper.publishing.listing import LONGEST
from leadkeeper.publishing.registration import RECOMMENDED
from leadkeeper.texts import Language, _

_COMPOSED: Final = (
    _("Canceled by %(by)s."),
    _("Approved by the operator: %(why)s"),
    _("Refused by the operator: %(why)s"),
    _("The connection %(name)s was checked: %(count)s of its steps passed."),
    _("Who acts: %(who)s."),
    _("More: %(page)s"),
    _("What became of it: %(page)s"),
    _("is missing: %(rule)s"),
    _("is longer than the %(most)s characters that customers are shown: shorten it"),
    _("%(offer)s must have a lead destination; connect one"),
    _("%(type)s offers"),
    _("%(call)s is none that we know"),
    *OF_TEST_LEADS.values(),
)
"""Sentences with something in them, those of other packages too."""
OPERATOR_LOOKS: Final = _("An operator of the marketplace looks at the offer.")
RULES_ALONE: Final = _("Certified: this marketplace leaves it at the rules that are checked by themselves.")
FAULT_IS_OURS: Final = _("The fault is ours; the operator's log says more. Publish again once it is fixed.")
WHOLE: Final = (
    _("Step completed."),
    _("Everything that the offer needs is there."),
    _("Approved by the operator."),
    _("Refused by the operator."),
    _("The connection did not pass its check."),
    RECOMMENDED,
    OPERATOR_LOOKS,
    RULES_ALONE,
    FAULT_IS_OURS,
)
"""Sentences that are always the same."""
_FRAMES: Final = (
    re.compile(r"(?P<mark>\d+\. )(?P<text>.+)"),
    re.compile(r"(?P<text>.+[.?!])(?P<mark> \(\w+\))"),
    re.compile(rf"(?P<mark>(?:{'|'.join((*LONGEST, 'callToAction', 'leadDestination'))}) )(?P<text>.+)(?P<stop>\.)"),
)
"""What stands around a sentence: a number before a step, a kind behind a summary, a field before what it lacks."""
_VALUE: Final = re.compile(r"%\((\w+)\)s")
_SENTENCES: Final = re.compile(r"(?<=[.?!]) (?=[A-Z])")


def step_message(text: str, language: Language, destinations: Destinations = OURS) -> str:
    """A message of a step in ``language``, line by line; what is not recognised stays as it was kept.

    ``destinations`` are those whose titles are known by their names, as messages call connections.
    """
    if language.code == "en":
        return text
    reading = _Reading(language, _connections(destinations))
    return "\n".join(reading.line(line) for line in text.split("\n"))


class _Reading:
    """Reads messages in a language; ``connection`` is how they call one, and what a line says of it."""

    def __init__(self, language: Language, connection: re.Pattern[str]) -> None:
        self._language = language
        self._connection = connection

    def line(self, line: str) -> str:
        """One line."""
        whole = self._part(line)
        if whole != line:
            return whole
        sentences = _SENTENCES.split(line)
        shown = list(self._sentences(sentences))
        connection = self._connection.fullmatch(line)
        # A sentence that ends in a connection and goes on after a colon looks like one, too.
        if connection is not None and connection["rest"] and shown[0].startswith(sentences[0]):
            return f"{self._part(line.removesuffix(connection['rest']))}: {self.line(connection['rest'][2:])}"
        return " ".join(shown)

    def _sentences(self, sentences: list[str]) -> Iterator[str]:
        """Each in the language, the longest run of them that is known as a whole at once."""
        while sentences:
            for end in range(len(sentences), 0, -1):
                run = " ".join(sentences[:end])
                shown = self._part(run)
                if shown != run or end == 1:
                    yield shown
                    sentences = sentences[end:]
                    break

    def _part(self, text: str) -> str:
        """A sentence, or what stands in one."""
        known = self._language.catalogue.gettext(text.replace("%", "%%")) if text else text
        if known.replace("%%", "%") != text:
            return known.replace("%%", "%")
        for message, pattern in _patterns():
            if found := pattern.fullmatch(text):
                values = {name: self._part(each) for name, each in found.groupdict().items()}
                return self._language.gettext(message, **values)
        for frame in _FRAMES:
            if found := frame.fullmatch(text):
                return self._framed(found)
        connection = self._connection.fullmatch(text)
        if connection is not None and connection["rest"] is None:
            return self._called(connection)
        return text

    def _called(self, connection: re.Match[str]) -> str:
        if connection["alone"]:
            return self._language.catalogue.gettext(connection["alone"])
        return connection_called(connection["name"], self._language.catalogue.gettext(connection["kind"]))

    def _framed(self, found: re.Match[str]) -> str:
        """The sentence within its frame."""
        groups = found.groupdict()
        groups["text"] = self._part(groups["text"])
        return "".join(groups[name] for name in sorted(groups, key=found.start) if groups[name])


@lru_cache(maxsize=8)
def _connections(destinations: Destinations) -> re.Pattern[str]:
    """A connection as people call it, see ``offer.connection_called``; and what a line says of it."""
    titles = "|".join(re.escape(str(each.title)) for each in destinations)
    return re.compile(rf"(?:(?P<alone>{titles})|(?P<name>.+?) \((?P<kind>{titles}|[^()]+)\))(?P<rest>: .+)?")


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((message, re.compile("".join(_pattern(message)))) for message in _COMPOSED)


def _pattern(message: str) -> Iterator[str]:
    """A value is anything on the line; the same value a second time is the same text."""
    seen: set[str] = set()
    for number, part in enumerate(_VALUE.split(message)):
        if number % 2 == 0:
            yield re.escape(part)
        else:
            yield f"(?P={part})" if part in seen else f"(?P<{part}>.+?)"
            seen.add(part)
