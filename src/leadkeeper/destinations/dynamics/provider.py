"""Dynamics 365 as a destination: what the rest of the program knows of it, and how it is opened."""

from __future__ import annotations

from typing import Final

from leadkeeper.destinations.dynamics.adapter import Dynamics
from leadkeeper.destinations.dynamics.settings import DynamicsConfig
from leadkeeper.destinations.interface import Adapter, Config, Context, MicrosoftNames, Provider


def _open(config: Config, context: Context) -> Adapter:
    assert isinstance(config, DynamicsConfig)
    return Dynamics(config, context.network, context.now, context.clock)


DYNAMICS: Final = Provider(
    name="dynamics",
    title="Dynamics 365",
    microsoft=MicrosoftNames("dynamics", "dynamicsLeadConfiguration", "DynamicsCRM", "crmLeadConfiguration"),
    config=DynamicsConfig,
    open=_open,
)
