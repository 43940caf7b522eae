"""How commands tell a diagnosis to a person: what is wrong, who acts, the steps. In the person's language."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from leadkeeper.diagnoses.text import WHO_ACTS, Language
from leadkeeper.diagnosis import Who
from leadkeeper.doors.cli.showing import print_line

if TYPE_CHECKING:
    from leadkeeper.views import DiagnosisView


@dataclass(frozen=True, slots=True)
class Words:
    """What stands around a diagnosis."""

    who_acts: str
    evidence: str
    told_by: str
    docs: str
    not_known: str


WORDS: Final = {
    Language.ENGLISH: Words(
        "Who acts",
        "evidence",
        "recognized by",
        "documentation",
        "Nothing in this is known here. Paste the whole error as the portal or the other system shows it, or its code: "
        "AADSTS700016, 0x80040220, -2147220960, INVALID_SESSION_ID, AuthenticationFailed, 606, HTTP 403.",
    ),
    Language.PORTUGUESE: Words(
        "Quem deve agir",
        "evidência",
        "reconhecido por",
        "documentação",
        "Nada disto é conhecido aqui. Cole o erro inteiro, como o portal ou o outro sistema o mostra, ou o código: "
        "AADSTS700016, 0x80040220, -2147220960, INVALID_SESSION_ID, AuthenticationFailed, 606, HTTP 403.",
    ),
}


def spoken_language() -> Language:
    """The language of this process's commands: the setting."""
    from leadkeeper.settings import load_settings

    return load_settings().language


def print_diagnosis(diagnosis: DiagnosisView, language: Language, indent: str = "") -> None:
    """A diagnosis told in ``language``: what is wrong, who acts, the steps, the evidence."""
    print_advice(diagnosis.summary, Who(diagnosis.who), diagnosis.steps, language, indent)
    evidence = ", ".join(
        f"{name} {value}" for name, value in diagnosis.evidence.model_dump().items() if value is not None
    )
    if evidence:
        print_line(f"{indent}  {WORDS[language].evidence}: {evidence}")


def print_advice(summary: str, who: Who, steps: tuple[str, ...], language: Language, indent: str = "") -> None:
    """What is wrong, who acts, and the steps."""
    print_line(f"{indent}{summary} {WORDS[language].who_acts}: {WHO_ACTS[language][who]}.")
    for number, step in enumerate(steps, start=1):
        print_line(f"{indent}  {number}. {step}")
