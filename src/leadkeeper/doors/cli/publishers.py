"""``leadkeeper publishers``: who has offers in the marketplace."""

from __future__ import annotations

from typing import Annotated

import typer

from leadkeeper.doors.cli.installation import BY, with_services
from leadkeeper.doors.cli.showing import AsJson, print_json, print_table, say
from leadkeeper.doors.cli.values import checked
from leadkeeper.texts import _

commands = typer.Typer(name="publishers", help="Who has offers in the marketplace.", no_args_is_help=True)


@commands.command()
def put(
    publisher: Annotated[str, typer.Argument(metavar="PUBLISHER", help="Its id: letters, digits, - and _.")],
    name: Annotated[str | None, typer.Option(help="The name that people read; at first its id.")] = None,
    quota: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=NUMBER", help="A quota of its own, such as hooksPerOffer=50; NAME= for the usual one."
        ),
    ] = None,
    json: AsJson = False,
) -> None:
    """Make a publisher, or change its name and its quotas."""
    from leadkeeper.doors.api.schemas import PublisherBody

    given = dict(_quota(text) for text in quota or [])
    body = checked(
        PublisherBody,
        {"displayName": name or publisher, "quotas": given},
        _("The publisher cannot be taken: %(errors)s"),
    )
    quotas = None if body.quotas is None else body.quotas.given()
    made, is_new = with_services(
        lambda services: services.catalogue.put_publisher(publisher, name, quotas=quotas, by=BY)
    )
    if json:
        print_json(made)
    else:
        say(f"The publisher {made.id} is {'made' if is_new else 'changed'}.")


@commands.command("list")
def list_(json: AsJson = False) -> None:
    """List the publishers."""
    found = with_services(lambda services: services.catalogue.publishers())
    if json:
        print_json({"publishers": found})
        return
    rows = [(p.id, p.display_name, p.created_at) for p in found]
    print_table(("Id", "Name", "Made"), rows, empty="There are no publishers: leadkeeper publishers put.")


def _quota(text: str) -> tuple[str, int | str | None]:
    name, equals, value = text.partition("=")
    if not equals:
        raise typer.BadParameter(f"--quota {name}: write NAME=NUMBER")
    return name, int(value) if value.isdecimal() and value.isascii() else value or None
