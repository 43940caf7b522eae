"""Doors are put together when something is first asked of them: most tests ask one or two of the seven.

To list a hundred routes is half of what it costs to open an installation, and thousands of tests open one.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final
from unittest import mock

from starlette.types import ASGIApp, Receive, Scope, Send

from leadkeeper import entrances
from leadkeeper.doors.contacts.app import ContactDoor
from leadkeeper.doors.docs.app import DocsDoor
from leadkeeper.doors.portal.app import Portal
from leadkeeper.doors.storefront.app import Storefront

_DOORS: Final[tuple[tuple[Any, str], ...]] = (
    (entrances, "create_api"),
    (entrances, "create_cloud_partner"),
    (ContactDoor, "app"),
    (DocsDoor, "app"),
    (Portal, "app"),
    (Storefront, "app"),
)


class DoorWhenAsked:
    """A door that ``make`` makes, for the first request or for whoever looks at one of its attributes."""

    def __init__(self, make: Callable[[], ASGIApp]) -> None:
        self._make = make

    @functools.cached_property
    def made(self) -> ASGIApp:
        """The door itself."""
        return self._make()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        await self.made(scope, receive, send)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.made, name)


def _when_asked(make: Callable[..., ASGIApp]) -> Callable[..., DoorWhenAsked]:
    @functools.wraps(make)
    def later(*given: Any, **more: Any) -> DoorWhenAsked:
        return DoorWhenAsked(functools.partial(make, *given, **more))

    return later


def make_doors_when_asked() -> None:
    """From now on in this process."""
    for owner, name in _DOORS:
        mock.patch.object(owner, name, _when_asked(getattr(owner, name))).start()
