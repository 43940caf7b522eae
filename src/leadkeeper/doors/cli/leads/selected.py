"""``leadkeeper leads select``: one act on many leads, named by their ids or chosen by filters."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import typer

from leadkeeper.doors.cli.installation import BY, with_services
from leadkeeper.doors.cli.leads.filters import LeadOptions, filtered, member_id
from leadkeeper.doors.cli.leads.progress import lead_progress
from leadkeeper.doors.cli.remote.chosen import ask
from leadkeeper.doors.cli.showing import AsJson, print_json, print_table, say
from leadkeeper.doors.cli.telling import spoken_language
from leadkeeper.texts import lazy_gettext as _
from leadkeeper.texts import lazy_ngettext

if TYPE_CHECKING:
    from leadkeeper.doors.cli.remote.client import Remote
    from leadkeeper.inbox.lists.filter import LeadFilter
    from leadkeeper.inbox.lists.selection import Order
    from leadkeeper.inbox.lists.total import LeadTotal
    from leadkeeper.services import Services
    from leadkeeper.views import BulkOutcome, BulkResult

commands = typer.Typer(name="select", help="Act on many leads at once.", no_args_is_help=True)

NOBODY = "-"

Ids = Annotated[list[str] | None, typer.Argument(metavar="ID", help="The leads; without, all that fit.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The leads that somebody named, or else the filters by which they are chosen."""

    ids: Sequence[str]
    wanted: LeadOptions

    @property
    def publisher_id(self) -> str | None:
        """Whose leads they are, where that was said."""
        return self.wanted.publisher_id

    def filters(self) -> LeadFilter | None:
        """What the inbox is asked for; test leads are left out unless asked for. ``None`` where ids name the leads.

        Raises ``typer.BadParameter`` for neither ids nor filters, and for filters that ids would make void.
        """
        given = self.wanted.given
        if self.ids and given - {"offer", "publisher"}:
            raise typer.BadParameter(_("name the leads by their ids, or choose them by filters: not both"))
        if self.ids:
            return None
        if not given - {"test"}:
            raise typer.BadParameter(_("name the leads, or choose them by filters: --publisher, --state, --since, ..."))
        filters = self.wanted.filters()
        return replace(filters, test=bool(filters.test), sort=None, oldest_first=False)


@commands.command("send-again")
@filtered
def send_again(
    wanted: LeadOptions,
    ids: Ids = None,
    uncertain: Annotated[
        bool, typer.Option("--uncertain", help="Also what may have arrived. Look for it there first.")
    ] = False,
    dry_run: DryRun = False,
    json: AsJson = False,
) -> None:
    """Send leads again that wait or were set aside."""
    from leadkeeper.inbox.lists.selection import BulkAct, Order

    chosen = _Chosen(ids or (), wanted)
    _act(chosen, Order(BulkAct.AGAIN, uncertain=uncertain), dry_run=dry_run, json=json)


@commands.command()
@filtered
def assign(
    wanted: LeadOptions,
    ids: Ids = None,
    to: Annotated[str, typer.Option("--to", help="The member's e-mail address; - for nobody.")] = "",
    dry_run: DryRun = False,
    json: AsJson = False,
) -> None:
    """Give leads to a member of their publisher, who follows them up. Say whose they are: --publisher or --offer."""
    from leadkeeper.inbox.lists.selection import BulkAct, Order

    chosen = _Chosen(ids or (), wanted)
    if not to:
        raise typer.BadParameter(_("--to: say who follows them up, or - for nobody"))
    owner_id = "" if to == NOBODY else member_id(chosen.publisher_id, to, "--to")
    _act(chosen, Order(BulkAct.OWNER, owner_id), dry_run=dry_run, json=json)


@commands.command("set-state")
@filtered
def set_state(
    state: Annotated[str, typer.Argument(metavar="STATE", help="new, active, won, lost, declined or expired.")],
    wanted: LeadOptions,
    ids: Ids = None,
    reason: Annotated[str, typer.Option(help="Why; lost and declined need it.")] = "",
    dry_run: DryRun = False,
    json: AsJson = False,
) -> None:
    """Set how far the follow-up of leads came."""
    from leadkeeper.inbox.lists.selection import BulkAct, Order

    chosen = _Chosen(ids or (), wanted)
    _act(chosen, Order(BulkAct.STATE, state=state, reason=reason), dry_run=dry_run, json=json)


def _act(chosen: _Chosen, order: Order, *, dry_run: bool, json: bool) -> None:
    language = spoken_language()
    filters = chosen.filters()

    async def work(services: Services) -> BulkResult:
        from leadkeeper.views import BulkResult

        outcomes: list[BulkOutcome] = []
        bar.begin(await _total(services, chosen, filters))
        async for some in _portions(services, chosen, filters):
            done = await services.leads.selection.carry_out(
                some, order, by=BY, publisher_id=chosen.publisher_id, dry_run=dry_run, language=language
            )
            outcomes += done.outcomes
            bar.advance(len(some))
        return BulkResult(dry_run=dry_run, outcomes=tuple(outcomes))

    async def there(remote: Remote) -> BulkResult:
        from leadkeeper.doors.cli.remote.leads import act_on_leads

        whose = chosen.publisher_id if chosen.ids else None
        return await act_on_leads(remote, chosen.ids, filters, order, whose, dry_run=dry_run, bar=bar)

    with lead_progress() as bar:
        found = ask(lambda: with_services(work), there)
    if json:
        print_json(found)
    else:
        _print(found)


async def _total(services: Services, chosen: _Chosen, filters: LeadFilter | None) -> LeadTotal | int | None:
    """How many leads there are to go through, as far as that is known."""
    return len(chosen.ids) if filters is None else await services.leads.reading.total(filters)


async def _portions(services: Services, chosen: _Chosen, filters: LeadFilter | None) -> AsyncIterator[Sequence[str]]:
    """The leads' ids, as many at a time as one call takes."""
    from leadkeeper.inbox.lists.selection import MOST

    if filters is None:
        for at in range(0, len(chosen.ids), MOST):
            yield chosen.ids[at : at + MOST]
        return
    cursor: str | None = None
    while True:
        page = await services.leads.reading.leads(filters, cursor, MOST, by=BY)
        if page.leads:
            yield [each.id for each in page.leads]
        cursor = page.next_cursor
        if cursor is None:
            return


def _print(found: BulkResult) -> None:
    rows = [(each.lead_id, _("yes") if each.done else _("no"), each.detail) for each in found.outcomes]
    columns = (_("Id"), _("Would change") if found.dry_run else _("Changed"), _("Why not"))
    print_table(columns, rows, empty=_("There are no such leads."))
    say(_changed(sum(each.done for each in found.outcomes), len(rows), dry_run=found.dry_run))


def _changed(count: int, every: int, *, dry_run: bool) -> str:
    if dry_run:
        return lazy_ngettext(
            "%(count)s of %(every)s leads would be changed.",
            "%(count)s of %(every)s leads would be changed.",
            count,
            every=every,
        )
    return lazy_ngettext(
        "%(count)s of %(every)s leads was changed.", "%(count)s of %(every)s leads were changed.", count, every=every
    )
