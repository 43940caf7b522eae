"""The diagnosis catalogue: for every kind of failure its cause, who must act, and the steps. Pure data."""

from __future__ import annotations

from types import NoneType
from typing import Any, Final

from pydantic_core import from_json, to_json

from leadkeeper.diagnoses import (
    azure,
    common,
    dynamics,
    entra,
    entra_people,
    https_endpoint,
    hubspot,
    mail,
    marketo,
    not_found,
    salesforce,
)
from leadkeeper.diagnoses.entry import Entry
from leadkeeper.diagnoses.text import Text
from leadkeeper.diagnosis import Answer, Diagnosis, Evidence, Kind, Outcome, Receipt
from leadkeeper.texts import ENGLISH, Language

CATALOGUE: Final[dict[Kind, Entry]] = (
    common.ENTRIES
    | https_endpoint.ENTRIES
    | azure.ENTRIES
    | entra.ENTRIES
    | entra_people.ENTRIES
    | dynamics.ENTRIES
    | mail.ENTRIES
    | marketo.ENTRIES
    | hubspot.ENTRIES
    | salesforce.ENTRIES
    | not_found.ENTRIES
)


def text_of(kind: Kind, language: Language) -> Text:
    """What a person reads of this kind, in that language."""
    entry = CATALOGUE[kind]
    steps = (step if isinstance(step, tuple) else (step,) for step in entry.steps)
    return Text(language.gettext(entry.summary), tuple(" ".join(map(language.gettext, step)) for step in steps))


_ENGLISH: Final[dict[Kind, Text]] = {kind: text_of(kind, ENGLISH) for kind in CATALOGUE}

_TRANSLATED_PAGES: Final = frozenset({"pt"})
"""The languages in which the documentation has a page of diagnoses, beside English."""


def docs_of(kind: Kind, language: Language = ENGLISH) -> str:
    """The address below ``/docs`` that treats this kind: in that language, or in English where it has no such page."""
    primary = language.code.partition("-")[0]
    page = f"diagnoses.{primary}.html" if primary in _TRANSLATED_PAGES else "diagnoses.html"
    return f"/docs/reference/{page}#{kind.value.lower()}"


def diagnose(
    kind: Kind,
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
        return to_json(answer).decode()
    summary = {"kind": answer.kind, "outcome": answer.outcome, "evidence": answer.evidence}
    return to_json(summary | ({} if answer.retry_after is None else {"retry_after": answer.retry_after})).decode()


def from_stored(text: str) -> Answer:
    """The answer that :func:`to_stored` wrote; what it did not write reads as ``recordDamaged``, and never raises."""
    if is_stored(text):
        return _read(text)
    return diagnose(Kind.RECORD_DAMAGED, Evidence(text="The stored answer could not be read."))


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
    _require(stored, (str, NoneType), ("remote_id", "link", "note"))
    return Receipt(**stored)


def _diagnosis(stored: dict[str, Any]) -> Diagnosis:
    evidence, retry_after = stored["evidence"], stored.get("retry_after")
    _require(evidence, (int, NoneType), ("status",))
    _require(evidence, (str, NoneType), ("code", "request_id", "text"))
    _require(stored, (int, float, NoneType), ("retry_after",))
    kind, outcome = Kind(stored["kind"]), Outcome(stored["outcome"])
    return diagnose(kind, Evidence(**evidence), outcome=outcome, retry_after=retry_after)


def _require(stored: dict[str, Any], types: type | tuple[type, ...], names: tuple[str, ...]) -> None:
    if not all(isinstance(stored.get(name), types) for name in names):
        raise TypeError(f"not as it is written: {', '.join(names)}")


_PLAIN: Final = Receipt()
_PLAIN_STORED: Final = to_json(_PLAIN).decode()
