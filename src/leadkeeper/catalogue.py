"""The diagnosis catalogue: for every kind of failure its cause, who must act, and the steps. Pure data."""

from __future__ import annotations

from types import NoneType
from typing import Any, Final

from pydantic_core import from_json, to_json

from leadkeeper.diagnoses import azure, common, dynamics, entra, https_endpoint, mail, marketo, not_found, salesforce
from leadkeeper.diagnoses import portuguese as pt
from leadkeeper.diagnoses.entry import Entry
from leadkeeper.diagnoses.text import Language, Text
from leadkeeper.diagnosis import Answer, Diagnosis, Evidence, Kind, Outcome, Receipt

CATALOGUE: Final[dict[Kind, Entry]] = (
    common.ENTRIES
    | https_endpoint.ENTRIES
    | azure.ENTRIES
    | entra.ENTRIES
    | dynamics.ENTRIES
    | mail.ENTRIES
    | marketo.ENTRIES
    | salesforce.ENTRIES
    | not_found.ENTRIES
)

_PORTUGUESE: Final[dict[Kind, Text]] = (
    pt.common.TEXTS
    | pt.https_endpoint.TEXTS
    | pt.azure.TEXTS
    | pt.entra.TEXTS
    | pt.dynamics.TEXTS
    | pt.mail.TEXTS
    | pt.marketo.TEXTS
    | pt.salesforce.TEXTS
    | pt.not_found.TEXTS
)


def text_of(kind: Kind, language: Language) -> Text:
    """What a person reads of this kind, in that language. The English text is the catalogue's own."""
    if language is Language.PORTUGUESE:
        return _PORTUGUESE[kind]
    entry = CATALOGUE[kind]
    return Text(entry.summary, entry.steps)


def docs_of(kind: Kind, language: Language = Language.ENGLISH) -> str:
    """Where the documentation treats this kind, in that language."""
    page = "diagnoses.pt.md" if language is Language.PORTUGUESE else "diagnoses.md"
    return f"docs/reference/{page}#{kind.value.lower()}"


def diagnose(
    kind: Kind,
    evidence: Evidence = Evidence(),
    *,
    outcome: Outcome | None = None,
    retry_after: float | None = None,
) -> Diagnosis:
    """The diagnosis of this kind with this evidence (already masked); ``outcome`` where it is not the usual one."""
    entry = CATALOGUE[kind]
    return Diagnosis(
        kind=kind,
        outcome=outcome or entry.outcome,
        who=entry.who,
        summary=entry.summary,
        steps=entry.steps,
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
    told = {"kind": answer.kind, "outcome": answer.outcome, "evidence": answer.evidence}
    return to_json(told | ({} if answer.retry_after is None else {"retry_after": answer.retry_after})).decode()


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
