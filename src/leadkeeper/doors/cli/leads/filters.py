"""Which leads a command is about: the filters of the page of leads, under the same words, for all that choose leads."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Annotated, Any, Final, get_type_hints
from uuid import UUID

import typer

from leadkeeper.doors.cli.failing import Failed
from leadkeeper.doors.cli.installation import with_services
from leadkeeper.doors.cli.leads.ordering import OfEmail, OfOffer, Search, given_text, searched_text
from leadkeeper.doors.cli.remote.chosen import ask, remote_url
from leadkeeper.doors.cli.values import Since, Until, known_listed_state, milliseconds
from leadkeeper.texts import lazy_gettext as _

if TYPE_CHECKING:
    from leadkeeper.doors.cli.remote.client import Remote
    from leadkeeper.inbox.lists.filter import LeadFilter
    from leadkeeper.services import Services

NOBODY: Final = "nobody"


def known_follow_up(text: str | None) -> str | None:
    """``text`` if follow-up can be so, or nothing. Raises ``typer.BadParameter``."""
    if text is not None:
        from leadkeeper.inbox.lists.filter import FOLLOW_UPS

        if text not in FOLLOW_UPS:
            raise typer.BadParameter(_("choose one of %(choices)s", choices=", ".join(FOLLOW_UPS)))
    return text


OfPublisher = Annotated[str | None, typer.Option(help="Only this publisher's.")]
InState = Annotated[
    str | None,
    typer.Option(
        "--state",
        "--in-state",
        callback=known_listed_state,
        help="Only with a delivery in this state: delivered, waiting, held, setAside, ...; attention: that somebody "
        "must look at.",
    ),
]
OfSource = Annotated[str | None, typer.Option(help="Only from this source: AzureMarketplace, ...")]
OfAction = Annotated[str | None, typer.Option(help="Only of this action: INS, PLT, DNC, ...")]
OfCountry = Annotated[str | None, typer.Option(help="Only of customers from this country, as it was given.")]
ToDestination = Annotated[str | None, typer.Option(help="Only over a connection to this: salesforce, email, ...")]
FollowUp = Annotated[
    str | None,
    typer.Option(
        callback=known_follow_up,
        help="Only those whose follow-up is so: new, active, won, lost, declined, expired, closed, overdue.",
    ),
]
OfOwner = Annotated[
    str | None,
    typer.Option(
        help="Only those that this member follows up, or nobody: an id; with --publisher or --offer also an address."
    ),
]
Withheld = Annotated[
    bool | None, typer.Option("--withheld/--no-withheld", help="Only those withheld for privacy, or none.")
]
OfView = Annotated[
    str | None,
    typer.Option(
        help="Only the leads of this saved view; with --publisher, of a view of that publisher. Other filters cannot "
        "be added."
    ),
]
IsTest = Annotated[bool | None, typer.Option("--test/--no-test", help="Only test leads, or none.")]


@dataclass(frozen=True, slots=True)
class LeadOptions:
    """What was chosen; each field is an option of every command that :func:`filtered` makes."""

    offer: OfOffer = None
    publisher: OfPublisher = None
    in_state: InState = None
    source: OfSource = None
    action: OfAction = None
    country: OfCountry = None
    destination: ToDestination = None
    follow_up: FollowUp = None
    owner: OfOwner = None
    withheld: Withheld = None
    email: OfEmail = None
    search: Search = None
    test: IsTest = None
    since: Since = None
    until: Until = None
    view: OfView = None

    @property
    def publisher_id(self) -> str | None:
        """Whose leads they are, where that was said."""
        return self.offer.publisher_id if self.offer else self.publisher

    @property
    def given(self) -> set[str]:
        """The names of the options that were given."""
        return {each.name for each in fields(self) if getattr(self, each.name) is not None}

    def filters(self) -> LeadFilter:
        """What the inbox is asked for. Raises ``typer.BadParameter``, and :class:`Failed` for an owner nobody knows."""
        from leadkeeper.clock import now_ms
        from leadkeeper.inbox.lists.filter import LeadFilter
        from leadkeeper.lead import canonical_action, canonical_source

        if self.view is not None:
            return self._of_view(self.view)
        return LeadFilter(
            publisher_id=self.publisher_id,
            offer_id=self.offer.offer_id if self.offer else None,
            state=self.in_state,
            source=None if self.source is None else canonical_source(self.source),
            action=None if self.action is None else canonical_action(self.action),
            test=self.test,
            email=given_text(self.email),
            since_ms=milliseconds(self.since),
            until_ms=milliseconds(self.until),
            country=self.country,
            destination=None if self.destination is None else _destination(self.destination),
            follow_up=self.follow_up,
            owner_id=None if self.owner is None else _owner_id(self.publisher_id, self.owner),
            withheld=self.withheld,
            text=searched_text(self.search),
            now_ms=now_ms(),
        )

    def _of_view(self, name: str) -> LeadFilter:
        from leadkeeper.doors.cli.leads.views import view_filters

        if self.given - {"view", "publisher"}:
            raise typer.BadParameter(_("--view has filters of its own: only --publisher stands beside it"))
        return view_filters(name, self.publisher)


def filtered(command: Callable[..., None]) -> Callable[..., None]:
    """``command`` with the options of :class:`LeadOptions`, which it is given as its argument ``wanted``."""
    own = inspect.signature(command, eval_str=True)
    hints = get_type_hints(LeadOptions, include_extras=True)
    options = [
        inspect.Parameter(each.name, inspect.Parameter.KEYWORD_ONLY, default=each.default, annotation=hints[each.name])
        for each in fields(LeadOptions)
    ]
    parameters: list[inspect.Parameter] = []
    for each in own.parameters.values():
        parameters += options if each.name == "wanted" else [each.replace(kind=inspect.Parameter.KEYWORD_ONLY)]

    def called(**given: Any) -> None:
        wanted = LeadOptions(**{each.name: given.pop(each.name) for each in options})
        command(**given, wanted=wanted)

    called.__name__, called.__doc__ = command.__name__, command.__doc__
    called.__module__, called.__qualname__ = command.__module__, command.__qualname__
    called.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
    called.__annotations__ = {each.name: each.annotation for each in parameters}
    return called


def member_id(publisher_id: str | None, email: str, option: str) -> str:
    """The id of the member with this address. Raises ``typer.BadParameter`` and :class:`Failed`."""
    if publisher_id is None:
        raise typer.BadParameter(
            _("%(option)s needs --publisher or --offer: members belong to a publisher", option=option)
        )

    async def here(services: Services) -> list[tuple[str, str]]:
        return [(each.id, each.email) for each in await services.accounts.people.members(publisher_id)]

    async def there(remote: Remote) -> list[tuple[str, str]]:
        from leadkeeper.doors.cli.remote.catalogue import members

        return await members(remote, publisher_id)

    every = ask(lambda: with_services(here), there)
    found = [id_ for id_, address in every if address.casefold() == email.casefold()]
    if not found:
        raise Failed(_("No member of %(publisher)s has this address.", publisher=publisher_id))
    return found[0]


def _destination(called: str) -> str:
    """Its stored name; an installation elsewhere knows its own. Raises ``typer.BadParameter`` for none of ours."""
    if remote_url():
        return called
    from leadkeeper.doors.cli.installation import quiet_settings

    destinations = quiet_settings().destinations
    found = destinations.name_of(called)
    if found is None:
        raise typer.BadParameter(_("--destination: choose one of %(choices)s", choices=", ".join(destinations.choices)))
    return found


def _owner_id(publisher_id: str | None, owner: str) -> str:
    if owner == NOBODY:
        return ""
    try:
        return str(UUID(owner))
    except ValueError:
        if "@" not in owner:
            raise typer.BadParameter(_("--owner: nobody, a member's id, or their e-mail address")) from None
    return member_id(publisher_id, owner, "--owner")


def rest_words(filters: LeadFilter) -> dict[str, object]:
    """The filters in the words of the REST API, without those that name a customer; ``None`` where one is not given."""
    from leadkeeper.clock import to_text

    return {
        "publisherId": filters.publisher_id,
        "offerId": filters.offer_id,
        "state": filters.state,
        "source": filters.source,
        "action": filters.action,
        "test": filters.test,
        "country": filters.country,
        "destination": filters.destination,
        "followUp": filters.follow_up,
        "owner": "nobody" if filters.owner_id == "" else filters.owner_id,
        "withheld": filters.withheld,
        "since": None if filters.since_ms is None else to_text(filters.since_ms),
        "until": None if filters.until_ms is None else to_text(filters.until_ms),
        "sort": "oldest" if filters.oldest_first else filters.sort,
    }
