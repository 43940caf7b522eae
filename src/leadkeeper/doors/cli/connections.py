"""``leadkeeper connections``: an offer's lines to where its leads go."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final
from uuid import UUID

import typer

from leadkeeper.check import step_title
from leadkeeper.doors.cli.failing import Failed
from leadkeeper.doors.cli.installation import BY, quiet_settings, with_services
from leadkeeper.doors.cli.remote.chosen import ask
from leadkeeper.doors.cli.showing import (
    AsJson,
    Cell,
    print_json,
    print_line,
    print_table,
    say,
    short_moment_of,
    state_text,
    to_json,
)
from leadkeeper.doors.cli.telling import print_diagnosis, spoken_language
from leadkeeper.doors.cli.values import DEFAULT_NAME, ConnectionName, Offer, parse_offer, read_json_file
from leadkeeper.offer import OfferRef
from leadkeeper.problem import unknown_connection
from leadkeeper.texts import _

if TYPE_CHECKING:
    from leadkeeper.connections.connection import Connection
    from leadkeeper.doors.cli.remote.client import Remote
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
    language = spoken_language()

    async def there(remote: Remote) -> list[dict[str, Any]]:
        from leadkeeper.doors.cli.remote.catalogue import list_connections

        return await list_connections(remote, offer)

    def here() -> list[dict[str, Any]]:
        return [
            _resource(connection, language)
            for connection in with_services(lambda services: services.connections.list(offer))
        ]

    found = ask(here, there)
    if json:
        print_json({"connections": found})
        return
    columns = ("Offer", "Name", "Destination", "State", "Since", "Trouble")
    rows = [_row(each, language) for each in found]
    print_table(columns, rows, empty="There are no connections: leadkeeper connections put.")


@commands.command()
def show(offer: Offer, name: ConnectionName = DEFAULT_NAME, json: AsJson = False) -> None:
    """Show a connection whole: its settings, how it is doing, and why. Secrets are masked."""
    language = spoken_language()

    async def there(remote: Remote) -> dict[str, Any]:
        from leadkeeper.doors.cli.remote.catalogue import read_connection

        return await read_connection(remote, offer, name)

    def here() -> dict[str, Any]:
        found = with_services(lambda services: services.connections.get(offer, name))
        if found is None:
            raise unknown_connection(offer, name)
        return _resource(found, language)

    found = ask(here, there)
    if json:
        print_json(found)
    else:
        _print_connection(found, language)


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

    async def there(remote: Remote) -> None:
        from leadkeeper.doors.cli.remote.catalogue import act_on_connection

        await act_on_connection(remote, offer, name, "pause")

    async def here(services: Services) -> None:
        await services.connections.pause(offer, name, by=BY)

    ask(lambda: with_services(here), there)
    say(f"The connection {offer}/{name} is paused: its leads are held.")


@commands.command()
def resume(offer: Offer, name: ConnectionName = DEFAULT_NAME) -> None:
    """Try a connection anew, whoever paused it. Its held leads go out."""

    async def there(remote: Remote) -> None:
        from leadkeeper.doors.cli.remote.catalogue import act_on_connection

        await act_on_connection(remote, offer, name, "resume")

    async def here(services: Services) -> None:
        await services.connections.resume(offer, name, by=BY)

    ask(lambda: with_services(here), there)
    say(f"The connection {offer}/{name} is resumed.")


@commands.command()
def reconcile(offer: Offer, name: ConnectionName = DEFAULT_NAME, json: AsJson = False) -> None:
    """Have a worker look whether delivered leads are still there. Nothing is written there; missing says what it found.

    Each connection that can be asked is looked at once a day anyway.
    """
    language = spoken_language()
    view = with_services(lambda services: services.reconciliation.ask(offer, name, by=BY, language=language))
    if json:
        print_json(view)
        return
    say(view.message)
    say(f"See what it found: leadkeeper connections missing {offer} {name}")


@commands.command()
def missing(offer: Offer, name: ConnectionName = DEFAULT_NAME, json: AsJson = False) -> None:
    """List delivered leads that are not at their destination any more, and say how the last look went."""
    from leadkeeper.doors.cli.reconciling import all_missing, print_reconciliation

    language = spoken_language()
    view, leads = with_services(lambda services: all_missing(services, offer, name, language))
    if json:
        print_json({"reconciliation": view, "leads": leads})
    else:
        print_reconciliation(view, leads, language)


@commands.command("send-missing")
def send_missing(
    offer: Offer,
    name: ConnectionName = DEFAULT_NAME,
    lead: Annotated[list[UUID] | None, typer.Option(help="Only this lead; may be given several times.")] = None,
    json: AsJson = False,
) -> None:
    """Send leads that are missing at their destination again: all of them, or those named, and no others."""
    ids = None if lead is None else [str(each) for each in lead]
    done = with_services(lambda services: services.reconciliation.send_again(offer, name, ids, by=BY))
    if json:
        print_json(done)
    else:
        say(f"Leads on the way again: {done.leads}.")


@commands.command("accept-missing")
def accept_missing(
    offer: Offer,
    name: ConnectionName,
    lead: Annotated[list[UUID], typer.Option(help="This lead; may be given several times.")],
    json: AsJson = False,
) -> None:
    """Say that records were removed at their destination on purpose: they are not listed as missing any more."""
    ids = [str(each) for each in lead]
    done = with_services(lambda services: services.reconciliation.accept(offer, name, ids, by=BY))
    if json:
        print_json(done)
    else:
        say(f"Leads not listed as missing any more: {done.leads}.")


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


def _row(resource: dict[str, Any], language: Language) -> tuple[str | Cell, ...]:
    health = resource["health"]
    state, diagnosis = health["state"], health["diagnosis"]
    return (
        resource["offer"],
        resource["name"],
        _destination(resource),
        state_text(state, _state_word(state, language)),
        short_moment_of(health["since"]),
        diagnosis["summary"] if diagnosis else "",
    )


def _destination(resource: dict[str, Any]) -> str:
    """The name of its kind of destination; as ``customer-leads`` calls it where it is none of ours."""
    from leadkeeper.destinations.registry import OURS

    found = OURS.taking(resource["leadDestination"])
    return resource["leadDestination"] if found is None else found.name


def _state_word(state: str, language: Language) -> str:
    from leadkeeper.connections.state import STATE_WORDS, ConnectionState

    return language.gettext(STATE_WORDS[ConnectionState(state)])


def _print_connection(resource: dict[str, Any], language: Language) -> None:
    from leadkeeper.views import DiagnosisView

    health = resource["health"]
    since = f" ({short_moment_of(health['since'])})" if health["since"] else ""
    print_line(f"{resource['offer']}/{resource['name']} ({_destination(resource)})")
    print_line(f"  {_state_word(health['state'], language)}{since}")
    for name, value in resource.items():
        if name.endswith("Configuration") and isinstance(value, dict):
            for setting, given in value.items():
                shown = given if isinstance(given, str) else to_json(given)
                print_line(f"  {setting:<28} {shown}")
    for name in ("createdTime", "changedTime"):
        print_line(f"  {name:<28} {resource[name]}")
    if health["diagnosis"] is not None:
        print_diagnosis(DiagnosisView.model_validate(health["diagnosis"]), language)


def _print_validation(found: Validation, language: Language) -> None:
    for step in found.checks:
        title, mark = language.tell(step_title(step.name)), language.gettext(_MARKS[step.ok])
        print_line(f"{title}: {mark}{f' ({step.detail})' if step.detail else ''}")
    if found.not_looked_at is not None:
        print_line(found.not_looked_at)
    print_line(found.message)
    if found.diagnosis is not None:
        print_diagnosis(found.diagnosis, language)
