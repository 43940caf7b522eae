"""The texts that a person may paste: Microsoft's, in English and Portuguese, and our own summaries in every language.

Compared without case, accents and punctuation, and without what differs each time: ids and moments.
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from leadkeeper.catalogue import text_of
from leadkeeper.destinations.registry import OURS, Destinations
from leadkeeper.diagnosis import AnyKind
from leadkeeper.explain.codes import Sign
from leadkeeper.explain.microsoft_texts import MICROSOFT_TEXTS, MicrosoftText
from leadkeeper.explain.microsoft_texts_pt import MICROSOFT_TEXTS as PORTUGUESE_TEXTS
from leadkeeper.normal_forms import without_marks
from leadkeeper.texts import Language, Languages

_LED_IN: Final = (
    ("Could not save the lead to Dynamics CRM", MICROSOFT_TEXTS),
    ("Não foi possível salvar o cliente potencial no Dynamics CRM", PORTUGUESE_TEXTS),
)
_GUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_MOMENT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9:.]{4,20}Z?)?|[0-9]{1,2}:[0-9]{2}:[0-9]{2}")
_WORD: Final = re.compile(r"[^\W_]+")
_PART: Final = 16
"""The fewest characters of a known text that are taken for a part of it."""

_ALIKE: Final = 0.6
"""How much of a text's telling words must be there for a text that is not quite the same."""

_SYSTEM: Final = "Dynamics 365"


def plain(text: str) -> str:
    """``text`` as it is compared: lower-case words without accents, with single blanks between."""
    text = _MOMENT.sub(" ", _GUID.sub(" ", text))
    return " ".join(_WORD.findall(without_marks(text.casefold())))


@dataclass(frozen=True, slots=True)
class _Known:
    """One text that may be pasted: how it is recognized whole, and its words."""

    sign: Sign
    telling: str
    whole: str
    words: frozenset[str]
    also: tuple[re.Pattern[str], ...] = ()

    def is_recognized_by(self, words: str) -> bool:
        """Whether its telling part stands in ``words``, as it is here or as another translator has it."""
        return f" {self.telling} " in f" {words} " or any(each.search(words) for each in self.also)


def _known(led_in: str, text: MicrosoftText) -> _Known:
    whole = plain(f"{led_in} {text.text}")
    sign = Sign(text.kind, text.telling, _SYSTEM)
    return _Known(sign, plain(text.telling), whole, frozenset(whole.split()), tuple(map(_with_gaps, text.also)))


def _with_gaps(text: str) -> re.Pattern[str]:
    """A pattern for ``text`` among compared words; ``…`` stands for at most four of them."""
    parts = [re.escape(plain(part)) for part in text.split("…")]
    return re.compile(rf"(?<!\S){r' (?:[^ ]+ ){0,4}'.join(parts)}(?!\S)")


def _own(kind: AnyKind, language: Language) -> _Known:
    summary = text_of(kind, language).summary
    whole = plain(summary)
    return _Known(Sign(kind, summary), whole, whole, frozenset(whole.split()))


_MICROSOFT: Final = tuple(tuple(_known(led_in, text) for text in texts) for led_in, texts in _LED_IN)
_THEIRS: Final = tuple(known for texts in _MICROSOFT for known in texts)


@functools.cache
def _all(languages: Languages, destinations: Destinations = OURS) -> tuple[_Known, ...]:
    return (*_THEIRS, *(_own(kind, language) for language in languages for kind in destinations.kinds))


def worded(pasted: str, languages: Languages) -> Iterator[Sign]:
    """What a pasted text says: whole texts in it; else the text of which it is a part; else the one it is most like.

    A part that several texts share, such as the words that lead all of Microsoft's in, tells nothing.
    """
    words, every = plain(pasted), _all(languages)
    found = [known.sign for known in every if known.is_recognized_by(words)]
    yield from found or _part(words, every) or _alike(frozenset(words.split()))


def _part(words: str, every: Sequence[_Known]) -> list[Sign]:
    if len(words) < _PART:
        return []
    found = [known.sign for known in every if words in known.whole]
    return found[:1] if len({sign.kind for sign in found}) == 1 else []


def _alike(words: frozenset[str]) -> list[Sign]:
    """The one of Microsoft's texts of whose telling words most are there; rare words tell more than common ones."""
    best: tuple[float, Sign | None] = (_ALIKE, None)
    for texts in _MICROSOFT:
        spread = Counter(word for known in texts for word in known.words)
        for known in texts:
            share = _weight(known.words & words, spread) / _weight(known.words, spread)
            if share > best[0]:
                best = (share, known.sign)
    return [] if best[1] is None else [best[1]]


def _weight(words: frozenset[str], spread: Counter[str]) -> float:
    return sum(1 / spread[word] for word in words)
