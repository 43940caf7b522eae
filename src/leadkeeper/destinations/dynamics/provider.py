"""Dynamics 365 as a destination: what the rest of the program knows of it, and how it is opened."""

from __future__ import annotations

from typing import Final

from leadkeeper.destinations.dynamics.diagnoses import DynamicsKind
from leadkeeper.destinations.dynamics.errors import CODES, STATUSES
from leadkeeper.destinations.dynamics.guide import GUIDE
from leadkeeper.destinations.dynamics.settings import DynamicsConfig
from leadkeeper.destinations.dynamics.sign_in_diagnoses import SIGNED_IN_TO, DynamicsSignInKind
from leadkeeper.destinations.interface import (
    Adapter,
    Config,
    Context,
    ErrorCodes,
    IngestionNames,
    MicrosoftNames,
    Provider,
)
from leadkeeper.network.entra import errors as entra


def _open(config: Config, context: Context) -> Adapter:
    from leadkeeper.destinations.dynamics.adapter import Dynamics

    assert isinstance(config, DynamicsConfig)
    return Dynamics(config, context.network, context.now, context.clock)


_CODES: Final = (
    ErrorCodes(
        system="Dynamics 365",
        words=("dynamics", "dataverse", "crm"),
        statuses={status: verdict.kind for status, verdict in STATUSES.items()},
        hex={code: verdict.kind for code, verdict in CODES.items()},
    ),
    ErrorCodes(
        system=entra.SYSTEM,
        words=("dynamics", "crm", "entra", "aad"),
        sign_in=entra.errors_of(SIGNED_IN_TO),
        numbers={f"AADSTS{code}": kind for code, kind in entra.numbers_of(SIGNED_IN_TO).items()},
    ),
)

DYNAMICS: Final = Provider(
    name="dynamics",
    title="Dynamics 365",
    microsoft=MicrosoftNames(
        "dynamics",
        "dynamicsLeadConfiguration",
        "DynamicsCRM",
        "crmLeadConfiguration",
        spellings=("crm", "dynamicscrmonline", "dynamics365"),
        keys=("dynamicsleadconfiguration",),
        settings={"uri": "instanceUrl", "url": "instanceUrl"},
        ingestion=IngestionNames(
            "DynamicsCustomerRelationshipManagementLeadConfiguration",
            {
                "uri": "instanceUrl",
                "authentication": "authentication",
                "userName": "username",
                "password": "password",
                "applicationID": "applicationId",
                "applicationKey": "applicationKey",
                "directoryID": "directoryId",
            },
        ),
    ),
    config=DynamicsConfig,
    open=_open,
    kinds=(DynamicsKind, DynamicsSignInKind),
    guide=GUIDE,
    codes=_CODES,
    expiring=("applicationKey", "password"),
    reads_back=lambda _: True,
)
