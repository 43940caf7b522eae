"""``leadkeeper leads select``: one act on many leads, named by their ids or chosen by filters."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from leadkeeper.doors.cli.failing import Failed
from leadkeeper.doors.cli.installation import BY, with_services
from leadkeeper.doors.cli.remote.chosen import ask
from leadkeeper.doors.cli.showing import AsJson, busy, print_json, print_table, say
from leadkeeper.doors.cli.telling import spoken_language
from leadkeeper.doors.cli.values import Since, Until, known_state, milliseconds, parse_offer
from leadkeeper.offer import OfferRef
from leadkeeper.texts import lazy_gettext as _
from leadkeeper.texts import lazy_ngettext

if TYPE_CHECKING:
    from datetime import datetime

    from leadkeeper.doors.cli.remote.client import Remote
    from leadkeeper.inbox.inbox import LeadFilter
    from leadkeeper.inbox.lists.selection import Order
    from leadkeeper.services import Services
    from leadkeeper.views import BulkOutcome, BulkResult

commands = typer.Typer(name="select", help="Act on many leads at once.", no_args_is_help=True)

NOBODY = "-"

Ids = Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="The leads; without, all that fit.")]
OfOffer = Annotated[
    OfferRef | None, typer.Option("--offer", metavar="PUBLISHER.OFFER", parser=parse_offer, help="Only this offer's.")
]
OfPublisher = Annotated[str | None, typer.Option("--publisher", help="Only this publisher's.")]
InState = Annotated[
    str | None, typer.Option("--in-state", callback=known_state, help="Only with a delivery in this state.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The leads that somebody named, or else the filters by which they are chosen."""

    ids: Sequence[str]
    offer: OfferRef | None
    publisher: str | None
    state: str | None
    since: datetime | None
    until: datetime | None

    @property
    def publisher_id(self) -> str | None:
        """Whose leads they are, where that was said."""
        return self.offer.publisher_id if self.offer else self.publisher

    def filters(self) -> LeadFilter:
        """What the inbox is asked for; test leads are left out. Raises ``typer.BadParameter`` for no filter at all."""
        from leadkeeper.inbox.inbox import LeadFilter

        if not any((self.publisher_id, self.state, self.since, self.until)):
            raise typer.BadParameter(
                _("name the leads, or choose them: --offer, --publisher, --in-state, --since, --until")
            )
        return LeadFilter(
            publisher_id=self.publisher_id,
            offer_id=self.offer.offer_id if self.offer else None,
            state=self.state,
            test=False,
            since_ms=milliseconds(self.since),
            until_ms=milliseconds(self.until),
        )


@commands.command("send-again")
def send_again(
    ids: Ids = None,
    offer: OfOffer = None,
    publisher: OfPublisher = None,
    in_state: InState = None,
    since: Since = None,
    until: Until = None,
    uncertain: Annotated[
        bool, typer.Option("--uncertain", help="Also what may have arrived. Look for it there first.")
    ] = False,
    dry_run: DryRun = False,
    json: AsJson = False,
) -> None:
    """Send leads again that wait or were set aside."""
    from leadkeeper.inbox.lists.selection import BulkAct, Order

    chosen = _Chosen(ids or (), offer, publisher, in_state, since, until)
    _act(chosen, Order(BulkAct.AGAIN, uncertain=uncertain), dry_run=dry_run, json=json)


@commands.command()
def assign(
    ids: Ids = None,
    to: Annotated[str, typer.Option("--to", help="The member's e-mail address; - for nobody.")] = "",
    offer: OfOffer = None,
    publisher: OfPublisher = None,
    in_state: InState = None,
    since: Since = None,
    until: Until = None,
    dry_run: DryRun = False,
    json: AsJson = False,
) -> None:
    """Give leads to a member of their publisher, who follows them up. Say whose they are: --publisher or --offer."""
    from leadkeeper.inbox.lists.selection import BulkAct, Order

    chosen = _Chosen(ids or (), offer, publisher, in_state, since, until)
    if not to:
        raise typer.BadParameter(_("--to: say who follows them up, or - for nobody"))
    owner_id = "" if to == NOBODY else _member(chosen.publisher_id, to)
    _act(chosen, Order(BulkAct.OWNER, owner_id), dry_run=dry_run, json=json)


@commands.command("set-state")
def set_state(
    state: Annotated[str, typer.Argument(metavar="STATE", help="new, active, won, lost, declined or expired.")],
    ids: Ids = None,
    reason: Annotated[str, typer.Option(help="Why; lost and declined need it.")] = "",
    offer: OfOffer = None,
    publisher: OfPublisher = None,
    in_state: InState = None,
    since: Since = None,
    until: Until = None,
    dry_run: DryRun = False,
    json: AsJson = False,
) -> None:
    """Set how far the follow-up of leads came."""
    from leadkeeper.inbox.lists.selection import BulkAct, Order

    chosen = _Chosen(ids or (), offer, publisher, in_state, since, until)
    _act(chosen, Order(BulkAct.STATE, state=state, reason=reason), dry_run=dry_run, json=json)


def _member(publisher_id: str | None, email: str) -> str:
    """The id of the member with this address. Raises ``typer.BadParameter`` and :class:`Failed`."""
    if publisher_id is None:
        raise typer.BadParameter(_("--to needs --publisher or --offer: members belong to a publisher"))
    members = with_services(lambda services: services.people.members(publisher_id))
    found = [each.id for each in members if each.email.casefold() == email.casefold()]
    if not found:
        raise Failed(_("No member of %(publisher)s has this address.", publisher=publisher_id))
    return found[0]


def _act(chosen: _Chosen, order: Order, *, dry_run: bool, json: bool) -> None:
    language = spoken_language()
    filters = None if chosen.ids else chosen.filters()

    async def work(services: Services) -> BulkResult:
        from leadkeeper.views import BulkResult

        outcomes: list[BulkOutcome] = []
        async for some in _portions(services, chosen, filters):
            done = await services.selection.carry_out(
                some, order, by=BY, publisher_id=chosen.publisher_id, dry_run=dry_run, language=language
            )
            outcomes += done.outcomes
        return BulkResult(dry_run=dry_run, outcomes=tuple(outcomes))

    async def there(remote: Remote) -> BulkResult:
        from leadkeeper.doors.cli.remote.leads import act_on_leads

        whose = chosen.publisher_id if chosen.ids else None
        return await act_on_leads(remote, chosen.ids, filters, order, whose, dry_run=dry_run)

    with busy(_("Going through the leads")):
        found = ask(lambda: with_services(work), there)
    if json:
        print_json(found)
    else:
        _print(found)


async def _portions(services: Services, chosen: _Chosen, filters: LeadFilter | None) -> AsyncIterator[Sequence[str]]:
    """The leads' ids, as many at a time as one call takes."""
    from leadkeeper.inbox.lists.selection import MOST

    if filters is None:
        for at in range(0, len(chosen.ids), MOST):
            yield chosen.ids[at : at + MOST]
        return
    cursor: str | None = None
    while True:
        page = await services.reading.leads(filters, cursor, MOST, by=BY)
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
