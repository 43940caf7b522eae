"""``leadkeeper audit``: who did what to which thing, and when."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from leadkeeper.doors.cli.installation import with_services
from leadkeeper.doors.cli.remote.chosen import ask
from leadkeeper.doors.cli.showing import AsJson, print_json, print_table, say
from leadkeeper.doors.cli.values import milliseconds, moment_text, parse_moment
from leadkeeper.texts import lazy_gettext as _

if TYPE_CHECKING:
    from leadkeeper.doors.cli.remote.client import Remote
    from leadkeeper.views import AuditPage

commands = typer.Typer()


def _act(text: str | None) -> str | None:
    if text is not None:
        from leadkeeper.access.acts import ACTS, is_act

        if not is_act(text):
            raise typer.BadParameter(_("choose one of %(choices)s", choices=", ".join(ACTS)))
    return text


@commands.command()
def audit(
    who: Annotated[str | None, typer.Option(help="Only what this one did: key:<id>, cli or anyone.")] = None,
    act: Annotated[str | None, typer.Option(callback=_act, help="Only this act: lead.read, key.revoke, ...")] = None,
    publisher: Annotated[str | None, typer.Option(help="Only what was done to what belongs to this publisher.")] = None,
    since: Annotated[
        datetime | None,
        typer.Option(
            metavar="MOMENT",
            parser=parse_moment,
            help="Only what was done from then on: 2026-11-22, or 2d for two days ago.",
        ),
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(metavar="MOMENT", parser=parse_moment, help="Only what was done before then.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="The most lines to show.")] = 50,
    cursor: Annotated[str | None, typer.Option(help="Go on from here: the last answer's nextCursor.")] = None,
    json: AsJson = False,
) -> None:
    """Show who did what, newest first: sign-ins, refusals, tokens, reading of leads, changes and what they led to."""
    from leadkeeper.access.audit import AuditFilter

    filters = AuditFilter(publisher, who, act, milliseconds(since), milliseconds(until))

    async def there(remote: Remote) -> AuditPage:
        from leadkeeper.views import AuditPage

        moments = {"since": moment_text(since), "until": moment_text(until)}
        query = {"publisherId": publisher, "who": who, "act": act, "limit": limit, "cursor": cursor, **moments}
        return await remote.get("/v1/audit", AuditPage, query)

    page = ask(lambda: with_services(lambda services: services.access.audit.list(filters, cursor, limit)), there)
    if json:
        print_json(page)
        return
    from leadkeeper.doors.audit_words import led_to

    rows = [
        (each.at, each.who, each.act, each.subject, led_to(each.detail, str, act=each.act)) for each in page.entries
    ]
    columns = (_("At"), _("Who"), _("Act"), _("Subject"), _("What it led to"))
    print_table(columns, rows, empty=_("There are no such lines."))
    if page.next_cursor:
        say(_("There are more: --cursor %(cursor)s", cursor=page.next_cursor))
