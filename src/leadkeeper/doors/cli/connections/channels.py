"""``leadkeeper channels``: webhooks and chats that are told of leads, connections and offers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

import typer

from leadkeeper.doors.cli.installation import BY, with_services
from leadkeeper.doors.cli.remote.chosen import ask
from leadkeeper.doors.cli.showing import SPOKEN, AsJson, print_json, print_line, print_table, say
from leadkeeper.doors.state_words import CHANNEL_EVENTS, CHANNELS
from leadkeeper.texts import lazy_gettext as _

if TYPE_CHECKING:
    from leadkeeper.doors.api.channels import ChannelView, EventList, NewChannelView
    from leadkeeper.doors.cli.remote.client import Remote
    from leadkeeper.services import Services

commands = typer.Typer(
    name="channels",
    help="Webhooks, Teams and Slack: who is told of what happens.",
    no_args_is_help=True,
)

Whose = Annotated[
    str | None,
    typer.Option(
        "--publisher",
        metavar="PUBLISHER",
        help="The publisher whose channels they are; without it, they are the operator's.",
    ),
]
Which = Annotated[str, typer.Argument(metavar="CHANNEL", help="Its id.")]


@commands.command("list")
def list_(publisher: Whose = None, json: AsJson = False) -> None:
    """List the channels of a publisher, or the operator's: how each stands, and what waits for it."""

    async def here(services: Services) -> list[ChannelView]:
        from leadkeeper.doors.api.channels import channel_view

        return [channel_view(each, SPOKEN.get()) for each in await services.channels.list(publisher)]

    async def there(remote: Remote) -> list[ChannelView]:
        from leadkeeper.doors.api.channels import ChannelList

        return (await remote.get(_path(publisher), ChannelList)).channels

    found = ask(lambda: with_services(here), there)
    if json:
        print_json({"channels": [_shown(each) for each in found]})
        return
    rows = [(each.id, each.kind.value, each.name, each.host, CHANNELS[each.state], str(each.waiting)) for each in found]
    columns = (_("Channel"), _("Kind"), _("Name"), _("Host"), _("State"), _("Waiting"))
    print_table(columns, rows, empty=_("There are no channels."))
    for each in found:
        if each.off is not None:
            print_line(_("Channel %(id)s (%(name)s) is switched off:", id=each.id, name=each.name))
            print_line(f"  {each.off.summary}")
            print_line(f"  {each.off.remedy}")


def _shown(one: ChannelView) -> dict[str, object]:
    shown: dict[str, object] = {"id": one.id, "publisherId": one.publisher_id, "kind": one.kind.value}
    shown |= {"name": one.name, "host": one.host, "state": one.state, "waiting": one.waiting}
    return shown | {"events": list(one.events), "language": one.language, "off": one.off}


@commands.command()
def create(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="webhook, teams or slack.")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="What people call it.")],
    address: Annotated[
        str,
        typer.Option(
            "--address", prompt="Address (not shown)", hide_input=True, help="https; asked for when it is not given."
        ),
    ],
    event: Annotated[list[str] | None, typer.Option(help="What to tell, such as lead.received; without, all.")] = None,
    publisher: Whose = None,
    language: Annotated[str, typer.Option("--in", metavar="TAG", help="Language of a chat's messages.")] = "en",
    json: AsJson = False,
) -> None:
    """Make a channel. A webhook's signing secret is printed this once."""
    from leadkeeper.channels.events import ChannelKind

    if kind not in list(ChannelKind):
        raise typer.BadParameter(_("KIND is one of %(choices)s", choices=", ".join(ChannelKind)))

    async def here(services: Services) -> NewChannelView:
        from leadkeeper.channels.channels import Wanted
        from leadkeeper.doors.api.channels import NewChannelView

        wanted = Wanted(ChannelKind(kind), name, address, tuple(event or ()), language)
        return NewChannelView.model_validate(await services.channels.create(publisher, wanted, by=BY))

    async def there(remote: Remote) -> NewChannelView:
        from leadkeeper.doors.api.channels import NewChannelView

        body = {"kind": kind, "name": name, "address": address, "events": event or [], "language": language}
        return await remote.post(_path(publisher), NewChannelView, body)

    made = ask(lambda: with_services(here), there)
    if json:
        print_json({"id": made.id, "secret": made.secret})
        return
    say(_("The channel %(id)s is made.", id=made.id))
    if made.secret:
        say(_("Its signing secret is shown this once:"))
        print(made.secret)


@commands.command()
def rotate(channel: Which, publisher: Whose = None) -> None:
    """Make a new signing secret and print it; for a day events are signed with the one before, too."""

    async def there(remote: Remote) -> str:
        from leadkeeper.doors.api.channels import NewSecretView

        return (await remote.post(_path(publisher, channel, "rotate"), NewSecretView)).secret

    print(ask(lambda: with_services(lambda services: services.channels.rotate(publisher, channel, by=BY)), there))


@commands.command("test")
def send_test(channel: Which, publisher: Whose = None) -> None:
    """Send a test over a channel; a running worker carries it within seconds."""

    async def there(remote: Remote) -> str:
        from leadkeeper.doors.api.channels import SentTestView

        return (await remote.post(_path(publisher, channel, "test"), SentTestView)).event_id

    sent = ask(lambda: with_services(lambda services: services.channels.test(publisher, channel, by=BY)), there)
    say(_("The test %(id)s waits for a worker.", id=sent))
    say(_("See what comes of it: %(command)s", command=f"leadkeeper channels events {channel}"))


@commands.command()
def events(channel: Which, publisher: Whose = None, json: AsJson = False) -> None:
    """List a channel's newest events, and what became of each."""

    async def here(services: Services) -> EventList:
        from leadkeeper.doors.api.channels import EventList

        return EventList.model_validate({"events": await services.channels.events(publisher, channel)})

    async def there(remote: Remote) -> EventList:
        from leadkeeper.doors.api.channels import EventList

        return await remote.get(_path(publisher, channel, "events"), EventList)

    found = ask(lambda: with_services(here), there).events
    if json:
        print_json({"events": found})
        return
    rows = [
        (each.created_time, each.kind, CHANNEL_EVENTS[each.state], str(each.tries), str(each.status or ""))
        for each in found
    ]
    columns = (_("At"), _("Event"), _("State"), _("Tries"), _("Status"))
    print_table(columns, rows, empty=_("There are no events."))


@commands.command("switch-on")
def switch_on(channel: Which, publisher: Whose = None) -> None:
    """Let a channel that rests or was switched off be tried at once."""

    async def there(remote: Remote) -> None:
        await remote.act(_path(publisher, channel, "switch-on"))

    ask(lambda: with_services(lambda services: services.channels.switch_on(publisher, channel, by=BY)), there)
    say(_("The channel is switched on."))


@commands.command()
def remove(channel: Which, publisher: Whose = None) -> None:
    """Remove a channel, its secrets, and what waits for it."""

    async def there(remote: Remote) -> None:
        await remote.delete(_path(publisher, channel))

    ask(lambda: with_services(lambda services: services.channels.remove(publisher, channel, by=BY)), there)
    say(_("The channel is removed."))


def _path(publisher: str | None, *parts: str) -> str:
    whose = "/v1/channels" if publisher is None else f"/v1/publishers/{quote(publisher, safe='')}/channels"
    return "/".join((whose, *(quote(each, safe="") for each in parts)))
