"""Channels on pages: a publisher's, and for operators their own. Made, tested, switched on, removed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from leadkeeper.catalogue import text_of
from leadkeeper.channels.channels import Channel, Wanted
from leadkeeper.channels.events import FOR_PEOPLE, MEANINGS, ChannelKind, Event
from leadkeeper.channels.why_off import off_view
from leadkeeper.doors.portal.labels import CHANNEL_EVENTS, CHANNELS
from leadkeeper.doors.portal.routes import Places, Routes, blank, form_of, to
from leadkeeper.doors.portal.session import Session
from leadkeeper.problem import Problem, ProblemType
from leadkeeper.texts import Language
from leadkeeper.texts import lazy_gettext as _

KIND_NAMES: Final[Mapping[ChannelKind, str]] = {
    ChannelKind.WEBHOOK: _("Webhook"),
    ChannelKind.TEAMS: "Microsoft Teams",
    ChannelKind.SLACK: "Slack",
}
PAGE: Final = "/portal/channels"


class ChannelPages:
    """``/portal/channels``."""

    def __init__(self, routes: Routes) -> None:
        self._routes = routes
        self._channels = routes.services.channels

    def places(self) -> Places:
        """The pages."""
        one = PAGE + "/{channel_id}"
        return [
            (PAGE, self._list, "GET"),
            (PAGE, self._make, "POST"),
            (one, self._one, "GET"),
            (one + "/test", self._test, "POST"),
            (one + "/rotate", self._rotate, "POST"),
            (one + "/switch-on", self._switch_on, "POST"),
            (one + "/remove", self._remove, "POST"),
        ]

    async def _list(self, request: Request, session: Session) -> Response:
        return await self._page(request, session)

    async def _make(self, request: Request, session: Session) -> Response:
        """The secret is shown in this answer alone."""
        form, language = await form_of(request), self._routes.language_of(request)
        kind = form.get("kind", "")
        events = tuple(event.value for event in Event if form.get(f"event-{event.value}"))
        try:
            if kind not in list(ChannelKind):
                raise Problem(ProblemType.INVALID_REQUEST, _("Choose what the address leads to."))
            wanted = Wanted(ChannelKind(kind), form.get("name", ""), form.get("address", ""), events, language.code)
            made = await self._channels.create(session.caller.publisher_id, wanted, by=session.caller.name)
        except Problem as problem:
            if problem.type not in (ProblemType.INVALID_REQUEST, ProblemType.QUOTA_EXCEEDED):
                raise
            shown = {name: value for name, value in form.items() if name != "address"}
            return await self._page(request, session, status=problem.status, wrong=problem.detail, form=blank(shown))
        if made.secret is None:
            return to(f"{PAGE}/{made.id}")
        return await self._page(request, session, secret=made.secret)

    async def _one(self, request: Request, session: Session) -> Response:
        return await self._channel_page(request, session)

    async def _test(self, request: Request, session: Session) -> Response:
        who, channel_id = session.caller, request.path_params["channel_id"]
        await self._channels.test(who.publisher_id, channel_id, by=who.name)
        return to(f"{PAGE}/{channel_id}")

    async def _rotate(self, request: Request, session: Session) -> Response:
        """The secret is shown in this answer alone."""
        who, channel_id = session.caller, request.path_params["channel_id"]
        secret = await self._channels.rotate(who.publisher_id, channel_id, by=who.name)
        return await self._channel_page(request, session, secret=secret)

    async def _switch_on(self, request: Request, session: Session) -> Response:
        who, channel_id = session.caller, request.path_params["channel_id"]
        await self._channels.switch_on(who.publisher_id, channel_id, by=who.name)
        return to(f"{PAGE}/{channel_id}")

    async def _remove(self, request: Request, session: Session) -> Response:
        who, channel_id = session.caller, request.path_params["channel_id"]
        await self._channels.remove(who.publisher_id, channel_id, by=who.name)
        return to(PAGE)

    async def _page(self, request: Request, session: Session, *, status: int = 200, **more: Any) -> Response:
        content: dict[str, Any] = {
            "channels": await self._channels.list(session.caller.publisher_id),
            "kinds": KIND_NAMES,
            "meanings": MEANINGS,
            "for_people": FOR_PEOPLE,
            "labels": CHANNELS,
            "secret": "",
            "wrong": "",
            "form": blank(),
        }
        return self._routes.page(request, "channels.html", status, None, **(content | more))

    async def _channel_page(self, request: Request, session: Session, *, secret: str = "") -> Response:
        publisher_id, channel_id = session.caller.publisher_id, request.path_params["channel_id"]
        events = await self._channels.events(publisher_id, channel_id)
        (channel,) = [each for each in await self._channels.list(publisher_id) if each.id == channel_id]
        language = self._routes.language_of(request)
        return self._routes.page(
            request,
            "channel.html",
            channel=channel,
            events=events,
            kinds=KIND_NAMES,
            meanings=MEANINGS,
            labels=CHANNELS,
            event_labels=CHANNEL_EVENTS,
            trouble=trouble_of(channel, language),
            off=off_view(channel.off, channel.disabled_at, language),
            secret=secret,
        )


def trouble_of(channel: Channel, language: Language) -> str:
    """Why the last event was not taken, in words; empty when it was."""
    if channel.trouble is None:
        return ""
    status = channel.trouble.evidence.status
    if status is not None:
        return language.gettext("The address answered with HTTP status %(status)s.", status=str(status))
    return text_of(channel.trouble.kind, language).summary
