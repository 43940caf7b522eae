"""Channels: webhooks and chats that are told of leads, connections and offers. A publisher's, and the operator's."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import FastAPI, Path
from pydantic import Field

from leadkeeper.catalogue import text_of
from leadkeeper.channels.channels import LONGEST_ADDRESS, LONGEST_NAME, Channel, Channels, NewChannel, Wanted
from leadkeeper.channels.events import ChannelKind, Event
from leadkeeper.channels.why_off import ChannelOffView, off_view
from leadkeeper.clock import to_text
from leadkeeper.doors.api.language import SUMMARY, Asked
from leadkeeper.doors.api.resource import add
from leadkeeper.doors.api.schemas import Body
from leadkeeper.doors.api.security import Operator, Owner, PublisherId
from leadkeeper.problem import ProblemType
from leadkeeper.texts import Language
from leadkeeper.views import View


class ChannelBody(Body):
    """What is told, and where."""

    kind: ChannelKind = Field(description="What the address leads to.")
    name: str = Field(min_length=1, max_length=LONGEST_NAME, description="What people call it.", examples=["Sales"])
    address: str = Field(
        max_length=LONGEST_ADDRESS,
        description="https; it is kept as a secret and not shown again.",
        examples=["https://hooks.example.com/leadkeeper"],
    )
    events: list[Event] = Field([], description="What to tell; everything that the kind can be told if empty.")
    language: str = Field("en", max_length=10, description="Of a chat's messages.")


class TroubleView(View):
    """Why the last event was not taken."""

    kind: str
    status: int | None
    summary: str


class ChannelView(View):
    """A channel; its address and secret are not shown."""

    id: str
    publisher_id: str | None
    kind: ChannelKind
    name: str
    host: str
    events: list[str]
    language: str
    state: Literal["notTried", "working", "failing", "off"]
    waiting: int = Field(description="Events that wait, counted up to 1,000.")
    created_time: str
    taken_time: str | None = Field(description="When something was taken last.")
    failing_since: str | None
    trouble: TroubleView | None
    off: ChannelOffView | None = Field(None, description="Why it is switched off; null where it is not.")


class ChannelList(View):
    """Channels, oldest first."""

    channels: list[ChannelView]


class NewChannelView(View):
    """A channel that was just made: the only moment at which its signing secret is known; a chat has none."""

    id: str
    secret: str | None


class NewSecretView(View):
    """A new signing secret, shown this once."""

    secret: str


class SentTestView(View):
    """A test that was sent: the id that its request carries as ``webhook-id``."""

    event_id: str


class ShownEventView(View):
    """An event of a channel, and what became of it."""

    id: str
    kind: str
    created_time: str
    state: Literal["waiting", "taken", "givenUp"]
    tries: int
    status: int | None = Field(description="HTTP status of the last answer, if one came.")


class EventList(View):
    """A channel's newest events, the newest first."""

    events: list[ShownEventView]


ChannelId = Annotated[UUID, Path(alias="channelId")]


class ChannelRoutes:
    """``/v1/publishers/{publisherId}/channels`` and, for the operator's own, ``/v1/channels``."""

    def __init__(self, channels: Channels) -> None:
        self._channels = channels

    def serve_on(self, app: FastAPI) -> None:
        """Add the routes."""
        self._serve(app, "/v1/publishers/{publisherId}/channels", _OfPublisher(self._channels))
        self._serve(app, "/v1/channels", _OfOperator(self._channels))

    def _serve(self, app: FastAPI, every: str, of: _OfPublisher | _OfOperator) -> None:
        def put(method: str, path: str, endpoint: Any, *problems: ProblemType, summary: str, **more: Any) -> None:
            named = f"{endpoint.__name__.rstrip('_')}_{of.named}"
            summary = f"{summary} of {of.whose}"
            add(app, method, path, endpoint, *problems, tag="Channels", summary=summary, named=named, **more)

        unknown, missing, quota = ProblemType.UNKNOWN_PUBLISHER, ProblemType.NOT_FOUND, ProblemType.QUOTA_EXCEEDED
        not_now, one = ProblemType.NOT_POSSIBLE_NOW, every + "/{channelId}"
        put("GET", every, of.list_, summary="List channels", responses={200: SUMMARY})
        put("POST", every, of.create, unknown, quota, summary="Make a channel", status=201)
        put("GET", one + "/events", of.events, missing, summary="List a channel's newest events")
        act: dict[str, Any] = {"no_body": True}
        put("POST", one + "/rotate", of.rotate, missing, not_now, summary="Make a new signing secret", **act)
        put("POST", one + "/test", of.test, missing, not_now, summary="Send a test", status=202, **act)
        on = "Switch a channel on"
        put("POST", one + "/switch-on", of.switch_on, missing, not_now, summary=on, status=204, **act)
        put("DELETE", one, of.remove, missing, summary="Remove a channel", status=204)


