"""An offer's connections; ``customer-leads`` is the one named ``primary``, as Microsoft's resource of that name."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import FastAPI, Response
from pydantic import BaseModel, Field
from pydantic_core import to_json

from leadkeeper.access.permissions import Caller
from leadkeeper.clock import Clock
from leadkeeper.connections.connection import Connection
from leadkeeper.connections.connections import Connections
from leadkeeper.connections.findings import Findings
from leadkeeper.connections.titles import LONGEST_TITLE, ConnectionTitles
from leadkeeper.doors.api.connection_views import (
    ConnectionBody,
    ConnectionList,
    ConnectionResource,
    connection_content,
    no_connection,
)
from leadkeeper.doors.api.language import SUMMARY, Asked, language_headers
from leadkeeper.doors.api.paging import Paged
from leadkeeper.doors.api.resource import add
from leadkeeper.doors.api.schemas import Body, PreviewBody, ReplayBody, Text, to_ms
from leadkeeper.doors.api.security import ConnectionName, Offer, Owner
from leadkeeper.inbox.redelivery import Redelivery
from leadkeeper.json_types import WHOLE, Flag
from leadkeeper.model_errors import TEST_MARKER
from leadkeeper.offer import PRIMARY, OfferRef
from leadkeeper.problem import ProblemType, unknown_connection
from leadkeeper.texts import Language
from leadkeeper.validation.validator import Validator
from leadkeeper.views import PreviewView, Replayed, Validation

_TAG: Final = "Connections"
_OFFER: Final = "/v1/publishers/{publisherId}/offers/{offerId}"
_ONE: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "The connection.", "model": ConnectionResource, **SUMMARY}
}
_CREATED: Final = _ONE | {
    201: {"description": "The connection is new.", "model": ConnectionResource, **SUMMARY},
    202: {"description": "The new settings wait until they are proven.", "model": ConnectionResource, **SUMMARY},
}
_LIST: Final = {200: {"description": "The offer's connections.", "model": ConnectionList, **SUMMARY}}
_VALIDATION: Final[dict[int | str, dict[str, Any]]] = {200: SUMMARY}


class TestLeadBody(Body):
    """What became of the last test lead over a connection."""

    __test__ = False

    found: Flag = Field(description="Whether it was found there.")
    marker: str | None = Field(
        None,
        pattern=TEST_MARKER,
        description="Which test lead is meant: refused where it is not the last one.",
    )


class ConnectionTitleBody(Body):
    """What people call a connection."""

    title: Annotated[Text, Field(max_length=LONGEST_TITLE)] = Field(description="One line; empty: by its name.")


class ConnectionPlaceBody(Body):
    """A connection's place among those of its offer."""

    position: Annotated[int, Field(ge=1, le=2**31 - 1), WHOLE] = Field(
        description="From 1; beyond the last is the last."
    )


class ConnectionOrder(BaseModel):
    """An offer's connections in their order."""

    names: list[str]


