"""The door for clients of Cloud Partner Portal's REST API, put together."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, ClassVar

from fastapi import FastAPI, Request, Response
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic.json_schema import models_json_schema
from pydantic_core import from_json, to_json

from leadkeeper import __version__
from leadkeeper.doors.bearer import Bearers
from leadkeeper.doors.client_address import ClientAddresses
from leadkeeper.doors.cloud_partner.callers import caller_of
from leadkeeper.doors.cloud_partner.errors import API_VERSION, ErrorDocument, install_errors
from leadkeeper.doors.cloud_partner.ingestion import Ingestion
from leadkeeper.doors.cloud_partner.offers import TAG, Offers
from leadkeeper.doors.cloud_partner.publishing import PublishingRoutes
from leadkeeper.doors.json_route import JsonRoute
from leadkeeper.services import Services

_NO_PROXIES = ClientAddresses()


class _OfferRoute(JsonRoute):
    limit: ClassVar[int] = 1024 * 1024  # a definition holds long descriptions of many plans

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def signed_in(request: Request) -> Response:
            # Before the body, which may be large, is read.
            await caller_of(request, request.app.state.bearers)
            return await handle(request)

        return signed_in


def create_cloud_partner(services: Services, addresses: ClientAddresses = _NO_PROXIES) -> FastAPI:
    """The API over ``services``, below ``/api`` and ``/v1.0``; ``addresses`` tells whose a request is."""
    app = FastAPI(
        title="Cloud Partner Portal",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        generate_unique_id_function=_operation_id,
    )
    app.router.route_class = _OfferRoute
    app.router.redirect_slashes = False
    app.state.bearers = Bearers(services.access.sign_ins, addresses, services.access.rates)
    app.state.languages = services.languages
    install_errors(app)
    Offers(services.offers.catalogue, services.offers.publication, services.connections).serve_on(app)
    PublishingRoutes(services.offers.publication, services.base_url).serve_on(app)
    Ingestion(services.offers.catalogue, services.offers.publication, services.connections).serve_on(app)
    return app


def document_of(app: FastAPI) -> dict[str, Any]:
    """Its OpenAPI document, to be shown as part of the whole one."""
    tags = [{"name": TAG, "description": "The API of Microsoft's former portal, for clients that speak it."}]
    document = get_openapi(title=app.title, version=app.version, routes=app.routes, tags=tags)
    _, errors = models_json_schema([(ErrorDocument, "validation")], ref_template="#/components/schemas/{model}")
    document["components"]["schemas"] |= errors["$defs"]
    for operations in document["paths"].values():
        for operation in operations.values():
            operation["security"] = [{"bearer": []}]
            for parameter in operation.get("parameters", []):
                if parameter["name"] == "api-version":  # a missing one has an error of its own
                    parameter |= {"required": True, "schema": {"const": API_VERSION}}
    return _renamed(document)


def _renamed(document: dict[str, Any]) -> dict[str, Any]:
    """With schemas named apart from those of other doors."""
    schemas = document["components"]["schemas"]
    text = to_json(document).decode()
    for name in schemas:
        text = text.replace(f'"#/components/schemas/{name}"', f'"#/components/schemas/CloudPartner{name}"')
    renamed: dict[str, Any] = from_json(text)
    own = renamed["components"]["schemas"]
    renamed["components"]["schemas"] = {f"CloudPartner{name}": schema for name, schema in own.items()}
    return renamed


def _operation_id(route: APIRoute) -> str:
    words = route.name.split("_")
    return "cloudPartner" + "".join(word.capitalize() for word in words)
