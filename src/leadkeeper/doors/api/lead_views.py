"""Saved views of the list of leads: filters under a name."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Final
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from fastapi import FastAPI, Path, Query
from pydantic import Field, ValidationError

from leadkeeper.access.permissions import Caller, Permission
from leadkeeper.doors.api.leads import LeadFilters, OwnerOrMe
from leadkeeper.doors.api.resource import add
from leadkeeper.doors.api.schemas import Body, Text
from leadkeeper.doors.api.security import Reader, forbidden, visible
from leadkeeper.inbox.lists.columns import LONGEST_NAME, LeadLists, SavedView
from leadkeeper.model_errors import NOT_BLANK
from leadkeeper.offer import PUBLISHER_ID
from leadkeeper.problem import FieldError, Problem, ProblemType
from leadkeeper.texts import join_lazily
from leadkeeper.texts import lazy_gettext as _
from leadkeeper.views import View

_AT: Final = "/v1/leads/views"
_SAME: Final = {
    "publisher_id": "publisher",
    "offer_id": "offer",
    "state": "state",
    "source": "source",
    "action": "action",
    "country": "country",
    "destination": "destination",
    "follow_up": "follow",
    "owner": "owner",
    "sort": "sort",
}
"""The page's words for what both write alike."""
_TESTS: Final = {"": False, "no": False, "yes": True, "all": None}
_DAY: Final = timedelta(days=1)
_MOMENT: Final = timedelta(microseconds=1)
OfPublisher = Annotated[str | None, Query(alias="publisherId", pattern=PUBLISHER_ID)]
ViewId = Annotated[UUID, Path(alias="viewId")]


class ViewFilters(LeadFilters):
    """The filters of a view, those of the list of leads; whole days (UTC) of its moments."""

    source: Annotated[Text, Field(max_length=120)] | None = None
    action: Annotated[Text, Field(max_length=60)] | None = None
    owner: OwnerOrMe | None = Field(
        None, description="The member who follows it up, `nobody`, or `me`: whoever looks at the page."
    )

    def query(self) -> str:
        """As the page's address has them."""
        found = {word: getattr(self, name) for name, word in _SAME.items()}
        found["test"] = {True: "yes", False: None, None: "all"}[self.test]
        found["withheld"] = {True: "yes", False: "no", None: None}[self.withheld]
        found["since"] = None if self.since is None else _utc(self.since).date().isoformat()
        found["until"] = None if self.until is None else _last_day(self.until).isoformat()
        return urlencode({word: str(value) for word, value in found.items() if value is not None})

    @classmethod
    def of(cls, query: str) -> ViewFilters:
        """Out of the page's address. Raises ``ValidationError`` for what the page never writes."""
        values = dict(parse_qsl(query))
        found: dict[str, Any] = {name: values.get(word) for name, word in _SAME.items()}
        found["test"] = _TESTS.get(values.get("test", ""), False)
        found["withheld"] = {"yes": True, "no": False}.get(values.get("withheld", ""))
        found |= {"since": _moment(values, "since"), "until": _moment(values, "until")}
        if found["until"] is not None:  # nothing comes after the last day that there is
            found["until"] = None if found["until"].date() == date.max else found["until"] + _DAY
        return cls.model_validate(found)


class LeadViewBody(Body):
    """A view to save."""

    name: Annotated[Text, Field(min_length=1, max_length=LONGEST_NAME, pattern=NOT_BLANK)]
    filters: ViewFilters
    shared: bool = Field(False, description="Other members, and keys, see it too.")
    publisher_id: Annotated[str, Field(pattern=PUBLISHER_ID)] | None = Field(
        None, description="Whose view it is; for an operator's key."
    )


class SavedLeadView(View):
    """A saved view."""

    id: str
    name: str
    shared: bool = Field(description="Others see it, too.")
    own: bool = Field(description="Whoever asks saved it.")
    filters: ViewFilters

    @classmethod
    def of(cls, found: SavedView) -> SavedLeadView | None:
        """The view; ``None`` for one whose filters mean nothing any more."""
        try:
            filters = ViewFilters.of(found.query)
        except (ValidationError, OverflowError):
            return None
        return cls(id=found.id, name=found.name, shared=found.shared, own=found.own, filters=filters)


