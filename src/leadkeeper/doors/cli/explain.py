"""``leadkeeper explain``: what an error means that somebody copied from Microsoft's portal or another system."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Final

import typer

from leadkeeper.doors.cli.showing import AsJson, complain, print_json, print_line
from leadkeeper.doors.cli.telling import NOT_KNOWN, print_advice, spoken_language

if TYPE_CHECKING:
    from leadkeeper.explain.views import Explanation
    from leadkeeper.texts import Language

commands = typer.Typer()

ANY_TEXT: Final = {"ignore_unknown_options": True}
"""A code may begin with a minus: -2147220960 is no option."""


@commands.command(context_settings=ANY_TEXT)
def explain(
    text: Annotated[
        list[str], typer.Argument(metavar="TEXT...", help="The error's text or code; - reads it from standard input.")
    ],
    json: AsJson = False,
) -> None:
    """Say what an error means: the cause, who must act, the steps.

    Takes a text copied from Microsoft's portal in English or Portuguese, whole or in part, or a code: of Microsoft
    Entra ID, Dynamics 365, Salesforce, Marketo, Azure Storage, HTTP, or ours. Needs no database. Exit code 1
    if nothing in it is known.
    """
    from leadkeeper.explain.find import explain as explained
    from leadkeeper.explain.views import Explained

    language = spoken_language()
    pasted = sys.stdin.buffer.read().decode("utf-8", "replace") if text == ["-"] else " ".join(text)
    found = explained(pasted, language)
    if json:
        print_json(Explained(explanations=found))
    else:
        _print(found, language)
    if not found:
        complain(language.gettext(NOT_KNOWN))
        raise typer.Exit(1)


def _print(found: tuple[Explanation, ...], language: Language) -> None:
    from leadkeeper.diagnosis import Who
    from leadkeeper.settings import load_settings

    at = load_settings().base_url
    by, documentation = language.gettext("recognized by"), language.gettext("documentation")
    for number, each in enumerate(found):
        if number:
            print()
        where = f" ({', '.join(each.systems)})" if each.systems else ""
        print_line(f"{each.kind}, {by} {each.recognized_by}{where}")
        print_advice(each.summary, Who(each.who), each.steps, language)
        print_line(f"  {documentation}: {at}{each.docs}")
