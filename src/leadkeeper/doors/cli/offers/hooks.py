"""``leadkeeper hooks``: addresses that take an offer's leads from a marketplace, here or elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from leadkeeper.doors.cli.installation import BY, with_services
from leadkeeper.doors.cli.remote.chosen import ask
from leadkeeper.doors.cli.showing import AsJson, print_json, print_table, say
from leadkeeper.doors.cli.values import Offer
from leadkeeper.texts import lazy_gettext as _

if TYPE_CHECKING:
    from leadkeeper.doors.api.hooks import HookView, NewHookView, PostedTestView
    from leadkeeper.doors.cli.remote.client import Remote
    from leadkeeper.offer import OfferRef
    from leadkeeper.services import Services

commands = typer.Typer(
    name="hooks", help="Addresses that take an offer's leads from a marketplace.", no_args_is_help=True
)

Which = Annotated[str, typer.Argument(metavar="HOOK", help="Its id.")]


@commands.command("list")
def list_(offer: Offer, json: AsJson = False) -> None:
    """List an offer's hooks: when each was used last, and with --json which keys the last payloads had."""
    from leadkeeper.doors.api.hooks import HookList, HookView

    async def here(services: Services) -> list[HookView]:
        return [HookView.of(each) for each in await services.access.hooks.list(offer)]

    async def there(remote: Remote) -> list[HookView]:
        return (await remote.get(_path(offer), HookList)).hooks

    found = ask(lambda: with_services(here), there)
    if json:
        print_json({"hooks": found})
        return
    rows = [(each.id, each.created_at, each.used_at or _("never"), each.old_until or "") for each in found]
    columns = (_("Hook"), _("Made"), _("Last used"), _("Old address until"))
    print_table(columns, rows, empty=_("The offer has no hooks: leadkeeper hooks create."))


@commands.command()
def create(offer: Offer, json: AsJson = False) -> None:
    """Make a hook for OFFER. Its address is printed this once."""
    from leadkeeper.doors.api.hooks import NewHookView

    async def here(services: Services) -> NewHookView:
        made = await services.access.hooks.create(offer, by=BY)
        return NewHookView.of(made, services.base_url)

    async def there(remote: Remote) -> NewHookView:
        return await remote.post(_path(offer), NewHookView)

    made = ask(lambda: with_services(here), there)
    _print_new(made, _("The hook %(id)s is made. Its address is shown this once:", id=made.id), json=json)


@commands.command()
def rotate(offer: Offer, hook: Which, json: AsJson = False) -> None:
    """Give a hook a new address, which is printed this once. The one before takes leads for 14 days more."""
    from leadkeeper.access.hooks import unknown_hook
    from leadkeeper.doors.api.hooks import NewHookView

    async def here(services: Services) -> NewHookView:
        made = await services.access.hooks.rotate(offer, hook, by=BY)
        if made is None:
            raise unknown_hook(offer, hook)
        return NewHookView.of(made, services.base_url)

    async def there(remote: Remote) -> NewHookView:
        return await remote.post(f"{_path(offer, hook)}/rotate", NewHookView)

    made = ask(lambda: with_services(here), there)
    _print_new(made, _("The hook %(id)s has a new address. It is shown this once:", id=made.id), json=json)


@commands.command("end-old-address")
def end_old_address(offer: Offer, hook: Which) -> None:
    """Let the address from before a hook was rotated take no more leads."""
    from leadkeeper.access.hooks import no_old_address

    async def here(services: Services) -> None:
        if not await services.access.hooks.end_old(offer, hook, by=BY):
            await services.access.hooks.require(offer, hook)
            raise no_old_address(hook)

    async def there(remote: Remote) -> None:
        await remote.act(f"{_path(offer, hook)}/end-old-address")

    ask(lambda: with_services(here), there)
    say(_("The old address takes no more leads."))


@commands.command("test")
def post_test(offer: Offer, hook: Which, json: AsJson = False) -> None:
    """Post a test payload to a hook, as Microsoft's marketplace does. It goes to all connections of OFFER."""
    from leadkeeper.doors.api.hooks import PostedTestView

    async def here(services: Services) -> PostedTestView:
        return PostedTestView.model_validate(await services.hook_tests.post(offer, hook, by=BY))

    async def there(remote: Remote) -> PostedTestView:
        return await remote.post(f"{_path(offer, hook)}/test", PostedTestView)

    posted = ask(lambda: with_services(here), there)
    if json:
        print_json(posted)
        return
    say(_("The hook took the test lead %(marker)s.", marker=posted.marker))
    say(_("See what comes of it: %(command)s", command=f"leadkeeper leads show {posted.lead_id}"))


@commands.command()
def revoke(offer: Offer, hook: Which) -> None:
    """End a hook: whoever posts to it is refused. Its leads stay."""
    from leadkeeper.access.hooks import unknown_hook

    async def here(services: Services) -> None:
        if not await services.access.hooks.remove(offer, hook, by=BY):
            raise unknown_hook(offer, hook)

    async def there(remote: Remote) -> None:
        await remote.delete(_path(offer, hook))

    ask(lambda: with_services(here), there)
    say(_("The hook %(id)s is revoked.", id=hook))


def _path(offer: OfferRef, hook: str | None = None) -> str:
    from urllib.parse import quote

    every = f"/v1/publishers/{offer.publisher_id}/offers/{offer.offer_id}/hooks"
    return every if hook is None else f"{every}/{quote(hook, safe='')}"


def _print_new(made: NewHookView, summary: str, *, json: bool) -> None:
    """The address alone goes to standard output."""
    if json:
        print_json(made)
        return
    say(summary)
    print(made.url)
