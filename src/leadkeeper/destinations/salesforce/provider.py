"""Salesforce as a destination: what the rest of the program knows of it, and how it is opened."""

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
from leadkeeper.destinations.salesforce.diagnoses import SalesforceKind
from leadkeeper.destinations.salesforce.errors import CODES, SIGN_IN, STATUSES
from leadkeeper.destinations.salesforce.guide import GUIDE
from leadkeeper.destinations.salesforce.settings import SalesforceConfig


def _open(config: Config, context: Context) -> Adapter:
    from leadkeeper.destinations.salesforce.rest import SalesforceRestApi
    from leadkeeper.destinations.salesforce.web import WebToLead
    from leadkeeper.destinations.salesforce.web_confirmed import ConfirmedWebToLead

    assert isinstance(config, SalesforceConfig)
    if config.rest:
        return SalesforceRestApi(config, context.network, context.now)
    if config.confirms:
        return ConfirmedWebToLead(config, context.network, context.quota, context.now)
    return WebToLead(config, context.network, context.quota, context.now)


def _reads_back(config: Config) -> bool:
    return isinstance(config, SalesforceConfig) and (config.rest or config.confirms)


SALESFORCE: Final = Provider(
    name="salesforce",
    title="Salesforce",
    microsoft=MicrosoftNames(
        "salesforce",
        "salesforceLeadConfiguration",
        "Salesforce",
        "salesForceLeadConfiguration",
        ingestion=IngestionNames("SalesForceLeadConfiguration", {"objectIdentifier": "objectIdentifier"}),
    ),
    config=SalesforceConfig,
    open=_open,
    kinds=(SalesforceKind,),
    guide=GUIDE,
    codes=(ErrorCodes(system="Salesforce", words=("salesforce",), named=CODES, sign_in=SIGN_IN, statuses=STATUSES),),
    expiring=("clientSecret",),
    reads_back=_reads_back,
    if_not_found=SalesforceKind.TEST_LEAD_NOT_FOUND,
    account=("webToLeadHost", "objectIdentifier"),
)
