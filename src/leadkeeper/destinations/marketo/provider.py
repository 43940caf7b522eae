"""Marketo as a destination: what the rest of the program knows of it, and how it is opened."""

from __future__ import annotations

from typing import Final

from leadkeeper.destinations.interface import (
    Adapter,
    Config,
    Context,
    ErrorCodes,
    IngestionNames,
    MicrosoftNames,
    Provider,
)
from leadkeeper.destinations.marketo.diagnoses import MarketoKind
from leadkeeper.destinations.marketo.errors import CODES, STATUSES
from leadkeeper.destinations.marketo.guide import GUIDE
from leadkeeper.destinations.marketo.settings import MarketoConfig


def _open(config: Config, context: Context) -> Adapter:
    from leadkeeper.destinations.marketo.form import MarketoForm
    from leadkeeper.destinations.marketo.rest import MarketoRestApi

    assert isinstance(config, MarketoConfig)
    owner = "" if context.quota is None else context.quota.owner
    line = MarketoRestApi if config.rest else MarketoForm
    return line(config, context.network, context.now, owner, context.carrying)


def _reads_back(config: Config) -> bool:
    return isinstance(config, MarketoConfig) and config.rest


MARKETO: Final = Provider(
    name="marketo",
    title="Marketo",
    microsoft=MicrosoftNames(
        "marketo",
        "marketoLeadConfiguration",
        "Marketo",
        "marketoLeadConfiguration",
        settings={"munchkinaccountid": "munchkinId"},
        ingestion=IngestionNames(
            "MarketoLeadConfiguration",
            {"serverID": "serverId", "munchkinAccountID": "munchkinId", "formID": "formId"},
        ),
    ),
    config=MarketoConfig,
    open=_open,
    kinds=(MarketoKind,),
    guide=GUIDE,
    codes=(ErrorCodes(system="Marketo", words=("marketo",), numbers=CODES, statuses=STATUSES),),
    expiring=("clientSecret",),
    reads_back=_reads_back,
    if_not_found=MarketoKind.TEST_LEAD_NOT_FOUND,
)
