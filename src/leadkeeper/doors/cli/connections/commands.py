"""``leadkeeper connections``: an offer's lines to where its leads go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadkeeper.doors.cli.connections import missing, proven
from leadkeeper.doors.cli.connections.printing import connection_resource, connection_row, print_connection
from leadkeeper.doors.cli.connections.settings import settings_body
from leadkeeper.doors.cli.failing import Failed
from leadkeeper.doors.cli.installation import BY, quiet_settings, with_services
from leadkeeper.doors.cli.remote.chosen import ask
from leadkeeper.doors.cli.showing import AsJson, print_json, print_line, print_table, say
from leadkeeper.doors.cli.telling import spoken_language
from leadkeeper.doors.cli.values import DEFAULT_NAME, ConnectionName, Offer, parse_offer
from leadkeeper.offer import OfferRef
from leadkeeper.problem import unknown_connection
from leadkeeper.texts import lazy_gettext as _

if TYPE_CHECKING:
    from leadkeeper.connections.connection import Connection
    from leadkeeper.doors.cli.remote.client import Remote
    from leadkeeper.services import Services
    from leadkeeper.texts import Language

commands = typer.Typer(name="connections", help="An offer's lines to where its leads go.", no_args_is_help=True)
commands.add_typer(proven.commands)
commands.add_typer(missing.commands)


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
            connection_resource(connection, language)
            for connection in with_services(lambda services: services.connections.list(offer))
        ]

    found = ask(here, there)
    if json:
        print_json({"connections": found})
        return
    columns = (_("Offer"), _("Name"), _("Title"), _("Destination"), _("State"), _("Since"), _("Trouble"))
    destinations = quiet_settings().destinations
    rows = [connection_row(each, language, destinations) for each in found]
    print_table(columns, rows, empty=_("There are no connections: leadkeeper connections put."))


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
        return connection_resource(found, language)

    found = ask(here, there)
    if json:
        print_json(found)
    else:
        print_connection(found, language, quiet_settings().destinations)


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
    body = settings_body(file, to, set_ or [])
    language = spoken_language()

    async def here(services: Services) -> _Put:
        made, is_new, shown = await services.connections.put(offer, name, body, by=BY, trusted=True)
        if made is None:
            return _Put(None, False)
        waits = _waiting_text(made, language, waits_for_word=services.validator.waits_for_word)
        return _Put(connection_resource(made, language, shown), is_new, waits)

    async def there(remote: Remote) -> _Put:
        from leadkeeper.doors.cli.remote.catalogue import put_connection

        resource, is_new = await put_connection(remote, offer, name, body)
        waits = resource is not None and resource.get("pendingChange") is not None
        text = _("The new settings wait until a test lead proves them; those before them go on.")
        return _Put(resource, is_new, text if waits else None)

    done = ask(lambda: with_services(here), there)
    if done.resource is not None and json:
        print_json(done.resource)
    else:
        _say_put(offer, name, done)


def _say_put(offer: OfferRef, name: str, done: _Put) -> None:
    if done.resource is None:
        say(_removed(offer, name))
        return
    if done.waits is None:
        say(_made(f"{offer}/{name}", is_new=done.is_new))
    else:
        say(_("The offer %(offer)s is published.", offer=offer))
        say(done.waits)
    command = f"leadkeeper connections validate {offer} {name}"
    say(_("Try it with a test lead: %(command)s", command=command))


@dataclass(frozen=True, slots=True)
class _Put:
    """What a connection is now: nothing where it was removed; ``waits`` says when new settings take effect."""

    resource: dict[str, Any] | None
    is_new: bool
    waits: str | None = None


def _waiting_text(made: Connection, language: Language, *, waits_for_word: bool) -> str | None:
    if made.change is None:
        return None
    from leadkeeper.connections.validation_texts import change_text

    return change_text(made.changed.stored.provider, language, waits_for_word=waits_for_word)


def _removed(offer: OfferRef, name: str) -> str:
    connection = f"{offer}/{name}"
    return _("The connection %(connection)s is removed; its undelivered leads are kept.", connection=connection)


def _made(connection: str, *, is_new: bool) -> str:
    if is_new:
        return _("The connection %(connection)s is made.", connection=connection)
    return _("The connection %(connection)s is changed.", connection=connection)


@commands.command()
def rename(
    offer: Offer,
    name: ConnectionName,
    title: Annotated[str, typer.Argument(metavar="TITLE", help="What people call it; '' calls it by its name.")],
) -> None:
    """Give a connection another title for pages and mails. Its NAME stays."""

    async def there(remote: Remote) -> str:
        from leadkeeper.doors.cli.remote.catalogue import rename_connection

        return await rename_connection(remote, offer, name, title)

    async def here(services: Services) -> str:
        return await services.connection_titles.rename(offer, name, title, by=BY)

    called = ask(lambda: with_services(here), there)
    say(_("The connection %(connection)s is called %(title)s.", connection=f"{offer}/{name}", title=called))


@commands.command()
def move(
    offer: Offer,
    name: ConnectionName,
    position: Annotated[int, typer.Argument(metavar="POSITION", min=1, help="From 1; beyond the last is the last.")],
) -> None:
    """Give a connection another place among its offer's. Each of them gets every lead: the order is for readers."""

    async def there(remote: Remote) -> list[str]:
        from leadkeeper.doors.cli.remote.catalogue import move_connection

        return await move_connection(remote, offer, name, position)

    async def here(services: Services) -> list[str]:
        return [*await services.connection_titles.move(offer, name, position, by=BY)]

    for each in ask(lambda: with_services(here), there):
        print_line(each)


@commands.command()
def pause(offer: Offer, name: ConnectionName = DEFAULT_NAME) -> None:
    """Hold a connection's leads until it is resumed."""

    async def there(remote: Remote) -> None:
        from leadkeeper.doors.cli.remote.catalogue import act_on_connection

        await act_on_connection(remote, offer, name, "pause")

    async def here(services: Services) -> None:
        await services.connections.pause(offer, name, by=BY)

    ask(lambda: with_services(here), there)
    say(_("The connection %(connection)s is paused: its leads are held.", connection=f"{offer}/{name}"))


@commands.command()
def resume(offer: Offer, name: ConnectionName = DEFAULT_NAME) -> None:
    """Try a connection anew, whoever paused it. Its held leads go out."""

    async def there(remote: Remote) -> None:
        from leadkeeper.doors.cli.remote.catalogue import act_on_connection

        await act_on_connection(remote, offer, name, "resume")

    async def here(services: Services) -> None:
        await services.connections.resume(offer, name, by=BY)

    ask(lambda: with_services(here), there)
    say(_("The connection %(connection)s is resumed.", connection=f"{offer}/{name}"))


@commands.command()
def remove(offer: Offer, name: ConnectionName = DEFAULT_NAME) -> None:
    """Remove a connection. Its undelivered leads are kept for one of the same name."""

    async def there(remote: Remote) -> bool:
        from leadkeeper.doors.cli.remote.catalogue import path_of

        return await remote.take_away(path_of(offer, name), missing="unknown-connection")

    def here() -> bool:
        return with_services(lambda services: services.connections.remove(offer, name, by=BY))

    if not ask(here, there):
        raise Failed(_("The offer %(offer)s has no connection %(name)s.", offer=offer, name=repr(name)))
    say(_removed(offer, name))