class LeadViewList(View):
    """The views that whoever asks may see, by name."""

    views: tuple[SavedLeadView, ...]


class LeadViewRoutes:
    """``/v1/leads/views``; served before a lead, whose path is alike."""

    def __init__(self, lists: LeadLists) -> None:
        self._lists = lists

    def serve_on(self, app: FastAPI) -> None:
        """Add the routes."""
        add(app, "GET", _AT, self.list_lead_views, tag="Leads", summary="List the saved views of the list of leads")
        add(app, "POST", _AT, self.save_lead_view, tag="Leads", summary="Save filters of the list of leads by a name")
        one, missing = _AT + "/{viewId}", ProblemType.NOT_FOUND
        add(app, "DELETE", one, self.remove_lead_view, missing, tag="Leads", summary="Forget a view", status=204)

    async def list_lead_views(self, caller: Reader, publisher_id: OfPublisher = None) -> LeadViewList:
        """Those of a publisher, else an operator's; one's own, and what others share."""
        return await views_of(self._lists, caller.name, _whose(caller, publisher_id))

    async def save_lead_view(self, body: LeadViewBody, caller: Reader) -> SavedLeadView:
        """One of the same name is replaced. Nothing that names a customer is kept: no address, no searched text."""
        _require_change(caller)
        whose = _whose(caller, body.publisher_id)
        _require_looked_at(body)
        return await save_view(self._lists, caller.name, whose, body)

    async def remove_lead_view(self, view_id: ViewId, caller: Reader, publisher_id: OfPublisher = None) -> None:
        """One's own, or one that others share."""
        _require_change(caller)
        whose = _whose(caller, publisher_id)
        if not await self._lists.remove(caller.name, whose, str(view_id), others=True):
            raise Problem(ProblemType.NOT_FOUND, _("There is no view %(view)s.", view=view_id))


async def views_of(lists: LeadLists, who: str, publisher_id: str | None) -> LeadViewList:
    """The views there that ``who`` may see."""
    found = [SavedLeadView.of(each) for each in await lists.views(who, publisher_id)]
    return LeadViewList(views=tuple(each for each in found if each is not None))


async def save_view(lists: LeadLists, who: str, publisher_id: str | None, body: LeadViewBody) -> SavedLeadView:
    """Save it there; the view as it is then. Raises :class:`Problem`."""
    query = body.filters.query()
    await lists.save(who, publisher_id, body.name, query, shared=body.shared)
    name = " ".join(body.name.split())
    (saved,) = [each for each in await lists.views(who, publisher_id) if each.own and each.name == name]
    view = SavedLeadView.of(saved)
    assert view is not None
    return view


def _whose(caller: Caller, publisher_id: str | None) -> str | None:
    return visible(caller, publisher_id, _("A publisher sees its own views only."))


def _require_change(caller: Caller) -> None:
    if not caller.may(Permission.CHANGE, caller.publisher_id):
        raise forbidden(_("A key of role reader may only read."))


def _require_looked_at(body: LeadViewBody) -> None:
    """A key owns no leads: a view of one's own is for people, who see it where it is shared."""
    if body.filters.owner == "me" and not body.shared:
        error = FieldError("filters.owner", _("me is a person, and a key is none: share the view, or name a member"))
        raise Problem(ProblemType.INVALID_REQUEST, join_lazily((error.field, ": ", error.message, "."), ""), (error,))


def _utc(moment: datetime) -> datetime:
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:  # at the ends of time no offset can be taken away
        return moment.replace(tzinfo=UTC)


def _last_day(until: datetime) -> date:
    """The last day of which something comes before ``until``."""
    moment = _utc(until)
    return moment.date() if moment == datetime.min.replace(tzinfo=UTC) else (moment - _MOMENT).date()


def _moment(values: Mapping[str, str], name: str) -> datetime | None:
    day = values.get(name)
    return None if day is None else _utc(datetime.fromisoformat(day))
