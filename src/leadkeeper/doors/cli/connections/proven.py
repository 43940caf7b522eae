"""``leadkeeper connections validate | found | not-found``: whether a connection carries leads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from leadkeeper.check import step_title
from leadkeeper.doors.cli.connections.printing import connection_resource
from leadkeeper.doors.cli.installation import BY, with_services
from leadkeeper.doors.cli.remote.chosen import ask
from leadkeeper.doors.cli.showing import AsJson, print_json, print_line, say
from leadkeeper.doors.cli.telling import print_diagnosis, spoken_language
from leadkeeper.doors.cli.values import DEFAULT_NAME, ConnectionName, Offer
from leadkeeper.offer import OfferRef
from leadkeeper.texts import _

if TYPE_CHECKING:
    from leadkeeper.doors.cli.remote.client import Remote
    from leadkeeper.services import Services
    from leadkeeper.texts import Language
    from leadkeeper.views import Validation

commands = typer.Typer()

_MARKS: Final = {True: _("passed"), False: _("failed"), None: _("cannot be known")}
"""What a check found of a step, in the words of the page."""


@commands.command()
def validate(offer: Offer, name: ConnectionName = DEFAULT_NAME, json: AsJson = False) -> None:
    """Check a connection, then send a real test lead over it. Exit code 1 if that failed.

    Where the destination does not confirm it, search for it there, then run found or not-found.
    """
    language = spoken_language()

    async def there(remote: Remote) -> Validation:
        from leadkeeper.doors.cli.remote.catalogue import path_of
        from leadkeeper.views import Validation

        return await remote.post(f"{path_of(offer, name)}/validate", Validation)

    found = ask(
        lambda: with_services(lambda services: services.validator.validate(offer, name, by=BY, language=language)),
        there,
    )
    if json:
        print_json(found)
    else:
        _print_validation(found, language)
    if found.ok is None:
        say(f"leadkeeper connections found {offer} {name}")
        say(f"leadkeeper connections not-found {offer} {name}")
    if found.ok is False:
        raise typer.Exit(1)


Marker = Annotated[
    str | None, typer.Option(metavar="MSFT_TEST_...", help="Which test lead is meant; refused if it is not the last.")
]


@commands.command("found")
def say_found(offer: Offer, name: ConnectionName = DEFAULT_NAME, marker: Marker = None, json: AsJson = False) -> None:
    """Say that the last test lead over a connection was found in a destination that does not confirm leads."""
    _say(offer, name, marker, json, found=True)


@commands.command("not-found")
def say_not_found(
    offer: Offer, name: ConnectionName = DEFAULT_NAME, marker: Marker = None, json: AsJson = False
) -> None:
    """Say that it was not found: its leads are held, and what usually is wrong is told."""
    _say(offer, name, marker, json, found=False)


def _say(offer: OfferRef, name: str, marker: str | None, json: bool, *, found: bool) -> None:
    language = spoken_language()

    async def here(services: Services) -> dict[str, Any]:
        done = await services.findings.say(offer, name, found=found, marker=marker, by=BY)
        return connection_resource(done, language)

    async def there(remote: Remote) -> dict[str, Any]:
        from leadkeeper.doors.cli.remote.catalogue import say_of_test_lead

        return await say_of_test_lead(remote, offer, name, marker, found=found)

    done = ask(lambda: with_services(here), there)
    if json:
        print_json(done)
        return
    from leadkeeper.connections.state import STATE_WORDS, ConnectionState
    from leadkeeper.views import DiagnosisView

    health, change = done["health"], done.get("pendingChange")
    say(f"{offer}/{name}: {language.gettext(STATE_WORDS[ConnectionState(health['state'])])}")
    summary = None if found else (change or {}).get("diagnosis") or health["diagnosis"]
    if summary is not None:
        print_diagnosis(DiagnosisView.model_validate(summary), language)


def _print_validation(found: Validation, language: Language) -> None:
    for step in found.checks:
        title, mark = language.tell(step_title(step.name)), language.gettext(_MARKS[step.ok])
        print_line(f"{title}: {mark}{f' ({step.detail})' if step.detail else ''}")
    if found.not_looked_at is not None:
        print_line(found.not_looked_at)
    print_line(found.message)
    if found.diagnosis is not None:
        print_diagnosis(found.diagnosis, language)
