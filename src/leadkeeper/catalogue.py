"""The diagnosis catalogue: for every kind of failure its cause, who must act, and the steps. Pure data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from types import MappingProxyType, NoneType
from typing import Any, Final

from pydantic_core import from_json, to_json

from leadkeeper.diagnoses import common
from leadkeeper.diagnoses.entry import Entry
from leadkeeper.diagnoses.text import Text
from leadkeeper.diagnosis import Answer, AnyKind, Diagnosis, Evidence, Kind, Outcome, Receipt
from leadkeeper.texts import ENGLISH, Language, LazyText, lazy_gettext, text_as_json, text_from_json

_ENTRIES: Final[dict[AnyKind, Entry]] = {}
_KINDS: Final[dict[str, AnyKind]] = {}
_ENGLISH: Final[dict[AnyKind, Text]] = {}

CATALOGUE: Final[Mapping[AnyKind, Entry]] = MappingProxyType(_ENTRIES)
"""What is known of every kind that was declared: the common ones, and those of all destinations once the list of
destinations (``destinations.registry``) is imported."""


def declare(kinds: type[AnyKind], entries: Mapping[AnyKind, Entry]) -> None:
    """Say of each of ``kinds`` what it means: once, by the module that lists them, when it is imported.

    Raises ``ValueError`` where a name is another's, or where a kind has no entry or an entry no kind.
    """
    if set(kinds) != set(entries):
        raise ValueError(f"{kinds.__name__} and its entries differ: {sorted(set(kinds) ^ set(entries))}")
    for kind in kinds:
        known = _KINDS.get(kind.value)
        # A module that is loaded anew declares its own kinds anew.
        if known is not None and _full_name(type(known)) != _full_name(kinds):
            raise ValueError(f"{kind.value} is declared by {_full_name(type(known))} and {_full_name(kinds)}")
    for kind, entry in entries.items():
        _KINDS[kind.value] = kind
        _ENTRIES[kind] = entry
        text = text_of(kind, ENGLISH)
        _ENGLISH[kind] = Text(lazy_gettext(entry.summary), text.steps)


def kind_of(name: str) -> AnyKind:
    """The kind of that name. Raises ``ValueError`` where nobody declared it."""
    try:
        return _KINDS[name]
    except KeyError:
        raise ValueError(f"no diagnosis is called {name[:100]!r}") from None


def _full_name(kinds: type[AnyKind]) -> str:
    return f"{kinds.__module__}.{kinds.__qualname__}"


def text_of(kind: AnyKind, language: Language) -> Text:
    """What a person reads of this kind, in that language."""
    entry = CATALOGUE[kind]
    steps = (step if isinstance(step, tuple) else (step,) for step in entry.steps)
    return Text(language.gettext(entry.summary), tuple(" ".join(map(language.gettext, step)) for step in steps))


_TRANSLATED_PAGES: Final = frozenset({"pt"})
"""The languages in which the documentation has a page of diagnoses, beside English."""


def docs_of(kind: AnyKind, language: Language = ENGLISH) -> str:
    """The address below ``/docs`` that treats this kind: in that language, or in English where it has no such page."""
    if "." in kind.value:
        return "/docs/howto/add-a-destination.html#causes-of-its-own"
    primary = language.code.partition("-")[0]
    page = f"diagnoses.{primary}.html" if primary in _TRANSLATED_PAGES else "diagnoses.html"
    return f"/docs/reference/{page}#{kind.value.lower()}"


def diagnose(
    kind: AnyKind,
    evidence: Evidence = Evidence(),
    *,
    outcome: Outcome | None = None,
    retry_after: float | None = None,
) -> Diagnosis:
    """The diagnosis of this kind with this evidence (already masked); ``outcome`` where it is not the usual one."""
    entry, text = CATALOGUE[kind], _ENGLISH[kind]
    return Diagnosis(
        kind=kind,
        outcome=outcome or entry.outcome,
        who=entry.who,
        summary=text.summary,
        steps=text.steps,
        docs=docs_of(kind),
        evidence=evidence,
        retry_after=retry_after,
    )


def to_stored(answer: Answer) -> str:
    """An answer as it is stored: a receipt whole, of a diagnosis only what its catalogue entry does not say."""
    if answer == _PLAIN:
        return _PLAIN_STORED
    if isinstance(answer, Receipt):
        return _receipt_as_json(answer)
    evidence: object = {} if answer.evidence == _NONE else _evidence_as_dict(answer.evidence)
    summary = {"kind": answer.kind, "outcome": answer.outcome, "evidence": evidence}
    return to_json(summary | ({} if answer.retry_after is None else {"retry_after": answer.retry_after})).decode()


def to_parts(answer: Answer) -> tuple[str, str | None]:
    """An answer as an attempt stores it: without what the destination said, and that by itself, if it said anything."""
    if isinstance(answer, Receipt) or answer.evidence == _NONE:
        return to_stored(answer), None
    evidence = to_json(_evidence_as_dict(answer.evidence), exclude_none=True).decode()
    return to_stored(replace(answer, evidence=_NONE)), evidence


def _receipt_as_json(receipt: Receipt) -> str:
    """Our own words are kept as what can still be told in another language; others as they came."""
    if not isinstance(receipt.note, LazyText):
        return to_json(receipt).decode()
    return to_json(asdict(receipt) | {"note": text_as_json(receipt.note)}).decode()


def _evidence_as_dict(evidence: Evidence) -> dict[str, object]:
    text = evidence.text
    return asdict(evidence) | {"text": None if text is None else text_as_json(text)}


def from_content(text: str) -> Evidence:
    """The evidence that :func:`to_parts` wrote; what it did not write reads as such, and never raises."""
    return _read_evidence(text) if is_evidence(text) else _UNREADABLE


def is_evidence(text: str) -> bool:
    """Whether :func:`to_parts` wrote this; if not, it is damaged."""
    try:
        _read_evidence(text)
    except (ValueError, TypeError, AttributeError):
        return False
    return True


def from_stored(text: str) -> Answer:
    """The answer that :func:`to_stored` wrote; what it did not write reads as ``recordDamaged``, and never raises."""
    if is_stored(text):
        return _read(text)
    return diagnose(Kind.RECORD_DAMAGED, _UNREADABLE)


def is_stored(text: str) -> bool:
    """Whether :func:`to_stored` wrote this; if not, it is damaged."""
    try:
        _read(text)
    except (ValueError, TypeError, KeyError, AttributeError):
        return False
    return True


def _read(text: str) -> Answer:
    stored = from_json(text)
    return _receipt(stored) if "kind" not in stored else _diagnosis(stored)


def _receipt(stored: dict[str, Any]) -> Receipt:
    _require(stored, str, ("result",))
    _require(stored, (str, NoneType), ("remote_id", "link"))
    return Receipt(**stored | {"note": _text(stored.get("note"))})


def _diagnosis(stored: dict[str, Any]) -> Diagnosis:
    evidence, retry_after = _evidence(stored["evidence"]), stored.get("retry_after")
    _require(stored, (int, float, NoneType), ("retry_after",))
    kind, outcome = _stored_kind(stored["kind"]), Outcome(stored["outcome"])
    return diagnose(kind, evidence, outcome=outcome, retry_after=retry_after)


def _read_evidence(text: str) -> Evidence:
    return _evidence(from_json(text))


def _evidence(stored: dict[str, Any]) -> Evidence:
    _require(stored, (int, NoneType), ("status",))
    _require(stored, (str, NoneType), ("code", "request_id"))
    return Evidence(**stored | {"text": _text(stored.get("text"))})


def _text(stored: object) -> str | None:
    return None if stored is None else text_from_json(stored)


def _stored_kind(name: str) -> AnyKind:
    """The kind of that name. One of a package that is there no more is not damaged: it says so itself, by its dot."""
    return Kind.DESTINATION_NOT_INSTALLED if "." in name and name not in _KINDS else kind_of(name)


def _require(stored: dict[str, Any], types: type | tuple[type, ...], names: tuple[str, ...]) -> None:
    if not all(isinstance(stored.get(name), types) for name in names):
        raise TypeError(f"not as it is written: {', '.join(names)}")


_PLAIN: Final = Receipt()
_PLAIN_STORED: Final = to_json(_PLAIN).decode()
_NONE: Final = Evidence()
_UNREADABLE: Final = Evidence(text=lazy_gettext("The stored answer could not be read."))

declare(Kind, common.ENTRIES)
