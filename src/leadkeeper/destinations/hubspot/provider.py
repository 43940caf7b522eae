"""HubSpot as a destination: what the rest of the program knows of it, and how it is opened."""

from __future__ import annotations

from typing import Final

from leadkeeper.destinations.hubspot.diagnoses import HubSpotKind
from leadkeeper.destinations.hubspot.errors import CODES, STATUSES
from leadkeeper.destinations.hubspot.guide import GUIDE
from leadkeeper.destinations.hubspot.settings import HubSpotConfig
from leadkeeper.destinations.interface import Adapter, Config, Context, ErrorCodes, MicrosoftNames, Provider


def _open(config: Config, context: Context) -> Adapter:
    from leadkeeper.destinations.hubspot.form import HubSpotForm
    from leadkeeper.destinations.hubspot.rest import HubSpotRestApi

    assert isinstance(config, HubSpotConfig)
    line = HubSpotRestApi if config.rest else HubSpotForm
    return line(config, context.network, context.now)


def _reads_back(config: Config) -> bool:
    return isinstance(config, HubSpotConfig) and config.rest


HUBSPOT: Final = Provider(
    name="hubspot",
    title="HubSpot",
    # None of Microsoft's destinations: named as they are.
    microsoft=MicrosoftNames("hubSpot", "hubSpotLeadConfiguration", "HubSpot", "hubSpotLeadConfiguration"),
    config=HubSpotConfig,
    open=_open,
    kinds=(HubSpotKind,),
    guide=GUIDE,
    codes=(ErrorCodes(system="HubSpot", words=("hubspot",), named=CODES, statuses=STATUSES),),
    expiring=("accessToken",),
    reads_back=_reads_back,
    if_not_found=HubSpotKind.TEST_LEAD_NOT_FOUND,
)
