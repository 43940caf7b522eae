"""The REST API, put together."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from fastapi import FastAPI, Request, Response
from starlette.types import ASGIApp

from leadkeeper import __version__
from leadkeeper.doors.api.answers import Answers
from leadkeeper.doors.api.attention import AttentionRoutes
from leadkeeper.doors.api.audit import AuditRoutes
from leadkeeper.doors.api.batch import batch_route
from leadkeeper.doors.api.bulk import Bulk
from leadkeeper.doors.api.bulk_runs import BulkRunResource
from leadkeeper.doors.api.channels import ChannelRoutes
from leadkeeper.doors.api.connections import ConnectionRoutes
from leadkeeper.doors.api.contacts import ContactRoutes
from leadkeeper.doors.api.cross_listings import CrossListingRoutes
from leadkeeper.doors.api.deliveries import Deliveries
from leadkeeper.doors.api.differences import DifferenceRoutes
from leadkeeper.doors.api.explain import Explainer
from leadkeeper.doors.api.follow_up_upload import FollowUpUploadRoutes
from leadkeeper.doors.api.front import Front
from leadkeeper.doors.api.hand_in import hand_in_route
from leadkeeper.doors.api.hooks import HookRoutes
from leadkeeper.doors.api.keys import KeyRoutes
from leadkeeper.doors.api.language import speak
from leadkeeper.doors.api.lead_counts import LeadCountRoutes
from leadkeeper.doors.api.lead_download import LeadDownloadRoutes
from leadkeeper.doors.api.lead_views import LeadViewRoutes
from leadkeeper.doors.api.leads import Leads
from leadkeeper.doors.api.logos import Logos
from leadkeeper.doors.api.marketplace import MarketplaceRoutes
from leadkeeper.doors.api.members import MemberRoutes
from leadkeeper.doors.api.metrics import Metrics
from leadkeeper.doors.api.offers import Offers
from leadkeeper.doors.api.openapi import DESCRIPTION, TAGS, openapi_of
from leadkeeper.doors.api.oversight import OversightRoutes
from leadkeeper.doors.api.portal_links import PortalLinkRoutes
from leadkeeper.doors.api.problems import install_problems, problem_response
from leadkeeper.doors.api.publishers import Publishers
from leadkeeper.doors.api.publishing import PublishingRoutes
from leadkeeper.doors.api.reconciliation import ReconciliationRoutes
from leadkeeper.doors.api.retention import RetentionRoutes
from leadkeeper.doors.api.system import MEASUREMENTS, System
from leadkeeper.doors.bearer import Bearers
from leadkeeper.doors.client_address import ClientAddresses
from leadkeeper.doors.json_route import JsonRoute
from leadkeeper.doors.web import HotRoute
from leadkeeper.problem import internal
from leadkeeper.services import Services

_NO_PROXIES = ClientAddresses()


class _Routes(Protocol):
    def serve_on(self, app: FastAPI) -> None: ...


def create_api(
    services: Services,
    metrics: Metrics,
    *beside: HotRoute,
    documents: Sequence[Callable[[], Mapping[str, Any]]] = (),
    addresses: ClientAddresses = _NO_PROXIES,
    metrics_open: bool = False,
) -> ASGIApp:
    """The API over ``services``; ``beside`` are hot routes of other doors, served and documented with it.

    ``documents`` make the OpenAPI documents of further doors, which become part of the one shown. ``addresses`` tells
    whose a request is. ``metrics_open``: measurements need no key.
    """
    bearers = Bearers(services.access.sign_ins, addresses, services.access.rates)
    batch = batch_route(bearers, services.intake, metrics, services.languages)
    hot = (hand_in_route(bearers, services.intake, metrics), batch, *beside)
    app = _framework()
    speak(app, services.languages)
    for routes in _routes(services, metrics, metrics_open=metrics_open):
        routes.serve_on(app)
    app.openapi = functools.cache(  # type: ignore[method-assign]
        lambda: openapi_of(app, services.connections.destinations, hot, [document() for document in documents])
    )
    closed = ("/v1/",) if metrics_open else ("/v1/", MEASUREMENTS)
    return Front(app, hot, bearers, metrics, closed, services.languages)


def _routes(services: Services, metrics: Metrics, *, metrics_open: bool) -> Sequence[_Routes]:
    """All that speaks JSON by way of the framework, in the order of the document."""
    return (
        LeadCountRoutes(services.leads.reading),
        LeadViewRoutes(services.leads.lists),
        Leads(services.leads.reading, services.clock, services.connections.destinations),
        Bulk(services.leads.selection),
        BulkRunResource(services.leads.bulk_runs, services.clock, services.connections.destinations),
        LeadDownloadRoutes(services.leads.reading, services.connections.destinations, services.clock),
        FollowUpUploadRoutes(services.leads.follow_up_uploads, services.languages),
        AttentionRoutes(services.leads.attention, services.leads.punctuality, services.clock),
        AuditRoutes(services.access.audit),
        Deliveries(services.leads.redelivery, services.leads.sent_records, services.access.audit),
        Publishers(services.offers.catalogue, services.offers.suspensions),
        KeyRoutes(services.access.keys),
        OversightRoutes(services.leads.oversight, services.access.hooks),
        RetentionRoutes(services.retention),
        Offers(services.offers.catalogue),
        Logos(services.offers.logos, services.base_url),
        MarketplaceRoutes(services.marketplace, services.branding, services.base_url),
        PublishingRoutes(services.offers.publication, services.base_url),
        DifferenceRoutes(services.offers.differences, services.offers.publication),
        ConnectionRoutes(
            services.connections,
            services.connection_titles,
            services.validator,
            services.findings,
            services.leads.redelivery,
            services.clock,
        ),
        ReconciliationRoutes(services.reconciliation),
        CrossListingRoutes(services.offers.cross_listings),
        Answers(services.leads.reading, services.leads.costs),
        ChannelRoutes(services.channels),
        ContactRoutes(services.notices.answers),
        MemberRoutes(services.accounts.people, services.offers.catalogue),
        HookRoutes(services.access.hooks, services.hook_tests, services.base_url),
        PortalLinkRoutes(services.access.portal_links, services.base_url),
        Explainer(services.languages, services.connections.destinations),
        System(services.storage, metrics, services.clock, metrics_open=metrics_open),
    )


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
