"""``leadkeeper marketplace``: what the marketplace is called, and how its pages look."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from leadkeeper.doors.cli.failing import Failed
from leadkeeper.doors.cli.installation import BY, with_services
from leadkeeper.doors.cli.remote.chosen import ask
from leadkeeper.doors.cli.showing import AsJson, print_json, print_table, system_text
from leadkeeper.doors.cli.values import checked
from leadkeeper.texts import _ as gettext
from leadkeeper.texts import lazy_gettext as _

if TYPE_CHECKING:
    from leadkeeper.doors.api.marketplace import MarketplaceView
    from leadkeeper.doors.cli.remote.client import Remote
    from leadkeeper.services import Services

_AT = "/v1/marketplace"
commands = typer.Typer(
    name="marketplace",
    help="What the marketplace is called, and how its pages look.",
    no_args_is_help=True,
)


@commands.command()
def show(json: AsJson = False) -> None:
    """Show its name, colour and logo, and which of them a setting gives."""

    async def here(services: Services) -> MarketplaceView:
        return _view(services)

    async def there(remote: Remote) -> MarketplaceView:
        from leadkeeper.doors.api.marketplace import MarketplaceView

        return await remote.get(_AT, MarketplaceView)

    _tell(ask(lambda: with_services(here), there), json=json)


@commands.command()
def put(
    name: Annotated[str | None, typer.Option(help="The name that people read.")] = None,
    accent_color: Annotated[
        str | None, typer.Option(metavar="#RRGGBB", help="Colour of buttons and links; '' for the usual one.")
    ] = None,
    json: AsJson = False,
) -> None:
    """Change its name and its colour; what is left out stays. A setting holds before both."""
    from leadkeeper.doors.api.marketplace import MarketplaceBody

    given = {"name": name, "accentColor": accent_color}
    body = checked(MarketplaceBody, given, gettext("The marketplace cannot be changed: %(errors)s"))

    async def here(services: Services) -> MarketplaceView:
        await services.branding.change(name=body.name, accent=body.accent_color, by=BY)
        return _view(services)

    async def there(remote: Remote) -> MarketplaceView:
        from leadkeeper.doors.api.marketplace import MarketplaceView

        sent = body.model_dump(by_alias=True, exclude_none=True)
        return (await remote.put(_AT, MarketplaceView, sent))[0]

    _tell(ask(lambda: with_services(here), there), json=json)


@commands.command()
def logo(
    file: Annotated[Path | None, typer.Argument(metavar="FILE", help="PNG, JPEG or WebP.", show_default=False)] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Take its logo away instead.")] = False,
    json: AsJson = False,
) -> None:
    """Give it a logo, or take it away."""
    if (file is None) != remove:
        raise typer.BadParameter(_("Name a file, or --remove."))
    picture = b"" if file is None else _read(file)

    async def here(services: Services) -> MarketplaceView:
        await services.branding.change(logo=None if remove else picture, without_logo=remove, by=BY)
        return _view(services)

    async def there(remote: Remote) -> MarketplaceView:
        from leadkeeper.doors.api.marketplace import MarketplaceView

        if not remove:
            return await remote.put_picture(f"{_AT}/logo", MarketplaceView, picture)
        before = await remote.get(_AT, MarketplaceView)
        if before.logo is not None and not before.logo_is_set:
            await remote.delete(f"{_AT}/logo")
        return await remote.get(_AT, MarketplaceView)

    _tell(ask(lambda: with_services(here), there), json=json)


def _read(file: Path) -> bytes:
    from leadkeeper.publishing.logo_image import MOST_BYTES

    try:
        with file.open("rb") as opened:
            return opened.read(MOST_BYTES + 1)
    except OSError as error:
        raise Failed(_("%(path)s cannot be read: %(why)s.", path=file, why=system_text(error))) from None


def _view(services: Services) -> MarketplaceView:
    from leadkeeper.doors.api.marketplace import MarketplaceView

    return MarketplaceView.of(services.marketplace, services.branding, services.base_url)


def _tell(found: MarketplaceView, *, json: bool) -> None:
    if json:
        print_json(found)
        return
    rows = [
        (_("Name"), found.name, _yes_or_no(found.name_is_set)),
        (_("Colour"), found.accent_color or _("the usual one"), _yes_or_no(found.accent_color_is_set)),
        (_("Logo"), found.logo or _("none"), _yes_or_no(found.logo_is_set)),
    ]
    print_table((_("What"), _("Shown"), _("By a setting")), rows, empty="")


def _yes_or_no(is_set: bool) -> str:
    return _("yes") if is_set else _("no")
