"""``leadkeeper connections``: an offer's lines to where its leads go."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from leadkeeper.check import step_title
from leadkeeper.doors.cli.failing import Failed
from leadkeeper.doors.cli.installation import BY, quiet_settings, with_services
from leadkeeper.doors.cli.showing import (
    AsJson,
    print_json,
    print_line,
    print_table,
    say,
    short_moment,
    state_text,
)
from leadkeeper.doors.cli.telling import print_diagnosis, spoken_language
from leadkeeper.doors.cli.values import DEFAULT_NAME, ConnectionName, Offer, parse_offer, read_json_file
from leadkeeper.offer import OfferRef
from leadkeeper.texts import _

if TYPE_CHECKING:
    from leadkeeper.connections.connection import Connection
    from leadkeeper.services import Services
    from leadkeeper.texts import Language
    from leadkeeper.views import Validation

commands = typer.Typer(name="connections", help="An offer's lines to where its leads go.", no_args_is_help=True)

_MARKS: Final = {True: _("passed"), False: _("failed"), None: _("cannot be known")}
"""What a check found of a step, in the words of the page."""


@commands.command("list")
def list_(
    offer: Annotated[
        OfferRef | None, typer.Argument(metavar="PUBLISHER.OFFER", parser=parse_offer, help="Only this offer's.")
    ] = None,
    json: AsJson = False,
) -> None:
    """List connections and how they are doing. Secrets are masked."""
    from leadkeeper.clock import now_ms
    from leadkeeper.connections.state import STATE_WORDS

    language = spoken_language()
    found = with_services(lambda services: services.connections.list(offer))
    if json:
        print_json({"connections": [_resource(connection, language) for connection in found]})
        return
    now = now_ms()
    rows = [
        (
            str(c.offer),
            c.name,
            c.stored.destination,
            state_text(c.state.value, language.gettext(STATE_WORDS[c.state])),
            short_moment(c.since(now)),
            _trouble(c, language),
        )
        for c in found
    ]
    columns = ("Offer", "Name", "Destination", "State", "Since", "Trouble")
    print_table(columns, rows, empty="There are no connections: leadkeeper connections put.")


@commands.command()
def put(
    offer: Offer,
    name: ConnectionName = DEFAULT_NAME,
    file: Annotated[
        str | None, typer.Option(help="Settings as JSON, Microsoft's customer-leads resource; - is standard input.")
    ] = None,
    to: Annotated[str | None, typer.Option(metavar="DESTINATION", help="table, httpsEndpoint, ...")] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A setting of --to; VALUE @path is read from that file."),
    ] = None,
    json: AsJson = False,
) -> None:
    """Make a connection, or change it: its held leads go out at once.

    Give the settings in a --file, or with --to and --set. What you type may stand in your shell's history and in the
    list of processes: hand secrets over as @path or with --file.
    """
    from leadkeeper.connections.validation_texts import change_text

    body = _body(file, to, set_ or [])
    language = spoken_language()

    async def work(services: Services) -> tuple[Connection | None, bool, Any, bool]:
        made = await services.connections.put(offer, name, body, by=BY, trusted=True)
        return (*made, services.validator.waits_for_word)

    connection, is_new, shown, waits_for_word = with_services(work)
    if connection is None:
        say(f"The connection {offer}/{name} is removed; its undelivered leads are kept.")
    elif json:
        print_json(_resource(connection, language, shown))
    else:
        if connection.change is None:
            say(f"The connection {offer}/{name} is {'made' if is_new else 'changed'}.")
        else:
            destination = connection.changed.stored.provider
            effect = change_text(destination, language, waits_for_word=waits_for_word)
            say(f"The offer {offer} is published. {effect}")
        say(f"Try it with a test lead: leadkeeper connections validate {offer} {name}")


@commands.command()
def validate(offer: Offer, name: ConnectionName = DEFAULT_NAME, json: AsJson = False) -> None:
    """Check a connection, then send a real test lead over it. Exit code 1 if that failed.

    Where the destination does not confirm it, search for it there, then run found or not-found.
    """
    language = spoken_language()
    found = with_services(lambda services: services.validator.validate(offer, name, by=BY, language=language))
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


@commands.command()
def found(offer: Offer, name: ConnectionName = DEFAULT_NAME, marker: Marker = None, json: AsJson = False) -> None:
    """Say that the last test lead over a connection was found in a destination that does not confirm leads."""
    _say(offer, name, marker, json, found=True)


@commands.command("not-found")
def not_found(offer: Offer, name: ConnectionName = DEFAULT_NAME, marker: Marker = None, json: AsJson = False) -> None:
    """Say that it was not found: its leads are held, and what usually is wrong is told."""
    _say(offer, name, marker, json, found=False)


@commands.command()
def pause(offer: Offer, name: ConnectionName = DEFAULT_NAME) -> None:
    """Hold a connection's leads until it is resumed."""
    with_services(lambda services: services.connections.pause(offer, name, by=BY))
    say(f"The connection {offer}/{name} is paused: its leads are held.")


