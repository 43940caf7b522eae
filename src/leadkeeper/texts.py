"""The words that people read, in their language. English is the source text; other languages have catalogues. Pure.

A text is written once, in English, where it is used: ``language.gettext("…")`` where the language is known, ``_("…")``
where it is declared before that, ``{% trans %}`` in a template. It stands outside of f-strings, where nothing finds it.
Values are named, ``%(publisher)s``; a percent sign is ``%%``. ``make texts`` gathers the texts into
``locale/<language>/LC_MESSAGES/leadkeeper.po``; ``leadkeeper.languages`` reads those files.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from gettext import NullTranslations
from typing import Final

from babel import Locale
from babel.dates import format_date, format_datetime, format_timedelta
from babel.numbers import format_decimal


def _(message: str) -> str:
    """Mark a text that is declared before its language is known: ``Language.gettext`` tells it in one."""
    return message


class LazyText(str):
    """An English text with its values that can still be told in another language: see :func:`lazy_gettext`."""

    __slots__ = ("message", "parts")
    message: str
    parts: dict[str, object]


def lazy_gettext(message: str, /, **parts: object) -> LazyText:
    """``message`` with ``parts`` in it, in English, for whoever does not know the language: ``Language.tell`` does."""
    text = LazyText(message % parts)
    text.message, text.parts = message, parts
    return text


class CountedText(LazyText):
    """A text that depends on a number: see :func:`lazy_ngettext`."""

    __slots__ = ("many", "number")
    number: int
    many: str


def lazy_ngettext(one: str, many: str, count: int, /, **parts: object) -> CountedText:
    """Of ``one`` and ``many`` the English form for ``count``, ``%(count)s`` in it; ``Language.tell`` has its own."""
    text = CountedText((one if count == 1 else many) % ({"count": count} | parts))
    text.message, text.many, text.number, text.parts = one, many, count, parts
    return text


class JoinedTexts(LazyText):
    """Several texts, one after another: see :func:`join_lazily`."""

    __slots__ = ("separator", "texts")
    separator: str
    texts: tuple[str, ...]


def join_lazily(texts: Iterable[str], separator: str = " ") -> JoinedTexts:
    """``texts`` one after another: those of :func:`lazy_gettext` are told in a language, others stay as they are."""
    every = tuple(texts)
    joined = JoinedTexts(separator.join(every))
    joined.message, joined.parts, joined.separator, joined.texts = "", {}, separator, every
    return joined


def own_part(text: str, *, own: bool = True) -> str:
    """The part of ``text`` that can be told in another language, which is ours; else the rest, which others said."""
    if isinstance(text, JoinedTexts):
        return join_lazily(filter(None, (own_part(each, own=own) for each in text.texts)), text.separator)
    return text if isinstance(text, LazyText) is own else ""


def text_as_json(text: str) -> object:
    """``text`` as JSON can hold it, so that :func:`text_from_json` can tell it in another language again.

    A text that is not of :func:`lazy_gettext` and its like stays a string. Values that JSON does not know are written
    as their text.
    """
    if not isinstance(text, LazyText):
        return text
    if isinstance(text, JoinedTexts):
        return {"separator": text.separator, "texts": [text_as_json(each) for each in text.texts]}
    parts = {name: _part_as_json(part) for name, part in text.parts.items()}
    if isinstance(text, CountedText):
        return {"message": text.message, "many": text.many, "count": text.number, "parts": parts}
    return {"message": text.message, "parts": parts}


def text_from_json(value: object) -> str:
    """The text that :func:`text_as_json` wrote. Raises ``TypeError`` or ``ValueError`` for what it did not write."""
    match value:
        case str():
            return value
        case {"separator": str(separator), "texts": list(texts)}:
            return join_lazily(map(text_from_json, texts), separator)
        case {"message": str(message), "many": str(many), "count": int(count), "parts": dict(parts)}:
            return _formed(lambda: lazy_ngettext(message, many, count, **_parts_from_json(parts)))
        case {"message": str(message), "parts": dict(parts)}:
            return _formed(lambda: lazy_gettext(message, **_parts_from_json(parts)))
        case _:
            raise TypeError("not as a text is written")


def _formed(form: Callable[[], str]) -> str:
    try:
        return form()
    except KeyError as error:
        raise ValueError("a value of the text is missing") from error


def _part_as_json(part: object) -> object:
    if isinstance(part, str):
        return text_as_json(part)
    return part if isinstance(part, int | float) else str(part)


def _parts_from_json(parts: dict[str, object]) -> dict[str, object]:
    return {name: part if isinstance(part, int | float) else text_from_json(part) for name, part in parts.items()}


@dataclass(frozen=True, slots=True)
class Language:
    """A language and its texts. ``code`` is its tag (BCP 47: ``en``, ``pt``, ``pt-BR``), and all that is compared."""

    code: str
    catalogue: NullTranslations = field(default_factory=NullTranslations, compare=False, repr=False)

    def gettext(self, message: str, /, **parts: object) -> str:
        """``message`` in this language, in English where the catalogue has no such text, with ``parts`` in it."""
        return self.catalogue.gettext(message) % parts

    def ngettext(self, one: str, many: str, count: int, /, **parts: object) -> str:
        """Of ``one`` and ``many`` the form that this language has for ``count``, which is ``%(count)s`` in it."""
        return self.catalogue.ngettext(one, many, count) % ({"count": self.number(count)} | parts)

    def pgettext(self, context: str, message: str, /, **parts: object) -> str:
        """``message`` where the same English words mean several things, told apart by ``context``."""
        return self.catalogue.pgettext(context, message) % parts

    def tell(self, text: str) -> str:
        """A text of :func:`lazy_gettext` in this language, those within it too; any other as it is."""
        if not isinstance(text, LazyText):
            return text
        if isinstance(text, JoinedTexts):
            return text.separator.join(map(self.tell, text.texts))
        parts = {name: self.tell(part) if isinstance(part, str) else part for name, part in text.parts.items()}
        if isinstance(text, CountedText):
            return self.ngettext(text.message, text.many, text.number, **parts)
        return self.gettext(text.message, **parts)

    def can_tell(self, text: str) -> bool:
        """Whether :meth:`tell` tells it in this language; English can be told always."""
        if self.code == "en":
            return True
        if isinstance(text, JoinedTexts):
            return all(self.can_tell(part) for part in text.texts if isinstance(part, LazyText))
        if isinstance(text, CountedText):
            known = self.catalogue.ngettext(text.message, text.many, text.number) not in (text.message, text.many)
            return known and all(self.can_tell(part) for part in text.parts.values() if isinstance(part, LazyText))
        if not isinstance(text, LazyText) or self.catalogue.gettext(text.message) is text.message:
            return False  # a catalogue without the text hands back the text itself; one with it, its own
        return all(self.can_tell(part) for part in text.parts.values() if isinstance(part, LazyText))

    @property
    def locale(self) -> Locale:
        """What the Common Locale Data Repository knows of this language."""
        return _locale(self.code)

    @property
    def name(self) -> str:
        """The language's name in itself: ``English``, ``Português``."""
        name = self.locale.display_name or self.code
        return name[:1].upper() + name[1:]

    def number(self, value: int | float) -> str:
        """A number as people of this language write it: ``1,250``, ``1.250``."""
        return _number(self.code, value)

    def duration(self, milliseconds: int) -> str:
        """How long something took, in its largest unit: ``3 seconds``, ``2 dias``."""
        return format_timedelta(timedelta(milliseconds=milliseconds), threshold=1.5, locale=self.locale)

    def moment(self, at: datetime) -> str:
        """A date and time of day as people of this language write it, with its time zone."""
        return format_datetime(at, "medium", locale=self.locale) + at.strftime(" %Z").rstrip()

    def day(self, at: datetime) -> str:
        """A date as people of this language write it: ``November 29, 2026``."""
        return format_date(at, "long", locale=self.locale)


@functools.cache
def _locale(code: str) -> Locale:
    return Locale.parse(code, sep="-")


@functools.lru_cache(maxsize=4_096, typed=True)
def _number(code: str, value: int | float) -> str:
    """Kept: a page writes dozens of numbers, most of them small, and each would take a tenth of a millisecond."""
    return format_decimal(value, locale=_locale(code))


ENGLISH: Final = Language("en")
"""The language of the sources: every text is its own translation."""


@dataclass(frozen=True, slots=True)
class Languages:
    """The languages of an installation, English first. Iterates over them."""

    every: tuple[Language, ...] = (ENGLISH,)

    def __iter__(self) -> Iterator[Language]:
        return iter(self.every)

    def __len__(self) -> int:
        return len(self.every)

    def find(self, tag: str | None) -> Language | None:
        """The language of this tag, however it is written (``pt-BR``, ``pt_br``); else one that begins as it does."""
        wanted = (tag or "").replace("_", "-").lower()
        alike = None
        for language in self.every:
            code = language.code.lower()
            if code == wanted:
                return language
            if alike is None and code.partition("-")[0] == wanted.partition("-")[0]:
                alike = language
        return alike
