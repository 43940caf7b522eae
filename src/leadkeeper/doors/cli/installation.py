"""Running a command's work on the services, straight on the database."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from leadkeeper.doors.cli.remote.chosen import require_here

if TYPE_CHECKING:
    from leadkeeper.services import Services
    from leadkeeper.settings import Settings

R = TypeVar("R")

BY = "cli"
"""How the audit names who works at the command line."""


def with_services(work: Callable[[Services], Awaitable[R]]) -> R:
    """What ``work`` answers, given the services over the database of this process's settings (made when missing).

    Raises :class:`Failed` where another installation is meant.
    """
    require_here()
    import asyncio

    from leadkeeper.app import open_services

    settings = quiet_settings()

    async def run() -> R:
        async with open_services(settings, worker=False) as installation:
            return await work(installation.services)

    return asyncio.run(run())


def quiet_settings() -> Settings:
    """This process's settings; from here on the log shows warnings and worse only."""
    from leadkeeper.app import configure_logging
    from leadkeeper.settings import load_settings

    settings = load_settings()
    quieter = settings.log_level if settings.log_level in {"warning", "error"} else "warning"
    configure_logging(settings.model_copy(update={"log_level": quieter}))
    return settings