class _OfPublisher:
    """The calls for a publisher's channels."""

    whose, named = "a publisher", "channel_of_publisher"

    def __init__(self, channels: Channels) -> None:
        self._channels = channels

    async def list_(self, publisher_id: PublisherId, _: Owner, language: Asked) -> ChannelList:
        """For an operator, or the publisher."""
        return _listed(await self._channels.list(publisher_id), language)

    async def create(self, publisher_id: PublisherId, body: ChannelBody, caller: Owner) -> NewChannelView:
        """It is told from now on; in other processes from a few seconds later on. The secret is shown this once."""
        return _made(await self._channels.create(publisher_id, _wanted(body), by=caller.name))

    async def events(self, publisher_id: PublisherId, channel_id: ChannelId, _: Owner) -> EventList:
        """At most 50; what was taken or given up is kept for a week."""
        return EventList.model_validate({"events": await self._channels.events(publisher_id, str(channel_id))})

    async def rotate(self, publisher_id: PublisherId, channel_id: ChannelId, caller: Owner) -> NewSecretView:
        """For a day events are signed with the secret before it as well."""
        return NewSecretView(secret=await self._channels.rotate(publisher_id, str(channel_id), by=caller.name))

    async def test(self, publisher_id: PublisherId, channel_id: ChannelId, caller: Owner) -> SentTestView:
        """A `channel.test` event goes out within seconds; the channel's events show what came of it."""
        return SentTestView(event_id=await self._channels.test(publisher_id, str(channel_id), by=caller.name))

    async def switch_on(self, publisher_id: PublisherId, channel_id: ChannelId, caller: Owner) -> None:
        """One that rests or was switched off is tried at once, with everything that waits for it.

        It is not possible where more than 200,000 events wait: a new channel takes its place.
        """
        await self._channels.switch_on(publisher_id, str(channel_id), by=caller.name)

    async def remove(self, publisher_id: PublisherId, channel_id: ChannelId, caller: Owner) -> None:
        """Its secrets and what waits for it are forgotten."""
        await self._channels.remove(publisher_id, str(channel_id), by=caller.name)


class _OfOperator:
    """The same calls for the operator's channels, which are told of all publishers."""

    whose, named = "the operator", "channel_of_operator"

    def __init__(self, channels: Channels) -> None:
        self._channels = channels

    async def list_(self, _: Operator, language: Asked) -> ChannelList:
        """They are told of what concerns any publisher."""
        return _listed(await self._channels.list(None), language)

    async def create(self, body: ChannelBody, caller: Operator) -> NewChannelView:
        """It is told from now on; in other processes from a few seconds later on. The secret is shown this once."""
        return _made(await self._channels.create(None, _wanted(body), by=caller.name))

    async def events(self, channel_id: ChannelId, _: Operator) -> EventList:
        """At most 50; what was taken or given up is kept for a week."""
        return EventList.model_validate({"events": await self._channels.events(None, str(channel_id))})

    async def rotate(self, channel_id: ChannelId, caller: Operator) -> NewSecretView:
        """For a day events are signed with the secret before it as well."""
        return NewSecretView(secret=await self._channels.rotate(None, str(channel_id), by=caller.name))

    async def test(self, channel_id: ChannelId, caller: Operator) -> SentTestView:
        """A `channel.test` event goes out within seconds; the channel's events show what came of it."""
        return SentTestView(event_id=await self._channels.test(None, str(channel_id), by=caller.name))

    async def switch_on(self, channel_id: ChannelId, caller: Operator) -> None:
        """One that rests or was switched off is tried at once, with everything that waits for it.

        It is not possible where more than 200,000 events wait: a new channel takes its place.
        """
        await self._channels.switch_on(None, str(channel_id), by=caller.name)

    async def remove(self, channel_id: ChannelId, caller: Operator) -> None:
        """Its secrets and what waits for it are forgotten."""
        await self._channels.remove(None, str(channel_id), by=caller.name)


def _wanted(body: ChannelBody) -> Wanted:
    return Wanted(body.kind, body.name, body.address, tuple(body.events), body.language)


def _made(made: NewChannel) -> NewChannelView:
    return NewChannelView(id=made.id, secret=made.secret)


def _listed(channels: list[Channel], language: Language) -> ChannelList:
    return ChannelList(channels=[channel_view(each, language) for each in channels])


def channel_view(one: Channel, language: Language) -> ChannelView:
    """A channel as it is shown, its trouble told in ``language``."""
    trouble = None
    if one.trouble is not None:
        kind = one.trouble.kind
        summary = text_of(kind, language).summary
        trouble = TroubleView(kind=kind.value, status=one.trouble.evidence.status, summary=summary)
    return ChannelView(
        id=one.id,
        publisher_id=one.publisher_id,
        kind=one.kind,
        name=one.name,
        host=one.host,
        events=list(one.events),
        language=one.language,
        state=one.state,
        waiting=one.waiting,
        created_time=to_text(one.created_at),
        taken_time=None if one.taken_at is None else to_text(one.taken_at),
        failing_since=None if one.failing_since is None else to_text(one.failing_since),
        trouble=trouble,
        off=off_view(one.off, one.disabled_at, language),
    )
