"""What the machinery around us asks: alive, ready, how it goes."""

from __future__ import annotations

from typing import Any, Final, Literal

from fastapi import FastAPI, Response
from pydantic import BaseModel, Field

from leadkeeper.clock import Clock
from leadkeeper.doors.api.metrics import CONTENT_TYPE, Metrics
from leadkeeper.doors.api.security import Operator
from leadkeeper.doors.web import problem_responses
from leadkeeper.problem import Problem, ProblemType
from leadkeeper.storage.engine import Storage, StorageAway
from leadkeeper.storage.probe import KeepingProbe
from leadkeeper.texts import lazy_gettext

MEASUREMENTS: Final = "/metrics"


class Alive(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Ready(BaseModel):
    """Leads can be kept. A damaged record stops nothing but itself, and waits for a person."""

    status: Literal["ready"] = "ready"
    damaged_records: int = Field(
        alias="damagedRecords",
        description="How many records in the database are known to be damaged (at most 10,000 are counted).",
    )
    remedy: str | None = Field(description="What to do about them; null where there are none.")


REMEDY: Final = (
    "Some stored records are damaged and cannot be read; everything else goes on. Run leadkeeper doctor: it names each "
    "and how to fix it."
)


class System:
    """``/healthz``, ``/readyz``: open to whoever can reach them. ``/metrics``: to operators, unless ``metrics_open``.

    None of them holds personal data, but measurements tell how much is sold.
    """

    def __init__(self, storage: Storage, metrics: Metrics, clock: Clock, *, metrics_open: bool) -> None:
        self._storage = storage
        self._clock = clock
        self._probe = KeepingProbe(storage)
        self._metrics = metrics
        self._open = metrics_open

    def serve_on(self, app: FastAPI) -> None:
        """Add the routes."""
        away = problem_responses(ProblemType.STORAGE_AWAY)
        app.add_api_route("/healthz", self.get_health, tags=["System"], summary="Is the process alive?")
        app.add_api_route("/readyz", self.get_ready, tags=["System"], summary="Can leads be kept?", responses=away)
        text: dict[int | str, dict[str, Any]] = {
            200: {"description": "Prometheus text.", "content": {CONTENT_TYPE: {"schema": {"type": "string"}}}}
        }
        closed = {} if self._open else problem_responses(ProblemType.UNAUTHORIZED, ProblemType.FORBIDDEN)
        app.add_api_route(
            MEASUREMENTS,
            self.get_metrics if self._open else self.get_closed_metrics,
            openapi_extra=None if self._open else {"security": [{"bearer": []}]},
            operation_id="getMetrics",
            tags=["System"],
            summary="Measurements for Prometheus",
            responses=text | closed,
            response_class=Response,
        )

    async def get_health(self) -> Alive:
        """It is; the database is not asked."""
        return Alive()

    async def get_ready(self) -> Ready:
        """Something was written to the database within the last second or so: a lead can be kept. Else it says why."""
        try:
            damaged = await self._probe.require()
        except StorageAway as error:
            raise Problem(
                ProblemType.STORAGE_AWAY, lazy_gettext("No lead can be kept: %(reason)s.", reason=error.reason)
            ) from error
        return Ready(damagedRecords=damaged, remedy=REMEDY if damaged else None)

    async def get_closed_metrics(self, _: Operator) -> Response:
        """Of this process alone; no personal data."""
        return await self.get_metrics()

    async def get_metrics(self) -> Response:
        """Of this process alone; no personal data."""
        return Response(await self._metrics.text(self._storage, self._clock()), media_type=CONTENT_TYPE)
