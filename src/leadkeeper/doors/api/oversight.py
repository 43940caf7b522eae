"""What operators oversee: all hooks, all connections by state, what runs, which settings hold."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Final

from fastapi import FastAPI, Query
from pydantic import Field

from leadkeeper.access.hooks import Hooks
from leadkeeper.clock import to_text
from leadkeeper.connections.state import ConnectionState
from leadkeeper.doors.api.language import SUMMARY, Asked
from leadkeeper.doors.api.resource import add
from leadkeeper.doors.api.schemas import Body
from leadkeeper.doors.api.security import Operator
from leadkeeper.inbox.oversight.oversight import MOST, Oversight
from leadkeeper.inbox.oversight.running import MINUTES, MOST_COUNTED, RunningNow
from leadkeeper.model_errors import PLACE_CURSOR
from leadkeeper.offer import PUBLISHER_ID
from leadkeeper.views import View

_COUNTED: Final = f"no more than {MOST_COUNTED} are counted"


class OfEverybody(Body):
    """Which part of a list is asked for."""

    publisher_id: Annotated[str, Field(pattern=PUBLISHER_ID)] | None = Field(
        None, description="Those of one publisher."
    )
    limit: int = Field(MOST, ge=1, le=MOST)
    cursor: Annotated[str, Field(pattern=PLACE_CURSOR)] | None = Field(
        None, description="The nextCursor of the page before."
    )

    @property
    def after(self) -> tuple[str, str] | None:
        """Behind which offer's what the page begins."""
        if self.cursor is None:
            return None
        offer, _, name = self.cursor.partition("/")
        return offer, name


class ConnectionsQuery(OfEverybody):
    """Which connections are asked for."""

    state: ConnectionState | None = Field(None, description="Those in one state.")


class OverseenConnection(View):
    """A connection in the list of everybody's."""

    publisher_id: str
    offer_id: str
    name: str
    destination: str
    state: ConnectionState
    since: str | None = Field(description="Since when it is broken or fails, as far as that is known.")
    leads_waiting: int = Field(description=f"Leads that go out once it lets them; {_COUNTED}.")
    suspended: bool = Field(description="Whether its publisher is suspended.")


class OverseenConnections(View):
    """Connections by offer and name."""

    connections: list[OverseenConnection]
    next_cursor: str | None = Field(None, description="Where the next page begins; null on the last.")


class OverseenHook(View):
    """A hook in the list of everybody's."""

    id: str
    publisher_id: str
    offer_id: str
    created_at: str = Field(alias="createdTime")
    used_at: str | None = Field(
        alias="lastUsedTime", description="When a lead was posted to it last, to the minute; null if none was."
    )


class OverseenHooks(View):
    """Hooks by offer, oldest first."""

    hooks: list[OverseenHook]
    next_cursor: str | None = Field(None, description="Where the next page begins; null on the last.")


class ProcessView(View):
    """A process that runs."""

    id: str
    role: str = Field(description="serve, api or worker.")
    host: str
    version: str
    started_at: str = Field(alias="startedTime")
    seen_at: str = Field(alias="seenTime")
    ahead_ms: int = Field(description="How many milliseconds its machine's clock is ahead of the database's.")


class LeaseView(View):
    """A worker's word that it is alive."""

    id: str
    until: str
    deliveries: int = Field(description=f"How many it holds; {_COUNTED} over all leases.")


class QueueView(View):
    """The deliveries that have not ended."""

    due: int = Field(description=f"They go out now; {_COUNTED}.")
    later: int = Field(description=f"They wait for their next attempt; {_COUNTED}.")
    held: int = Field(
        description=f"Their connection is paused, broken, removed, or its publisher suspended; {_COUNTED}."
    )
    sending: int = Field(description=f"Workers hold them; {_COUNTED}.")
    set_aside: int = Field(description=f"They wait for a person, or for the end of an outage; {_COUNTED}.")
    by_outage: int = Field(description=f"Of those set aside: they go out when their connection works; {_COUNTED}.")
    unrouted: int = Field(description=f"Leads whose offer has no connection yet; {_COUNTED}.")
    lag_ms: int = Field(description="By how much the most overdue one is late.")
    oldest_at: str | None = Field(
        alias="oldestTime", description="When the lead came that waits longest, of those not held."
    )
    complete: bool = Field(
        description="False where so many connections have leads waiting that some were not looked at."
    )


