"""Calling an Azure SDK over the guarded session, and what its errors mean. Shared by Table and Blob."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from http.client import HTTPException
from typing import Any, Final, cast

from azure.core.credentials import AzureNamedKeyCredential, AzureSasCredential
from azure.core.exceptions import AzureError, HttpResponseError
from azure.core.pipeline.transport import AioHttpTransport
from azure.core.rest import HttpResponse
from azure.data.tables import RequestTooLargeError

from leadkeeper.catalogue import diagnose
from leadkeeper.destinations.azure_storage.account import StorageAccount
from leadkeeper.destinations.azure_storage.diagnoses import AzureStorageKind
from leadkeeper.destinations.azure_storage.errors import Failure, diagnose_storage, network_error, read_storage_error
from leadkeeper.diagnosis import Diagnosis, Evidence, Kind, Outcome
from leadkeeper.lead import OutgoingLead
from leadkeeper.network.client import NETWORK_ERRORS, Network, diagnose_network
from leadkeeper.network.trouble import about_chosen_host
from leadkeeper.texts import lazy_gettext

_SILENT: Final = logging.getLogger(f"{__name__}.sdk")
"""For the SDK, which would log the address and the headers of every request."""

_SILENT.setLevel(logging.CRITICAL + 1)
logging.getLogger("azure").setLevel(logging.CRITICAL + 1)  # it warns of answers that become diagnoses here

_PARSING: Final = (ValueError, TypeError, LookupError, AttributeError, RecursionError, HTTPException)
"""What the SDK raises over answers that no storage service gives."""

FOREIGN_HOST: Final = diagnose(
    Kind.ADDRESS_REFUSED,
    Evidence(
        text=lazy_gettext(
            "The endpoint in the connection string is not one of Azure, nor a host that the operator allows."
        )
    ),
)
"""The answer for an account whose endpoint nobody allowed."""


def sdk_options(network: Network) -> dict[str, Any]:
    """What every client of the SDK is made with: our session, no retries, redirects or logging of its own."""
    return {
        "transport": AioHttpTransport(
            session=network.session,
            session_owner=False,
            use_env_settings=False,
            connection_timeout=network.policy.connect_seconds,
            read_timeout=network.policy.total_seconds,
        ),
        "retry_total": 0,
        "permit_redirects": False,
        "logger": _SILENT,
        "user_agent_use_env": False,
    }


def sdk_credential(account: StorageAccount) -> AzureNamedKeyCredential | AzureSasCredential:
    """What a client of the SDK signs its requests with: the account's key, or its shared access signature."""
    if account.key is not None:
        return AzureNamedKeyCredential(account.name or "", account.key)
    return AzureSasCredential(account.sas or "-")


class StorageCalls:
    """Does things with the SDK on behalf of one account. ``now`` gives the time in seconds since 1970."""

    def __init__(self, account: StorageAccount, network: Network, now: Callable[[], float]) -> None:
        self._account = account
        self._network = network
        self._now = now

    async def do(self, call: Callable[[], Awaitable[object]], leads: Sequence[OutgoingLead] = ()) -> Failure | None:
        """Do one thing with the SDK, within the network's total time; why it failed, or ``None``."""
        try:
            async with asyncio.timeout(self._network.seconds_for_one()):
                await call()
        except (AzureError, *NETWORK_ERRORS, *_PARSING) as error:
            return self._failure(error, leads)
        return None

    def _failure(self, error: Exception, leads: Sequence[OutgoingLead]) -> Failure:
        refused = _refusal(error)
        if refused is not None:
            response = cast("HttpResponse", refused.response)
            status = 413 if isinstance(refused, RequestTooLargeError) else response.status_code
            answer = read_storage_error(status, response.headers, response.content, now=self._now())
            return Failure(diagnose_storage(answer, leads, self._account.secrets), answer.code, answer.index)
        network = network_error(error)
        if network is not None:
            return Failure(about_account(diagnose_network(network)))
        evidence = Evidence(code=type(error).__name__)
        return Failure(diagnose(Kind.ANSWER_NOT_UNDERSTOOD, evidence, outcome=Outcome.AMBIGUOUS))


def _refusal(error: BaseException) -> HttpResponseError | None:
    """The SDK's error that holds the service's answer: ``error``, or the one over whose words the SDK stumbled."""
    link: BaseException | None = error
    while isinstance(link, _PARSING):
        link = link.__context__
    return link if isinstance(link, HttpResponseError) and link.response is not None else None


def about_account(diagnosis: Diagnosis) -> Diagnosis:
    """A host name that does not exist is an account that does not: each account has its own name."""
    return about_chosen_host(diagnosis, AzureStorageKind.ACCOUNT_NOT_FOUND)
