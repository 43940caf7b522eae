"""What stands for a destination that a connection names though nobody provides it any more."""

from __future__ import annotations

import functools
from typing import Final, NoReturn

from pydantic import ConfigDict

from leadkeeper.catalogue import diagnose
from leadkeeper.destinations.interface import Config, Context, MicrosoftNames, Provider
from leadkeeper.diagnosis import Diagnosis, Kind

NOT_INSTALLED: Final[Diagnosis] = diagnose(Kind.DESTINATION_NOT_INSTALLED)
"""What is wrong with every connection to such a destination."""


class AbsentConfig(Config):
    """Settings of which nobody knows what they mean: all are kept and shown as they are stored."""

    model_config = ConfigDict(extra="allow")


def _open(config: Config, context: Context) -> NoReturn:
    raise LookupError("the destination's package is not installed")


@functools.lru_cache(maxsize=64)
def absent(name: str) -> Provider:
    """A provider that keeps the place of the one called ``name``; it cannot be opened."""
    microsoft = MicrosoftNames(name, f"{name}LeadConfiguration", name, f"{name}LeadConfiguration")
    return Provider(name=name, title=name, microsoft=microsoft, config=AbsentConfig, open=_open, installed=False)
