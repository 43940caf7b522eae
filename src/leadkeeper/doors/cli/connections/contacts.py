"""``leadkeeper contacts``: who is told by mail, and whether they have said that they want it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

import typer

from leadkeeper.doors.cli.failing import Failed
from leadkeeper.doors.cli.installation import BY, with_services
from leadkeeper.doors.cli.remote.chosen import ask
from leadkeeper.doors.cli.showing import AsJson, print_json, print_table, say
from leadkeeper.doors.cli.telling import spoken_language
from leadkeeper.doors.state_words import STANDINGS
from leadkeeper.texts import lazy_gettext as _

if TYPE_CHECKING:
    from leadkeeper.doors.api.contacts import OwnedContactList
    from leadkeeper.doors.cli.remote.client import Remote
    from leadkeeper.services import Services

commands = typer.Typer(name="contacts", help="Who is told by mail, and wants it.", no_args_is_help=True)

Publisher = Annotated[str, typer.Argument(metavar="PUBLISHER", help="Its id.")]


@commands.command("list")
def list_(
    publisher: Annotated[str | None, typer.Argument(metavar="PUBLISHER", help="Only this publisher's.")] = None,
    json: AsJson = False,
) -> None:
    """List contact addresses: confirmed, asked, waiting to be asked, or declined, and what is wrong with them."""
    language = spoken_language()

    async def here(services: Services) -> OwnedContactList:
        from leadkeeper.doors.api.contacts import OwnedContactList, OwnedContactView

        found = await services.notices.answers.all(publisher)
        return OwnedContactList(contacts=tuple(OwnedContactView.of(each, language) for each in found))

    async def there(remote: Remote) -> OwnedContactList:
        from leadkeeper.doors.api.contacts import OwnedContactList

        return await remote.get("/v1/contacts", OwnedContactList, {"publisherId": publisher})

    found = ask(lambda: with_services(here), there)
    if json:
        print_json(found)
        return
    shown = [(one.publisher_id, one.email, STANDINGS[one.state], one.trouble or "") for one in found.contacts]
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

    async def here(services: Services) -> bool:
        try:
            await services.notices.answers.allow(publisher, parsed, by=BY)
        except ValueError:
            return False
        return True

    async def there(remote: Remote) -> bool:
        path = f"/v1/publishers/{quote(publisher, safe='')}/contacts"
        return await remote.does(path, {"email": parsed.shown}, missing="unknown-publisher")

    if not ask(lambda: with_services(here), there):
        raise Failed(_("There is no publisher %(publisher)s.", publisher=publisher))
    say(_("The address gets the notices of the publisher %(publisher)s.", publisher=publisher))