class RunningView(View):
    """What runs and what waits."""

    processes: list[ProcessView]
    leases: list[LeaseView]
    queue: QueueView
    minutes: int = Field(description="Over how many minutes leads and sends are counted.")
    leads_kept: int = Field(description=f"Leads kept in that time; {_COUNTED}.")
    sends: dict[str, int] = Field(description=f"Attempts that ended in that time, by outcome; {_COUNTED}.")

    @classmethod
    def of(cls, found: RunningNow) -> RunningView:
        """The view of what was found."""
        queue, now = found.queue, found.now
        return cls(
            processes=[
                ProcessView(
                    id=each.id,
                    role=each.role,
                    host=each.host,
                    version=each.version,
                    started_at=to_text(each.started_at),
                    seen_at=to_text(each.seen_at),
                    ahead_ms=each.ahead_ms,
                )
                for each in found.processes
            ],
            leases=[
                LeaseView(id=each.id, until=to_text(each.until), deliveries=each.deliveries) for each in found.leases
            ],
            queue=QueueView(
                due=queue.due,
                later=queue.later,
                held=queue.held,
                sending=queue.sending,
                set_aside=queue.set_aside,
                by_outage=queue.by_outage,
                unrouted=queue.unrouted,
                lag_ms=0 if queue.due_at is None else now - queue.due_at,
                oldest_at=None if queue.oldest_at is None else to_text(queue.oldest_at),
                complete=queue.complete,
            ),
            minutes=MINUTES,
            leads_kept=found.came,
            sends=dict(found.sends),
        )


class SettingView(View):
    """A setting in force."""

    name: str
    value: str = Field(description="As it is written; empty where it is not set, ********* for a secret.")
    default: str
    origin: str = Field(description="default, environment, or given: in .env or by whoever started the program.")
    help: str


class SettingList(View):
    """The settings in force in the process that answers."""

    settings: list[SettingView]


class OversightRoutes:
    """``/v1/connections``, ``/v1/hooks``, ``/v1/workers``, ``/v1/settings``, for operators."""

    def __init__(self, oversight: Oversight, hooks: Hooks) -> None:
        self._oversight = oversight
        self._hooks = hooks

    def serve_on(self, app: FastAPI) -> None:
        """Add the routes."""
        connections, hooks = self.list_all_connections, self.list_all_hooks
        add(app, "GET", "/v1/connections", connections, tag="Connections", summary="List everybody's connections")
        add(app, "GET", "/v1/hooks", hooks, tag="Hooks", summary="List everybody's hooks")
        add(app, "GET", "/v1/workers", self.get_workers, tag="System", summary="What runs and what waits")
        settings, answered = self.list_settings, {200: SUMMARY}
        add(app, "GET", "/v1/settings", settings, tag="System", summary="The settings in force", responses=answered)

    async def list_all_connections(
        self, query: Annotated[ConnectionsQuery, Query()], _: Operator
    ) -> OverseenConnections:
        """For an operator; without their settings. Follow `nextCursor` until there is none."""
        limit = query.limit
        found = await self._oversight.connections(query.publisher_id, query.state, query.after, limit + 1)
        shown = [
            OverseenConnection(
                publisher_id=each.offer.publisher_id,
                offer_id=each.offer.offer_id,
                name=each.name,
                destination=each.destination,
                state=each.state,
                since=each.since,
                leads_waiting=waiting,
                suspended=each.suspended,
            )
            for each, waiting in found[:limit]
        ]
        last = found[limit - 1][0] if len(found) > limit else None
        return OverseenConnections(connections=shown, next_cursor=None if last is None else f"{last.offer}/{last.name}")

    async def list_all_hooks(self, query: Annotated[OfEverybody, Query()], _: Operator) -> OverseenHooks:
        """For an operator; their tokens are not known any more. Follow `nextCursor` until there is none."""
        found = await self._hooks.page(query.publisher_id, query.after, query.limit + 1)
        shown = [
            OverseenHook(
                id=each.id,
                publisher_id=each.offer.publisher_id,
                offer_id=each.offer.offer_id,
                created_at=each.created_at,
                used_at=each.used_at,
            )
            for each in found[: query.limit]
        ]
        last = found[query.limit - 1] if len(found) > query.limit else None
        return OverseenHooks(hooks=shown, next_cursor=None if last is None else f"{last.offer}/{last.id}")

    async def get_workers(self, _: Operator) -> RunningView:
        """For an operator: processes, leases, the queue, and how fast leads come and go; from what is kept."""
        return RunningView.of(await self._oversight.running())

    async def list_settings(self, _: Operator, language: Asked) -> SettingList:
        """For an operator: of the process that answers. Secrets are masked."""
        every = (replace(each, help=language.tell(each.help)) for each in self._oversight.settings)
        return SettingList(settings=[SettingView.model_validate(each) for each in every])
