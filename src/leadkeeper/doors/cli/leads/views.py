"""``leadkeeper leads views``: filters of the list of leads under a name, for ``leads list --view`` and the pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadkeeper.doors.cli.failing import Failed
from leadkeeper.doors.cli.installation import BY
from leadkeeper.doors.cli.leads.filters import LeadOptions, filtered, rest_words
from leadkeeper.doors.cli.leads.ordering import Sort, ordering
from leadkeeper.doors.cli.reading import with_storage
from leadkeeper.doors.cli.remote.chosen import ask
from leadkeeper.doors.cli.showing import AsJson, print_json, print_table, say
from leadkeeper.doors.cli.values import checked
from leadkeeper.texts import lazy_gettext as _

if TYPE_CHECKING:
    from leadkeeper.doors.api.lead_views import LeadViewBody, LeadViewList, SavedLeadView
    from leadkeeper.doors.cli.remote.client import Remote
    from leadkeeper.inbox.lists.filter import LeadFilter
    from leadkeeper.storage.database_clock import DatabaseClock
    from leadkeeper.storage.engine import Storage

commands = typer.Typer(name="views", help="Filters of the list of leads under a name.", no_args_is_help=True)
OfPublisher = Annotated[
    str | None, typer.Option(help="The publisher whose views they are; without it, they are those of operators.")
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="What the view is called.")]
_PATH = "/v1/leads/views"


@commands.command("list")
def list_(publisher: OfPublisher = None, json: AsJson = False) -> None:
    """List saved views: your own, and those that others share."""
    found = _views(publisher)
    if json:
        print_json(found)
        return
    rows = [(each.name, _("yes") if each.shared else _("no"), _filters_text(each)) for each in found.views]
    print_table((_("View"), _("Shared"), _("Filters")), rows, empty=_("There are no views."))


@commands.command()
@filtered
def save(
    name: Name,
    wanted: LeadOptions,
    sort: Sort = None,
    shared: Annotated[bool, typer.Option("--shared", help="Others see it, too.")] = False,
    json: AsJson = False,
) -> None:
    """Save filters under a name; a view of yours of the same name is replaced.

    With --publisher or --offer, the view is one of that publisher's.
    """
    from dataclasses import replace

    if wanted.given & {"email", "search", "view"}:
        raise typer.BadParameter(
            _("a view keeps nothing that names a customer: leave --email, --search and --view out")
        )
    words = rest_words(replace(wanted.filters(), **ordering(sort)))
    filters = {name: value for name, value in words.items() if value is not None}
    body = _body({"name": name, "shared": shared, "filters": filters})
    whose = wanted.publisher_id

    async def here(storage: Storage, clock: DatabaseClock) -> SavedLeadView:
        from leadkeeper.doors.api.lead_views import save_view
        from leadkeeper.inbox.lists.columns import LeadLists

        return await save_view(LeadLists(storage, clock), BY, whose, body)

    async def there(remote: Remote) -> SavedLeadView:
        from leadkeeper.doors.api.lead_views import SavedLeadView

        sent: dict[str, Any] = {"name": name, "shared": shared, "filters": filters}
        sent |= {} if whose is None else {"publisherId": whose}
        return await remote.post(_PATH, SavedLeadView, sent)

    found = ask(lambda: with_storage(here), there)
    if json:
        print_json(found)
    else:
        say(_("The view %(view)s is saved.", view=found.name))


@commands.command()
def remove(name: Name, publisher: OfPublisher = None) -> None:
    """Remove a saved view: one of yours, or one that others share."""
    view = _named(name, publisher)

    async def here(storage: Storage, clock: DatabaseClock) -> bool:
        from leadkeeper.inbox.lists.columns import LeadLists

        return await LeadLists(storage, clock).remove(BY, publisher, view.id, others=True)

    async def there(remote: Remote) -> bool:
        await remote.delete(_path(publisher, f"/{view.id}"))
        return True

    if not ask(lambda: with_storage(here), there):
        raise Failed(_("There is no view %(view)s.", view=name))
    say(_("The view %(view)s is removed.", view=view.name))


def view_filters(name: str, publisher_id: str | None) -> LeadFilter:
    """What the view of that name lists. Raises :class:`Failed` for none, and for one that a command cannot look at."""
    from leadkeeper.clock import now_ms

    filters = _named(name, publisher_id).filters
    if filters.owner == "me":
        raise Failed(_("The view %(view)s lists the leads of whoever looks: a command is nobody.", view=name))
    return filters.filters(publisher_id or filters.publisher_id, now_ms=now_ms())


def _named(name: str, publisher_id: str | None) -> SavedLeadView:
    """One's own before what another shares."""
    found = [each for each in _views(publisher_id).views if each.name == " ".join(name.split())]
    if not found:
        raise Failed(_("There is no view %(view)s.", view=name))
    return max(found, key=lambda each: each.own)


def _views(publisher_id: str | None) -> LeadViewList:
    async def here(storage: Storage, clock: DatabaseClock) -> LeadViewList:
        from leadkeeper.doors.api.lead_views import views_of
        from leadkeeper.inbox.lists.columns import LeadLists

        return await views_of(LeadLists(storage, clock), BY, publisher_id)

    async def there(remote: Remote) -> LeadViewList:
        from leadkeeper.doors.api.lead_views import LeadViewList

        return await remote.get(_PATH, LeadViewList, {"publisherId": publisher_id})

    return ask(lambda: with_storage(here), there)


def _path(publisher_id: str | None, more: str = "") -> str:
    return _PATH + more + ("" if publisher_id is None else f"?publisherId={publisher_id}")


def _body(given: dict[str, Any]) -> LeadViewBody:
    from leadkeeper.doors.api.lead_views import LeadViewBody

    return checked(LeadViewBody, given, "The view cannot be saved")


def _filters_text(view: SavedLeadView) -> str:
    given = view.filters.model_dump(mode="json", by_alias=True, exclude_none=True)
    return ", ".join(f"{name} {value}" for name, value in given.items())
