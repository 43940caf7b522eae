"""Where a lead goes in the demo: a connection to each of our destinations, as their stand-ins bring them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from importlib import import_module
from typing import Any

from leadkeeper.destinations.interface import Provider
from leadkeeper.destinations.registry import OURS
from leadkeeper.sandbox.place import Place, Scene


def every_place(scene: Scene) -> list[Place]:
    """The connections to every destination of this package, from the module ``place`` of its stand-in's package."""
    return [connect(destination.name, place) for destination in OURS for place in _places(destination)(scene)]


def connect(destination: str, place: Place) -> Place:
    """``place`` with its settings as Microsoft's resource ``customer-leads`` of the destination of that name."""
    provider = next(each for each in OURS if each.name == destination)
    broken = place.mishap.settings
    mishap = replace(place.mishap, settings=None if broken is None else _resource(provider, broken))
    return replace(place, settings=_resource(provider, place.settings), mishap=mishap)


def _places(destination: Provider) -> Callable[[Scene], Iterable[Place]]:
    found: Callable[[Scene], Iterable[Place]] = import_module(f"leadkeeper.sandbox.{destination.name}.place").places
    return found


def _resource(provider: Provider, settings: Mapping[str, Any]) -> dict[str, Any]:
    return {"leadDestination": provider.lead_destination, provider.config_key: dict(settings)}
