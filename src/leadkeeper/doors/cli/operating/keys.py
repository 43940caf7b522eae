"""``leadkeeper keys``: who may call the API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

import typer

from leadkeeper.doors.cli.failing import Failed, RemoteRefused
from leadkeeper.doors.cli.installation import with_services
from leadkeeper.doors.cli.remote.chosen import ask
from leadkeeper.doors.cli.showing import AsJson, print_json, print_table, say
from leadkeeper.texts import lazy_gettext as _

if TYPE_CHECKING:
    from leadkeeper.access.keys import ListedKey, NewKey
    from leadkeeper.doors.api.keys import KeyView, NewKeyView
    from leadkeeper.doors.cli.remote.client import Remote

commands = typer.Typer(name="keys", help="Who may call the API, in which role.", no_args_is_help=True)


def _role(text: str) -> str:
    from leadkeeper.access.keys import parse_role

    try:
        parse_role(text)
    except ValueError as error:
        raise typer.BadParameter(error.args[0]) from None
    return text


@commands.command()
def create(
    role: Annotated[
        str,
        typer.Option(
            callback=_role,
            help="operator, marketplace (hands in leads), publisher:<id>, contributor:<id> or reader:<id>.",
        ),
    ],
    note: Annotated[str, typer.Option(help="What the key is for; shown in the list.")] = "",
    json: AsJson = False,
) -> None:
    """Make a key. It is shown this once: only its hash is kept."""

    def here() -> NewKey | NewKeyView:
        try:
            return with_services(lambda services: services.access.keys.create(role, note))
        except ValueError:
            raise Failed(
                _("There is no publisher %(publisher)s: leadkeeper publishers put.", publisher=role.partition(":")[2])
            ) from None

    async def there(remote: Remote) -> NewKey | NewKeyView:
        from leadkeeper.doors.api.keys import NewKeyView

        return await remote.post("/v1/keys", NewKeyView, {"role": role, "note": note})

    made = ask(here, there)
    if json:
        print_json(made)
        return
    print(made.key)
    say(_("This is the key %(id)s (%(role)s). Keep it well: it is not shown again.", id=made.id, role=made.role))


@commands.command("list")
def list_(
    publisher: Annotated[str | None, typer.Option(help="Only the keys of one publisher.")] = None,
    role: Annotated[str | None, typer.Option(help="Only the keys of one role, such as operator or reader.")] = None,
    json: AsJson = False,
) -> None:
    """List the keys, oldest first, revoked ones too, and when each was used last."""

    async def there(remote: Remote) -> Sequence[ListedKey | KeyView]:
        from leadkeeper.doors.api.keys import KeyView

        query = {"publisherId": publisher, "revoked": True, "limit": 200}
        newest_first = await remote.every("/v1/keys", "keys", query)
        return [remote.read(KeyView, each) for each in reversed(newest_first)]

    every = ask(lambda: with_services(lambda services: services.access.keys.list()), there)
    found = [
        key
        for key in every
        if publisher in (None, key.role.partition(":")[2]) and role in (None, key.role, key.role.partition(":")[0])
    ]
    if json:
        from leadkeeper.doors.api.keys import KeyView

        print_json({"keys": [KeyView.model_validate(key) for key in found]})
        return
    rows = [(k.id, k.role, k.created_at, k.used_at or "", k.revoked_at or "", k.note) for k in found]
    columns = (_("Id"), _("Role"), _("Made"), _("Used"), _("Revoked"), _("Note"))
    print_table(columns, rows, empty=_("There are no keys: leadkeeper keys create."))


@commands.command()
def revoke(key_id: Annotated[str, typer.Argument(metavar="ID", help="As keys list shows it.")]) -> None:
    """End a key. Running servers honour it for up to five seconds more."""

    async def there(remote: Remote) -> bool:
        try:
            await remote.delete(f"/v1/keys/{quote(key_id, safe='')}")
        except RemoteRefused as error:
            if error.status in (404, 422):
                return False
            raise
        return True

    if not ask(lambda: with_services(lambda services: services.access.keys.revoke(key_id)), there):
        raise Failed(_("There is no key %(key)s that could be revoked: leadkeeper keys list.", key=repr(key_id)))
    say(_("The key %(key)s is revoked.", key=key_id))
