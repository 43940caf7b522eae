"""How ``leadkeeper connections`` shows a connection: as a line of a table, or whole. Secrets are masked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leadkeeper.doors.cli.showing import Cell, print_line, print_named, short_moment_of, state_text, to_json
from leadkeeper.doors.cli.telling import print_diagnosis
from leadkeeper.texts import lazy_gettext as _

if TYPE_CHECKING:
    from leadkeeper.connections.connection import Connection
    from leadkeeper.destinations.registry import Destinations
    from leadkeeper.texts import Language


def connection_resource(
    connection: Connection, language: Language, shown: frozenset[str] = frozenset()
) -> dict[str, Any]:
    """A connection as JSON, its diagnosis told in ``language``."""
    from leadkeeper.clock import now_ms
    from leadkeeper.doors.api.connection_views import connection_content

    return {"offer": str(connection.offer), **connection_content(connection, now_ms(), shown, language)}


def connection_row(resource: dict[str, Any], language: Language, destinations: Destinations) -> tuple[str | Cell, ...]:
    """Of the list: what it is, how it is doing since when, and why."""
    health = resource["health"]
    state, diagnosis = health["state"], health["diagnosis"]
    return (
        resource["offer"],
        resource["name"],
        "" if resource["title"] == resource["name"] else resource["title"],
        _destination(resource, destinations),
        state_text(state, _state_word(state, language)),
        short_moment_of(health["since"]),
        diagnosis["summary"] if diagnosis else "",
    )


def _destination(resource: dict[str, Any], destinations: Destinations) -> str:
    """The name of its kind of destination; as ``customer-leads`` calls it where this installation has none of it."""
    found = destinations.taking(resource["leadDestination"])
    return resource["leadDestination"] if found is None else found.name


def _state_word(state: str, language: Language) -> str:
    from leadkeeper.connections.state import STATE_WORDS, ConnectionState

    return language.gettext(STATE_WORDS[ConnectionState(state)])


def print_connection(resource: dict[str, Any], language: Language, destinations: Destinations) -> None:
    """All that is known of it."""
    from leadkeeper.views import DiagnosisView

    health = resource["health"]
    since = f" ({short_moment_of(health['since'])})" if health["since"] else ""
    print_line(f"{resource['offer']}/{resource['name']} ({_destination(resource, destinations)})")
    if resource["title"] != resource["name"]:
        print_line(f"  {resource['title']}")
    print_line(f"  {_state_word(health['state'], language)}{since}")
    for name, value in resource.items():
        if name.endswith("Configuration") and isinstance(value, dict):
            for setting, given in value.items():
                shown = given if isinstance(given, str) else to_json(given)
                print_line(f"  {setting:<28} {shown}")
    print_named(((_("Made"), resource["createdTime"]), (_("Changed"), resource["changedTime"])), indent="  ", width=28)
    if health["diagnosis"] is not None:
        print_diagnosis(DiagnosisView.model_validate(health["diagnosis"]), language)
