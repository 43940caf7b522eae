"""``leadkeeper connections reconcile | missing | ...``: what is not at its destination any more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from leadkeeper.doors.cli.installation import BY, with_services
from leadkeeper.doors.cli.remote.chosen import ask
from leadkeeper.doors.cli.showing import AsJson, print_json, print_line, print_table, say
from leadkeeper.doors.cli.telling import print_diagnosis, spoken_language
from leadkeeper.doors.cli.values import DEFAULT_NAME, ConnectionName, Offer
from leadkeeper.texts import join_lazily, lazy_ngettext
from leadkeeper.texts import lazy_gettext as _

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leadkeeper.doors.cli.remote.client import Remote
    from leadkeeper.offer import OfferRef
    from leadkeeper.reconciliation.views import MissingLead, MissingSettled, ReconciliationView
    from leadkeeper.services import Services
    from leadkeeper.texts import Language

commands = typer.Typer()


@commands.command()
def reconcile(offer: Offer, name: ConnectionName = DEFAULT_NAME, json: AsJson = False) -> None:
    """Have a worker look whether delivered leads are still there. Nothing is written there; missing says what it found.

    Each connection that can be asked is looked at once a day anyway.
    """
    language = spoken_language()

    async def there(remote: Remote) -> ReconciliationView:
        from leadkeeper.doors.cli.remote.catalogue import path_of
        from leadkeeper.reconciliation.views import ReconciliationView

        return await remote.post(f"{path_of(offer, name)}/reconciliation", ReconciliationView)

    def here() -> ReconciliationView:
        return with_services(lambda services: services.reconciliation.ask(offer, name, by=BY, language=language))

    view = ask(here, there)
    if json:
        print_json(view)
        return
    say(view.message)
    say(_("See what it found: %(command)s", command=f"leadkeeper connections missing {offer} {name}"))


@commands.command()
def missing(offer: Offer, name: ConnectionName = DEFAULT_NAME, json: AsJson = False) -> None:
    """List delivered leads that are not at their destination any more, and say how the last look went."""
    language = spoken_language()

    async def there(remote: Remote) -> tuple[ReconciliationView, Sequence[MissingLead]]:
        from leadkeeper.doors.cli.remote.catalogue import path_of
        from leadkeeper.reconciliation.views import MissingLead, ReconciliationView

        view = await remote.get(f"{path_of(offer, name)}/reconciliation", ReconciliationView)
        found = await remote.every(f"{path_of(offer, name)}/missing-leads", "leads")
        return view, [remote.read(MissingLead, each) for each in found]

    view, leads = ask(lambda: with_services(lambda services: _all_missing(services, offer, name, language)), there)
    if json:
        print_json({"reconciliation": view, "leads": leads})
    else:
        _print(view, leads, language)


@commands.command()
def send_missing(
    offer: Offer,
    name: ConnectionName = DEFAULT_NAME,
    lead: Annotated[list[UUID] | None, typer.Option(help="Only this lead; may be given several times.")] = None,
    json: AsJson = False,
) -> None:
    """Send leads that are missing at their destination again: all of them, or those named, and no others."""
    ids = None if lead is None else [str(each) for each in lead]

    def here() -> MissingSettled:
        return with_services(lambda services: services.reconciliation.send_again(offer, name, ids, by=BY))

    done = ask(here, lambda remote: _settled_there(remote, offer, name, "send-again", ids))
    if json:
        print_json(done)
    else:
        say(lazy_ngettext("%(count)s lead is on its way again.", "%(count)s leads are on their way again.", done.leads))


@commands.command()
def accept_missing(
    offer: Offer,
    name: ConnectionName,
    lead: Annotated[list[UUID], typer.Option(help="This lead; may be given several times.")],
    json: AsJson = False,
) -> None:
    """Say that records were removed at their destination on purpose: they are not listed as missing any more."""
    ids = [str(each) for each in lead]

    def here() -> MissingSettled:
        return with_services(lambda services: services.reconciliation.accept(offer, name, ids, by=BY))

    done = ask(here, lambda remote: _settled_there(remote, offer, name, "accept", ids))
    if json:
        print_json(done)
    else:
        say(
            lazy_ngettext(
                "%(count)s lead is not listed as missing any more.",
                "%(count)s leads are not listed as missing any more.",
                done.leads,
            )
        )


async def _settled_there(
    remote: Remote, offer: OfferRef, name: str, act: str, ids: Sequence[str] | None
) -> MissingSettled:
    from leadkeeper.doors.cli.remote.catalogue import path_of
    from leadkeeper.reconciliation.views import MissingSettled

    body = {} if ids is None else {"leadIds": list(ids)}
    return await remote.post(f"{path_of(offer, name)}/missing-leads/{act}", MissingSettled, body)


async def _all_missing(
    services: Services, offer: OfferRef, name: str, language: Language
) -> tuple[ReconciliationView, Sequence[MissingLead]]:
    """The last look, and all that is missing. Raises :class:`Problem` for an unknown offer or connection."""
    view = await services.reconciliation.report(offer, name, language)
    found: list[MissingLead] = []
    after: str | None = ""
    while after is not None:
        page = await services.reconciliation.missing(offer, name, after=after)
        found += page.leads
        after = page.next_cursor
    return view, found


def _print(view: ReconciliationView, leads: Sequence[MissingLead], language: Language) -> None:
    """How the last look went, and a line for each lead."""
    print_line(view.message)
    if view.started_at is not None:
        print_line(_looked(view))
    if view.diagnosis is not None:
        print_diagnosis(view.diagnosis, language)
    rows = [
        (each.lead_id, _minute(each.created_time), _minute(each.delivered_at), _minute(each.found_at)) for each in leads
    ]
    columns = (_("Lead"), _("Received"), _("Delivered"), _("Found missing"))
    print_table(columns, rows, empty=_("No lead is missing."))


def _looked(view: ReconciliationView) -> str:
    return join_lazily(
        (
            lazy_ngettext("%(count)s lead was looked for.", "%(count)s leads were looked for.", view.looked),
            lazy_ngettext("%(count)s is not there.", "%(count)s are not there.", view.missing),
            lazy_ngettext("Of %(count)s it is not known.", "Of %(count)s it is not known.", view.unknown),
        )
    )


def _minute(moment: str) -> str:
    """A moment as the API writes it, to the minute."""
    return f"{moment[:10]} {moment[11:16]} UTC"
