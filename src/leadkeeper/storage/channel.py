"""The channel on which the processes of an installation tell one another of work; PostgreSQL alone has it."""

from __future__ import annotations

from typing import Final

CHANNEL: Final = "leadkeeper_work"
