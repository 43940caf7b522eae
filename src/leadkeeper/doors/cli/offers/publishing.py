"""``leadkeeper offers publish | status | golive | cancel | certify | withdraw``: an offer's way to customers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from leadkeeper.doors.cli.failing import Failed
from leadkeeper.doors.cli.installation import BY, with_services
from leadkeeper.doors.cli.showing import AsJson, print_json, print_line, print_table, say, spoken
from leadkeeper.doors.cli.telling import spoken_language
from leadkeeper.doors.cli.values import Offer
from leadkeeper.doors.state_words import STATUSES, STEPS
from leadkeeper.texts import join_lazily
from leadkeeper.texts import lazy_gettext as _

if TYPE_CHECKING:
    from leadkeeper.offer import OfferRef
    from leadkeeper.publishing.operations import Operation
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
    begun = with_services(
        lambda services: services.offers.publication.publish(offer, emails=emails, by=BY, trusted=True)
    )
    _follow(offer, begun, json, wait=wait)


def _address(text: str) -> str:
    from leadkeeper.mail.address import parse_address

    try:
        return parse_address(text).shown
    except ValueError as error:
        raise typer.BadParameter(_("--email %(why)s", why=error.args[0])) from None


@commands.command()
def golive(offer: Offer, wait: Wait = True, json: AsJson = False) -> None:
    """Show the preview to customers. Exit code 1 if a connection did not take its test lead."""
    begun = with_services(lambda services: services.offers.publication.go_live(offer, by=BY))
    _follow(offer, begun, json, wait=wait)


@commands.command()
def cancel(offer: Offer, json: AsJson = False) -> None:
    """End the operation under way, or withdraw the preview. What is live stays live."""
    _show(with_services(lambda services: services.offers.publication.cancel(offer, by=BY)), json)


@commands.command()
def certify(
    offer: Offer,
    approve: Annotated[bool, typer.Option("--approve/--refuse", help="Whether the marketplace takes the offer.")],
    message: Annotated[str, typer.Option(help="What the publisher is told; a refusal needs it.")] = "",
    json: AsJson = False,
) -> None:
    """Say the operator's word on an offer that waits for it (LEADKEEPER_CERTIFICATION=operator)."""
    done = with_services(
        lambda services: services.offers.publication.certify(offer, approved=approve, message=message, by=BY)
    )
    _show(done, json)


@commands.command()
def withdraw(offer: Offer, json: AsJson = False) -> None:
    """Take an offer out of the storefront. Leads from elsewhere are still taken."""
    found = with_services(lambda services: services.offers.publication.withdraw(offer, by=BY))
    if json:
        from leadkeeper.doors.api.offers import OfferView

        print_json(OfferView.model_validate(found.offer))
        return
    say(_("Customers no longer see the offer %(offer)s.", offer=offer))


@commands.command()
def difference(offer: Offer, json: AsJson = False) -> None:
    """Tell what publishing an offer's draft would change for customers, field by field."""
    found = with_services(lambda services: services.offers.differences.of(offer))
    if json:
        from leadkeeper.doors.api.differences import DifferenceView

        print_json(DifferenceView.of(found))
        return
    rows = [(each.field, each.old or "", each.new or "") for each in found]
    columns = (_("Field"), _("Customers have"), _("They will have"))
    print_table(columns, rows, empty=_("Nothing differs from what is live."))


@commands.command()
def waiting(json: AsJson = False) -> None:
    """List the offers that wait for an operator's word, who waits longest first."""
    found = with_services(lambda services: services.offers.differences.waiting(limit=_MOST_WAITING))
    if json:
        from leadkeeper.doors.api.differences import CertificationList, CertificationView

        print_json(CertificationList(certifications=tuple(map(CertificationView.of, found))))
        return
    rows = [(str(each.operation.offer), each.offer.title, str(len(each.changes))) for each in found]
    print_table((_("Offer"), _("Title"), _("Changes")), rows, empty=_("No offer waits."))


@commands.command()
def status(offer: Offer, json: AsJson = False) -> None:
    """Show how an offer's publishing stands, and what its steps tell."""
    found = with_services(lambda services: services.offers.publication.status(offer))
    if json:
        from leadkeeper.doors.api.publishing import OperationView

        operation = None if found.operation is None else OperationView.of(found.operation)
        print_json({"status": found.status.value, "operation": operation})
        return
    print_line(f"{offer}: {spoken(STATUSES[found.status])}")
    if found.operation is not None:
        _print_steps(found.operation)


def _follow(offer: OfferRef, begun: Operation, json: bool, *, wait: bool) -> None:
    from leadkeeper.publishing.steps import OperationState

    ended = with_services(lambda services: _until_ended(services, offer, begun.id)) if wait else begun
    _show(ended, json)
    if ended.state in (OperationState.FAILED, OperationState.CANCELED):
        summary = (
            _("The publishing of %(offer)s has failed.", offer=offer)
            if ended.state is OperationState.FAILED
            else _("The publishing of %(offer)s was canceled.", offer=offer)
        )
        raise Failed(join_lazily((summary, _("Fix what its steps tell, then begin again."))))


async def _until_ended(services: Services, offer: OfferRef, operation_id: str) -> Operation:
    """The operation once it has ended or waits for a person; its steps pass by on a terminal meanwhile."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    from leadkeeper.publishing.steps import STEP_TEXTS, OperationState, StepId, StepStatus, current

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/6"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar, language = progress.add_task(spoken(_("publishing")), total=6), spoken_language()
        while True:
            operation = await services.offers.publication.operation(offer, operation_id)
            step = current(operation.steps)
            done = sum(each.status is StepStatus.COMPLETE for each in operation.steps)
            progress.update(
                bar,
                completed=done,
                description=language.gettext(STEP_TEXTS[StepId.LIVE if step is None else step.id].name),
            )
            asked = (StepStatus.WAITING_FOR_APPROVAL, StepStatus.WAITING_FOR_REVIEW)
            waits = step is not None and step.status in asked
            if operation.state is not OperationState.RUNNING or waits:
                return operation
            await asyncio.sleep(_LOOK_SECONDS)


def _show(operation: Operation, json: bool) -> None:
    if json:
        from leadkeeper.doors.api.publishing import OperationView

        print_json(OperationView.of(operation))
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


def _print_steps(operation: Operation) -> None:
    from leadkeeper.publishing.step_words import step_message
    from leadkeeper.publishing.steps import STEP_TEXTS

    language = spoken_language()
    for step in operation.steps:
        name = language.gettext(STEP_TEXTS[step.id].name)
        print_line(f"  {_MARKS.get(step.status.value, '>')} {name}: {spoken(STEPS[step.status])}")
        for message in step.messages:
            for line in step_message(message.text, language).splitlines():
                print_line(f"      {line}")