@commands.command()
def resume(offer: Offer, name: ConnectionName = DEFAULT_NAME) -> None:
    """Try a connection anew, whoever paused it. Its held leads go out."""
    with_services(lambda services: services.connections.resume(offer, name, by=BY))
    say(f"The connection {offer}/{name} is resumed.")


@commands.command()
def remove(offer: Offer, name: ConnectionName = DEFAULT_NAME) -> None:
    """Remove a connection. Its undelivered leads are kept for one of the same name."""
    if not with_services(lambda services: services.connections.remove(offer, name, by=BY)):
        raise Failed(f"The offer {offer} has no connection {name!r}.")
    say(f"The connection {offer}/{name} is removed; its undelivered leads are kept.")


def _body(file: str | None, to: str | None, settings: list[str]) -> dict[str, Any]:
    if (file is None) == (to is None):
        raise typer.BadParameter("give the settings with --file, or with --to and --set")
    if file is not None:
        if settings:
            raise typer.BadParameter("--set goes with --to, not with --file")
        return read_json_file(file)
    destinations = quiet_settings().destinations
    destination = destinations.taking(to or "")
    if destination is None:
        raise typer.BadParameter(f"--to {to}: choose one of {', '.join(destinations.choices)}")
    return {"leadDestination": to, destination.config_key: dict(_setting(text) for text in settings)}


def _setting(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals:
        raise typer.BadParameter(f"--set {key}: write KEY=VALUE")
    if value.startswith("@"):
        try:
            value = Path(value[1:]).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise typer.BadParameter(f"--set {key}: {value[1:]}: {error.strerror}") from None
    return key, [part.strip() for part in value.split(",")] if key == "contactEmail" else value


def _resource(connection: Connection, language: Language, shown: frozenset[str] = frozenset()) -> dict[str, Any]:
    from leadkeeper.clock import now_ms
    from leadkeeper.doors.api.connection_views import connection_content

    return {"offer": str(connection.offer), **connection_content(connection, now_ms(), shown, language)}


def _say(offer: OfferRef, name: str, marker: str | None, json: bool, *, found: bool) -> None:
    language = spoken_language()
    done = with_services(lambda services: services.findings.say(offer, name, found=found, marker=marker, by=BY))
    if json:
        print_json(_resource(done, language))
        return
    from leadkeeper.catalogue import from_stored
    from leadkeeper.connections.state import STATE_WORDS
    from leadkeeper.diagnosis import Diagnosis
    from leadkeeper.views import DiagnosisView

    say(f"{offer}/{name}: {language.gettext(STATE_WORDS[done.state])}")
    waiting = None if done.change is None else done.change.diagnosis
    stored = None if found else waiting or done.diagnosis
    summary = None if stored is None else from_stored(stored)
    if isinstance(summary, Diagnosis):
        print_diagnosis(DiagnosisView.of(summary, language), language)


def _trouble(connection: Connection, language: Language) -> str:
    from leadkeeper.catalogue import from_stored, text_of
    from leadkeeper.diagnosis import Diagnosis

    if connection.diagnosis is None:
        return ""
    summary = from_stored(connection.diagnosis)
    return text_of(summary.kind, language).summary if isinstance(summary, Diagnosis) else ""


def _print_validation(found: Validation, language: Language) -> None:
    for step in found.checks:
        title, mark = language.tell(step_title(step.name)), language.gettext(_MARKS[step.ok])
        print_line(f"{title}: {mark}{f' ({step.detail})' if step.detail else ''}")
    if found.not_looked_at is not None:
        print_line(found.not_looked_at)
    print_line(found.message)
    if found.diagnosis is not None:
        print_diagnosis(found.diagnosis, language)
