"""``leadkeeper contacts``: who is told by mail, and whether they have said that they want it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from leadkeeper.doors.cli.failing import Failed
from leadkeeper.doors.cli.installation import BY, with_services
from leadkeeper.doors.cli.showing import AsJson, print_json, print_table, say
from leadkeeper.doors.cli.telling import spoken_language
from leadkeeper.doors.state_words import STANDINGS
from leadkeeper.texts import lazy_gettext as _

if TYPE_CHECKING:
    from leadkeeper.texts import Language

commands = typer.Typer(name="contacts", help="Who is told by mail, and wants it.", no_args_is_help=True)

Publisher = Annotated[str, typer.Argument(metavar="PUBLISHER", help="Its id.")]


@commands.command("list")
def list_(
    publisher: Annotated[str | None, typer.Argument(metavar="PUBLISHER", help="Only this publisher's.")] = None,
    json: AsJson = False,
) -> None:
    """List contact addresses: confirmed, asked, waiting to be asked, or declined, and what is wrong with them."""
    language = spoken_language()
    found = with_services(lambda services: services.notices.answers.all(publisher))
    rows = [(one.publisher_id, one.contact.email, one.contact.standing.value, one.contact.trouble) for one in found]
    if json:
        summary = [
            {"publisherId": owner, "email": email, "state": state, "trouble": _trouble(trouble, language) or None}
            for owner, email, state, trouble in rows
        ]
        print_json({"contacts": summary})
        return
    shown = [(owner, email, STANDINGS[state], _trouble(trouble, language)) for owner, email, state, trouble in rows]
    columns = (_("Publisher"), _("Address"), _("State"), _("Trouble"))
    print_table(columns, shown, empty=_("Nobody is told by mail."))


@commands.command()
def allow(
    publisher: Publisher,
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="Whose reader you have asked yourself.")],
) -> None:
    """Let an address get a publisher's notices without a click, even if it had declined."""
    from leadkeeper.mail.address import parse_address

    try:
        parsed = parse_address(address)
    except ValueError as error:
        raise typer.BadParameter(_("ADDRESS %(why)s", why=error.args[0])) from None
    try:
        with_services(lambda services: services.notices.answers.allow(publisher, parsed, by=BY))
    except ValueError:
        raise Failed(_("There is no publisher %(publisher)s.", publisher=publisher)) from None
    say(_("The address gets the notices of the publisher %(publisher)s.", publisher=publisher))


def _trouble(stored: str | None, language: Language) -> str:
    from leadkeeper.catalogue import from_stored, text_of
    from leadkeeper.diagnosis import Diagnosis

    summary = None if stored is None else from_stored(stored)
    if not isinstance(summary, Diagnosis):
        return ""
    status = f"{summary.evidence.status}: " if summary.evidence.status else ""
    return status + text_of(summary.kind, language).summary
