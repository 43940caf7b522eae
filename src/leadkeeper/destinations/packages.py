"""Destinations of packages that are installed beside this one, as far as the operator names those packages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import metadata
from typing import Final

from leadkeeper.destinations.interface import Provider
from leadkeeper.destinations.registry import OURS, Destinations

GROUP: Final = "leadkeeper.destinations"
"""The group of entry points; each names one value of the class :class:`Provider`."""


def with_packages(names: Sequence[str]) -> Destinations:
    """Our destinations and those of the installed distributions ``names``, in that order.

    Imports what their entry points name; what is not named is not imported. Raises ``ValueError``, in one line that
    names the package: it is not installed, has no destination, cannot be imported, or takes a name that is taken.
    """
    providers = list(OURS)
    for name in names:
        for provider in _of(name):
            try:
                Destinations([*providers, provider])
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None
            providers.append(provider)
    return Destinations(providers)


def _of(name: str) -> Iterator[Provider]:
    try:
        points = metadata.distribution(name).entry_points.select(group=GROUP)
    except (metadata.PackageNotFoundError, ValueError):
        raise ValueError(f"{name[:100]!r} is not installed") from None
    if not points:
        raise ValueError(f"{name} has no entry point of the group {GROUP}")
    for point in points:
        try:
            found = point.load()
        except Exception as error:
            # The package is not ours: whatever it raises, the operator is to hear which one it was.
            raise ValueError(f"{name}: {point.value} cannot be imported ({type(error).__name__})") from error
        if not isinstance(found, Provider):
            raise ValueError(f"{name}: {point.value} is not a value of the class Provider")
        for kind in (kind for kinds in found.kinds for kind in kinds):
            if not kind.value.startswith(f"{found.lead_destination}."):
                raise ValueError(f"{name}: {kind.value} does not begin with {found.lead_destination} and a dot")
        yield found
