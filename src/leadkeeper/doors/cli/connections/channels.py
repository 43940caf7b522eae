"""``leadkeeper channels``: webhooks and chats that are told of leads, connections and offers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from leadkeeper.doors.cli.installation import BY, with_services
from leadkeeper.doors.cli.showing import AsJson, print_json, print_table, say
from leadkeeper.doors.state_words import CHANNEL_EVENTS, CHANNELS
from leadkeeper.texts import lazy_gettext as _

if TYPE_CHECKING:
    from leadkeeper.channels.channels import Channel

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
    found = with_services(lambda services: services.channels.list(publisher))
    if json:
        print_json({"channels": [_shown(each) for each in found]})
        return
    rows = [(each.id, each.kind.value, each.name, each.host, CHANNELS[each.state], str(each.waiting)) for each in found]
    columns = (_("Channel"), _("Kind"), _("Name"), _("Host"), _("State"), _("Waiting"))
    print_table(columns, rows, empty=_("There are no channels."))


def _shown(one: Channel) -> dict[str, object]:
    shown: dict[str, object] = {"id": one.id, "publisherId": one.publisher_id, "kind": one.kind.value}
    shown |= {"name": one.name, "host": one.host, "state": one.state, "waiting": one.waiting}
    return shown | {"events": list(one.events), "language": one.language}


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
    from leadkeeper.channels.channels import Wanted
    from leadkeeper.channels.events import ChannelKind

    if kind not in list(ChannelKind):
        raise typer.BadParameter(_("KIND is one of %(choices)s", choices=", ".join(ChannelKind)))
    wanted = Wanted(ChannelKind(kind), name, address, tuple(event or ()), language)
    made = with_services(lambda services: services.channels.create(publisher, wanted, by=BY))
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
    print(with_services(lambda services: services.channels.rotate(publisher, channel, by=BY)))


@commands.command("test")
def send_test(channel: Which, publisher: Whose = None) -> None:
    """Send a test over a channel; a running worker carries it within seconds."""
    sent = with_services(lambda services: services.channels.test(publisher, channel, by=BY))
    say(_("The test %(id)s waits for a worker.", id=sent))
    say(_("See what comes of it: %(command)s", command=f"leadkeeper channels events {channel}"))


@commands.command()
def events(channel: Which, publisher: Whose = None, json: AsJson = False) -> None:
    """List a channel's newest events, and what became of each."""
    found = with_services(lambda services: services.channels.events(publisher, channel))
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
    with_services(lambda services: services.channels.switch_on(publisher, channel, by=BY))
    say(_("The channel is switched on."))


@commands.command()
def remove(channel: Which, publisher: Whose = None) -> None:
    """Remove a channel, its secrets, and what waits for it."""
    with_services(lambda services: services.channels.remove(publisher, channel, by=BY))
    say(_("The channel is removed."))
