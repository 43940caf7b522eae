"""``leadkeeper offers publish | status | golive | cancel | certify | withdraw``: an offer's way to customers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated

import typer

from leadkeeper.doors.cli.failing import Failed
from leadkeeper.doors.cli.installation import BY, quiet_settings, with_services
from leadkeeper.doors.cli.remote.chosen import ask, offer_path
from leadkeeper.doors.cli.showing import AsJson, print_json, print_line, print_table, say, spoken
from leadkeeper.doors.cli.telling import spoken_language
from leadkeeper.doors.cli.values import Offer
from leadkeeper.doors.state_words import STATUSES, STEPS
from leadkeeper.texts import join_lazily
from leadkeeper.texts import lazy_gettext as _

if TYPE_CHECKING:
    from leadkeeper.doors.api.differences import CertificationList, DifferenceView
    from leadkeeper.doors.api.offers import OfferView
    from leadkeeper.doors.api.publishing import OperationView
    from leadkeeper.doors.cli.remote.client import Remote
    from leadkeeper.offer import OfferRef
    from leadkeeper.publishing.operations import Operation
    from leadkeeper.publishing.steps import OfferStatus
    from leadkeeper.services import Services

commands = typer.Typer()

_LOOK_SECONDS = 0.5
_MOST_WAITING = 1_000
_MARKS = {"complete": "+", "blocked": "!", "rejected": "!", "canceled": "-", "notStarted": " "}

_KINDS = {"publish": _("Publishing to the preview"), "goLive": _("Going live")}
_STATES = {"running": _("running"), "completed": _("done"), "failed": _("failed"), "canceled": _("canceled")}

Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Watch until it ends; a worker must run somewhere.")]


@commands.command()
def publish(
    offer: Offer,
    email: Annotated[list[str] | None, typer.Option(help="Who hears how it ends; may be repeated.")] = None,
    wait: Wait = True,
    json: AsJson = False,
) -> None:
    """Publish an offer's draft, up to its preview. Exit code 1 if a step failed.

    Everything that is missing is named at once. A test lead is sent over every connection.
    """
    emails = [_address(one) for one in email or ()]

    async def here(services: Services) -> OperationView:
        begun = await services.offers.publication.publish(offer, emails=emails, by=BY, trusted=True)
        return await _watched_here(services, begun, wait=wait)

    async def there(remote: Remote) -> OperationView:
        return await _watched_there(remote, offer, "publish", {"notificationEmails": emails}, wait=wait)

    _ended(offer, ask(lambda: with_services(here), there), json, wait=wait)


def _address(text: str) -> str:
    from leadkeeper.mail.address import parse_address

    try:
        return parse_address(text).shown
    except ValueError as error:
        raise typer.BadParameter(_("--email %(why)s", why=error.args[0])) from None


@commands.command()
def golive(offer: Offer, wait: Wait = True, json: AsJson = False) -> None:
    """Show the preview to customers. Exit code 1 if a connection did not take its test lead."""

    async def here(services: Services) -> OperationView:
        begun = await services.offers.publication.go_live(offer, by=BY)
        return await _watched_here(services, begun, wait=wait)

    async def there(remote: Remote) -> OperationView:
        return await _watched_there(remote, offer, "golive", None, wait=wait)

    _ended(offer, ask(lambda: with_services(here), there), json, wait=wait)


@commands.command()
def cancel(offer: Offer, json: AsJson = False) -> None:
    """End the operation under way, or withdraw the preview. What is live stays live."""

    async def here(services: Services) -> OperationView:
        from leadkeeper.doors.api.publishing import OperationView

        return OperationView.of(await services.offers.publication.cancel(offer, by=BY))

    async def there(remote: Remote) -> OperationView:
        from leadkeeper.doors.api.publishing import OperationView

        return await remote.post(f"{offer_path(offer)}/cancel", OperationView)

    _show(ask(lambda: with_services(here), there), json)


@commands.command()
def certify(
    offer: Offer,
    approve: Annotated[bool, typer.Option("--approve/--refuse", help="Whether the marketplace takes the offer.")],
    message: Annotated[str, typer.Option(help="What the publisher is told; a refusal needs it.")] = "",
    json: AsJson = False,
) -> None:
    """Say the operator's word on an offer that waits for it (LEADKEEPER_CERTIFICATION=operator)."""

    async def here(services: Services) -> OperationView:
        from leadkeeper.doors.api.publishing import OperationView

        done = await services.offers.publication.certify(offer, approved=approve, message=message, by=BY)
        return OperationView.of(done)

    async def there(remote: Remote) -> OperationView:
        from leadkeeper.doors.api.publishing import OperationView

        word = {"approved": approve, "message": message}
        return await remote.post(f"{offer_path(offer)}/certification", OperationView, word)

    _show(ask(lambda: with_services(here), there), json)


@commands.command()
def withdraw(offer: Offer, json: AsJson = False) -> None:
    """Take an offer out of the storefront. Leads from elsewhere are still taken."""

    async def here(services: Services) -> OfferView:
        from leadkeeper.doors.api.offers import OfferView

        return OfferView.model_validate((await services.offers.publication.withdraw(offer, by=BY)).offer)

    async def there(remote: Remote) -> OfferView:
        from leadkeeper.doors.api.offers import OfferView

        return await remote.post(f"{offer_path(offer)}/withdraw", OfferView)

    found = ask(lambda: with_services(here), there)
    if json:
        print_json(found)
        return
    say(_("Customers no longer see the offer %(offer)s.", offer=offer))


