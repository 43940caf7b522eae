"""How commands tell a diagnosis to a person: what is wrong, who acts, the steps. In the person's language."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from typer._click.globals import get_current_context

from leadkeeper.diagnoses.text import WHO_ACTS
from leadkeeper.diagnosis import Who
from leadkeeper.doors.cli.remote.chosen import written_setting
from leadkeeper.doors.cli.showing import print_line
from leadkeeper.texts import ENGLISH, Language, _

if TYPE_CHECKING:
    from leadkeeper.views import DiagnosisView


NOT_KNOWN: Final = _(
    "Nothing in this is known here. Paste the whole error as the portal or the other system shows it, or its code: "
    "AADSTS700016, 0x80040220, -2147220960, INVALID_SESSION_ID, AuthenticationFailed, 606, HTTP 403."
)
"""What ``explain`` says when it finds nothing."""
_LOCALE_VARIABLES: Final = ("LC_ALL", "LC_MESSAGES", "LANG")


def spoken_language() -> Language:
    """The language of this process's commands: of ``--language``, else the setting, else that of the terminal.

    Reads the one setting by itself, since all of them take long to read. A tag that is not known is English here.
    """
    tag = asked_language() or written_setting("LEADKEEPER_LANGUAGE") or terminal_language(os.environ)
    return language_of_tag(tag)


def language_of_tag(tag: str) -> Language:
    """The language of this tag, English where there is none."""
    from leadkeeper.languages import installed

    # English, which needs no catalogue, is what most people are told in.
    return ENGLISH if tag.partition("-")[0] in ("", "en") else installed().find(tag) or ENGLISH


def asked_language() -> str:
    """What stands after ``--language`` of the command that runs; empty without."""
    context = get_current_context(silent=True)
    return "" if context is None else str(context.find_root().params.get("language") or "")


def terminal_language(environment: Mapping[str, str]) -> str:
    """The language that the locale's variables name, the first that is set of them: ``pt-BR`` of ``pt_BR.UTF-8``."""
    value = next((environment[name] for name in _LOCALE_VARIABLES if environment.get(name)), "")
    tag = value.partition(".")[0].partition("@")[0].replace("_", "-")
    return "" if tag in ("C", "POSIX") else tag


def print_diagnosis(diagnosis: DiagnosisView, language: Language, indent: str = "") -> None:
    """A diagnosis told in ``language``: what is wrong, who acts, the steps, what the other side said."""
    summary = " ".join(filter(None, (diagnosis.summary, diagnosis.evidence.note)))
    print_advice(summary, Who(diagnosis.who), diagnosis.steps, language, indent)
    answer = diagnosis.evidence.model_dump(exclude={"note"})
    evidence = ", ".join(f"{name} {value}" for name, value in answer.items() if value is not None)
    if evidence:
        label = language.gettext("evidence")
        print_line(f"{indent}  {label}: {evidence}")


def print_advice(summary: str, who: Who, steps: tuple[str, ...], language: Language, indent: str = "") -> None:
    """What is wrong, who acts, and the steps."""
    label = language.gettext("Who acts")
    print_line(f"{indent}{summary} {label}: {language.gettext(WHO_ACTS[who])}.")
    for number, step in enumerate(steps, start=1):
        print_line(f"{indent}  {number}. {step}")
