"""``leadkeeper publishers``: who has offers in the marketplace."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

import typer

from leadkeeper.doors.cli.installation import BY, with_services
from leadkeeper.doors.cli.remote.chosen import ask
from leadkeeper.doors.cli.showing import AsJson, print_json, print_table, say
from leadkeeper.doors.cli.values import checked
from leadkeeper.texts import _ as gettext
from leadkeeper.texts import lazy_gettext as _
from leadkeeper.texts import lazy_ngettext

if TYPE_CHECKING:
    from leadkeeper.doors.api.publishers import PublisherView
    from leadkeeper.doors.api.retention import RetentionView
    from leadkeeper.doors.cli.remote.client import Remote
    from leadkeeper.publishing.catalogue import Publisher as Listed
    from leadkeeper.services import Services

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
    contact: Annotated[str | None, typer.Option(help="Whom an operator asks about it: a name, an address.")] = None,
    json: AsJson = False,
) -> None:
    """Make a publisher, or change its name, its contact and its quotas."""
    from leadkeeper.doors.api.schemas import PublisherBody

    given = {"displayName": name, "quotas": dict(_quota(text) for text in quota or []), "contact": contact}
    body = checked(
        PublisherBody,
        given,
        gettext("The publisher cannot be taken: %(errors)s"),
    )
    quotas = None if body.quotas is None else body.quotas.given()

    async def there(remote: Remote) -> tuple[Listed | PublisherView, bool]:
        from leadkeeper.doors.api.publishers import PublisherView

        path = _path(publisher)
        unnamed = not name and await remote.find(path, PublisherView) is None
        return await remote.put(
            path, PublisherView, _given_only(given | {"displayName": publisher if unnamed else name})
        )

    def here() -> tuple[Listed | PublisherView, bool]:
        return with_services(
            lambda services: services.offers.catalogue.put_publisher(
                publisher, name, unnamed=publisher, quotas=quotas, contact=contact, by=BY
            )
        )

    made, is_new = ask(here, there)
    if json:
        print_json(_view(made))
    else:
        _say_put(made.id, is_new)


def _say_put(publisher: str, is_new: bool) -> None:
    if is_new:
        say(_("The publisher %(publisher)s is made.", publisher=publisher))
    else:
        say(_("The publisher %(publisher)s is changed.", publisher=publisher))


@commands.command("list")
def list_(json: AsJson = False) -> None:
    """List the publishers."""

    async def there(remote: Remote) -> Sequence[Listed | PublisherView]:
        from leadkeeper.doors.api.publishers import PublisherView

        return [remote.read(PublisherView, each) for each in await remote.every("/v1/publishers", "publishers")]

    found = ask(lambda: with_services(lambda services: services.offers.catalogue.publishers()), there)
    if json:
        print_json({"publishers": [_view(each) for each in found]})
        return
    rows = [(p.id, p.display_name, p.created_at, p.suspended_at or "") for p in found]
    columns = (_("Id"), _("Name"), _("Made"), _("Suspended"))
    print_table(columns, rows, empty=_("There are no publishers: leadkeeper publishers put."))


Publisher = Annotated[str, typer.Argument(metavar="PUBLISHER", help="Its id.")]


@commands.command()
def suspend(
    publisher: Publisher,
    reason: Annotated[str, typer.Option(help="Why; its members read it.")],
    json: AsJson = False,
) -> None:
    """Let a publisher only read: its offers take no leads, and those that were kept are held."""

    async def act(services: Services) -> PublisherView:
        await services.offers.suspensions.suspend(publisher, reason, by=BY)
        return await _shown(services, publisher)

    async def there(remote: Remote) -> PublisherView:
        from leadkeeper.doors.api.publishers import PublisherView

        return await remote.post(f"{_path(publisher)}/suspend", PublisherView, {"reason": reason})

    found = ask(lambda: with_services(act), there)
    if json:
        print_json(found)
    else:
        say(_("The publisher %(publisher)s is suspended.", publisher=found.id))
        say(_("This lets it go on: %(command)s", command=f"leadkeeper publishers release {found.id}"))


@commands.command()
def release(publisher: Publisher, json: AsJson = False) -> None:
    """Let a publisher that was suspended go on: its held leads go out."""

    async def act(services: Services) -> tuple[bool, PublisherView]:
        done = await services.offers.suspensions.release(publisher, by=BY)
        return done, await _shown(services, publisher)

    async def there(remote: Remote) -> tuple[bool, PublisherView]:
        from leadkeeper.doors.api.publishers import PublisherView

        before = await remote.get(_path(publisher), PublisherView)
        found = await remote.post(f"{_path(publisher)}/release", PublisherView)
        return before.suspended_at is not None, found

    done, found = ask(lambda: with_services(act), there)
    if json:
        print_json(found)
    else:
        say(
            _("The publisher %(publisher)s is released.", publisher=found.id)
            if done
            else _("The publisher %(publisher)s was not suspended.", publisher=found.id)
        )


def _path(publisher: str) -> str:
    return f"/v1/publishers/{quote(publisher, safe='')}"


def _given_only(given: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in given.items() if value is not None and value != {}}


def _view(publisher: Listed | PublisherView) -> PublisherView:
    from leadkeeper.doors.api.publishers import PublisherView

    return PublisherView.model_validate(publisher)


async def _shown(services: Services, publisher: str) -> PublisherView:
    from leadkeeper.doors.api.publishers import PublisherView

    return PublisherView.model_validate(await services.offers.catalogue.publisher(publisher))


Days = Annotated[
    str | None, typer.Option(metavar="DAYS", help="From 1 on; empty for as long as this installation keeps them.")
]


@commands.command()
def retention(
    publisher: Annotated[str, typer.Argument(metavar="PUBLISHER", help="Its id.")],
    personal_days: Days = None,
    evidence_days: Days = None,
    json: AsJson = False,
) -> None:
    """Show for how long a publisher's data are kept, or keep them for a shorter time.

    Personal data of leads and what destinations said in attempts, after their delivery; what waits is never removed.
    """
    from leadkeeper.doors.api.retention import RetentionView
    from leadkeeper.privacy.periods import Own

    given = {"personal_days": personal_days, "evidence_days": evidence_days}
    days = {name: _days(name, text) for name, text in given.items() if text is not None}

    async def transaction(services: Services) -> RetentionView:
        own = await services.retention.own(publisher)
        if days:
            own = await services.retention.change(publisher, Own(**(asdict(own) | days)), by=BY)
        return RetentionView.of(services.retention.usual, own)

    async def there(remote: Remote) -> RetentionView:
        path = f"{_path(publisher)}/retention"
        now = await remote.get(path, RetentionView)
        if not days:
            return now
        own = {"personal_days": now.own_personal_days, "evidence_days": now.own_evidence_days} | days
        body = {"personalDays": own["personal_days"], "evidenceDays": own["evidence_days"]}
        return (await remote.put(path, RetentionView, body))[0]

    found = ask(lambda: with_services(transaction), there)
    if json:
        print_json(found)
    else:
        _say_kept(publisher, found)


def _say_kept(publisher: str, found: RetentionView) -> None:
    say(
        lazy_ngettext(
            "Personal data of delivered leads of %(publisher)s are kept for %(count)s day.",
            "Personal data of delivered leads of %(publisher)s are kept for %(count)s days.",
            found.personal_days,
            publisher=publisher,
        )
    )
    say(
        lazy_ngettext(
            "What destinations said of them is kept for %(count)s day.",
            "What destinations said of them is kept for %(count)s days.",
            found.evidence_days,
        )
    )


def _days(name: str, text: str) -> int | None:
    if text and not (text.isascii() and text.isdecimal()):
        option = f"--{name.replace('_', '-')} {text}"
        raise typer.BadParameter(_("%(option)s: write a number of days, or nothing", option=option))
    return int(text) if text else None


def _quota(text: str) -> tuple[str, int | str | None]:
    name, equals, value = text.partition("=")
    if not equals:
        raise typer.BadParameter(_("%(option)s: write NAME=NUMBER", option=f"--quota {name}"))
    return name, int(value) if re.fullmatch("-?[0-9]{1,18}", value) else value or None