@commands.command()
def difference(offer: Offer, json: AsJson = False) -> None:
    """Tell what publishing an offer's draft would change for customers, field by field."""

    async def here(services: Services) -> DifferenceView:
        from leadkeeper.doors.api.differences import DifferenceView

        return DifferenceView.of(await services.offers.differences.of(offer))

    async def there(remote: Remote) -> DifferenceView:
        from leadkeeper.doors.api.differences import DifferenceView

        return await remote.get(f"{offer_path(offer)}/difference", DifferenceView)

    found = ask(lambda: with_services(here), there)
    if json:
        print_json(found)
        return
    rows = [(each.field, each.old or "", each.new or "") for each in found.changes]
    columns = (_("Field"), _("Customers have"), _("They will have"))
    print_table(columns, rows, empty=_("Nothing differs from what is live."))


@commands.command()
def waiting(json: AsJson = False) -> None:
    """List the offers that wait for an operator's word, who waits longest first."""

    async def here(services: Services) -> CertificationList:
        from leadkeeper.doors.api.differences import CertificationList, CertificationView

        found = await services.offers.differences.waiting(limit=_MOST_WAITING)
        return CertificationList(certifications=tuple(map(CertificationView.of, found)))

    async def there(remote: Remote) -> CertificationList:
        from leadkeeper.doors.api.differences import CertificationList

        found = await remote.every("/v1/certifications", "certifications")
        return remote.read(CertificationList, {"certifications": found})

    found = ask(lambda: with_services(here), there)
    if json:
        print_json(found)
        return
    rows = [(f"{o.publisher_id}.{o.offer_id}", o.title, str(len(o.changes))) for o in found.certifications]
    print_table((_("Offer"), _("Title"), _("Changes")), rows, empty=_("No offer waits."))


@commands.command()
def status(offer: Offer, json: AsJson = False) -> None:
    """Show how an offer's publishing stands, and what its steps tell."""

    async def here(services: Services) -> tuple[OfferStatus, OperationView | None]:
        from leadkeeper.doors.api.publishing import OperationView

        found = await services.offers.publication.status(offer)
        return found.status, None if found.operation is None else OperationView.of(found.operation)

    async def there(remote: Remote) -> tuple[OfferStatus, OperationView | None]:
        from leadkeeper.doors.api.publishing import PublishingView

        found = await remote.get(f"{offer_path(offer)}/status", PublishingView)
        return found.status, found.operation

    now, operation = ask(lambda: with_services(here), there)
    if json:
        print_json({"status": now.value, "operation": operation})
        return
    print_line(f"{offer}: {spoken(STATUSES[now])}")
    if operation is not None:
        _print_steps(operation)


def _ended(offer: OfferRef, found: OperationView, json: bool, *, wait: bool) -> None:
    """Show how it went. Raises :class:`Failed` where somebody waited for it in vain."""
    from leadkeeper.publishing.steps import OperationState

    _show(found, json)
    if wait and found.state in (OperationState.FAILED, OperationState.CANCELED):
        summary = (
            _("The publishing of %(offer)s has failed.", offer=offer)
            if found.state is OperationState.FAILED
            else _("The publishing of %(offer)s was canceled.", offer=offer)
        )
        raise Failed(join_lazily((summary, _("Fix what its steps tell, then begin again."))))


async def _watched_here(services: Services, begun: Operation, *, wait: bool) -> OperationView:
    from leadkeeper.doors.api.publishing import OperationView

    async def look() -> OperationView:
        return OperationView.of(await services.offers.publication.operation(begun.offer, begun.id))

    return await _until_ended(look) if wait else OperationView.of(begun)


async def _watched_there(remote: Remote, offer: OfferRef, act: str, body: object, *, wait: bool) -> OperationView:
    from leadkeeper.doors.api.publishing import OperationView

    begun = await remote.post(f"{offer_path(offer)}/{act}", OperationView, body)

    async def look() -> OperationView:
        return await remote.get(f"{offer_path(offer)}/operations/{begun.id}", OperationView)

    return await _until_ended(look) if wait else begun


async def _until_ended(look: Callable[[], Awaitable[OperationView]]) -> OperationView:
    """The operation once it has ended or waits for a person; its steps pass by on a terminal meanwhile."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    from leadkeeper.publishing.steps import STEP_TEXTS, OperationState, StepId, StepStatus

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/6"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar, language = progress.add_task(spoken(_("publishing")), total=6), spoken_language()
        while True:
            operation = await look()
            left = [each for each in operation.steps if each.status is not StepStatus.COMPLETE]
            at = StepId(left[0].id) if left else StepId.LIVE
            done = len(operation.steps) - len(left)
            progress.update(bar, completed=done, description=language.gettext(STEP_TEXTS[at].name))
            asked = (StepStatus.WAITING_FOR_APPROVAL, StepStatus.WAITING_FOR_REVIEW)
            waits = bool(left) and left[0].status in asked
            if operation.state is not OperationState.RUNNING or waits:
                return operation
            await asyncio.sleep(_LOOK_SECONDS)


def _show(operation: OperationView, json: bool) -> None:
    if json:
        print_json(operation)
        return
    say(
        _(
            "%(kind)s, version %(version)s: %(state)s",
            kind=_KINDS[operation.kind.value],
            version=operation.version,
            state=_STATES[operation.state.value],
        )
    )
    _print_steps(operation)


def _print_steps(operation: OperationView) -> None:
    from leadkeeper.publishing.step_words import step_message
    from leadkeeper.publishing.steps import STEP_TEXTS, StepId

    language, destinations = spoken_language(), quiet_settings().destinations
    for step in operation.steps:
        name = language.gettext(STEP_TEXTS[StepId(step.id)].name)
        print_line(f"  {_MARKS.get(step.status.value, '>')} {name}: {spoken(STEPS[step.status])}")
        for message in step.messages:
            for line in step_message(message.text, language, destinations).splitlines():
                print_line(f"      {line}")
