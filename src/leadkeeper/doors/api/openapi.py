"""One OpenAPI document: FastAPI's, the hot routes, the settings of all destinations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from leadkeeper.destinations.registry import Destinations
from leadkeeper.doors.api.connection_views import ContactView, HealthView, PendingChange, connection_schemas
from leadkeeper.doors.web import HotRoute, ProblemDocument

DESCRIPTION: Final = """Keeps every lead of a software marketplace and carries it to the publisher's own system.

Sign in with `Authorization: Bearer <key>`; make keys with `leadkeeper keys create`. A key is of role `operator` (all),
`marketplace` (hands in leads), `publisher:<id>` (all of that publisher), `contributor:<id>` (the same, but invites
nobody) or `reader:<id>` (only reads it). Errors are problem documents
(`application/problem+json`); their `type` is stable, and opens
[the page of that problem](/docs/reference/problems.html). Names and JSON follow Microsoft's where they exist.
"""
TAGS: Final = [
    {"name": "Leads", "description": "Handing leads in, and seeing what became of them."},
    {"name": "Deliveries", "description": "One lead on its way over one connection."},
    {"name": "Publishers and offers", "description": "Who offers what."},
    {"name": "Publishing", "description": "An offer's way from its draft over a preview to customers."},
    {"name": "Connections", "description": "Where an offer's leads go: one destination or several."},
    {"name": "Hooks", "description": "Addresses to give to Microsoft's marketplace as an offer's HTTPS endpoint."},
    {"name": "Keys", "description": "Who may call this API, in which role."},
    {"name": "Channels", "description": "Webhooks, Microsoft Teams and Slack: who is told of what happens."},
    {"name": "Attention", "description": "What needs attention."},
    {"name": "Audit", "description": "Who did what."},
    {"name": "Diagnoses", "description": "What errors mean, and what fixes them."},
    {"name": "System", "description": "Health, and measurements for operators."},
]


def openapi_of(
    app: FastAPI, destinations: Destinations, hot: Sequence[HotRoute], others: Sequence[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """The whole document, with the operations and schemas of the doors that ``others`` describe."""
    document = get_openapi(
        title=app.title, version=app.version, description=app.description, tags=app.openapi_tags, routes=app.routes
    )
    for route in hot:
        document["paths"].setdefault(route.path, {})["post"] = dict(route.operation)
    models: list[type[BaseModel]] = [
        ProblemDocument,
        ContactView,
        HealthView,
        PendingChange,
        *(model for route in hot for model in route.models),
    ]
    settings = [destination.config for destination in destinations]
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas |= _schemas([*models, *settings], "validation")
    schemas |= {f"{config.__name__}Shown": _shown(schemas[config.__name__]) for config in settings}
    schemas |= connection_schemas(destinations)
    _close_kinds(schemas, destinations)
    document["components"]["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}}
    for path, operations in document["paths"].items():
        for operation in operations.values():
            operation.setdefault("security", [{"bearer": []}] if path.startswith("/v1/") else [])
    for other in others:
        document["paths"] |= other["paths"]
        schemas |= other.get("components", {}).get("schemas", {})
        document["tags"] += [tag for tag in other.get("tags", []) if tag not in document["tags"]]
    return document


def _close_kinds(schemas: dict[str, Any], destinations: Destinations) -> None:
    """The causes of diagnoses are a closed list: the common ones, and those that the destinations here declare."""
    for name in ("DiagnosisView", "Explanation"):
        schemas[name]["properties"]["kind"]["enum"] = [kind.value for kind in destinations.kinds]


def _schemas(models: Sequence[type[BaseModel]], mode: JsonSchemaMode) -> dict[str, Any]:
    _, top = models_json_schema([(model, mode) for model in models], ref_template="#/components/schemas/{model}")
    found: dict[str, Any] = top["$defs"]
    return found


def _shown(schema: Any) -> Any:
    """The settings as they are read: a secret is there, masked, and old settings may lack what new ones must have."""
    if isinstance(schema, list):
        return [_shown(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("writeOnly"):
        return {key: schema[key] for key in ("title", "description", "type") if key in schema}
    shown = {key: _shown(value) for key, value in schema.items() if key not in ("properties", "required")}
    if "properties" in schema:
        shown["properties"] = {name: _shown(value) for name, value in schema["properties"].items()}
    return shown
