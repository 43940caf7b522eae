"""The REST API, put together."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.types import ASGIApp

from leadkeeper import __version__
from leadkeeper.doors.api.answers import Answers
from leadkeeper.doors.api.attention import AttentionRoutes
from leadkeeper.doors.api.audit import AuditDesk
from leadkeeper.doors.api.batch import batch_route
from leadkeeper.doors.api.connections import ConnectionDesk
from leadkeeper.doors.api.cross_listings import CrossListingDesk
from leadkeeper.doors.api.deliveries import Deliveries
from leadkeeper.doors.api.differences import DifferenceDesk
from leadkeeper.doors.api.explain import Explainer
from leadkeeper.doors.api.front import Front
from leadkeeper.doors.api.hand_in import hand_in_route
from leadkeeper.doors.api.hooks import HookDesk
from leadkeeper.doors.api.language import speak
from leadkeeper.doors.api.leads import Leads
from leadkeeper.doors.api.metrics import Metrics
from leadkeeper.doors.api.offers import Offers
from leadkeeper.doors.api.openapi import DESCRIPTION, TAGS, openapi_of
from leadkeeper.doors.api.portal_links import PortalLinkDesk
from leadkeeper.doors.api.problems import install_problems, problem_response
from leadkeeper.doors.api.publishers import Publishers
from leadkeeper.doors.api.publishing import PublishingDesk
from leadkeeper.doors.api.system import MEASUREMENTS, System
from leadkeeper.doors.bearer import Bearers
from leadkeeper.doors.client_address import ClientAddresses
from leadkeeper.doors.json_route import JsonRoute
from leadkeeper.doors.web import HotRoute, internal
from leadkeeper.rooms import Rooms

_NO_PROXIES = ClientAddresses()


def create_api(
    rooms: Rooms,
    metrics: Metrics,
    *beside: HotRoute,
    documents: Sequence[Callable[[], Mapping[str, Any]]] = (),
    addresses: ClientAddresses = _NO_PROXIES,
    metrics_open: bool = False,
) -> ASGIApp:
    """The API over ``rooms``; ``beside`` are hot routes of other doors, served and documented with it.

    ``documents`` make the OpenAPI documents of further doors, which become part of the one shown. ``addresses`` tells
    whose a request is. ``metrics_open``: measurements need no key.
    """
    bearers = Bearers(rooms.sign_ins, addresses, rooms.rates)
    hot = (hand_in_route(bearers, rooms.intake, metrics), batch_route(bearers, rooms.intake, metrics), *beside)
    app = _framework()
    speak(app, rooms.languages)
    Leads(rooms.reading, rooms.clock).serve_on(app)
    AttentionRoutes(rooms.attention, rooms.clock).serve_on(app)
    AuditDesk(rooms.audit).serve_on(app)
    Deliveries(rooms.again, rooms.audit).serve_on(app)
    Publishers(rooms.catalogue).serve_on(app)
    Offers(rooms.catalogue).serve_on(app)
    PublishingDesk(rooms.publication, rooms.base_url).serve_on(app)
    DifferenceDesk(rooms.differences, rooms.publication).serve_on(app)
    ConnectionDesk(rooms.connections, rooms.validator, rooms.findings, rooms.again, rooms.clock).serve_on(app)
    CrossListingDesk(rooms.cross_listings).serve_on(app)
    Answers(rooms.reading, rooms.costs).serve_on(app)
    HookDesk(rooms.hooks, rooms.base_url).serve_on(app)
    PortalLinkDesk(rooms.portal_links, rooms.base_url).serve_on(app)
    Explainer(rooms.languages).serve_on(app)
    System(rooms.storage, metrics, rooms.clock, metrics_open=metrics_open).serve_on(app)
    app.openapi = functools.cache(  # type: ignore[method-assign]
        lambda: openapi_of(app, rooms.connections.destinations, hot, [document() for document in documents])
    )
    closed = ("/v1/",) if metrics_open else ("/v1/", MEASUREMENTS)
    return Front(app, hot, bearers, metrics, closed)


def _framework() -> FastAPI:
    app = FastAPI(
        title="Leadkeeper",
        version=__version__,
        description=DESCRIPTION,
        openapi_tags=TAGS,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.router.route_class = JsonRoute
    install_problems(app)

    async def of_fault(request: Request, _error: Exception) -> Response:
        return problem_response(internal(), request)

    app.add_exception_handler(Exception, of_fault)
    return app