class ConnectionRoutes:
    """``.../connections`` and ``.../customer-leads``."""

    def __init__(
        self,
        connections: Connections,
        titles: ConnectionTitles,
        validator: Validator,
        findings: Findings,
        again: Redelivery,
        clock: Clock,
    ) -> None:
        self._connections = connections
        self._titles = titles
        self._findings = findings
        self._validator = validator
        self._again = again
        self._clock = clock

    def serve_on(self, app: FastAPI) -> None:
        """Add the routes."""
        self._serve_customer_leads(app)
        offer, missing = ProblemType.UNKNOWN_OFFER, ProblemType.UNKNOWN_CONNECTION
        every = f"{_OFFER}/connections"
        one = every + "/{name}"
        summary = "List an offer's connections"
        add(app, "GET", every, self.list_connections, offer, tag=_TAG, summary=summary, responses=_LIST)
        summary = "Read a connection"
        add(app, "GET", one, self.get_connection, offer, missing, tag=_TAG, summary=summary, responses=_ONE)
        summary = "Make or change a connection"
        add(
            app,
            "PUT",
            one,
            self.put_connection,
            offer,
            ProblemType.DESTINATION_REQUIRED,
            ProblemType.QUOTA_EXCEEDED,
            tag=_TAG,
            summary=summary,
            responses=_CREATED,
        )
        summary = "Remove a connection"
        may_not = (ProblemType.DESTINATION_REQUIRED, ProblemType.RECORD_DAMAGED)
        add(app, "DELETE", one, self.delete_connection, offer, missing, *may_not, tag=_TAG, summary=summary, status=204)
        summary, path = "Forget new settings that wait to be proven", f"{one}/change"
        add(app, "DELETE", path, self.delete_change, offer, missing, tag=_TAG, summary=summary, status=204)
        self._serve_acts(app, one)

    def _serve_customer_leads(self, app: FastAPI) -> None:
        path, offer, needed = f"{_OFFER}/customer-leads", ProblemType.UNKNOWN_OFFER, ProblemType.DESTINATION_REQUIRED
        put, often = (offer, needed, ProblemType.QUOTA_EXCEEDED), ProblemType.TOO_MANY_REQUESTS
        summary = "Read the offer's lead destination"
        add(app, "GET", path, self.get_customer_leads, offer, tag=_TAG, summary=summary, responses=_ONE)
        summary = "Set the offer's lead destination"
        add(app, "PUT", path, self.put_customer_leads, *put, tag=_TAG, summary=summary, responses=_CREATED)
        summary = "Remove the offer's lead destination"
        may_not = (offer, needed, ProblemType.RECORD_DAMAGED)
        add(app, "DELETE", path, self.delete_customer_leads, *may_not, tag=_TAG, summary=summary, status=204)
        path, missing = f"{path}/validate", ProblemType.UNKNOWN_CONNECTION
        often = ProblemType.TOO_MANY_REQUESTS
        summary = "Check the offer's lead destination and send a test lead"
        more: dict[str, Any] = {"responses": _VALIDATION, "no_body": True}
        add(app, "POST", path, self.validate_customer_leads, offer, missing, often, tag=_TAG, summary=summary, **more)
        path, summary = f"{_OFFER}/customer-leads/test-lead", "Say whether the lead destination's test lead was found"
        message: dict[str, Any] = {"tag": _TAG, "summary": summary, "responses": _ONE}
        add(app, "POST", path, self.say_of_customer_leads, offer, missing, ProblemType.NOT_POSSIBLE_NOW, **message)

    def _serve_acts(self, app: FastAPI, one: str) -> None:
        problems = (ProblemType.UNKNOWN_OFFER, ProblemType.UNKNOWN_CONNECTION)
        often = ProblemType.TOO_MANY_REQUESTS
        summary = "Check a connection and send a test lead"
        path = f"{one}/validate"
        more: dict[str, Any] = {"responses": _VALIDATION, "no_body": True}
        add(app, "POST", path, self.validate_connection, *problems, often, tag=_TAG, summary=summary, **more)
        path, summary = f"{one}/test-lead", "Say whether a connection's test lead was found"
        message: dict[str, Any] = {"tag": _TAG, "summary": summary, "responses": _ONE}
        add(app, "POST", path, self.say_of_connection, *problems, ProblemType.NOT_POSSIBLE_NOW, **message)
        for act, endpoint, summary in (
            ("pause", self.pause_connection, "Hold a connection's leads"),
            ("resume", self.resume_connection, "Let a connection's leads go out"),
        ):
            path = f"{one}/{act}"
            add(app, "POST", path, endpoint, *problems, tag=_TAG, summary=summary, responses=_ONE, no_body=True)
        summary = "Give a connection another title"
        add(app, "POST", f"{one}/rename", self.rename_connection, *problems, tag=_TAG, summary=summary, responses=_ONE)
        summary = "Give a connection another place among its offer's"
        add(app, "POST", f"{one}/move", self.move_connection, *problems, tag=_TAG, summary=summary)
        summary = "See what would be sent over a connection"
        add(app, "POST", f"{one}/preview", self.preview_connection, *problems, often, tag=_TAG, summary=summary)
        summary = "Send leads over a connection again"
        add(app, "POST", f"{one}/replay", self.replay_connection, *problems, tag=_TAG, summary=summary)

    async def get_customer_leads(self, offer: Offer, _: Owner, language: Asked) -> Response:
        """Microsoft's resource; `{"leadDestination": "none"}` while there is none. Secrets read as `*********`."""
        connection = await self._connections.get(offer, PRIMARY)
        content = no_connection() if connection is None else self._content(connection, language)
        return _summary(content, language)

    async def put_customer_leads(self, offer: Offer, body: ConnectionBody, caller: Owner, language: Asked) -> Response:
        """The connection is tried at once and held leads go out. `none` removes it; a secret sent as `*********` stays.

        While the connection of a published offer works, new settings wait as `pendingChange` (202): they are validated
        within seconds, or at once by `validate`, and take effect when a test lead is taken with them; where no
        destination confirms it, the operator may want it to be found first.
        Contact e-mails that a publisher enters are asked whether they want notices: see `contacts`.
        Secrets that we make are shown this once. Settings of an old destination are not kept.
        """
        return await self._put(offer, PRIMARY, body, caller, language)

    async def delete_customer_leads(self, offer: Offer, caller: Owner) -> None:
        """Its leads that were not delivered are kept; they go out when a connection of this name is made again."""
        await self._connections.remove(offer, PRIMARY, by=caller.name)

    async def validate_customer_leads(self, offer: Offer, caller: Owner, language: Asked) -> Validation:
        """Checks what can be checked, then sends a real test lead over the real road."""
        return await self._validator.validate(offer, PRIMARY, by=caller.name, language=language)

    async def say_of_customer_leads(self, offer: Offer, body: TestLeadBody, caller: Owner, language: Asked) -> Response:
        """As for a connection's `test-lead`."""
        return await self._say(offer, PRIMARY, body, caller, language)

    async def list_connections(self, offer: Offer, _: Owner, language: Asked, page: Paged) -> Response:
        """By name, at most 200 at once; secrets read as `*********`."""
        found = await self._connections.page(offer, after=page.cursor, limit=page.limit)
        shown = [self._content(connection, language) for connection in found.connections]
        return _summary({"connections": shown, "nextCursor": found.next_cursor}, language)

    async def get_connection(self, offer: Offer, name: ConnectionName, _: Owner, language: Asked) -> Response:
        """Its settings and health; secrets read as `*********`."""
        connection = await self._connections.get(offer, name)
        if connection is None:
            raise unknown_connection(offer, name)
        return _summary(self._content(connection, language), language)

    async def put_connection(
        self, offer: Offer, name: ConnectionName, body: ConnectionBody, caller: Owner, language: Asked
    ) -> Response:
        """As for `customer-leads`: an offer may have any number of connections, and each gets every lead."""
        return await self._put(offer, name, body, caller, language)

    async def delete_connection(self, offer: Offer, name: ConnectionName, caller: Owner) -> None:
        """Its leads that were not delivered are kept; they go out when a connection of this name is made again."""
        if not await self._connections.remove(offer, name, by=caller.name):
            raise unknown_connection(offer, name)

    async def delete_change(self, offer: Offer, name: ConnectionName, caller: Owner) -> None:
        """The settings in effect go on. Nothing happens where none wait."""
        await self._connections.drop_change(offer, name, by=caller.name)

    async def validate_connection(
        self, offer: Offer, name: ConnectionName, caller: Owner, language: Asked
    ) -> Validation:
        """Checks what can be checked, then sends a real test lead over the real road."""
        return await self._validator.validate(offer, name, by=caller.name, language=language)

    async def say_of_connection(
        self, offer: Offer, name: ConnectionName, body: TestLeadBody, caller: Owner, language: Asked
    ) -> Response:
        """For a destination that does not confirm leads, after `validate`: search for the test lead's marker there.

        Found: the connection is `working`; leads that were held because one was not found go out, and publishing that
        waits for it goes on. Not found: it is `broken`, its diagnosis names what usually is wrong, and its leads are
        held. 409 where no test lead waits for a word. Who said so is kept, shown and audited.
        """
        return await self._say(offer, name, body, caller, language)

    async def preview_connection(
        self, offer: Offer, name: ConnectionName, body: PreviewBody, _: Owner, language: Asked
    ) -> PreviewView:
        """The record for a lead as given (parts that are missing are empty), or for a test lead. Nothing is sent."""
        return await self._validator.preview(offer, name, body.lead(offer), language)

    async def pause_connection(self, offer: Offer, name: ConnectionName, caller: Owner, language: Asked) -> Response:
        """Leads are held until it is resumed; none is lost."""
        paused = await self._connections.pause(offer, name, by=caller.name)
        return _summary(self._content(paused, language), language)

    async def rename_connection(
        self, offer: Offer, name: ConnectionName, body: ConnectionTitleBody, caller: Owner, language: Asked
    ) -> Response:
        """Pages, mails and lists call it so from now on. Its name, which stands in addresses, stays."""
        await self._titles.rename(offer, name, body.title, by=caller.name)
        return await self.get_connection(offer, name, caller, language)

    async def move_connection(
        self, offer: Offer, name: ConnectionName, body: ConnectionPlaceBody, caller: Owner
    ) -> ConnectionOrder:
        """Pages and lists show an offer's connections in this order. Each gets every lead: none goes before another."""
        names = await self._titles.move(offer, name, body.position, by=caller.name)
        return ConnectionOrder(names=list(names))

    async def resume_connection(self, offer: Offer, name: ConnectionName, caller: Owner, language: Asked) -> Response:
        """Whoever paused it, a person or a failure: it is tried anew."""
        resumed = await self._connections.resume(offer, name, by=caller.name)
        return _summary(self._content(resumed, language), language)

    async def replay_connection(self, offer: Offer, name: ConnectionName, body: ReplayBody, caller: Owner) -> Replayed:
        """By the time leads were handed in and the state of their deliveries; by default those that were set aside."""
        return await self._again.replay(
            offer,
            name,
            since_ms=to_ms(body.since),
            until_ms=to_ms(body.until),
            states=body.wanted(),
            missing=body.missing,
            dry_run=body.dry_run,
            by=caller.name,
        )

    async def _say(
        self, offer: OfferRef, name: str, body: TestLeadBody, caller: Caller, language: Language
    ) -> Response:
        message = await self._findings.say(offer, name, found=body.found, marker=body.marker, by=caller.name)
        return _summary(self._content(message, language), language)

    async def _put(
        self, offer: OfferRef, name: str, body: ConnectionBody, caller: Caller, language: Language
    ) -> Response:
        connection, is_new, shown = await self._connections.put(
            offer, name, body.root, by=caller.name, trusted=caller.is_operator
        )
        if connection is None:
            return _summary(no_connection(), language)
        status = 201 if is_new else 200 if connection.change is None else 202
        return _summary(self._content(connection, language, shown), language, status)

    def _content(
        self, connection: Connection, language: Language, shown: frozenset[str] = frozenset()
    ) -> dict[str, Any]:
        return connection_content(connection, self._clock(), shown, language)


def _summary(content: object, language: Language, status: int = 200) -> Response:
    return Response(to_json(content), status, language_headers(language), media_type="application/json")
