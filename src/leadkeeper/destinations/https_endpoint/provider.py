"""HTTPS endpoint as a destination: what the rest of the program knows of it, and how it is opened."""

from __future__ import annotations

from typing import Final

from leadkeeper.destinations.https_endpoint.diagnoses import HttpsEndpointKind
from leadkeeper.destinations.https_endpoint.errors import CODES, STATUSES
from leadkeeper.destinations.https_endpoint.guide import GUIDE
from leadkeeper.destinations.https_endpoint.settings import HttpsEndpointConfig
from leadkeeper.destinations.interface import (
    Adapter,
    Config,
    Context,
    ErrorCodes,
    IngestionNames,
    MicrosoftNames,
    Provider,
)
from leadkeeper.texts import lazy_gettext


def _open(config: Config, context: Context) -> Adapter:
    from leadkeeper.destinations.https_endpoint.adapter import HttpsEndpoint

    assert isinstance(config, HttpsEndpointConfig)
    return HttpsEndpoint(config, context.network, context.now)


HTTPS_ENDPOINT: Final = Provider(
    name="https_endpoint",
    title=lazy_gettext("HTTPS endpoint"),
    microsoft=MicrosoftNames(
        "httpsEndpoint",
        "httpsEndpointLeadConfiguration",
        "HttpsEndpoint",
        "httpsEndpointLeadConfiguration",
        spellings=("https",),
        settings={"httpsendpointuri": "httpsEndpointUrl", "uri": "httpsEndpointUrl", "url": "httpsEndpointUrl"},
        ingestion=IngestionNames("HttpsEndpointLeadConfiguration", {"httpsEndpointUri": "httpsEndpointUrl"}),
    ),
    config=HttpsEndpointConfig,
    open=_open,
    kinds=(HttpsEndpointKind,),
    guide=GUIDE,
    codes=(
        ErrorCodes(system="HTTPS endpoint", words=("webhook", "flow"), statuses=STATUSES),
        ErrorCodes(system="Power Automate", words=("flow",), named=CODES),
    ),
    expiring=("httpsEndpointUrl",),
    if_not_found=HttpsEndpointKind.ENDPOINT_LEAD_NOT_FOUND,
)
